//! Tables of code lengths: what they cost, their codes, their bytes.

use super::lengths::lengths;
use super::symbol::extra_bits;
use super::{CODE_BITS_MAX, SYMBOLS};
use crate::bytes::{Malformed, Reader, put_varint};

/// Nibbles that stand for more than a length.
const UNUSED_SHORT: u8 = 12;
const REPEAT: u8 = 13;
const UNUSED_LONG: u8 = 14;

/// The code length of each symbol; 0 for one that does not occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLengths(pub [u8; SYMBOLS]);

impl CodeLengths {
    /// A complete code for the symbols counted.
    pub fn of(counts: &[u32; SYMBOLS]) -> CodeLengths {
        CodeLengths(lengths(counts))
    }

    /// Bits of symbols by count, with those that follow; `None` if one has no code.
    pub fn cost(&self, counts: &[(u16, u32)]) -> Option<u64> {
        counts.iter().try_fold(0, |bits, &(symbol, count)| {
            let length = u32::from(self.0[usize::from(symbol)]);
            let each = u64::from(length + extra_bits(usize::from(symbol)));
            (length > 0).then_some(bits + each * u64::from(count))
        })
    }

    /// The code of each symbol, first bit lowest.
    pub fn codes(&self) -> [u16; SYMBOLS] {
        let mut codes = [0; SYMBOLS];
        let mut next = 0u16;
        for length in 1..=CODE_BITS_MAX {
            for symbol in (0..SYMBOLS).filter(|&symbol| self.0[symbol] == length) {
                codes[symbol] = next.reverse_bits() >> (16 - length);
                next = next.wrapping_add(1);
            }
            next <<= 1;
        }
        codes
    }

    /// Appends the lengths as nibbles, low one first.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let end = self.0.iter().rposition(|&length| length > 0).map_or(0, |last| last + 1);
        let mut nibbles = Vec::new();
        let mut at = 0;
        while at < end {
            let length = self.0[at];
            let same = self.0[at..end].iter().take_while(|&&other| other == length).count();
            at += match (length, same) {
                (0, 18..) => {
                    let count = same.min(273);
                    let count_less = (count - 18) as u8;
                    nibbles.extend([UNUSED_LONG, count_less & 15, count_less >> 4]);
                    count
                }
                (0, 2..) => {
                    nibbles.extend([UNUSED_SHORT, (same - 2) as u8]);
                    same
                }
                (1.., 4..) => {
                    let count = (same - 1).min(18);
                    nibbles.extend([length, REPEAT, (count - 3) as u8]);
                    count + 1
                }
                _ => {
                    nibbles.push(length);
                    1
                }
            };
        }
        out.extend(nibbles.chunks(2).map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0) << 4));
    }

    /// Reads lengths; only those of a complete code are taken.
    pub fn decode(bytes: &[u8]) -> Result<CodeLengths, Malformed> {
        let mut nibbles = bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]);
        let mut lengths = [0; SYMBOLS];
        let (mut at, mut last) = (0, 0);
        while let Some(nibble) = nibbles.next() {
            let mut next = || nibbles.next().map_or(0, usize::from);
            let (length, count) = match nibble {
                0..=CODE_BITS_MAX => (nibble, 1),
                UNUSED_SHORT => (0, next() + 2),
                REPEAT => (last, next() + 3),
                UNUSED_LONG => (0, next() + 16 * next() + 18),
                _ => return Err(Malformed { at }),
            };
            // Padding may stand behind the last.
            let count = count.min(SYMBOLS - at);
            lengths[at..at + count].fill(length);
            at += count;
            last = length;
        }
        let share = |&length: &u8| if length == 0 { 0 } else { 1u32 << (CODE_BITS_MAX - length) };
        let taken: u32 = lengths.iter().map(share).sum();
        if taken == 1 << CODE_BITS_MAX { Ok(CodeLengths(lengths)) } else { Err(Malformed { at }) }
    }
}

/// The tables of a block, as its bytes have them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tables<'a>(pub &'a [u8]);

impl<'a> Tables<'a> {
    /// Appends tables.
    pub fn encode(tables: &[CodeLengths], out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        for table in tables {
            bytes.clear();
            table.encode(&mut bytes);
            put_varint(out, bytes.len() as u64);
            out.extend_from_slice(&bytes);
        }
    }

    /// The bytes of one table.
    pub fn get(&self, number: u8) -> Result<&'a [u8], Malformed> {
        let mut reader = Reader::new(self.0);
        for _ in 0..number {
            let bytes = reader.varint()?;
            reader.take(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        }
        let bytes = reader.varint()?;
        reader.take(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}
