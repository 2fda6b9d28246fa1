//! Values of several kinds in one run, as values of one kind and what tells them apart.
//!
//! Writers leave the point out of whole numbers (`5.5`, `6`, `6.5`), so integers among decimals
//! are most often just the whole ones ([`WHOLE`]); otherwise a flag says it for each ([`FLAGS`]).
//! A few values that do not fit the others are kept apart ([`PATCHED`]).
//! Layout: `FORMAT.md`, section "Value column".

use super::column::Column;
use super::huffman::Tables;
use super::memory::Numbers;
use super::vectors::twice;
use super::{numbers, stream};
use crate::bytes::{Malformed, Reader, put_varint};
use crate::types::{Kind, Value};

/// The whole ones of the values that follow are integers.
pub const WHOLE: u8 = 96;
/// A stream says which of the values that follow are integers.
pub const FLAGS: u8 = 97;
/// Positions and values of exceptions from the values that follow.
pub const PATCHED: u8 = 98;

/// Whole numbers up to here are doubles of their own.
const INTEGER_MAX: i64 = 1 << 53;
/// Mantissas that are whole, by scale: powers of ten of 64 bits.
const SCALE_WHOLE_MAX: u8 = 18;

/// Powers of ten.
pub const TENS: [i64; SCALE_WHOLE_MAX as usize + 1] = {
    let mut tens = [1; SCALE_WHOLE_MAX as usize + 1];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = 10 * tens[at - 1];
        at += 1;
    }
    tens
};

/// The integer that a value of another kind is, if it is one.
pub fn whole(value: Value) -> Option<i64> {
    let bits = value.bits as i64;
    match value.kind.scale() {
        // Divisions by a known number are multiplications.
        Some(1) => (bits % 10 == 0).then_some(bits / 10),
        Some(2) => (bits % 100 == 0).then_some(bits / 100),
        Some(3) => (bits % 1000 == 0).then_some(bits / 1000),
        Some(scale) if scale <= SCALE_WHOLE_MAX => {
            let ten = TENS[usize::from(scale)];
            (bits % ten == 0).then(|| bits / ten)
        }
        Some(_) => (bits == 0).then_some(0),
        None => {
            let integer = f64::from_bits(value.bits) as i64;
            // Back to the same bits: neither a fraction, nor a negative zero, nor out of range.
            let same = (integer as f64).to_bits() == value.bits;
            (same && fits_double(integer)).then_some(integer)
        }
    }
}

/// Whether an integer can stand among doubles.
pub fn fits_double(integer: i64) -> bool {
    (-INTEGER_MAX..=INTEGER_MAX).contains(&integer)
}

/// The begin of a column whose values are `kinds` and `bits` and shall come back as integers
/// where `integers` says so.
pub fn plan(kinds: &[Kind], bits: &[u64], integers: &[bool]) -> Column {
    let value = |at: usize| Value { kind: kinds[at], bits: bits[at] };
    // Integers are whole.
    if integers.iter().enumerate().all(|(at, &is)| is || whole(value(at)).is_none()) {
        return Column::plain(vec![WHOLE]);
    }
    let mut column = Column::plain(vec![FLAGS]);
    stream::plan(integers.iter().map(|&is| i64::from(is)).collect(), &mut column);
    column
}

/// What the column says about integers: `None` if they are the whole ones.
pub fn decode(
    tag: u8,
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    rows: usize,
) -> Result<Option<Numbers>, Malformed> {
    if tag == WHOLE {
        return Ok(None);
    }
    let mut flags = Numbers::new(rows);
    stream::decode(reader, tables, &mut flags)?;
    Ok(Some(flags))
}

/// Makes integers of those of some values that are whole.
pub fn whole_ones(kinds: &mut [Kind], bits: &mut [u64]) {
    let kind = kinds.first().copied().unwrap_or(Kind::INTEGER);
    let one_kind = all_are(kind, kinds);
    match kind.scale().filter(|_| one_kind) {
        Some(scale @ 1..=SCALE_WHOLE_MAX) => whole_decimals(scale, kinds, bits),
        None if one_kind && kind == Kind::FLOAT => whole_doubles(kinds, bits),
        _ => one_by_one(None, kinds, bits),
    }
}

