//! Writes numbers in a code.

use super::symbol::{extra_bits, rest, symbol};
use super::table::CodeLengths;
use super::{Lengths, SYMBOLS, pairs};
use crate::bytes::{put_signed, put_varint, zigzag};

/// A code, ready to encode.
#[derive(Debug)]
pub struct Coder([SymbolBits; SYMBOLS]);

/// How a symbol is written.
#[derive(Clone, Copy, Debug, Default)]
struct SymbolBits {
    code: u16,
    length: u8,
    /// How many bits follow apart.
    extra: u8,
}

impl Coder {
    /// The code with these lengths.
    pub fn new(lengths: &CodeLengths) -> Coder {
        let codes = lengths.codes();
        Coder(std::array::from_fn(|symbol| SymbolBits {
            code: codes[symbol],
            length: lengths.0[symbol],
            extra: extra_bits(symbol) as u8,
        }))
    }
}

/// Appends numbers, less `base`, in a code that has a symbol for each.
pub fn encode(coder: &Coder, base: i64, numbers: &[i64], lengths: Lengths, out: &mut Vec<u8>) {
    let mut first = None;
    let (mut areas, mut extra) = (Vec::new(), BitWriter::default());
    let mut end = BitWriter::default();
    for pair in parts(numbers, pairs(numbers.len())) {
        let start = areas.len();
        for (half, down) in parts(pair, 2).zip([false, true]) {
            end.clear();
            for number in half {
                let folded = zigzag(number.wrapping_sub(base));
                let bits = coder.0[symbol(folded)];
                end.put(u64::from(bits.code), u32::from(bits.length));
                if bits.extra > 0 {
                    extra.put(rest(folded, u32::from(bits.extra)), u32::from(bits.extra));
                }
            }
            let bytes = end.finish();
            if down {
                areas.extend(bytes.iter().rev());
            } else {
                areas.extend_from_slice(bytes);
            }
        }
        let bytes = areas.len() - start;
        match (lengths, first) {
            (Lengths::Difference, Some(first)) => put_signed(out, bytes as i64 - first),
            _ => put_varint(out, bytes as u64),
        }
        first = Some(bytes as i64);
    }
    out.extend_from_slice(&areas);
    out.extend_from_slice(extra.finish());
}

/// One part, or two of which the first is not shorter.
fn parts(numbers: &[i64], count: usize) -> impl Iterator<Item = &[i64]> {
    let (first, second) = numbers.split_at(numbers.len().div_ceil(count));
    [first, second].into_iter().take(count)
}

/// Bits, lowest first.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    word: u64,
    filled: u32,
}

impl BitWriter {
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.filled;
        self.filled += count;
        if self.filled >= 64 {
            self.bytes.extend_from_slice(&self.word.to_le_bytes());
            self.filled -= 64;
            self.word = if self.filled == 0 { 0 } else { bits >> (count - self.filled) };
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        (self.word, self.filled) = (0, 0);
    }

    /// All bytes. Nothing may be put behind them.
    fn finish(&mut self) -> &[u8] {
        let rest = self.word.to_le_bytes();
        self.bytes.extend_from_slice(&rest[..self.filled.div_ceil(8) as usize]);
        &self.bytes
    }
}
