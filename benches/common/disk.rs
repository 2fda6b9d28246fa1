//! Bytes a directory takes on disk, as `du` counts them, and bytes of the files in it.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `st_blocks` counts in this unit whatever the file system's own blocks are.
const BLOCK_BYTES: u64 = 512;

/// What lies below a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blocks of files and directories, a file with several names once: what `du -sk` counts.
    pub allocated_bytes: u64,
    /// Lengths of the files, without what rounding to blocks and directories add.
    pub file_bytes: u64,
}

impl Usage {
    /// What is left without a part.
    pub fn without(self, part: Usage) -> Usage {
        Usage {
            allocated_bytes: self.allocated_bytes - part.allocated_bytes,
            file_bytes: self.file_bytes - part.file_bytes,
        }
    }
}

/// Everything below `path`; files that vanish meanwhile do not count.
pub fn usage(path: &Path) -> io::Result<Usage> {
    let mut usage = Usage::default();
    add(path, &mut usage, &mut HashSet::new())?;
    Ok(usage)
}

fn add(path: &Path, usage: &mut Usage, linked: &mut HashSet<(u64, u64)>) -> io::Result<()> {
    let Some(metadata) = unless_gone(path.symlink_metadata())? else {
        return Ok(());
    };
    if !metadata.is_dir()
        && metadata.nlink() > 1
        && !linked.insert((metadata.dev(), metadata.ino()))
    {
        return Ok(());
    }
    usage.allocated_bytes += metadata.blocks() * BLOCK_BYTES;
    if !metadata.is_dir() {
        usage.file_bytes += metadata.len();
        return Ok(());
    }
    for entry in unless_gone(path.read_dir())?.into_iter().flatten() {
        add(&entry?.path(), usage, linked)?;
    }
    Ok(())
}

/// `None` for a file that is no longer there.
pub fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