/// Makes integers of the values that have a flag.
pub fn flagged(flags: &[u64], kinds: &mut [Kind], bits: &mut [u64]) {
    one_by_one(Some(flags), kinds, bits);
}

/// What an exception stands for, where it may be an integer.
pub fn exception(value: Value, may_be_integer: bool) -> Value {
    whole(value).filter(|_| may_be_integer).map_or(value, Value::integer)
}

fn one_by_one(flags: Option<&[u64]>, kinds: &mut [Kind], bits: &mut [u64]) {
    for (at, (kind, bits)) in kinds.iter_mut().zip(bits).enumerate() {
        if flags.is_some_and(|flags| flags[at] == 0) {
            continue;
        }
        if let Some(integer) = whole(Value { kind: *kind, bits: *bits }) {
            (*kind, *bits) = (Kind::INTEGER, integer as u64);
        }
    }
}

/// For decimals of one scale, the power of ten of which is given: the kind of integers is zero.
#[inline(always)]
fn whole_multiples(ten: i64, kinds: &mut [Kind], bits: &mut [u64]) {
    let shift = ten.trailing_zeros();
    let odd = ten >> shift;
    // Multiples come back by a multiplication with the inverse, and only they into this range.
    let (inverse, largest) = (numbers::inverse(odd), i64::MAX / odd);
    for (kind, bits) in kinds.iter_mut().zip(bits) {
        let integer = (*bits as i64 >> shift).wrapping_mul(inverse);
        let rest = all_bits_unless_zero(*bits & ((1 << shift) - 1));
        choose(rest | all_bits_beyond(integer, largest), integer, kind, bits);
    }
}

twice! {
    fn all_are(kind: Kind, kinds: &[Kind]) -> bool {
        // To the end, without a look at each: that way many are compared at once.
        kinds.iter().fold(0, |different, other| different | other.0 ^ kind.0) == 0
    }

    /// For decimals of a scale from one to [`SCALE_WHOLE_MAX`].
    fn whole_decimals(scale: u8, kinds: &mut [Kind], bits: &mut [u64]) {
        // What is known to the compiler takes fewer instructions.
        match scale {
            1 => whole_multiples(10, kinds, bits),
            2 => whole_multiples(100, kinds, bits),
            3 => whole_multiples(1000, kinds, bits),
            _ => whole_multiples(TENS[usize::from(scale)], kinds, bits),
        }
    }

    /// For doubles.
    fn whole_doubles(kinds: &mut [Kind], bits: &mut [u64]) {
        // Some at a time, so that few go the long way where one is large.
        for (kinds, bits) in kinds.chunks_mut(64).zip(bits.chunks_mut(64)) {
            let large = bits.iter().fold(0, |all, &bits| all | all_bits_from(bits & !SIGN, SMALL));
            if large == 0 {
                small_whole_doubles(kinds, bits);
            } else {
                any_whole_doubles(kinds, bits);
            }
        }
    }
}

const SIGN: u64 = 1 << 63;
/// Bits of 2^51: doubles that are smaller are rounded by an addition.
const SMALL: u64 = (1023 + 51) << 52;
/// From here to its double, doubles are the whole numbers.
const WHOLE_FROM: f64 = (3u64 << 51) as f64;

/// All bits for a number from a limit on, none for a smaller one; both are less than 2^63.
#[inline(always)]
fn all_bits_from(number: u64, limit: u64) -> u64 {
    (limit.wrapping_sub(1).wrapping_sub(number) as i64 >> 63) as u64
}

/// For doubles below 2^51: an addition rounds them, and of that sum the lower bits are the integer.
#[inline(always)]
fn small_whole_doubles(kinds: &mut [Kind], bits: &mut [u64]) {
    for (kind, bits) in kinds.iter_mut().zip(bits) {
        let sum = f64::from_bits(*bits) + WHOLE_FROM;
        let integer = sum.to_bits().wrapping_sub(WHOLE_FROM.to_bits()) as i64;
        // Back to the same bits: neither a fraction nor a negative zero.
        let differs = all_bits_unless_zero((sum - WHOLE_FROM).to_bits() ^ *bits);
        choose(differs, integer, kind, bits);
    }
}

