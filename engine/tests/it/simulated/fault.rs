//! Failures of a disk, on demand.

use std::io;
use std::path::Path;

/// What an operation is, for failures that hit some kinds only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing changes.
    Look,
    /// Nothing changes, and the bytes of a file are read.
    Read,
    /// It needs space: a full disk refuses it.
    Name,
    /// The same, and a part of it may be done before it fails.
    Write,
    Sync,
    /// It frees space.
    Free,
}

/// Which operations fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hits {
    Every,
    /// Those that need space.
    Space,
    Reads,
    Writes,
    Syncs,
}

impl Hits {
    fn hits(self, kind: Kind) -> bool {
        match self {
            Hits::Every => true,
            Hits::Space => matches!(kind, Kind::Name | Kind::Write),
            Hits::Reads => kind == Kind::Read,
            Hits::Writes => kind == Kind::Write,
            Hits::Syncs => kind == Kind::Sync,
        }
    }
}

/// A failure to come.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub hits: Hits,
    /// So many operations that it could hit are spared.
    pub after: u64,
    /// Not only one: all from then on.
    pub forever: bool,
    /// The system's error number, or one of the others below.
    pub error: i32,
    /// A write that fails has written so many bytes, or all.
    pub prefix: usize,
}

impl Fault {
    /// Whether an operation of this kind fails now; another time later, perhaps.
    pub fn strikes(&mut self, kind: Kind) -> bool {
        if !self.hits.hits(kind) || self.after == 0 {
            return self.hits.hits(kind);
        }
        self.after -= 1;
        false
    }

    /// What whoever asked for it is told.
    pub fn told(&self, kind: Kind) -> io::Result<()> {
        match (self.error, kind) {
            (CONTINUED, _) => Ok(()),
            // As the door to the disk says it.
            (SHORT, Kind::Look | Kind::Read) => Err(io::ErrorKind::UnexpectedEof.into()),
            (SHORT, _) => Err(io::ErrorKind::WriteZero.into()),
            (error, _) => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// A call was interrupted, and whoever should have tried again did not.
pub const EINTR: i32 = 4;
/// Input/output error.
pub const EIO: i32 = 5;
/// No space left on device.
pub const ENOSPC: i32 = 28;
/// A read ends before the file does, a write takes no more than a part, and no error says why.
pub const SHORT: i32 = -1;
/// An operation is done in two pieces, the second after an interruption: there is no failure, but power
/// may be cut between them.
pub const CONTINUED: i32 = -2;

/// Syncs that do nothing, although they say otherwise: as if the engine had left them out.
#[derive(Clone, Copy, Debug)]
pub enum Ignored {
    /// Of files whose path, when they were opened, ended so.
    Files(&'static str),
    /// Of directories whose path ends so.
    Dirs(&'static str),
    /// What an engine that is let go does, and a process that is killed does not: its logs are synced
    /// once more, and the witness tells of it.
    Last,
}

impl Ignored {
    pub fn hits_file(self, path: &Path) -> bool {
        match self {
            Ignored::Files(end) => ends(path, end),
            Ignored::Last => ends(path, ".log"),
            Ignored::Dirs(_) => false,
        }
    }

    pub fn hits_write(self, path: &Path) -> bool {
        matches!(self, Ignored::Last) && ends(path, "WITNESS.tmp")
    }

    pub fn hits_dir(self, path: &Path) -> bool {
        matches!(self, Ignored::Dirs(end) if ends(path, end))
    }
}

fn ends(path: &Path, end: &str) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(end))
}
