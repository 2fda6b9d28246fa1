//! Flush: the rows of one epoch become a sealed segment.

use crate::buffer::WriteBuffer;
use crate::codec::Effort;
use crate::env::Env;
use crate::error::Result;
use crate::names::groups::Groups;
use crate::rows::{SortMemory, blocks};
use crate::segment::writer::Sealed;
use crate::segment::{self, SegmentWriter};
use crate::series::Registry;
use std::path::Path;
use std::sync::Arc;

/// Writes and seals the segment of an epoch. `None` if there is no row. The buffers get no more
/// rows. Repeating it after a failure is safe: a new file replaces what the last try left.
pub fn flush(
    env: &Env,
    dir: &Path,
    epoch: u32,
    buffers: &[Arc<WriteBuffer>],
    registry: &Registry,
    memory: &mut SortMemory,
    names: &mut Groups,
) -> Result<Option<Sealed>> {
    let buffers: Vec<_> = buffers.iter().map(|buffer| (buffer.clone(), buffer.len())).collect();
    if buffers.iter().all(|(_, rows)| *rows == 0) {
        return Ok(None);
    }
    let path = dir.join(segment::file_name(epoch));
    let mut writer = SegmentWriter::create(env, &path, (epoch, epoch), Effort::Flush)?;
    let pushed = blocks::each_series(&buffers, memory, |series, samples, range| {
        writer.push_range(series, samples, range)
    });
    let sealed = pushed.and_then(|()| writer.seal(registry, names));
    // What is half written may be what the disk lacks.
    sealed.inspect_err(|_| segment::writer::discard(env, &path)).map(Some)
}
