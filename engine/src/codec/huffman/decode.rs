//! Reads numbers in a code: the places of their symbols first, from all ends of their bytes at
//! once, so that the processor always has several lookups in flight; then what they stand for.

use super::lookup::{self, ENTRIES, Entry, Lookup, Meaning, PLACES};
use super::memo::{self, Memory};
use super::symbol::{BASES, EXTRA_BITS};
use super::{SYMBOLS, Tables, pairs};
use crate::bytes::{Malformed, Reader, unzigzag};
use crate::codec::bits::SLACK_BYTES;

/// Lookups from one load of eight bytes: their codes are within 56 bits.
const LOOKUPS: usize = 5;
/// Readable places behind those of each lane: lookups go on until all lanes are done.
const PLACES_SLACK: usize = LOOKUPS * PLACES + 1;
/// The highest bit of a word under way: how far it came down is how many bits were taken.
const MARK: u64 = 1 << 63;

/// Fills `out` with numbers from the bytes behind `reader`, which go on for at least
/// [`SLACK_BYTES`] behind them.
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    table: u8,
    base: i64,
    out: &mut [u64],
) -> Result<(), Malformed> {
    memo::with(tables.get(table)?, table, |lookup, memory| {
        decode_with(lookup, memory, reader, base as u64, out)
    })
}

/// The same with a table that is ready.
pub(super) fn decode_with(
    lookup: &Lookup,
    memory: &mut Memory,
    reader: &mut Reader<'_>,
    base: u64,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let area = Area::read(reader, out.len(), &mut memory.bytes)?;
    let places = &mut memory.places;
    match lookup {
        Lookup::Numbers(entries) => {
            area.places(entries, places);
            area.each(out, places, |out, places| {
                for (number, &place) in out.iter_mut().zip(places) {
                    *number = base.wrapping_add(place as i8 as u64);
                }
            });
            Ok(())
        }
        Lookup::Meanings(entries, meanings) => {
            area.places(entries, places);
            let mut bits = Bits { bytes: reader.rest(), at: 0, base };
            let mut whole = true;
            if meanings.iter().all(|meaning| meaning.extra <= Bits::IN_EIGHT_BYTES) {
                area.each(out, places, |out, places| {
                    whole = whole && bits.numbers::<false>(places, meanings, out);
                });
            } else {
                area.each(out, places, |out, places| {
                    whole = whole && bits.numbers::<true>(places, meanings, out);
                });
            }
            if !whole {
                return Err(reader.malformed());
            }
            reader.take(bits.at.div_ceil(8))?;
            Ok(())
        }
        Lookup::Many(entries) => area.plain(entries, reader, base, out),
    }
}

/// The codes of a stream.
struct Area<'a> {
    /// Between two times [`SLACK_BYTES`].
    bytes: &'a [u8],
    /// Bytes of the first pair of ends.
    middle: usize,
    pairs: usize,
    /// Numbers of each lane; none of the last two if there is one pair.
    counts: [usize; 4],
}

impl<'a> Area<'a> {
    fn read(
        reader: &mut Reader<'_>,
        numbers: usize,
        memory: &'a mut Vec<u8>,
    ) -> Result<Area<'a>, Malformed> {
        let pairs = pairs(numbers);
        let mut lengths = [0; 2];
        for length in &mut lengths[..pairs] {
            *length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
            // No code is longer than eleven bits.
            if *length > 2 * numbers + 2 {
                return Err(reader.malformed());
            }
        }
        let area = reader.take(lengths[0] + lengths[1])?;
        memory.clear();
        memory.extend_from_slice(&[0; SLACK_BYTES]);
        memory.extend_from_slice(area);
        memory.extend_from_slice(&[0; SLACK_BYTES]);
        let first = numbers.div_ceil(pairs);
        let of = |pair: usize| [pair.div_ceil(2), pair / 2];
        let ([one, two], [three, four]) = (of(first), of(numbers - first));
        let counts = [one, two, three, four];
        Ok(Area { bytes: memory, middle: SLACK_BYTES + lengths[0], pairs, counts })
    }

    fn lanes(&self) -> [Lane; 4] {
        let end = self.bytes.len() - SLACK_BYTES;
        let middle = self.middle;
        [Lane::up(SLACK_BYTES), Lane::down(middle), Lane::up(middle), Lane::down(end)]
    }

    /// The places of all symbols, those of a lane in a row and slack behind them.
    fn places(&self, entries: &[Entry; ENTRIES], places: &mut Vec<u8>) {
        let len = self.counts.iter().sum::<usize>() + self.counts.len() * PLACES_SLACK;
        if places.len() < len {
            places.resize(len, 0);
        }
        let (lanes, counts) = (self.lanes(), self.counts);
        if self.pairs == 1 {
            read([lanes[0], lanes[1]], [counts[0], counts[1]], entries, self.bytes, places);
        } else {
            read(lanes, counts, entries, self.bytes, places);
        }
    }

    /// Calls `work` with the numbers of each lane and their places.
    #[inline(always)]
    fn each(&self, mut out: &mut [u64], places: &[u8], mut work: impl FnMut(&mut [u64], &[u8])) {
        let mut start = 0;
        for count in self.counts {
            let (these, others) = out.split_at_mut(count);
            work(these, &places[start..start + count]);
            start += count + PLACES_SLACK;
            out = others;
        }
    }

    /// Symbol by symbol, for any code.
    fn plain(
        &self,
        entries: &[u16; ENTRIES],
        reader: &mut Reader<'_>,
        base: u64,
        out: &mut [u64],
    ) -> Result<(), Malformed> {
        let mut rest = out.iter_mut();
        for (mut lane, count) in self.lanes().into_iter().zip(self.counts) {
            for symbol in rest.by_ref().take(count) {
                let entry = entries[lane.load(self.bytes) as usize % ENTRIES];
                lane.bit += usize::from(entry & 15);
                *symbol = u64::from(entry >> 4);
            }
        }
        let extra = |symbol: u64| usize::from(EXTRA_BITS[symbol as usize % SYMBOLS]);
        let bits: usize = out.iter().map(|&symbol| extra(symbol)).sum();
        let mut padded = reader.take(bits.div_ceil(8))?.to_vec();
        padded.extend_from_slice(&[0; 2 * SLACK_BYTES]);
        let mut bit = 0;
        for number in out {
            let (base_of, extra) = (BASES[*number as usize % SYMBOLS], extra(*number));
            let word = u128::from(eight(&padded, bit / 8)) | u128::from(padded[bit / 8 + 8]) << 64;
            let word = (word >> (bit % 8)) as u64;
            let folded = base_of + ((word & ((1 << extra) - 1)) << 1);
            *number = base.wrapping_add(unzigzag(folded) as u64);
            bit += extra;
        }
        Ok(())
    }
}

