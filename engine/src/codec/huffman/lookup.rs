//! Tables that say which symbols come next, up to three at a time.

use super::symbol::{BASES, EXTRA_BITS, extra_bits};
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
    Meanings(Entries, Box<[Meaning; 256]>),
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

impl Meaning {
    fn of(symbol: usize) -> Meaning {
        let number = unzigzag(BASES[symbol]) as u64;
        Meaning { number, extra: u32::from(EXTRA_BITS[symbol]) }
    }
}

impl Lookup {
    /// The table of a code.
    pub fn new(lengths: &CodeLengths) -> Lookup {
        let used: Vec<usize> = (0..SYMBOLS).filter(|&symbol| lengths.0[symbol] > 0).collect();
        if used.iter().all(|&symbol| extra_bits(symbol) == 0) {
            let number = |_, symbol: usize| unzigzag(symbol as u64) as u8;
            return Lookup::Numbers(Entries::One(one(lengths, &used, number)));
        }
        if used.len() > 256 {
            return Lookup::Many(symbols(lengths));
        }
        let mut meanings = Box::new([Meaning::default(); 256]);
        for (meaning, &symbol) in meanings.iter_mut().zip(&used) {
            *meaning = Meaning::of(symbol);
        }
        Lookup::Meanings(Entries::One(one(lengths, &used, |place, _| place as u8)), meanings)
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

fn one(
    lengths: &CodeLengths,
    used: &[usize],
    place: impl Fn(usize, usize) -> u8,
) -> Box<[u16; ENTRIES]> {
    let mut one = Box::new([0; ENTRIES]);
    let codes = lengths.codes();
    for (at, &symbol) in used.iter().enumerate() {
        let (code, length) = (usize::from(codes[symbol]), lengths.0[symbol]);
        let entry = u16::from(place(at, symbol)) << 8 | u16::from(length);
        one[code..].iter_mut().step_by(1 << length).for_each(|slot| *slot = entry);
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
