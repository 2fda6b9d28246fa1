//! Doubles of a run, each kept bit for bit, in the shortest of these forms: differences of numbers
//! in the order of the doubles; common high bits and packed low bits; decimals with small errors;
//! byte planes of their changes through LZ4.

mod near;
mod ordered;
mod planes;
mod split;

use super::column::Column;
use super::dictionary;
use super::huffman::Tables;
use super::vectors::twice;
use crate::bytes::{Malformed, Reader};
use crate::types::Kind;

/// High bits by dictionary, low bits packed.
pub const SPLIT: u8 = 99;
/// Byte planes of each double's bits xor those before, LZ4.
pub const CHANGES_LZ4: u8 = 100;
/// Decimals, and how far each double is from its.
pub const NEAR: u8 = 101;

/// The numbers of doubles.
pub fn in_order(bits: &[u64]) -> Vec<i64> {
    bits.iter().map(|&bits| ordered::number(bits)).collect()
}

/// A column of doubles, at least one.
pub fn plan(bits: &[u64]) -> Column {
    let in_order = in_order(bits);
    let mut best = dictionary::plan(Kind::FLOAT.0, &in_order);
    let mut consider = |column: Option<Column>| {
        if let Some(column) = column.filter(|column| column.estimate() < best.estimate()) {
            best = column;
        }
        best.estimate() / bits.len() as u64
    };
    let each = consider(near::plan(bits));
    if each >= u64::from(split::LOW_BITS_MIN) {
        consider(split::plan(bits));
    }
    consider(planes::plan(bits));
    best
}

twice! {
    /// Turns numbers from `start` on into doubles.
    pub fn from_numbers(numbers: &mut [u64]) {
        numbers.iter_mut().for_each(|number| *number = ordered::bits(*number as i64));
    }
}

/// Fills `out` with the bits of doubles from a column whose tag `reader` is behind.
pub fn decode(
    tag: u8,
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    match tag {
        SPLIT => split::decode(reader, tables, out),
        CHANGES_LZ4 => planes::decode(reader, out),
        NEAR => near::decode(reader, tables, out),
        _ => Err(reader.malformed()),
    }
}

#[cfg(test)]
mod tests;
