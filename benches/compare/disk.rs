//! Bytes a directory takes on disk, as `du` counts them.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `st_blocks` counts in this unit whatever the file system's own blocks are.
const BLOCK_BYTES: u64 = 512;

/// Allocated bytes of everything below `path`; files that vanish meanwhile do not count.
pub fn allocated_bytes(path: &Path) -> io::Result<u64> {
    let Some(metadata) = unless_gone(path.symlink_metadata())? else {
        return Ok(0);
    };
    let mut bytes = metadata.blocks() * BLOCK_BYTES;
    if !metadata.is_dir() {
        return Ok(bytes);
    }
    for entry in unless_gone(path.read_dir())?.into_iter().flatten() {
        bytes += allocated_bytes(&entry?.path())?;
    }
    Ok(bytes)
}

/// `None` for a file that is no longer there.
pub fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
