//! Packed offsets of which a few, the exceptions, have bits beyond the width.

use super::PATCHED;
use super::dense::signed_bytes;
use crate::bytes::{put_signed, put_varint};
use crate::codec::bits;

/// How a stream is packed with exceptions.
#[derive(Clone, Copy, Debug)]
pub struct Patched {
    low: i64,
    width: u8,
    /// About how many bytes it takes.
    pub bytes: u64,
}

impl Patched {
    /// The best width for offsets from `low`, if it takes fewer bytes than `limit`.
    pub fn better(
        numbers: &[i64],
        low: i64,
        limit: u64,
        before: Option<Patched>,
    ) -> Option<Patched> {
        let mut lengths = [0u64; 65];
        for number in numbers {
            lengths[64 - (number.wrapping_sub(low) as u64).leading_zeros() as usize] += 1;
        }
        let longest = lengths.iter().rposition(|&count| count > 0).unwrap_or(0);
        let (rows, mut exceptions) = (numbers.len() as u64, 0);
        let (mut best, mut least) = (before, 8 * limit);
        for width in (0..longest.min(57)).rev() {
            exceptions += lengths[width + 1];
            // About the largest gap of as many exceptions at random places.
            let gap = 64 - (6 * rows / exceptions.max(1)).min(rows).leading_zeros() as u64;
            let high = u64::from(bits::width_for(u64::MAX >> (64 - (longest - width))));
            let head = 8 * (5 + signed_bytes(low)) + 16;
            let total = rows * width as u64 + exceptions * (gap + high) + head;
            if width + 1 == longest.min(57) && longest > 57 {
                // Numbers above the width are exceptions too.
                exceptions += lengths[58..].iter().sum::<u64>();
                continue;
            }
            if total < least {
                least = total;
                best = Some(Patched { low, width: width as u8, bytes: total.div_ceil(8) });
            }
        }
        best
    }

    /// Appends the stream.
    pub fn write(&self, numbers: &[i64], out: &mut Vec<u8>) {
        let offset = |number: &i64| number.wrapping_sub(self.low) as u64;
        let (mut gaps, mut highs, mut before) = (Vec::new(), Vec::new(), 0);
        for (at, number) in numbers.iter().enumerate() {
            let high = offset(number) >> self.width;
            if high > 0 {
                gaps.push((at - before) as u64);
                highs.push(high);
                before = at + 1;
            }
        }
        out.push(PATCHED);
        put_signed(out, self.low);
        out.push(self.width);
        put_varint(out, gaps.len() as u64);
        for list in [gaps, highs] {
            let width = bits::width_for(list.iter().copied().max().unwrap_or(0));
            out.push(width);
            bits::pack(list.into_iter(), width, out);
        }
        let mask = (1 << self.width) - 1;
        bits::pack(numbers.iter().map(|number| offset(number) & mask), self.width, out);
    }
}