#[inline(always)]
fn any_whole_doubles(kinds: &mut [Kind], bits: &mut [u64]) {
    for (kind, bits) in kinds.iter_mut().zip(bits) {
        let integer = f64::from_bits(*bits) as i64;
        // Back to the same bits: neither a fraction, nor a negative zero, nor out of range.
        let differs = all_bits_unless_zero((integer as f64).to_bits() ^ *bits);
        choose(differs | all_bits_beyond(integer, INTEGER_MAX), integer, kind, bits);
    }
}

/// The integer instead, unless all bits of `not` are set. Which are whole cannot be predicted, so
/// there is no branch here, and no comparison of which the compiler makes one.
#[inline(always)]
fn choose(not: u64, integer: i64, kind: &mut Kind, bits: &mut u64) {
    *kind = Kind(kind.0 & not as u8);
    *bits = *bits & not | integer as u64 & !not;
}

/// All bits, or none for zero.
#[inline(always)]
fn all_bits_unless_zero(number: u64) -> u64 {
    ((number | number.wrapping_neg()) as i64 >> 63) as u64
}

/// All bits for what is further from zero than `largest`, which is at most a quarter of all; none
/// for the others.
#[inline(always)]
fn all_bits_beyond(number: i64, largest: i64) -> u64 {
    let from_least = number.wrapping_add(largest);
    ((from_least | (2 * largest).wrapping_sub(from_least)) >> 63) as u64
}

/// The begin of a column with exceptions.
pub fn plan_patches(patches: &[(usize, Value)]) -> Column {
    let mut column = Column::plain(vec![PATCHED]);
    put_varint(&mut column.bytes, patches.len() as u64);
    let mut before = 0;
    for (at, value) in patches {
        put_varint(&mut column.bytes, (at - before) as u64);
        column.bytes.push(value.kind.0);
        column.bytes.extend_from_slice(&value.bits.to_le_bytes());
        before = at + 1;
    }
    column
}

/// Positions and values of exceptions.
pub fn decode_patches(
    reader: &mut Reader<'_>,
    rows: usize,
) -> Result<Vec<(usize, Value)>, Malformed> {
    let mut patches = Vec::new();
    let mut at = 0usize;
    for _ in 0..reader.varint()? {
        let gap = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        at = at.saturating_add(gap);
        let value = Value { kind: Kind(reader.u8()?), bits: reader.u64()? };
        if at >= rows || !value.kind.is_number() {
            return Err(reader.malformed());
        }
        patches.push((at, value));
        at += 1;
    }
    Ok(patches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::vectors::either_way;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = u64> {
        let doubles = [-0.0, 0.0, 9_007_199_254_740_992.0, 9_007_199_254_740_994.0, f64::INFINITY];
        prop_oneof![
            any::<u64>(),
            any::<i32>().prop_map(|n| (i64::from(n) * 10) as u64),
            any::<i32>().prop_map(|n| f64::from(n).to_bits()),
            any::<i32>().prop_map(|n| (f64::from(n) / 4.0).to_bits()),
            // Small ones only, and some about the limits of each way.
            (-9..9i64, 40..54u32)
                .prop_map(|(n, shift)| (((1i64 << shift) + n) as f64 / 4.0).to_bits()),
            prop::sample::select(doubles.to_vec()).prop_map(f64::to_bits),
        ]
    }

    proptest! {
        #[test]
        fn whole_ones_of_one_kind_are_found_as_one_by_one(
            numbers in prop::collection::vec(numbers(), 1..199),
            kind in prop_oneof![Just(Kind::FLOAT), (0..23u8).prop_map(Kind::decimal)],
        ) {
            let kinds = vec![kind; numbers.len()];
            let mut plain = (kinds.clone(), numbers.clone());
            one_by_one(None, &mut plain.0, &mut plain.1);
            let fast = either_way(|| {
                let mut fast = (kinds.clone(), numbers.clone());
                whole_ones(&mut fast.0, &mut fast.1);
                fast
            });
            prop_assert_eq!(fast, plain);
        }
    }
}