/// Where codes are read, and in which direction.
#[derive(Clone, Copy)]
struct Lane {
    start: usize,
    bit: usize,
    down: bool,
}

impl Lane {
    fn up(start: usize) -> Lane {
        Lane { start, bit: 0, down: false }
    }

    fn down(start: usize) -> Lane {
        Lane { start, bit: 0, down: true }
    }

    /// The next bits, 56 at least. Anything, if they are not there.
    #[inline(always)]
    fn load(&self, bytes: &[u8]) -> u64 {
        let word = if self.down {
            let at = self.start.saturating_sub(self.bit / 8 + 8);
            eight(bytes, at).swap_bytes()
        } else {
            let at = (self.start + self.bit / 8).min(bytes.len() - 8);
            eight(bytes, at)
        };
        word >> (self.bit % 8)
    }
}

/// Fills `places` lane by lane, some lookups from each in turn.
#[inline(always)]
fn read<const LANES: usize>(
    mut lanes: [Lane; LANES],
    counts: [usize; LANES],
    entries: &[Entry; ENTRIES],
    bytes: &[u8],
    places: &mut [u8],
) {
    let mut ends = counts;
    for at in 1..LANES {
        ends[at] += ends[at - 1] + PLACES_SLACK;
    }
    let mut next: [usize; LANES] = std::array::from_fn(|at| ends[at] - counts[at]);
    while (0..LANES).any(|at| next[at] < ends[at]) {
        // A lane that is done goes on behind its end until the others are.
        next = std::array::from_fn(|at| next[at].min(ends[at]));
        let mut words = lanes.each_ref().map(|lane| lane.load(bytes) | MARK);
        for _ in 0..LOOKUPS {
            for at in 0..LANES {
                let entry = entries[words[at] as usize % ENTRIES];
                words[at] >>= lookup::entry_bits(entry);
                places[next[at]..next[at] + 4].copy_from_slice(&lookup::entry_places(entry));
                next[at] += lookup::entry_count(entry);
            }
        }
        for (lane, word) in lanes.iter_mut().zip(words) {
            lane.bit += word.leading_zeros() as usize;
        }
    }
}

#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Bits that follow symbols.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What all numbers are counted from.
    base: u64,
}

impl Bits<'_> {
    /// So many bits are in one load, wherever they begin.
    const IN_EIGHT_BYTES: u32 = 57;

    /// Fills `out`; false if there are not so many bytes. `NINE` if bits may lie in nine.
    #[inline(always)]
    fn numbers<const NINE: bool>(
        &mut self,
        places: &[u8],
        meanings: &[Meaning; 256],
        out: &mut [u64],
    ) -> bool {
        for (number, &place) in out.iter_mut().zip(places) {
            let Meaning { number: zero, extra } = meanings[usize::from(place)];
            let Some(bytes) = self.bytes.get(self.at / 8..self.at / 8 + 8) else { return false };
            let mut word = eight(bytes, 0) >> (self.at % 8);
            if NINE && extra > Self::IN_EIGHT_BYTES {
                let ninth = self.bytes.get(self.at / 8 + 8).copied().unwrap_or(0);
                word |= u64::from(ninth) << 1 << (63 - self.at % 8);
            }
            *number = self.base.wrapping_add(zero ^ (word & ((1 << extra) - 1)));
            self.at += extra as usize;
        }
        true
    }
}
