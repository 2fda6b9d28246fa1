//! Tables that say which symbols come next, up to six at a time.

use super::symbol::{BASES, EXACT, EXTRA_BITS};
use super::table::CodeLengths;
use super::{CODE_BITS_MAX, SYMBOLS};
use crate::bytes::unzigzag;

/// Values of the next [`CODE_BITS_MAX`] bits.
pub const ENTRIES: usize = 1 << CODE_BITS_MAX;
/// One in so many symbols is short enough that another may fit beside it, where it is tried.
const SHORT_SHARE: usize = 2;
/// Symbols found by one lookup at the most: each has a byte of an entry.
pub const PLACES: usize = 6;

/// A code, ready to decode.
pub enum Lookup {
    /// No bits follow symbols. The place of one is its number, an i8.
    Numbers(Entries),
    /// The place of a symbol is that of its meaning.
    Meanings(Entries, Box<Meanings>),
    /// More symbols than a byte can tell apart: each entry is a symbol, shifted by four, and its
    /// length.
    Many(Box<[u16; ENTRIES]>),
}

/// Symbols by the bits that come next.
pub enum Entries {
    /// One, for a start, or because codes are so long that more seldom fit: each entry is the symbol's
    /// place, shifted by eight, and its length.
    One(Box<[u16; ENTRIES]>),
    /// Several of them.
    Several(Box<[Entry; ENTRIES]>),
}

/// From the lowest byte: how many bits the codes take together; a byte each, the places of their symbols;
/// how many codes these are.
pub type Entry = u64;

/// Bits that the codes of an entry take.
#[inline(always)]
pub fn entry_bits(entry: Entry) -> u32 {
    entry as u32 & 63
}

/// How many codes an entry has.
#[inline(always)]
pub fn entry_count(entry: Entry) -> usize {
    (entry >> 56) as usize
}

/// The places of an entry's symbols, one behind the other; what is behind the last is of no use.
#[inline(always)]
pub fn entry_places(entry: Entry) -> [u8; 8] {
    // Turned, not shifted: that takes an instruction less.
    entry.rotate_right(8).to_le_bytes()
}

/// What a symbol stands for.
#[derive(Clone, Copy, Default)]
pub struct Meaning {
    /// The number, if the bits that follow are all zero.
    pub number: u64,
    /// How many bits follow: those of the number that differ.
    pub extra: u32,
}

/// What the symbols of a code stand for, by their places.
pub struct Meanings {
    pub list: [Meaning; 256],
    /// The most bits that follow one.
    pub extra_max: u32,
    followed: u8,
}

/// Symbols followed by bits for which there are places beside the numbers that are their own places.
const FOLLOWED_MAX: usize = 256 - EXACT;
/// The first of these places: as an i8 they are below -64, or 64 and more.
const FOLLOWED_FIRST: u8 = 64;

/// The place of a symbol that no bits follow: its number, an i8.
fn number_place(symbol: u16) -> u8 {
    unzigzag(u64::from(symbol)) as u8
}

/// Whether bits follow the symbol of a place.
#[inline(always)]
pub fn is_followed(place: u8) -> bool {
    // The highest two bits of a number from -64 to 63 are equal.
    (place ^ place << 1) & 0x80 != 0
}

