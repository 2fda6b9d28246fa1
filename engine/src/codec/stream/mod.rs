//! Streams: whole numbers in the shortest of six forms. The first byte says which.
//!
//! Up to 64 it is the width of packed offsets from the smallest number. Above stand packed offsets
//! with exceptions, rare numbers among many that are equal, and a code of the block, for numbers around
//! zero, around another, or for the high bits alone.
//! Layout: `FORMAT.md`, section "Streams".

mod decode;
mod dense;
mod patched;
mod sample;
mod sparse;

pub use decode::{decode, decode_sums};
pub use dense::Dense;
pub use sample::Sample;
pub use sparse::plan;

/// High bits in a code of the block, low bits packed.
const HIGHS_CODED: u8 = 57;
/// Packed offsets, some with more bits than the others.
const PATCHED: u8 = 65;
/// One number almost always.
const SPARSE: u8 = 66;
/// From here on up to [`CODED`]: number of a code of the block, and the numbers are around zero.
const CODED_AROUND_ZERO: u8 = 67;
/// From here on: number of a code of the block.
const CODED: u8 = 128;

#[cfg(test)]
mod tests;
