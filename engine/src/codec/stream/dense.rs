//! Streams without structure: packed, packed with exceptions, or in a code.

use super::patched::Patched;
use super::sample::Sample;
use super::{CODED, CODED_AROUND_ZERO, HIGHS_CODED};
use crate::bytes::{put_signed, zigzag};
use crate::codec::bits;
use crate::codec::huffman::{self, Candidate, Coder, Lengths, SYMBOLS, symbol};

/// What naming and sharing a table costs a stream, in bits for each symbol it uses.
const SYMBOL_BITS: u64 = 4;

/// A code must save one byte in so many, for it takes longer to read.
const CODE_SHARE: u64 = 32;
/// The same for streams of two ends, which are read at half the speed.
const SHORT_CODE_SHARE: u64 = 12;
/// Bits of magnitude that usual numbers keep where only high bits are coded: enough to tell how the
/// numbers are spread, and few enough for short codes.
const HIGH_BITS: u8 = 5;

/// In shorter streams packed low bits take more than they save.
const LOW_BITS_NUMBERS_MIN: usize = 64;
/// A list of counts takes longer than sorting so few symbols.
const COUNTED_BY_SORTING: usize = 32;

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
    /// How many low bits are packed beside the code.
    low_bits: u8,
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
            low_bits: 0,
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
        self.counts = self.counts(0);
        let far = [sample[0], sample[last]].map(|far| far.wrapping_sub(self.middle).unsigned_abs());
        let usual = bits::width_for(far[0].max(far[1]));
        // With fewer bits no symbol is followed by any.
        if (HIGH_BITS + 2..=56).contains(&usual) && self.numbers.len() >= LOW_BITS_NUMBERS_MIN {
            self.leave_low_bits(usual - HIGH_BITS);
        }
    }

    /// Packs so many low bits, unless that takes more.
    fn leave_low_bits(&mut self, low_bits: u8) {
        let whole = self.coded_bits();
        let counts = self.counts(low_bits);
        let before = std::mem::replace(&mut self.counts, counts);
        self.low_bits = low_bits;
        if self.coded_bits() > whole + whole / CODE_SHARE {
            (self.low_bits, self.counts) = (0, before);
        }
    }

    fn counts(&self, low_bits: u8) -> Vec<(u16, u32)> {
        let high = |number: &i64| zigzag(number.wrapping_sub(self.middle) >> low_bits);
        let symbols = self.numbers.iter().map(|number| symbol(high(number)));
        if self.numbers.len() < COUNTED_BY_SORTING {
            let mut symbols: Vec<u16> = symbols.map(|symbol| symbol as u16).collect();
            symbols.sort_unstable();
            let runs = symbols.chunk_by(|one, other| one == other);
            return runs.map(|run| (run[0], run.len() as u32)).collect();
        }
        let mut counts = [0u32; SYMBOLS];
        symbols.for_each(|symbol| counts[symbol] += 1);
        (0..).zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// About how many bits it will take.
    pub fn estimate(&self) -> u64 {
        self.bits
    }

    fn estimated(&self) -> u64 {
        if self.counts.is_empty() {
            return 8 * self.plain_bytes;
        }
        self.coded_bits().min(8 * self.plain_bytes)
    }

    fn coded_bits(&self) -> u64 {
        let share = SYMBOL_BITS * self.counts.len() as u64;
        8 * (1 + self.head_bytes()) + huffman::estimate_bits(&self.counts) + share
    }

    fn head_bytes(&self) -> u64 {
        let base_bytes = if self.middle == 0 { 0 } else { signed_bytes(self.middle) };
        // The length of the coded bytes takes one or two; halves of the stream end apart.
        let lows = match self.low_bits {
            0 => 0,
            bits => 3 + bits::packed_bytes(self.numbers.len(), bits) as u64,
        };
        base_bytes + 2 + u64::from(self.numbers.len() > 100) + lows
    }

    fn code_share(&self) -> u64 {
        if huffman::has_four_ends(self.numbers.len()) { CODE_SHARE } else { SHORT_CODE_SHARE }
    }

    /// What a choice of codes needs to know.
    pub fn candidate(&self) -> Candidate<'_> {
        // Without counts there is nothing to gain.
        let least = self.plain_bytes - self.plain_bytes / self.code_share();
        let plain_bytes = if self.counts.is_empty() { 0 } else { least };
        Candidate { counts: &self.counts, plain_bytes, head_bytes: self.head_bytes() }
    }

    /// Appends the stream, in a code if there is one for it.
    pub fn write(&self, code: Option<(u8, &Coder)>, out: &mut Vec<u8>) {
        if let Some((number, code)) = code {
            return match self.low_bits {
                0 => write_coded(number, code, self.middle, &self.numbers, out),
                low_bits => self.write_highs(low_bits, number, code, out),
            };
        }
        if let Some(patched) = self.patched {
            return patched.write(&self.numbers, out);
        }
        out.push(self.width);
        put_signed(out, self.low);
        let offsets = self.numbers.iter().map(|number| number.wrapping_sub(self.low) as u64);
        bits::pack(offsets, self.width, out);
    }

    fn write_highs(&self, low_bits: u8, number: u8, code: &Coder, out: &mut Vec<u8>) {
        out.extend_from_slice(&[HIGHS_CODED, low_bits]);
        put_signed(out, self.middle);
        let above = self.numbers.iter().map(|number| number.wrapping_sub(self.middle));
        let highs: Vec<i64> = above.clone().map(|above| above >> low_bits).collect();
        write_coded(number, code, 0, &highs, out);
        let mask = (1 << low_bits) - 1;
        bits::pack(above.map(|above| above as u64 & mask), low_bits, out);
    }
}

fn write_coded(number: u8, code: &Coder, base: i64, numbers: &[i64], out: &mut Vec<u8>) {
    let lengths = if base == 0 && number < CODED - CODED_AROUND_ZERO {
        out.push(CODED_AROUND_ZERO + number);
        Lengths::Difference
    } else {
        out.push(CODED + number);
        put_signed(out, base);
        Lengths::Each
    };
    huffman::encode(code, base, numbers, lengths, out);
}

fn bounds(numbers: &[i64]) -> (i64, i64) {
    let Some(&first) = numbers.first() else { return (0, 0) };
    numbers.iter().fold((first, first), |(low, high), &n| (low.min(n), high.max(n)))
}

/// Bytes of a signed varint.
pub(super) fn signed_bytes(number: i64) -> u64 {
    u64::from(64 - (zigzag(number) | 1).leading_zeros()).div_ceil(7)
}
