//! How a run of samples becomes bytes: one column of timestamps, one of values.
//!
//! Each column starts with a tag byte that names its encoding; the writer picks the smallest that
//! is exact. Layouts: `FORMAT.md`, sections "Timestamp column" and "Value column".

pub mod bits;
pub mod histograms;
pub mod times;
pub mod values;
