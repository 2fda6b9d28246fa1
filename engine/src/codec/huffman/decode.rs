//! Reads numbers in a code: the places of their symbols first, from all ends of their bytes at
//! once, so that the processor always has several lookups in flight; then what they stand for.

use super::lookup::{self, ENTRIES, Entries, Entry, Lookup, Meaning, Meanings, PLACES};
use super::memo::{self, AreaBytes, Memory, Places, WITHIN};
use super::symbol::{BASES, EXTRA_BITS};
use super::{Lengths, SYMBOLS, Tables, pairs};
use crate::bytes::{Malformed, Reader, unzigzag};
use crate::codec::bits::SLACK_BYTES;
use crate::codec::vectors::twice;
use crate::limits::RUN_ROWS_MAX;

/// Lookups from one load of eight bytes: their codes are within 56 bits.
const LOOKUPS: usize = 5;
/// The highest bit of a word under way: how far it came down is how many bits were taken.
const MARK: u64 = 1 << 63;

/// What a stream says of its code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The number of its table.
    pub table: u8,
    /// What numbers are counted from.
    pub base: u64,
    /// How the bytes of its pairs are told.
    pub lengths: Lengths,
}

/// Fills `out` with numbers from the bytes behind `reader`, which go on for at least
/// [`SLACK_BYTES`] behind them.
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    code: Code,
    out: &mut [u64],
) -> Result<(), Malformed> {
    memo::with(tables.get(code.table)?, code.table, out.len(), |lookup, memory| {
        decode_with(lookup, memory, reader, code, out)
    })
}

/// The same, but each number is added to the one before, the first to `last`.
pub fn decode_sums(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    code: Code,
    last: u64,
    out: &mut [u64],
) -> Result<(), Malformed> {
    memo::with(tables.get(code.table)?, code.table, out.len(), |lookup, memory| {
        if let Lookup::Numbers(entries) = lookup {
            return sums_with(entries, memory, reader, code, last, out);
        }
        decode_with(lookup, memory, reader, code, out)?;
        add_up(last, out);
        Ok(())
    })
}

/// Makes sums of numbers, the first with `last`.
pub fn add_up(mut last: u64, numbers: &mut [u64]) {
    for number in numbers {
        last = last.wrapping_add(*number);
        *number = last;
    }
}

twice! {
    /// Numbers with a table that is ready.
    pub(super) fn decode_with(
        lookup: &Lookup,
        memory: &mut Memory,
        reader: &mut Reader<'_>,
        code: Code,
        out: &mut [u64],
    ) -> Result<(), Malformed> {
        let Code { base, lengths, .. } = code;
        let area = Area::read(reader, out.len(), lengths, &mut memory.area)?;
        let places = &mut memory.places;
        match lookup {
            Lookup::Numbers(entries) => {
                area.places(entries, places);
                for (out, places) in area.each(out, places) {
                    for (number, &place) in out.iter_mut().zip(places) {
                        *number = base.wrapping_add(place as i8 as u64);
                    }
                }
                Ok(())
            }
            Lookup::Meanings(entries, meanings) => {
                area.places(entries, places);
                let mut padded = [0; 2 * WINDOW];
                let mut bytes = reader.rest();
                if let Some(window) = padded.get_mut(..bytes.len()) {
                    window.copy_from_slice(bytes);
                    bytes = &padded;
                }
                let mut bits = Bits { bytes, at: 0, base };
                for (out, places) in area.each(out, places) {
                    match meanings.extra_max {
                        0..=14 => bits.numbers::<4, false>(places, meanings, out),
                        15..=28 => bits.numbers::<2, false>(places, meanings, out),
                        29..=57 => bits.numbers::<1, false>(places, meanings, out),
                        _ => bits.numbers::<1, true>(places, meanings, out),
                    }
                }
                reader.take(bits.at.div_ceil(8))?;
                Ok(())
            }
            Lookup::Many(entries) => area.plain(entries, reader, base, out),
        }
    }

    /// The same as sums, each with the one before, the first with `last`.
    fn sums_with(
        entries: &Entries,
        memory: &mut Memory,
        reader: &mut Reader<'_>,
        code: Code,
        last: u64,
        out: &mut [u64],
    ) -> Result<(), Malformed> {
        let area = Area::read(reader, out.len(), code.lengths, &mut memory.area)?;
        area.places(entries, &mut memory.places);
        let mut last = last;
        for (out, places) in area.each(out, &memory.places) {
            for (number, &place) in out.iter_mut().zip(places) {
                last = last.wrapping_add(code.base.wrapping_add(place as i8 as u64));
                *number = last;
            }
        }
        Ok(())
    }
}

