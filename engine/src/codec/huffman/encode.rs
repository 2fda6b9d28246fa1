//! Writes numbers in a code.

use super::pairs;
use super::symbol::{extra_bits, rest, symbol};
use super::table::CodeLengths;
use crate::bytes::{put_varint, zigzag};

/// Appends numbers, less `base`, in a code that has a symbol for each.
pub fn encode(code: &CodeLengths, base: i64, numbers: &[i64], out: &mut Vec<u8>) {
    let codes = code.codes();
    let (mut areas, mut extra) = (Vec::new(), BitWriter::default());
    for pair in parts(numbers, pairs(numbers.len())) {
        let mut ends = Vec::new();
        for half in parts(pair, 2) {
            let mut end = BitWriter::default();
            for number in half {
                let folded = zigzag(number.wrapping_sub(base));
                let symbol = symbol(folded);
                end.put(u64::from(codes[symbol]), u32::from(code.0[symbol]));
                let bits = extra_bits(symbol);
                if bits > 0 {
                    extra.put(rest(folded, bits), bits);
                }
            }
            ends.push(end.finish());
        }
        ends[1].reverse();
        put_varint(out, (ends[0].len() + ends[1].len()) as u64);
        areas.extend(ends);
    }
    areas.iter().for_each(|area| out.extend_from_slice(area));
    out.extend_from_slice(&extra.finish());
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
    fn put(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.filled;
        self.filled += count;
        if self.filled >= 64 {
            self.bytes.extend_from_slice(&self.word.to_le_bytes());
            self.filled -= 64;
            self.word = if self.filled == 0 { 0 } else { bits >> (count - self.filled) };
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let rest = self.word.to_le_bytes();
        self.bytes.extend_from_slice(&rest[..self.filled.div_ceil(8) as usize]);
        self.bytes
    }
}
