//! Samples as Parquet files, and back: the one crate that knows Parquet. It opens no files;
//! whoever uses it brings something to write to or to read from.
//!
//! A file holds one UTC day, sorted by series in name order (metric, then tags by key), then by time.
//! A row is a sample:
//!
//! | column | type | |
//! |---|---|---|
//! | `metric` | string | empty for a series known by its tags alone |
//! | `tags` | map of string to string | keys ascending |
//! | `timestamp` | timestamp in ms, UTC | |
//! | `integer` | 64-bit integer | the value, if it was given without point and exponent |
//! | `float` | double | the value, if it was not; bit for bit, `-0.0` and infinities included |
//! | `histogram` | structure | the value, if it is a histogram |
//!
//! Of the last three exactly one is set. A histogram is `underflow` and `overflow` (64-bit integers),
//! `bounds` (doubles, ascending, one more than there are buckets, or none) and `counts` (a 64-bit
//! integer for each bucket, from its lower bound, included, to the upper). One with a codec that the
//! node does not read has `codec_id` and `bytes` instead, and the rest is null.
//!
//! So `coalesce("float", "integer")` is the number, and no value was ever rounded. What a file does not say
//! is how a decimal was spelled: `1.50` and `1.5` are the same double. DuckDB, pyarrow, Polars and ClickHouse
//! read all of it as it is; pandas makes doubles of integers unless told
//! `read_parquet(..., dtype_backend="pyarrow")`.
//!
//! Files are compressed with LZ4 (raw); read is also what others pack with Snappy, Zstandard or gzip, in
//! pages of both versions. The key `irontsd.schema` of a file's metadata is [`SCHEMA`].
//! `group` collects samples and makes columns of them through `write`, side by side by `spread`; `day` is
//! one file, `days` many; `read` reads.

mod day;
mod days;
mod error;
mod group;
mod read;
mod schema;
mod spread;
#[cfg(test)]
mod tests;
mod write;

pub use days::{DAY_MS, DAYS_MAX, Days, Which, Written};
pub use error::Error;
pub use read::{Name, Taker, read};
pub use schema::{MAGIC, SCHEMA};
