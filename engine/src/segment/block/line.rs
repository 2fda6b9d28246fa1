//! A column of a block's directory as numbers above a line. Series and ends rise about evenly from
//! run to run, and samples of runs are mostly equal, so little is left to pack. Any number can still
//! be read alone. Layout: `FORMAT.md`, section "Block".

use crate::bytes::{Malformed, Reader};
use crate::codec::bits;

/// What the packed numbers of a column stand above. All sums wrap at 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    base: u32,
    slope: u32,
    /// Bits of a packed number, 0 to 32.
    pub width: u8,
}

impl Line {
    /// The line at zero.
    pub fn flat(width: u8) -> Line {
        Line { base: 0, slope: 0, width }
    }

    /// The line, flat or from the first number to the last, that leaves least above it.
    pub fn through(column: &[u32]) -> Line {
        let rise = match column {
            [first, .., last] => last.wrapping_sub(*first) / (column.len() - 1) as u32,
            _ => 0,
        };
        [0, rise]
            .map(|slope| Line::below(column, slope))
            .into_iter()
            .min_by_key(|line| line.width)
            .unwrap_or(Line::flat(32))
    }

    fn below(column: &[u32], slope: u32) -> Line {
        let above = (0..).zip(column).map(|(at, &n)| i64::from(n) - i64::from(slope) * at);
        let (low, high) =
            above.fold((i64::MAX, i64::MIN), |(low, high), n| (low.min(n), high.max(n)));
        Line {
            base: low as u32,
            slope,
            width: bits::width_for(high.saturating_sub(low).max(0) as u64),
        }
    }

    /// Number `at` of the column, which is so much above the line.
    #[inline]
    pub fn number(&self, at: usize, above: u32) -> u32 {
        self.slope.wrapping_mul(at as u32).wrapping_add(self.base).wrapping_add(above)
    }

    /// How much number `at` of the column is above the line.
    pub fn above(&self, at: usize, number: u32) -> u32 {
        number.wrapping_sub(self.number(at, 0))
    }

    /// Appends the line; its width stands elsewhere.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.base.to_le_bytes());
        out.extend_from_slice(&self.slope.to_le_bytes());
    }

    /// Reads a line.
    pub fn decode(reader: &mut Reader<'_>, width: u8) -> Result<Line, Malformed> {
        Ok(Line { base: reader.u32()?, slope: reader.u32()?, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_found_above_the_line(mut column in prop::collection::vec(any::<u32>(), 1..99)) {
            for sorted in [false, true] {
                let line = Line::through(&column);
                prop_assert!(line.width <= 32);
                for (at, &number) in column.iter().enumerate() {
                    let above = line.above(at, number);
                    prop_assert!(u64::from(above) < 1 << line.width);
                    prop_assert_eq!(line.number(at, above), number);
                }
                if !sorted {
                    column.sort_unstable();
                }
            }
        }
    }

    #[test]
    fn what_rises_evenly_or_not_at_all_takes_no_bits() {
        for column in [vec![7; 50], (3..53).collect(), (0..50).map(|n| 1000 + n * 37).collect()] {
            assert_eq!(Line::through(&column).width, 0);
        }
    }
}