/// The codes of a stream.
struct Area<'a> {
    bytes: &'a AreaBytes,
    /// Bytes of the first pair of ends, and of all.
    middle: usize,
    end: usize,
    pairs: usize,
    /// Numbers of each lane; none of the last two if there is one pair.
    counts: [usize; 4],
}

impl<'a> Area<'a> {
    fn read(
        reader: &mut Reader<'_>,
        numbers: usize,
        told: Lengths,
        memory: &'a mut AreaBytes,
    ) -> Result<Area<'a>, Malformed> {
        if numbers > RUN_ROWS_MAX {
            // No run has so many, and memory is made for one.
            return Err(reader.malformed());
        }
        let pairs = pairs(numbers);
        let mut lengths = [0; 2];
        for pair in 0..pairs {
            let length = match told {
                Lengths::Difference if pair > 0 => {
                    (lengths[0] as u64).wrapping_add(reader.signed()? as u64)
                }
                _ => reader.varint()?,
            };
            lengths[pair] = usize::try_from(length).unwrap_or(usize::MAX);
            // No code is longer than eleven bits.
            if lengths[pair] > 2 * numbers + 2 {
                return Err(reader.malformed());
            }
        }
        let area = reader.take(lengths[0] + lengths[1])?;
        memory.replace(area);
        let first = numbers.div_ceil(pairs);
        let of = |pair: usize| [pair.div_ceil(2), pair / 2];
        let ([one, two], [three, four]) = (of(first), of(numbers - first));
        let counts = [one, two, three, four];
        Ok(Area { bytes: memory, middle: lengths[0], end: area.len(), pairs, counts })
    }

    fn lanes(&self) -> [Lane; 4] {
        let Area { middle, end, .. } = *self;
        [Lane::up(0), Lane::down(middle), Lane::up(middle), Lane::down(end)]
    }

    /// Fills the places of all symbols, lane by lane, [`Area::room`] for each.
    #[inline(always)]
    fn places(&self, entries: &Entries, places: &mut Places) {
        let ([one, two, three, four], room) = (self.lanes(), self.room());
        match (entries, self.pairs) {
            (Entries::One(entries), 1) => each_one([one, two], room, entries, self.bytes, places),
            (Entries::One(entries), _) => {
                each_one([one, two, three, four], room, entries, self.bytes, places);
            }
            (Entries::Several(entries), 1) => {
                let counts = [self.counts[0], self.counts[1]];
                several([one, two], counts, room, entries, self.bytes, places);
            }
            (Entries::Several(entries), _) => {
                let lanes = [one, two, three, four];
                several(lanes, self.counts, room, entries, self.bytes, places);
            }
        }
    }

    /// Places from the begin of one lane to that of the next: whole rounds, and some behind them.
    fn room(&self) -> usize {
        (self.counts[0].div_ceil(LOOKUPS) + PLACES + 1) * LOOKUPS
    }

    /// The numbers of each lane and their places.
    #[inline(always)]
    fn each<'b>(
        &self,
        out: &'b mut [u64],
        places: &'b Places,
    ) -> impl Iterator<Item = (&'b mut [u64], &'b [u8])> {
        let [one, two, three, _] = self.counts;
        let (first, rest) = out.split_at_mut(one);
        let (second, rest) = rest.split_at_mut(two);
        let (third, fourth) = rest.split_at_mut(three);
        let lanes = [first, second, third, fourth].into_iter();
        lanes.zip(places.chunks(self.room())).map(|(out, places)| {
            let places = &places[..out.len()];
            (out, places)
        })
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
                lane.take(usize::from(entry & 15));
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
    /// Up: the next bit. Down: eight times the place of the next eight bytes, and seven minus the bits
    /// taken of their last. It may be anywhere, even below zero, once all are read.
    bit: usize,
    down: bool,
}

