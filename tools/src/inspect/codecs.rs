//! What the tags of columns are called. The names are those of `engine/FORMAT.md`.

/// A timestamp column by its first byte; none stands for the column of a run before.
pub fn times(column: &[u8]) -> &'static str {
    match column.first() {
        None => "as before",
        Some(0) => "stride",
        Some(1) => "steps",
        Some(255) => "same",
        Some(64) => "numbers 0",
        Some(65) => "numbers 1",
        Some(66) => "numbers 2",
        Some(68) => "numbers 0 unit",
        Some(69) => "numbers 1 unit",
        Some(70) => "numbers 2 unit",
        Some(_) => "unknown",
    }
}

/// A value column by its first byte.
pub fn values(column: &[u8]) -> &'static str {
    match column.first() {
        Some(0) => "constant",
        Some(1) => "offsets",
        Some(2) => "steps",
        Some(3) => "planes",
        Some(4) => "planes lz4",
        Some(5) => "mixed",
        Some(6) => "mixed lz4",
        Some(7) => "histograms",
        Some(96) => "whole",
        Some(97) => "flags",
        Some(98) => "patched",
        Some(99) => "split",
        Some(100) => "changes lz4",
        Some(101) => "near",
        Some(102) => "dictionary",
        Some(64..=70) => times(column),
        _ => "unknown",
    }
}
