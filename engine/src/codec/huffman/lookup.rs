//! Tables that say which symbols come next, up to three at a time.

use super::symbol::{BASES, EXTRA_BITS, extra_bits};
use super::table::CodeLengths;
use super::{CODE_BITS_MAX, SYMBOLS};
use crate::bytes::unzigzag;

/// Values of the next [`CODE_BITS_MAX`] bits.
pub const ENTRIES: usize = 1 << CODE_BITS_MAX;
/// Symbols found by one lookup at the most: each has a byte of an entry.
pub const PLACES: usize = 3;

/// A code, ready to decode.
pub enum Lookup {
    /// No bits follow symbols. The place of one is its number, an i8.
    Numbers(Box<[Entry; ENTRIES]>),
    /// The place of a symbol is that of its meaning.
    Meanings(Box<[Entry; ENTRIES]>, Box<[Meaning; 256]>),
    /// More symbols than a byte can tell apart: each entry is a symbol, shifted by four, and its
    /// length.
    Many(Box<[u16; ENTRIES]>),
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
            return Lookup::Numbers(entries(lengths, &used, number));
        }
        if used.len() > 256 {
            return Lookup::Many(symbols(lengths));
        }
        let mut meanings = Box::new([Meaning::default(); 256]);
        for (meaning, &symbol) in meanings.iter_mut().zip(&used) {
            *meaning = Meaning::of(symbol);
        }
        Lookup::Meanings(entries(lengths, &used, |place, _| place as u8), meanings)
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

fn entries(
    lengths: &CodeLengths,
    used: &[usize],
    place: impl Fn(usize, usize) -> u8,
) -> Box<[Entry; ENTRIES]> {
    let mut single = [0; ENTRIES];
    let codes = lengths.codes();
    let mut shortest = CODE_BITS_MAX;
    for (at, &symbol) in used.iter().enumerate() {
        let (code, length) = (usize::from(codes[symbol]), lengths.0[symbol]);
        shortest = shortest.min(length);
        let entry = u32::from(place(at, symbol)) << 8 | 1 << 6 | u32::from(length);
        single[code..].iter_mut().step_by(1 << length).for_each(|slot| *slot = entry);
    }
    let mut several = Box::new(single);
    if 2 * shortest > CODE_BITS_MAX {
        return several;
    }
    for (bits, entry) in several.iter_mut().enumerate() {
        for count in 1..PLACES {
            let taken = entry_bits(*entry);
            // Of what is behind the bits known, only a code that ends within them is known.
            let next = single[bits >> taken];
            if taken + entry_bits(next) > u32::from(CODE_BITS_MAX) {
                break;
            }
            // Bits and count add up; no carry, for both stay small.
            *entry += (next & 0xff) | (next >> 8) << (8 + 8 * count);
        }
    }
    several
}
