//! Streams without structure: packed, packed with exceptions, or in a code.

use super::patched::Patched;
use super::sample::Sample;
use super::{CODED, CODED_AROUND_ZERO};
use crate::bytes::{put_signed, zigzag};
use crate::codec::bits;
use crate::codec::huffman::{self, Candidate, Coder, Lengths, SYMBOLS, symbol};

/// What naming and sharing a table costs a stream, in bits for each symbol it uses.
const SYMBOL_BITS: u64 = 4;

/// A stream, and how it is best written with and without a code.
#[derive(Clone, Debug)]
pub struct Dense {
    numbers: Vec<i64>,
    low: i64,
    width: u8,
    patched: Option<Patched>,
    plain_bytes: u64,
    /// What the code's numbers are counted from.
    middle: i64,
    counts: Vec<(u16, u32)>,
    /// About how many bits it will take.
    bits: u64,
}

impl Dense {
    /// Measures numbers, some of which are `sample`.
    pub fn new(numbers: Vec<i64>, sample: &Sample) -> Dense {
        let (low, high) = bounds(&numbers);
        let width = bits::width_for(high.wrapping_sub(low) as u64);
        let counts = Vec::new();
        let mut dense = Dense {
            numbers,
            low,
            width,
            patched: None,
            plain_bytes: 0,
            middle: 0,
            counts,
            bits: 0,
        };
        let packed = bits::packed_bytes(dense.numbers.len(), width) as u64;
        dense.plain_bytes = packed + 1 + signed_bytes(low);
        if width > 0 {
            dense.measure(sample.sorted());
        }
        dense.bits = dense.estimated();
        dense
    }

    fn measure(&mut self, sample: &[i64]) {
        let last = sample.len() - 1;
        let usual = sample[last].wrapping_sub(sample[0]) as u64;
        if bits::width_for(usual) + 2 <= self.width {
            // What lies about as far below the sample as the sample is wide is usual too.
            let floor = sample[0].saturating_sub_unsigned(usual);
            let near = self.numbers.iter().copied().filter(|&number| number >= floor);
            let usual_low = near.min().unwrap_or(self.low);
            for low in [self.low, usual_low] {
                self.patched = Patched::better(&self.numbers, low, self.plain_bytes, self.patched);
                self.plain_bytes = self.patched.map_or(self.plain_bytes, |patched| patched.bytes);
            }
        }
        let (median, spread) =
            (sample[last / 2], sample[last - last / 4].wrapping_sub(sample[last / 4]));
        // Around zero by choice: streams of one nature then use the same symbols.
        self.middle = if median.unsigned_abs() / 2 <= spread as u64 { 0 } else { median };
        self.count();
    }

    fn count(&mut self) {
        let mut counts = [0u32; SYMBOLS];
        for number in &self.numbers {
            counts[symbol(zigzag(number.wrapping_sub(self.middle)))] += 1;
        }
        let counts = (0..).zip(counts).filter(|(_, count)| *count > 0);
        self.counts.extend(counts);
    }

    /// About how many bits it will take.
    pub fn estimate(&self) -> u64 {
        self.bits
    }

    fn estimated(&self) -> u64 {
        if self.counts.is_empty() {
            return 8 * self.plain_bytes;
        }
        let share = SYMBOL_BITS * self.counts.len() as u64;
        let coded = 8 * (1 + self.head_bytes()) + huffman::estimate_bits(&self.counts) + share;
        coded.min(8 * self.plain_bytes)
    }

    fn head_bytes(&self) -> u64 {
        let base_bytes = if self.middle == 0 { 0 } else { signed_bytes(self.middle) };
        // The length of the coded bytes takes one or two; halves of the stream end apart.
        base_bytes + 2 + u64::from(self.numbers.len() > 100)
    }

    /// What a choice of codes needs to know.
    pub fn candidate(&self) -> Candidate<'_> {
        // Without counts there is nothing to gain.
        let plain_bytes = if self.counts.is_empty() { 0 } else { self.plain_bytes };
        Candidate { counts: &self.counts, plain_bytes, head_bytes: self.head_bytes() }
    }

    /// Appends the stream, in a code if there is one for it.
    pub fn write(&self, code: Option<(u8, &Coder)>, out: &mut Vec<u8>) {
        if let Some((number, code)) = code {
            let lengths = if self.middle == 0 && number < CODED - CODED_AROUND_ZERO {
                out.push(CODED_AROUND_ZERO + number);
                Lengths::Difference
            } else {
                out.push(CODED + number);
                put_signed(out, self.middle);
                Lengths::Each
            };
            return huffman::encode(code, self.middle, &self.numbers, lengths, out);
        }
        if let Some(patched) = self.patched {
            return patched.write(&self.numbers, out);
        }
        out.push(self.width);
        put_signed(out, self.low);
        let offsets = self.numbers.iter().map(|number| number.wrapping_sub(self.low) as u64);
        bits::pack(offsets, self.width, out);
    }
}

fn bounds(numbers: &[i64]) -> (i64, i64) {
    let Some(&first) = numbers.first() else { return (0, 0) };
    numbers.iter().fold((first, first), |(low, high), &n| (low.min(n), high.max(n)))
}

/// Bytes of a signed varint.
pub(super) fn signed_bytes(number: i64) -> u64 {
    u64::from(64 - (zigzag(number) | 1).leading_zeros()).div_ceil(7)
}
