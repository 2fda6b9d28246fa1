//! What can go wrong with a Parquet file.

use parquet::errors::ParquetError;
use std::io;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Whoever is written to or read from failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are no Parquet file, or not a whole one.
    #[error("not readable as Parquet: {0}")]
    Unreadable(String),
    /// The file has other columns than samples have.
    #[error("{0}")]
    Schema(String),
    /// Refused by whoever takes the samples.
    #[error("{0}")]
    Stopped(String),
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Error {
        match error {
            // What the file below said is what matters.
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => Error::Io(*error),
                Err(other) => Error::Unreadable(other.to_string()),
            },
            other => Error::Unreadable(other.to_string()),
        }
    }
}
