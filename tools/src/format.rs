//! The forms in which samples leave and come without a node.

use clap::ValueEnum;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON lines, as /api/v1/export gives and /api/v1/import takes them.
    Json,
    /// OpenTSDB's `put` and `histogram` lines.
    Put,
    /// Rows with a header, quoted as in RFC 4180.
    Csv,
    /// Parquet files, one for each UTC day.
    Parquet,
}

/// What a build without it says.
#[cfg(not(feature = "parquet"))]
pub const NO_PARQUET: &str =
    "this build knows no Parquet: build it with `--features parquet`, which is the default";
