//! Value columns in which not all values are integers: which of them are brought to one kind, and
//! what is said beside it.

use super::column::Column;
use super::{dictionary, floats, mixed};
use crate::types::{Kind, MANTISSA_MAX, Value};

/// One in so many values may be an exception.
const EXCEPTION_SHARE: usize = 8;

/// With less than one exception in so many values, doubles need not be tried.
const FEW: usize = 50;

/// The column; `None` if integers cannot be told from the rest by value.
pub fn plan(kinds: &[Kind], bits: &[u64]) -> Option<Column> {
    let integers: Vec<bool> = kinds.iter().map(|&kind| kind == Kind::INTEGER).collect();
    if !integers.contains(&true) {
        return Some(one_kind(kinds, bits));
    }
    let fits =
        |(kind, bits): (&Kind, &u64)| *kind != Kind::INTEGER || mixed::fits_double(*bits as i64);
    if !kinds.iter().zip(bits).all(fits) {
        return None;
    }
    let (kinds, bits): (Vec<Kind>, Vec<u64>) =
        kinds.iter().zip(bits).map(|(&kind, &bits)| without_integers(kind, bits)).unzip();
    let mut column = mixed::plan(&kinds, &bits, &integers);
    column.append(one_kind(&kinds, &bits));
    Some(column)
}

/// An integer as a decimal without digits behind the point, or as a double.
fn without_integers(kind: Kind, bits: u64) -> (Kind, u64) {
    let integer = bits as i64;
    match kind {
        Kind::INTEGER if integer.unsigned_abs() <= MANTISSA_MAX as u64 => (Kind::decimal(0), bits),
        Kind::INTEGER => (Kind::FLOAT, (integer as f64).to_bits()),
        _ => (kind, bits),
    }
}

/// The column of values none of which is an integer.
fn one_kind(kinds: &[Kind], bits: &[u64]) -> Column {
    let decimals = decimals(kinds, bits);
    let patched = match decimals {
        Some((0, column)) => return column,
        Some((exceptions, column)) if exceptions * FEW <= kinds.len() => return column,
        Some((_, column)) => Some(column),
        None => None,
    };
    let double = |(&kind, &bits)| Value { kind, bits }.as_f64().to_bits();
    let doubles: Vec<u64> = kinds.iter().zip(bits).map(double).collect();
    let doubles = floats::plan(&doubles);
    match patched {
        Some(patched) if patched.estimate() < doubles.estimate() => patched,
        _ => doubles,
    }
}

/// The column as decimals of one scale, with how many exceptions it has; `None` if too many.
fn decimals(kinds: &[Kind], bits: &[u64]) -> Option<(usize, Column)> {
    let scale = usual_scale(kinds)?;
    let mut numbers = Vec::with_capacity(bits.len());
    let mut patches = Vec::new();
    for (at, (&kind, &bits)) in kinds.iter().zip(bits).enumerate() {
        match mantissa(kind, bits, scale) {
            Some(number) => numbers.push(number),
            None => {
                patches.push((at, Value { kind, bits }));
                numbers.push(numbers.last().copied().unwrap_or(0));
            }
        }
    }
    lead(&mut numbers, &patches);
    if !are_few(patches.len(), kinds.len()) {
        return None;
    }
    let column = dictionary::plan(Kind::decimal(scale).0, &numbers);
    if patches.is_empty() {
        return Some((0, column));
    }
    let mut patched = mixed::plan_patches(&patches);
    patched.append(column);
    Some((patches.len(), patched))
}

/// Exceptions repeat the number before; those that all others are behind get the first of these.
pub fn lead(numbers: &mut [i64], exceptions: &[(usize, Value)]) {
    let leading = exceptions.iter().enumerate().take_while(|(place, (at, _))| place == at).count();
    let first = numbers.get(leading).copied().unwrap_or(0);
    numbers[..leading].fill(first);
}

/// Whether so many values may be exceptions.
pub fn are_few(exceptions: usize, values: usize) -> bool {
    exceptions <= values / EXCEPTION_SHARE
}

/// The lowest scale that is enough for all but a few; integers have none.
pub fn usual_scale(kinds: &[Kind]) -> Option<u8> {
    let mut left = kinds.len() / EXCEPTION_SHARE;
    let mut above = u8::MAX;
    loop {
        // Passes without a branch, one for each of the highest kinds: most often one or two.
        let highest = kinds.iter().fold(0, |highest, kind| {
            let kind = kind.0.max(1);
            highest.max(if kind < above { kind } else { 0 })
        });
        let count = kinds.iter().filter(|kind| kind.0.max(1) == highest).count();
        if count > left || highest == 0 {
            // Doubles are of the last kind: too many of them leave no scale.
            return Kind(highest).scale();
        }
        left -= count;
        above = highest;
    }
}

fn mantissa(kind: Kind, bits: u64, scale: u8) -> Option<i64> {
    let factor = mixed::TENS.get(usize::from(scale.checked_sub(kind.scale()?)?))?;
    let number = (bits as i64).checked_mul(*factor)?;
    (number.unsigned_abs() <= MANTISSA_MAX as u64).then_some(number)
}
