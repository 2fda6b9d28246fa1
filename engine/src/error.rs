//! Errors, named by what the reader of one should do next.

use std::path::{Path, PathBuf};

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk or system refused an operation; the path says where.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `open`, `sync`, ...
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file holds bytes that nobody wrote there. Restore it, or inspect it at this offset.
    #[error("{} is damaged at offset {offset}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first unreadable structure begins.
        offset: u64,
        /// What was found there.
        what: String,
    },
    /// A file of a format this build does not know. Use a newer build.
    #[error("{} has format version {found}; this build reads {}", path.display(), versions(*readable))]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The versions this build reads, first and last.
        readable: (u32, u32),
    },
    /// Another node holds the data directory. Stop it, or choose another directory.
    #[error(
        "{} is in use by {holder}: stop that node or choose another --data-dir",
        path.display()
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// Who holds it, as that node wrote it down.
        holder: String,
    },
    /// The directory cannot be what it claims to be.
    #[error("{}: {what}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong and what to do.
        what: String,
    },
    /// Nothing more can be written here until the node is started again; reads go on.
    #[error("writes are stopped: {0}")]
    Stopped(String),
    /// Rows are not taken for now; the text says why and until when. Reads go on.
    #[error("{0}")]
    Refused(String),
}

fn versions((first, last): (u32, u32)) -> String {
    if first == last { format!("version {last}") } else { format!("versions {first} to {last}") }
}

impl Error {
    /// Wraps a system error with what was tried and where.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Error {
        Error::Io { action, path: path.to_owned(), source }
    }

    /// Whether there is no such file.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }

    /// Whether the disk, or what this user may have of it, is full: that may end by itself.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Error::Io { source, .. } if is_disk_full(source))
    }

    /// Names a file that could be opened but not read: it was cut, or the disk failed.
    pub fn unreadable(path: &Path) -> Error {
        Error::damaged(path, 0, "it was cut while it was open, or the disk cannot read it")
    }

    /// Names damage in a file.
    pub fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Error {
        Error::Damaged { path: path.to_owned(), offset, what: what.into() }
    }
}

/// See [`Error::is_disk_full`].
pub fn is_disk_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;
