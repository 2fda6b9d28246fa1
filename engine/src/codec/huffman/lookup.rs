//! Tables that say which symbols come next, up to three at a time.

use super::symbol::{BASES, EXACT, EXTRA_BITS};
use super::table::CodeLengths;
use super::{CODE_BITS_MAX, SYMBOLS};
use crate::bytes::unzigzag;

/// Values of the next [`CODE_BITS_MAX`] bits.
pub const ENTRIES: usize = 1 << CODE_BITS_MAX;
/// One in so many symbols is short enough that another may fit beside it, where it is tried.
const SHORT_SHARE: usize = 2;
/// Symbols found by one lookup at the most: each has a byte of an entry.
pub const PLACES: usize = 3;

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

/// From the lowest bit: six bits, how many bits the codes take together; two, how many codes these
/// are; a byte each, the places of their symbols.
pub type Entry = u32;

/// Bits that the codes of an entry take.
#[inline(always)]
pub fn entry_bits(entry: Entry) -> u32 {
    entry & 63
}

/// How many codes an entry has.
#[inline(always)]
pub fn entry_count(entry: Entry) -> usize {
    (entry >> 6 & 3) as usize
}

/// The places of an entry's symbols, one behind the other; what is behind the last is of no use.
#[inline(always)]
pub fn entry_places(entry: Entry) -> [u8; 4] {
    (entry >> 8).to_le_bytes()
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
    /// Whether bits follow so seldom that it pays to look for numbers without any.
    pub seldom: bool,
    /// The most bits that follow one.
    pub extra_max: u32,
}

/// Bits that follow one in so many numbers follow seldom.
const SELDOM_SHARE: u32 = 32;

impl Meanings {
    fn of(ranked: &Ranked) -> Meanings {
        let mut list = [Meaning::default(); 256];
        let (mut space, mut extra_max) = (0, 0);
        for (meaning, &symbol) in list.iter_mut().zip(ranked.symbols()) {
            *meaning = Meaning::of(usize::from(symbol));
            extra_max = extra_max.max(meaning.extra);
        }
        for (length, meaning) in ranked.lengths().zip(&list) {
            space += if meaning.extra > 0 { ENTRIES as u32 >> length } else { 0 };
        }
        Meanings { list, seldom: space * SELDOM_SHARE <= ENTRIES as u32, extra_max }
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
        // What is followed by bits comes behind all others.
        if lengths.0[EXACT..].iter().all(|&length| length == 0) {
            let number = |_, symbol: u16| unzigzag(u64::from(symbol)) as u8;
            return Lookup::Numbers(Entries::One(one(&ranked, number)));
        }
        if ranked.count > 256 {
            return Lookup::Many(symbols(lengths));
        }
        let entries = one(&ranked, |place, _| place as u8);
        Lookup::Meanings(Entries::One(entries), Box::new(Meanings::of(&ranked)))
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
    count: usize,
    /// How many have each length.
    of_length: [u16; CODE_BITS_MAX as usize + 1],
}

impl Ranked {
    fn of(lengths: &CodeLengths) -> Ranked {
        let mut of_length = [0u16; 16];
        lengths.0.iter().for_each(|&length| of_length[usize::from(length & 15)] += 1);
        of_length[0] = 0;
        let (mut next, mut count) = ([0u16; 16], 0);
        for (next, of_length) in next.iter_mut().zip(of_length) {
            *next = count;
            count += of_length;
        }
        let mut symbols = [0; SYMBOLS];
        for (symbol, &length) in (0..).zip(&lengths.0) {
            if length > 0 {
                let place = &mut next[usize::from(length & 15)];
                symbols[usize::from(*place)] = symbol;
                *place += 1;
            }
        }
        let of_length = std::array::from_fn(|length| of_length[length]);
        Ranked { symbols, count: usize::from(count), of_length }
    }

    fn symbols(&self) -> &[u16] {
        &self.symbols[..self.count]
    }

    /// The length of each.
    fn lengths(&self) -> impl Iterator<Item = usize> {
        let each = self.of_length.iter().enumerate();
        each.flat_map(|(length, &count)| std::iter::repeat_n(length, usize::from(count)))
    }
}

/// The table of one symbol at a time. A table for codes of up to so many bits is made of that for one
/// bit less, twice, and the codes that have just so many.
fn one(ranked: &Ranked, place: impl Fn(usize, u16) -> u8) -> Box<[u16; ENTRIES]> {
    let mut one = Box::new([0; ENTRIES]);
    let (mut code, mut at) = (0u16, 0);
    for length in 1..=u16::from(CODE_BITS_MAX) {
        let half = ENTRIES >> (u16::from(CODE_BITS_MAX) + 1 - length);
        one.copy_within(..half, half);
        code <<= 1;
        for _ in 0..ranked.of_length[usize::from(length)] {
            let slot = usize::from(code.reverse_bits() >> (16 - length));
            one[slot % ENTRIES] = u16::from(place(at, ranked.symbols[at])) << 8 | length;
            code = code.wrapping_add(1);
            at += 1;
        }
    }
    one
}

fn several(one: &[u16; ENTRIES]) -> Entries {
    let mut several = Box::new([0; ENTRIES]);
    for (bits, entry) in several.iter_mut().enumerate() {
        let mut taken = 0;
        for count in 0..PLACES {
            // Of what is behind the bits known, only a code that ends within them is known.
            let next = u32::from(one[bits >> taken]);
            if taken + (next & 63) > u32::from(CODE_BITS_MAX) {
                break;
            }
            taken += next & 63;
            *entry += 1 << 6 | (next >> 8) << (8 + 8 * count);
        }
        *entry |= taken;
    }
    Entries::Several(several)
}
