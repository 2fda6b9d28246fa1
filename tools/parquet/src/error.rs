//! What can go wrong with a Parquet file.

use parquet::errors::ParquetError;
use std::io::{self, ErrorKind::*};

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
    /// A column is compressed in a way that is not read here.
    #[error(
        "column `{column}` is compressed with {codec}, which is not read here; read are Snappy, \
         Zstandard, LZ4, gzip and no compression"
    )]
    Codec {
        /// As Parquet calls it.
        codec: String,
        /// Path of the column.
        column: String,
    },
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

impl Error {
    /// The same, naming the column in which it was found.
    pub(crate) fn in_column(column: &str, error: ParquetError) -> Error {
        let in_column = |why| Error::Unreadable(format!("column `{column}`: {why}"));
        match Error::from(error) {
            Error::Unreadable(why) => in_column(why),
            // What unpacks bytes says so of bad ones; files say other things.
            Error::Io(error)
                if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) =>
            {
                in_column(error.to_string())
            }
            other => other,
        }
    }
}
