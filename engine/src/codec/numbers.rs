//! Whole numbers in order: differences of the order that makes them smallest, in units of their
//! common divisor, as a stream.
//!
//! The tag is [`NUMBERS`] + order + 4 if a unit other than one follows. Timestamps, integers,
//! mantissas of decimals and (mapped) doubles all take this way.
//! Layout: `FORMAT.md`, section "Numbers".

use super::column::Column;
use super::huffman::Tables;
use super::stream::{self, Sample};
use super::vectors::twice;
use crate::bytes::{Malformed, Reader, put_signed, put_varint, zigzag};

/// First of the eight tags.
pub const NUMBERS: u8 = 64;
/// In a tag: a unit follows.
pub const UNIT: u8 = 4;

/// Of lists twice as long as this only some numbers are looked at to find the order.
const MEASURED_MAX: usize = 256;

/// The second order must save a bit in one of so many numbers.
const CHANCE_SHARE: u64 = 4;

/// Whether a tag is one of those.
pub fn is_tag(tag: u8) -> bool {
    tag & !(UNIT | 3) == NUMBERS && tag & 3 < 3
}

/// A column of at least one number. `kind` follows the tag, if given.
pub fn plan(kind: Option<u8>, numbers: &[i64]) -> Column {
    let first = numbers[0];
    let unit = unit(numbers);
    let mut steps: Vec<i64> = numbers.iter().map(|number| number.wrapping_sub(first)).collect();
    if unit > 1 {
        divide(&mut steps, unit);
    }
    let order = order(&steps);
    let second = steps.get(1).copied().unwrap_or(0);
    let rest = differences(steps, order);
    let mut column = Column::default();
    let with_unit = if unit > 1 { UNIT } else { 0 };
    column.bytes.push(NUMBERS + order + with_unit);
    column.bytes.extend(kind);
    put_signed(&mut column.bytes, first);
    if unit > 1 {
        put_varint(&mut column.bytes, unit as u64);
    }
    if order == 2 {
        put_signed(&mut column.bytes, second);
    }
    stream::plan(rest, &mut column);
    column
}

/// The largest number that divides all differences; one if there are none.
fn unit(numbers: &[i64]) -> i64 {
    let mut unit = 0;
    for &number in &numbers[1..] {
        let step = number.wrapping_sub(numbers[0]).unsigned_abs();
        if unit == 0 || !is_multiple(step, unit) {
            unit = divisor(unit, step);
            if unit == 1 {
                break;
            }
        }
    }
    i64::try_from(unit).unwrap_or(1).max(1)
}

fn is_multiple(step: u64, unit: u64) -> bool {
    // Most units are powers of two, and a division takes its time.
    if unit.is_power_of_two() { step & (unit - 1) == 0 } else { step.is_multiple_of(unit) }
}

/// Divides numbers by a unit of all of them.
fn divide(numbers: &mut [i64], unit: i64) {
    let shift = unit.trailing_zeros();
    let inverse = inverse(unit >> shift);
    // Without a remainder, a multiplication by the inverse is the division.
    numbers.iter_mut().for_each(|number| *number = (*number >> shift).wrapping_mul(inverse));
}