impl Lane {
    fn up(start: usize) -> Lane {
        Lane { bit: 8 * (SLACK_BYTES + start), down: false }
    }

    fn down(end: usize) -> Lane {
        Lane { bit: 8 * end + 7, down: true }
    }

    /// The next bits, 56 at least. Anything, if they are not there.
    #[inline(always)]
    fn load(&self, bytes: &AreaBytes) -> u64 {
        let word = bytes.eight(self.bit / 8);
        if self.down { word.swap_bytes() >> (!self.bit % 8) } else { word >> (self.bit % 8) }
    }

    #[inline(always)]
    fn take(&mut self, bits: usize) {
        let bit = if self.down { self.bit.wrapping_sub(bits) } else { self.bit.wrapping_add(bits) };
        self.bit = bit;
    }
}

/// The next bits of each lane, and a mark above them.
#[inline(always)]
fn load<const LANES: usize>(lanes: &[Lane; LANES], bytes: &AreaBytes) -> [u64; LANES] {
    // A loop, not a `map`: that would be a call, and of a function for any processor.
    let mut words = [MARK; LANES];
    for (word, lane) in words.iter_mut().zip(lanes) {
        *word |= lane.load(bytes);
    }
    words
}

/// Some lookups from each lane in turn, each of one symbol.
#[expect(clippy::needless_range_loop, reason = "several lists are filled in step")]
#[inline(always)]
fn each_one<const LANES: usize>(
    mut lanes: [Lane; LANES],
    room: usize,
    entries: &[u16; ENTRIES],
    bytes: &AreaBytes,
    places: &mut Places,
) {
    let mut chunks = places[..LANES * room].chunks_mut(room);
    let mut lists: [&mut [[u8; LOOKUPS]]; LANES] = [(); LANES].map(|()| &mut [][..]);
    for list in &mut lists {
        *list = chunks.next().unwrap_or_default().as_chunks_mut().0;
    }
    let rounds = room / LOOKUPS - (PLACES + 1);
    for round in 0..rounds {
        let mut words = load(&lanes, bytes);
        for place in 0..LOOKUPS {
            for at in 0..LANES {
                let entry = entries[words[at] as usize % ENTRIES];
                words[at] >>= entry & 63;
                lists[at][round][place] = (entry >> 8) as u8;
            }
        }
        for (lane, word) in lanes.iter_mut().zip(words) {
            lane.take(word.leading_zeros() as usize);
        }
    }
}

/// Some lookups from each lane in turn, each of one or more symbols.
#[inline(always)]
fn several<const LANES: usize>(
    mut lanes: [Lane; LANES],
    counts: [usize; LANES],
    room: usize,
    entries: &[Entry; ENTRIES],
    bytes: &AreaBytes,
    places: &mut Places,
) {
    let mut next: [usize; LANES] = std::array::from_fn(|at| at * room);
    let ends: [usize; LANES] = std::array::from_fn(|at| at * room + counts[at]);
    while (0..LANES).any(|at| next[at] < ends[at]) {
        // A lane that is done goes on behind its end until the others are.
        for at in 0..LANES {
            next[at] = next[at].min(ends[at]);
        }
        let mut words = load(&lanes, bytes);
        for _ in 0..LOOKUPS {
            for at in 0..LANES {
                let entry = entries[words[at] as usize % ENTRIES];
                words[at] >>= lookup::entry_bits(entry);
                let start = next[at] % WITHIN;
                places[start..start + 8].copy_from_slice(&lookup::entry_places(entry));
                next[at] += lookup::entry_count(entry);
            }
        }
        for (lane, word) in lanes.iter_mut().zip(words) {
            lane.take(word.leading_zeros() as usize);
        }
    }
}