/// A bit for each place for which that is so, the lowest for the first.
#[inline(always)]
pub fn followed_of_eight(places: [u8; 8]) -> u64 {
    // A multiplication brings the bit of byte i to place 56 + i.
    (followed(places) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// A bit in the byte of each place for which that is so.
#[inline(always)]
pub fn followed(places: [u8; 8]) -> u64 {
    let all = u64::from_le_bytes(places);
    (all ^ all << 1) & 0x8080_8080_8080_8080
}

impl Meanings {
    fn of_numbers() -> Meanings {
        let number = |place: usize| Meaning { number: place as i8 as u64, extra: 0 };
        Meanings { list: std::array::from_fn(number), extra_max: 0, followed: 0 }
    }

    /// The place of one symbol more that bits follow.
    fn add(&mut self, symbol: usize) -> u8 {
        let place = FOLLOWED_FIRST + self.followed;
        self.followed += 1;
        let meaning = Meaning::of(symbol);
        self.list[usize::from(place)] = meaning;
        self.extra_max = self.extra_max.max(meaning.extra);
        place
    }
}

impl Meaning {
    fn of(symbol: usize) -> Meaning {
        let number = unzigzag(BASES[symbol]) as u64;
        Meaning { number, extra: u32::from(EXTRA_BITS[symbol]) }
    }
}

impl Lookup {
    /// The table of a code.
    pub fn new(lengths: &CodeLengths) -> Lookup {
        let ranked = Ranked::of(lengths);
        let followed = lengths.0[EXACT..].iter().filter(|&&length| length > 0).count();
        if followed == 0 {
            return Lookup::Numbers(Entries::One(one(&ranked, number_place)));
        }
        if followed > FOLLOWED_MAX {
            return Lookup::Many(symbols(lengths));
        }
        let mut meanings = Box::new(Meanings::of_numbers());
        let entries = one(&ranked, |symbol| {
            if usize::from(symbol) < EXACT {
                return number_place(symbol);
            }
            meanings.add(usize::from(symbol))
        });
        Lookup::Meanings(Entries::One(entries), meanings)
    }

    /// Finds several symbols by one lookup from now on, if enough codes are short. That takes about as
    /// long as decoding some ten thousand numbers one by one takes longer.
    pub fn prepare_for_more(&mut self) {
        let (Lookup::Numbers(entries) | Lookup::Meanings(entries, _)) = self else { return };
        let Entries::One(one) = entries else { return };
        // A symbol comes about as often as it takes entries.
        let fits = |entry: &&u16| 2 * (**entry & 63) <= u16::from(CODE_BITS_MAX);
        if one.iter().filter(fits).count() * SHORT_SHARE >= ENTRIES {
            *entries = several(one);
        }
    }

    /// The table of a code, one symbol at a time whatever it is.
    #[cfg(test)]
    pub fn plain(lengths: &CodeLengths) -> Lookup {
        Lookup::Many(symbols(lengths))
    }
}

fn symbols(lengths: &CodeLengths) -> Box<[u16; ENTRIES]> {
    let mut table = Box::new([0; ENTRIES]);
    let codes = lengths.codes();
    for symbol in (0..SYMBOLS).filter(|&symbol| lengths.0[symbol] > 0) {
        let (code, length) = (usize::from(codes[symbol]), lengths.0[symbol]);
        for entry in table[code..].iter_mut().step_by(1 << length) {
            *entry = (symbol as u16) << 4 | u16::from(length);
        }
    }
    table
}

/// The symbols of a code, by length and then by symbol, as canonical codes ascend.
struct Ranked {
    symbols: [u16; SYMBOLS],
    /// How many have each length.
    of_length: [u16; CODE_BITS_MAX as usize + 1],
}

impl Ranked {
    fn of(lengths: &CodeLengths) -> Ranked {
        let mut of_length = [0u16; 16];
        used(lengths, |_, length| of_length[length] += 1);
        let (mut next, mut count) = ([0u16; 16], 0);
        for (next, of_length) in next.iter_mut().zip(of_length) {
            *next = count;
            count += of_length;
        }
        let mut symbols = [0; SYMBOLS];
        used(lengths, |symbol, length| {
            symbols[usize::from(next[length])] = symbol;
            next[length] += 1;
        });
        let of_length = std::array::from_fn(|length| of_length[length]);
        Ranked { symbols, of_length }
    }
}

/// Calls `each` with the symbols that have a code, ascending, and its length. Most have none: they are
/// passed over by eights.
#[inline(always)]
fn used(lengths: &CodeLengths, mut each: impl FnMut(u16, usize)) {
    for (first, lengths) in (0..).step_by(8).zip(lengths.0.chunks(8)) {
        let mut eight = [0; 8];
        eight[..lengths.len()].copy_from_slice(lengths);
        let mut left = u64::from_le_bytes(eight);
        while left != 0 {
            let at = left.trailing_zeros() / 8;
            each(first + at as u16, (left >> (8 * at)) as usize & 15);
            left &= !(0xff << (8 * at));
        }
    }
}

/// The table of one symbol at a time. A table for codes of up to so many bits is made of that for one
/// bit less, twice, and the codes that have just so many.
fn one(ranked: &Ranked, mut place: impl FnMut(u16) -> u8) -> Box<[u16; ENTRIES]> {
    let mut one = Box::new([0; ENTRIES]);
    let (mut code, mut at) = (0u16, 0);
    for length in 1..=u16::from(CODE_BITS_MAX) {
        let half = ENTRIES >> (u16::from(CODE_BITS_MAX) + 1 - length);
        one.copy_within(..half, half);
        code <<= 1;
        for _ in 0..ranked.of_length[usize::from(length)] {
            let slot = usize::from(code.reverse_bits() >> (16 - length));
            one[slot % ENTRIES] = u16::from(place(ranked.symbols[at])) << 8 | length;
            code = code.wrapping_add(1);
            at += 1;
        }
    }
    one
}

fn several(one: &[u16; ENTRIES]) -> Entries {
    let mut several = Box::new([0; ENTRIES]);
    for (bits, entry) in several.iter_mut().enumerate() {
        let (mut taken, mut count) = (0, 0);
        while count < PLACES {
            // Of what is behind the bits known, only a code that ends within them is known.
            let next = one[(bits >> taken) % ENTRIES];
            if taken + (next & 63) > u16::from(CODE_BITS_MAX) {
                break;
            }
            taken += next & 63;
            *entry |= u64::from(next >> 8) << (8 + 8 * count);
            count += 1;
        }
        *entry |= u64::from(taken) | (count as u64) << 56;
    }
    Entries::Several(several)
}