/// What an odd number is multiplied by to be one, in 64 bits that wrap.
pub fn inverse(odd: i64) -> i64 {
    // Newton's steps double the bits that are right; an odd number is its own inverse in three.
    (0..5)
        .fold(odd, |inverse, _| inverse.wrapping_mul(2i64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// The multiples of a power of ten.
#[derive(Clone, Copy)]
pub struct Multiples {
    shift: u32,
    inverse: i64,
    largest: i64,
}

impl Multiples {
    /// Those of this one.
    pub fn of(ten: i64) -> Multiples {
        let shift = ten.trailing_zeros();
        let odd = ten >> shift;
        Multiples { shift, inverse: inverse(odd), largest: i64::MAX / odd }
    }

    /// Whether a number is one of them.
    #[inline(always)]
    pub fn contain(&self, number: i64) -> bool {
        // Multiples come back by a multiplication with the inverse, and only they into this range.
        let quotient = (number >> self.shift).wrapping_mul(self.inverse);
        (number & ((1 << self.shift) - 1) == 0) & (quotient.unsigned_abs() <= self.largest as u64)
    }
}

fn divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// The order whose differences are smallest; of long lists, as far as some of them tell.
fn order(steps: &[i64]) -> u8 {
    let threes = steps.windows(3);
    let few = Sample::places(threes.len());
    let usual: [i64; 3] = std::array::from_fn(|order| {
        let numbers = few.clone().map(|at| differences_of(&steps[at..at + 3])[order]);
        Sample::of_those(numbers).middle()
    });
    let (mut sizes, mut measured) = ([0; 3], 0);
    // Odd, so that numbers that repeat in even patterns are not all of one place.
    for three in threes.step_by((steps.len() / MEASURED_MAX) | 1) {
        measured += 1;
        for ((size, number), usual) in sizes.iter_mut().zip(differences_of(three)).zip(usual) {
            *size += bit_length(zigzag(number.wrapping_sub(usual)));
        }
    }
    let [plain, first, mut second] = sizes;
    // Steps without order are at most so much larger than their differences, and only by chance.
    second += measured / CHANCE_SHARE;
    if plain <= first.min(second) {
        0
    } else if first <= second {
        1
    } else {
        2
    }
}

/// The last of three numbers, its difference, and the difference of its difference.
#[inline(always)]
fn differences_of(three: &[i64]) -> [i64; 3] {
    let (before, first) = (three[1].wrapping_sub(three[0]), three[2].wrapping_sub(three[1]));
    [three[2], first, first.wrapping_sub(before)]
}

/// What remains of all but the first.
fn differences(mut steps: Vec<i64>, order: u8) -> Vec<i64> {
    match order {
        0 => {
            steps.remove(0);
            steps
        }
        1 => steps.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect(),
        _ => {
            let second = |three: &[i64]| {
                let first = three[1].wrapping_sub(three[0]);
                three[2].wrapping_sub(three[1]).wrapping_sub(first)
            };
            // The first of the second order is zero: what it would be stands before the stream.
            let head = (steps.len() > 1).then_some(0);
            head.into_iter().chain(steps.windows(3).map(second)).collect()
        }
    }
}

/// The bit length of a number as its double's exponent tells: a bit more at most, for a count of
/// zeros takes longer than that.
fn bit_length(number: u64) -> u64 {
    const ONE: u64 = 1023;
    let exponent = ((number >> 1) as i64 as f64).to_bits() >> 52;
    exponent.saturating_sub(ONE - 2) + u64::from(number != 0 && exponent == 0)
}

/// Fills `out` with numbers from a column whose tag (and kind) `reader` is behind.
pub fn decode(
    tag: u8,
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let first = reader.signed()? as u64;
    let unit = if tag & UNIT > 0 { reader.varint()? } else { 1 };
    let step = if tag & 3 == 2 { reader.signed()? as u64 } else { 0 };
    let Some((head, rest)) = out.split_first_mut() else { return Ok(()) };
    *head = first;
    if tag & 3 == 1 {
        return stream::decode_sums(reader, tables, first, unit, rest);
    }
    stream::decode(reader, tables, rest)?;
    integrate(tag & 3, first, unit, step, rest);
    Ok(())
}

twice! {
    /// Makes numbers of what they are less the first, or of the differences of their differences; in units.
    fn integrate(order: u8, first: u64, unit: u64, step: u64, numbers: &mut [u64]) {
        // Loops over variables of their own: what a closure captures is in memory, and sums wait for it.
        let (mut step, mut last) = (step, first);
        match (order, unit) {
            (0, 1) => {
                for number in numbers {
                    *number = first.wrapping_add(*number);
                }
            }
            (0, _) => {
                for number in numbers {
                    *number = first.wrapping_add(unit.wrapping_mul(*number));
                }
            }
            (_, 1) => {
                for number in numbers {
                    step = step.wrapping_add(*number);
                    last = last.wrapping_add(step);
                    *number = last;
                }
            }
            _ => {
                for number in numbers {
                    step = step.wrapping_add(*number);
                    last = last.wrapping_add(unit.wrapping_mul(step));
                    *number = last;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::bits::SLACK_BYTES;
    use crate::codec::vectors::either_way;
    use proptest::prelude::*;

    fn round_trip(numbers: &[i64]) -> usize {
        let mut bytes = Vec::new();
        plan(None, numbers).write(&mut std::iter::empty(), &mut bytes);
        let len = bytes.len();
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        let back = either_way(|| {
            let (mut reader, mut back) = (Reader::new(&bytes), vec![0; numbers.len()]);
            let tag = reader.u8().expect("a tag");
            assert!(is_tag(tag));
            decode(tag, &mut reader, Tables::default(), &mut back).expect("own bytes");
            back
        });
        assert_eq!(back.iter().map(|&bits| bits as i64).collect::<Vec<_>>(), numbers);
        len
    }

    proptest! {
        #[test]
        fn any_numbers_survive(numbers in prop::collection::vec(any::<i64>(), 1..99)) {
            round_trip(&numbers);
        }

        #[test]
        fn multiples_survive(
            unit in 1..i64::MAX / 1000,
            numbers in prop::collection::vec(-999..999i64, 1..99),
        ) {
            round_trip(&numbers.iter().map(|number| number * unit).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_ends_of_the_range_survive() {
        round_trip(&[i64::MIN, 0, i64::MIN, 0]);
        round_trip(&[i64::MAX, i64::MIN, -1, 0]);
        round_trip(&[0, i64::MIN]);
    }

    #[test]
    fn the_order_fits_the_numbers() {
        let squares: Vec<i64> = (0..1000).map(|at| at * at * 4096).collect();
        assert!(round_trip(&squares) < 20);
        let line: Vec<i64> = (0..1000).map(|at| (1 << 50) + at * 15_000).collect();
        assert!(round_trip(&line) < 20);
    }
}
