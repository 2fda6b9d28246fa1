//! Bit packing: numbers of one width, least significant bit first, no gaps.
//!
//! A width is 0 to 56, or 64: a number of up to 56 bits always lies within eight bytes, so it is
//! read with one load. Whoever stores packed numbers leaves [`SLACK_BYTES`] readable behind them.

use super::vectors::twice;

/// Readable bytes that must follow packed numbers.
pub const SLACK_BYTES: usize = 8;

/// The width in which numbers up to `max` are packed.
pub const fn width_for(max: u64) -> u8 {
    let bits = 64 - max.leading_zeros() as u8;
    if bits > 56 { 64 } else { bits }
}

/// Whether a width may occur.
pub const fn is_width(width: u8) -> bool {
    width <= 56 || width == 64
}

/// Bytes taken by `count` numbers.
pub const fn packed_bytes(count: usize, width: u8) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends numbers, each below `2^width`.
pub fn pack(numbers: impl Iterator<Item = u64>, width: u8, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut word, mut filled) = (0u64, 0u32);
    let width = u32::from(width);
    for number in numbers {
        word |= number << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= 64;
            word = if filled == 0 { 0 } else { number >> (width - filled) };
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// The number at a position. The slice holds the packed numbers and the slack.
#[inline]
pub fn get(packed: &[u8], at: usize, width: u8) -> u64 {
    let bit = at * width as usize;
    let start = bit / 8;
    let mut bytes = [0u8; 8];
    bytes.copy_from_slice(&packed[start..start + 8]);
    let word = u64::from_le_bytes(bytes);
    if width == 64 { word } else { word >> (bit % 8) & ((1 << width) - 1) }
}

/// Calls `sink` with `count` numbers in order. The slice holds them and the slack.
#[inline]
pub fn unpack(packed: &[u8], count: usize, width: u8, mut sink: impl FnMut(u64)) {
    if width == 0 {
        return (0..count).for_each(|_| sink(0));
    }
    let packed = &packed[..packed_bytes(count, width) + SLACK_BYTES];
    for at in 0..count {
        sink(get(packed, at, width));
    }
}

twice! {
    /// Fills `out` with numbers in order, each added to `base`. The slice holds them and the slack.
    pub fn unpack_from(packed: &[u8], width: u8, base: u64, out: &mut [u64]) {
        unpack_each(packed, width, out, |slot, number| *slot = base.wrapping_add(number));
    }

    /// Adds numbers in order to those of `out`. The slice holds them and the slack.
    pub fn unpack_onto(packed: &[u8], width: u8, out: &mut [u64]) {
        unpack_each(packed, width, out, |slot, number| *slot = slot.wrapping_add(number));
    }

    /// Makes high parts of numbers the numbers: each of `out`, `width` bits higher, plus `base` and the number
    /// in order. The slice holds these and the slack.
    pub fn unpack_below(packed: &[u8], width: u8, base: u64, out: &mut [u64]) {
        unpack_each(packed, width, out, |slot, number| {
            *slot = base.wrapping_add(*slot << width).wrapping_add(number);
        });
    }

    /// The same, and each is added to the one before, the first to `last`.
    pub fn unpack_sums_below(packed: &[u8], width: u8, last: u64, base: u64, out: &mut [u64]) {
        let mut last = last;
        unpack_each(packed, width, out, |slot, number| {
            last = last.wrapping_add(base.wrapping_add(*slot << width).wrapping_add(number));
            *slot = last;
        });
    }

    /// Fills `out` with sums: each is the one before (`last` before the first), plus `step`, plus the
    /// number in order. The slice holds these and the slack.
    pub fn unpack_sums(packed: &[u8], width: u8, last: u64, step: u64, out: &mut [u64]) {
        let mut last = last;
        unpack_each(packed, width, out, |slot, number| {
            last = last.wrapping_add(step.wrapping_add(number));
            *slot = last;
        });
    }
}

/// Calls `each` with every place of `out` and its number.
#[inline(always)]
fn unpack_each(packed: &[u8], width: u8, out: &mut [u64], mut each: impl FnMut(&mut u64, u64)) {
    // A loop for each width: shifts known to the compiler make it twice as fast.
    macro_rules! by_width {
        ($($known:literal)*) => {
            match width {
                0 => out.iter_mut().for_each(|slot| each(slot, 0)),
                $($known => unpack_known::<$known>(packed, out, each),)*
                _ => unpack_tail(packed, width, 0, out, each),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 64)
}

#[inline(always)]
fn unpack_known<const WIDTH: usize>(
    packed: &[u8],
    out: &mut [u64],
    mut each: impl FnMut(&mut u64, u64),
) {
    let (groups, _) = out.as_chunks_mut::<8>();
    for (at, group) in groups.iter_mut().enumerate() {
        // Eight numbers take as many bytes as one takes bits.
        let bytes = &packed[at * WIDTH..(at + 1) * WIDTH + SLACK_BYTES];
        for (place, slot) in group.iter_mut().enumerate() {
            each(slot, get(bytes, place, WIDTH as u8));
        }
    }
    let done = groups.len() * 8;
    unpack_tail(packed, WIDTH as u8, done, out, each);
}

#[inline(always)]
fn unpack_tail(
    packed: &[u8],
    width: u8,
    from: usize,
    out: &mut [u64],
    mut each: impl FnMut(&mut u64, u64),
) {
    let packed = &packed[..packed_bytes(out.len(), width) + SLACK_BYTES];
    for (at, slot) in out.iter_mut().enumerate().skip(from) {
        each(slot, get(packed, at, width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::vectors::either_way;
    use proptest::prelude::*;

    /// What one of the loops makes of `out`.
    fn filled(out: &[u64], work: impl Fn(&mut [u64])) -> Vec<u64> {
        either_way(|| {
            let mut out = out.to_vec();
            work(&mut out);
            out
        })
    }

    proptest! {
        #[test]
        fn numbers_survive(numbers: Vec<u64>, width in 0..=64u8) {
            let width = if is_width(width) { width } else { 64 };
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            let numbers: Vec<u64> = numbers.iter().map(|n| n & mask).collect();
            let mut packed = Vec::new();
            pack(numbers.iter().copied(), width, &mut packed);
            prop_assert_eq!(packed.len(), packed_bytes(numbers.len(), width));
            packed.extend_from_slice(&[0; SLACK_BYTES]);
            let mut back = Vec::new();
            unpack(&packed, numbers.len(), width, |n| back.push(n));
            prop_assert_eq!(&back, &numbers);
            let back = filled(&back, |back| unpack_from(&packed, width, 7, back));
            let expected: Vec<u64> = numbers.iter().map(|n| n.wrapping_add(7)).collect();
            prop_assert_eq!(&back, &expected);
            let back = filled(&back, |back| unpack_onto(&packed, width, back));
            let twice = expected.iter().zip(&numbers).map(|(one, n)| one.wrapping_add(*n));
            prop_assert_eq!(&back, &twice.collect::<Vec<_>>());
            let back = filled(&back, |back| unpack_sums(&packed, width, 5, 3, back));
            let sums = numbers.iter().scan(5u64, |last, n| {
                *last = last.wrapping_add(3).wrapping_add(*n);
                Some(*last)
            });
            prop_assert_eq!(&back, &sums.collect::<Vec<_>>());
            if width < 64 {
                let highs: Vec<u64> = (0..numbers.len() as u64).map(|at| at.wrapping_sub(3)).collect();
                let whole = highs.iter().zip(&numbers);
                let whole = whole.map(|(high, low)| (high << width).wrapping_add(low + 9));
                let whole: Vec<u64> = whole.collect();
                let back = filled(&highs, |back| unpack_below(&packed, width, 9, back));
                prop_assert_eq!(&back, &whole);
                let back = filled(&highs, |back| unpack_sums_below(&packed, width, 5, 9, back));
                let sums = whole.iter().scan(5u64, |last, number| {
                    *last = last.wrapping_add(*number);
                    Some(*last)
                });
                prop_assert_eq!(&back, &sums.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn widths_hold_their_maximum() {
        for (max, width) in [(0, 0), (1, 1), (255, 8), (256, 9), (1 << 55, 56), (1 << 56, 64)] {
            assert_eq!(width_for(max), width);
        }
    }
}