#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Where bits follow no more numbers than one in so many, it pays to look for them.
const SELDOM_SHARE: usize = 3;
/// Numbers among which those are looked for together.
const TOGETHER: usize = 64;
/// Bytes of one load, and of the one behind them.
const WINDOW: usize = 9;

/// Bits that follow symbols.
struct Bits<'a> {
    /// They and what is behind them, a window at least.
    bytes: &'a [u8],
    at: usize,
    /// What all numbers are counted from.
    base: u64,
}

impl Bits<'_> {
    /// Fills `out`. `AT_ONCE` numbers are read from one load of eight bytes, of which 57 bits are
    /// theirs, wherever they begin; `NINE` if those of one may lie in nine.
    #[inline(always)]
    fn numbers<const AT_ONCE: usize, const NINE: bool>(
        &mut self,
        places: &[u8],
        meanings: &Meanings,
        out: &mut [u64],
    ) {
        let (eights, rest) = places.as_chunks::<8>();
        let mut count = rest.iter().filter(|&&place| lookup::is_followed(place)).count();
        for eight in eights {
            count += lookup::followed(*eight).count_ones() as usize;
        }
        if count * SELDOM_SHARE > places.len() {
            return self.dense::<AT_ONCE, NINE>(places, meanings, out);
        }
        // All as if no bits followed, then those again that some do.
        let mut bit = self.at;
        for (out, places) in out.chunks_mut(TOGETHER).zip(places.chunks(TOGETHER)) {
            for (number, &place) in out.iter_mut().zip(places) {
                *number = self.base.wrapping_add(place as i8 as u64);
            }
            let mut left = followed(places);
            while left != 0 {
                let at = left.trailing_zeros() as usize;
                left &= left - 1;
                let Meaning { number: zero, extra } = meanings.list[usize::from(places[at])];
                let rest = self.load::<NINE>(bit) & ((1 << extra) - 1);
                out[at] = self.base.wrapping_add(zero ^ rest);
                bit += extra as usize;
            }
        }
        self.at = bit;
    }

    /// The same where bits follow many numbers.
    #[inline(always)]
    fn dense<const AT_ONCE: usize, const NINE: bool>(
        &mut self,
        places: &[u8],
        meanings: &Meanings,
        out: &mut [u64],
    ) {
        let mut bit = self.at;
        let (groups, rest) = out.as_chunks_mut::<AT_ONCE>();
        let (places, places_rest) = places.as_chunks::<AT_ONCE>();
        for (out, places) in groups.iter_mut().zip(places) {
            let mut word = self.load::<NINE>(bit);
            for (number, &place) in out.iter_mut().zip(places) {
                let Meaning { number: zero, extra } = meanings.list[usize::from(place)];
                *number = self.base.wrapping_add(zero ^ (word & ((1 << extra) - 1)));
                word >>= extra;
                bit += extra as usize;
            }
        }
        for (number, &place) in rest.iter_mut().zip(places_rest) {
            let Meaning { number: zero, extra } = meanings.list[usize::from(place)];
            let rest = self.load::<NINE>(bit) & ((1 << extra) - 1);
            *number = self.base.wrapping_add(zero ^ rest);
            bit += extra as usize;
        }
        self.at = bit;
    }

    /// The bits from one on: 57 at least, 64 if `NINE`. Anything, if they are not there.
    #[inline(always)]
    fn load<const NINE: bool>(&self, bit: usize) -> u64 {
        let at = (bit / 8).min(self.bytes.len() - WINDOW);
        let word = eight(self.bytes, at) >> (bit % 8);
        if !NINE {
            return word;
        }
        word | u64::from(self.bytes[at + 8]) << 1 << (63 - bit % 8)
    }
}

/// Which of up to [`TOGETHER`] places are of symbols that bits follow.
#[inline(always)]
fn followed(places: &[u8]) -> u64 {
    let (eights, rest) = places.as_chunks::<8>();
    let mut all = 0;
    for (at, &eight) in (0..).zip(eights) {
        all |= lookup::followed_of_eight(eight) << (8 * at);
    }
    for (at, &place) in (8 * eights.len()..).zip(rest) {
        all |= u64::from(lookup::is_followed(place)) << at;
    }
    all
}
