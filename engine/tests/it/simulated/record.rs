//! What a disk records.

use super::tree::{Id, Node};
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

/// One change of a disk, or a promise about the changes before it.
#[derive(Clone)]
pub enum Op {
    Write {
        file: Id,
        offset: usize,
        bytes: Arc<[u8]>,
    },
    Cut {
        file: Id,
        len: usize,
    },
    Sync {
        file: Id,
    },
    /// What was not synced before it may be lost whatever comes later.
    FailedSync {
        file: Id,
    },
    /// Names of one directory that change in one operation.
    Names {
        dir: Id,
        changes: Vec<(String, Option<Node>)>,
    },
    SyncDir {
        dir: Id,
    },
    FailedSyncDir {
        dir: Id,
    },
}

impl Debug for Op {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Op::Write { file, offset, bytes } => {
                write!(out, "file {file}: write {} bytes at {offset}", bytes.len())
            }
            Op::Cut { file, len } => write!(out, "file {file}: cut to {len}"),
            Op::Sync { file } => write!(out, "file {file}: sync"),
            Op::FailedSync { file } => write!(out, "file {file}: failed sync"),
            Op::Names { dir, changes } => write!(out, "dir {dir}: {changes:?}"),
            Op::SyncDir { dir } => write!(out, "dir {dir}: sync"),
            Op::FailedSyncDir { dir } => write!(out, "dir {dir}: failed sync"),
        }
    }
}
