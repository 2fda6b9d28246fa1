//! Doubles that are nearly decimals: sums and means of such, off by a few units in the last place.
//!
//! The decimal is kept as mantissa and scale, and beside it how many doubles further the value is.

use super::{NEAR, ordered};
use crate::bytes::{Malformed, Reader};
use crate::codec::column::Column;
use crate::codec::huffman::Tables;
use crate::codec::memory::Numbers;
use crate::codec::vectors::{self, twice};
use crate::codec::{numbers, stream};
use crate::types::{MANTISSA_MAX, POWERS_OF_TEN};

/// Doubles looked at to find the scale.
const SAMPLE: usize = 32;
/// Steps from a decimal to a double that count as near.
const STEPS_MAX: u64 = 1 << 10;
/// One in so many steps of the way to the next decimal is near, too, where that is short.
const WAY_SHARE: u64 = 4;
/// Scales tried.
const SCALES: usize = 13;

/// The column, if there is a scale at which the doubles are near decimals.
pub fn plan(bits: &[u64]) -> Option<Column> {
    let step = bits.len().div_ceil(SAMPLE);
    let near = |&bits: &u64, scale| split(bits, scale).is_some_and(|split| is_near(split, scale));
    let all_near = |scale: &usize| bits.iter().step_by(step).all(|bits| near(bits, *scale));
    let scale = (0..SCALES).find(all_near)?;
    let parts: Option<Vec<(i64, i64)>> = bits.iter().map(|&bits| split(bits, scale)).collect();
    let (mantissas, steps): (Vec<_>, Vec<_>) = parts?.into_iter().unzip();
    let mut column = Column::plain(vec![NEAR, scale as u8]);
    column.append(numbers::plan(None, &mantissas));
    stream::plan(steps, &mut column);
    Some(column)
}

/// Whether a decimal says something about the double so many steps from it: any double is half
/// the way to the next decimal from one, at most.
fn is_near((mantissa, steps): (i64, i64), scale: usize) -> bool {
    let next = ordered::number(decimal(mantissa + 1, scale));
    let way = next.wrapping_sub(ordered::number(decimal(mantissa, scale))).unsigned_abs();
    steps == 0 || steps.unsigned_abs() <= STEPS_MAX.min(way / WAY_SHARE)
}

/// The decimal nearest to a double, and the steps from it.
fn split(bits: u64, scale: usize) -> Option<(i64, i64)> {
    let mantissa = f64::from_bits(bits) * POWERS_OF_TEN[scale];
    if mantissa.is_nan() || mantissa.abs() > MANTISSA_MAX as f64 {
        return None;
    }
    // Rounded, without a call.
    let mantissa = (mantissa + WHOLE - WHOLE) as i64;
    let steps = ordered::number(bits).wrapping_sub(ordered::number(decimal(mantissa, scale)));
    Some((mantissa, steps))
}

fn decimal(mantissa: i64, scale: usize) -> u64 {
    (mantissa as f64 / POWERS_OF_TEN[scale]).to_bits()
}

/// See [`super::decode`].
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let scale = usize::from(reader.u8()?);
    if scale >= POWERS_OF_TEN.len() {
        return Err(reader.malformed());
    }
    let tag = reader.u8()?;
    if !numbers::is_tag(tag) {
        return Err(reader.malformed());
    }
    numbers::decode(tag, reader, tables, out)?;
    let mut steps = Numbers::new(out.len());
    stream::decode(reader, tables, &mut steps)?;
    stepped(out, &steps, scale);
    Ok(())
}

