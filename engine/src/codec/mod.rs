//! Encodings of a run's columns: pure functions from samples to bytes and back.
//!
//! A decoder takes any bytes and never panics; it allocates for as many samples as its caller
//! names, no more. Every encoding is exact. Layouts: `FORMAT.md`, sections "Timestamp column",
//! "Value column", "Numbers", "Streams" and "Codes".
//!
//! `times` and `values` are the two kinds of column. Both build on `numbers` (differences of
//! whole numbers), which builds on `stream` (whole numbers of no special order) and `huffman`.

pub mod bits;
pub mod column;
mod dictionary;
mod floats;
mod fractions;
pub mod histograms;
pub mod huffman;
mod memory;
mod mixed;
mod numbers;
mod packed;
#[cfg(test)]
mod plain;
mod planes;
mod stream;
pub mod times;
pub mod values;
mod vectors;

/// How hard an encoder tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// As a flush does: few encodings, chosen by width alone, for data that is soon merged.
    #[default]
    Flush,
    /// As a merge does: every encoding is tried, codes are shared by the runs of a block.
    Merge,
}
