//! Doubles that are nearly decimals: sums and means of such, off by a few units in the last place.
//!
//! The decimal is kept as mantissa and scale, and beside it how many doubles further the value is.

use super::{NEAR, ordered};
use crate::bytes::{Malformed, Reader};
use crate::codec::column::Column;
use crate::codec::huffman::Tables;
use crate::codec::memory::Numbers;
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
    // There are no doubles between whole numbers above: rounded, without a call.
    const WHOLE: f64 = (3u64 << 51) as f64;
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

/// The doubles so many steps from decimals of so many mantissas.
fn stepped(mantissas: &mut [u64], steps: &[u64], scale: usize) {
    let power = POWERS_OF_TEN[scale];
    for (bits, &steps) in mantissas.iter_mut().zip(steps) {
        let decimal = (*bits as i64 as f64 / power).to_bits();
        *bits = ordered::moved(decimal, steps as i64);
    }
}