twice! {
    /// The doubles so many steps from decimals of so many mantissas.
    fn stepped(mantissas: &mut [u64], steps: &[u64], scale: usize) {
        let power = POWERS_OF_TEN[scale];
        let (mut all, mut sizes) = (0, 0);
        for &mantissa in &*mantissas {
            all |= mantissa;
            sizes |= mantissa ^ (mantissa as i64 >> 63) as u64;
        }
        if all < SMALL && has_near_inverse(scale) && vectors::wide() {
            let inverse = 1.0 / power;
            let decimal = |mantissa| quotient(small_to_double(mantissa), power, inverse);
            positive(mantissas, steps, decimal);
        } else if sizes < SMALL {
            stepped_by(mantissas, steps, |mantissa| small_to_double(mantissa) / power);
        } else {
            stepped_by(mantissas, steps, |mantissa| mantissa as i64 as f64 / power);
        }
    }
}

/// For mantissas none of which is negative: the bits of their decimals are the numbers of these.
#[inline(always)]
fn positive(mantissas: &mut [u64], steps: &[u64], decimal: impl Fn(u64) -> f64) {
    let mut all = 0;
    for (bits, &steps) in mantissas.iter_mut().zip(steps) {
        *bits = decimal(*bits).to_bits().wrapping_add(steps);
        all |= *bits;
    }
    if all >> 63 != 0 {
        // Less than zero, by steps from there.
        mantissas.iter_mut().for_each(|number| *number = ordered::bits(*number as i64));
    }
}

/// A number divided by a power of ten that [`has_near_inverse`], correctly rounded; by fused
/// multiplications, which take less time than a division where the processor has them, and far more
/// where not.
#[inline(always)]
fn quotient(number: f64, power: f64, inverse: f64) -> f64 {
    let near = number * inverse;
    // Exact, and such a step from less than a unit in the last place beside ends right (P. Markstein).
    let rest = (-near).mul_add(power, number);
    rest.mul_add(inverse, near)
}

/// Whether the inverse of this power of ten as a double is within 2^-54 of itself of the exact one. A number
/// times such an inverse is less than a unit in the last place from the quotient: half a unit for the
/// inverse, half for rounding.
fn has_near_inverse(scale: usize) -> bool {
    matches!(scale, 0..=4 | 6..=8 | 10 | 12)
}

#[inline(always)]
fn stepped_by(mantissas: &mut [u64], steps: &[u64], decimal: impl Fn(u64) -> f64) {
    for (bits, &steps) in mantissas.iter_mut().zip(steps) {
        *bits = ordered::moved(decimal(*bits).to_bits(), steps as i64);
    }
}

/// Numbers nearer to zero are made doubles in a way that the compiler makes vectors of.
const SMALL: u64 = 1 << 51;
/// Between this and its double, doubles are the whole numbers.
const WHOLE: f64 = (3u64 << 51) as f64;

/// A number less than [`SMALL`] from zero, as a double.
#[inline(always)]
fn small_to_double(number: u64) -> f64 {
    f64::from_bits(WHOLE.to_bits().wrapping_add(number)) - WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::vectors::either_way;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn small_numbers_are_their_doubles(number in 1 - (SMALL as i64)..SMALL as i64) {
            prop_assert_eq!(small_to_double(number as u64).to_bits(), (number as f64).to_bits());
        }

        #[test]
        fn steps_from_any_mantissas_are_as_one_by_one(
            mantissas in prop_oneof![
                prop::collection::vec(any::<i64>(), 1..50),
                prop::collection::vec(-99_999..99_999i64, 1..50),
                prop::collection::vec(0..SMALL as i64, 1..50),
                prop::collection::vec(0..9i64, 1..50),
            ],
            scale in 0..23usize,
            step in -9..9i64,
        ) {
            let each = |&mantissa: &i64| {
                let decimal = mantissa as f64 / POWERS_OF_TEN[scale];
                ordered::bits(ordered::number(decimal.to_bits()).wrapping_add(step))
            };
            let expected: Vec<u64> = mantissas.iter().map(each).collect();
            let fast = either_way(|| {
                let mut fast: Vec<u64> = mantissas.iter().map(|&mantissa| mantissa as u64).collect();
                stepped(&mut fast, &vec![step as u64; mantissas.len()], scale);
                fast
            });
            prop_assert_eq!(fast, expected);
        }
    }
}
