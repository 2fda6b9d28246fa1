//! Builds a segment file and seals it.

use super::format::{BlockBuilder, BlockEntry, Footer, NameEntry};
use crate::bytes::pad8;
use crate::checksum;
use crate::codec::Effort;
use crate::env::{Env, File};
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::limits::RUN_ROWS_MAX;
use crate::names::groups::Groups;
use crate::series::Registry;
use crate::types::{Samples, SeriesId};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes gathered before a write.
const WRITE_BYTES: usize = 1 << 20;

/// A segment under construction, under a temporary name.
#[derive(Debug)]
pub struct SegmentWriter {
    env: Env,
    path: PathBuf,
    file: Arc<dyn File>,
    salt: u64,
    epochs: (u32, u32),
    /// Bytes not yet written, and where they belong.
    pending: Vec<u8>,
    pending_at: u64,
    /// Bytes that are durable, at least.
    synced: u64,
    block: BlockBuilder,
    block_timestamps: (i64, i64),
    blocks: Vec<BlockEntry>,
    /// Every series of the segment, ascending.
    series: Vec<SeriesId>,
    samples: u64,
}

impl SegmentWriter {
    /// Starts a segment for rows of these epochs. `path` is its final name.
    pub fn create(
        env: &Env,
        path: &Path,
        epochs: (u32, u32),
        effort: Effort,
    ) -> Result<SegmentWriter> {
        let temporary = temporary(path);
        // What an earlier try left behind is replaced; usually there is nothing.
        let _leftover = env.disk.remove(&temporary);
        let file = env.disk.create(&temporary);
        let file = file.map_err(|error| Error::io("create", &temporary, error))?;
        let salt = env.chance.number();
        let epoch = u64::from(epochs.1);
        let header = Header { kind: FileKind::Segment, salt, epoch, shard: 0 };
        Ok(SegmentWriter {
            env: env.clone(),
            path: path.to_owned(),
            file,
            salt,
            epochs,
            pending: header.encode().to_vec(),
            pending_at: 0,
            synced: 0,
            block: BlockBuilder::new(effort),
            block_timestamps: (i64::MAX, i64::MIN),
            blocks: Vec::new(),
            series: Vec::new(),
            samples: 0,
        })
    }

    /// Adds all samples of a series, strictly ascending in time; series ascend from call to call.
    pub fn push(&mut self, series: SeriesId, samples: &Samples) -> Result<()> {
        self.push_range(series, samples, 0..samples.len())
    }

    /// The same of some of the samples.
    pub fn push_range(
        &mut self,
        series: SeriesId,
        samples: &Samples,
        range: Range<usize>,
    ) -> Result<()> {
        assert!(self.series.last().is_none_or(|&last| last <= series), "series ascend");
        if self.series.last() != Some(&series) {
            self.series.push(series);
        }
        let mut from = range.start;
        while from < range.end {
            let most = range.end.min(from + RUN_ROWS_MAX);
            let to = from + samples.handful(from, most);
            self.block.push(series, samples, from, to);
            let (low, high) = self.block_timestamps;
            let ends = (samples.timestamps[from], samples.timestamps[to - 1]);
            self.block_timestamps = (low.min(ends.0), high.max(ends.1));
            from = to;
            if self.block.is_full() {
                self.close_block()?;
            }
        }
        Ok(())
    }

    /// Whether no sample was pushed.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Gives the file up.
    pub fn discard(self) {
        discard(&self.env, &self.path);
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.pending_at + self.pending.len() as u64
    }

    /// Those that were written and may not be durable yet.
    pub fn unsynced_bytes(&self) -> u64 {
        self.pending_at - self.synced
    }

    /// Makes what was written durable.
    pub fn sync(&mut self) -> Result<()> {
        let synced = self.file.sync();
        synced.map_err(|error| Error::io("sync", &temporary(&self.path), error))?;
        self.synced = self.pending_at;
        Ok(())
    }

    fn close_block(&mut self) -> Result<()> {
        if self.block.runs() == 0 {
            return Ok(());
        }
        let (runs, rows) = (self.block.runs() as u32, self.block.rows() as u32);
        let series = self.block.series_range();
        let (offset, start) = (self.bytes(), self.pending.len());
        self.block.finish(&mut self.pending);
        let bytes = &self.pending[start..];
        self.blocks.push(BlockEntry {
            offset,
            bytes: bytes.len() as u32,
            checksum: checksum::seeded(self.salt, offset, bytes),
            series,
            runs,
            rows,
            timestamps: self.block_timestamps,
        });
        self.block_timestamps = (i64::MAX, i64::MIN);
        self.samples += u64::from(rows);
        if self.pending.len() >= WRITE_BYTES { self.write_pending() } else { Ok(()) }
    }

    fn write_pending(&mut self) -> Result<()> {
        let wrote = self.file.write_at(&self.pending, self.pending_at);
        wrote.map_err(|error| Error::io("write", &temporary(&self.path), error))?;
        self.pending_at += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes names and indexes, syncs, and gives the file its name. Durable when this returns;
    /// part of the data directory once the manifest names it.
    pub fn seal(mut self, registry: &Registry, groups: &mut Groups) -> Result<Sealed> {
        self.close_block()?;
        let groups = self.write_names(registry, groups)?;
        let footer = self.write_index(&groups);
        self.write_pending()?;
        self.sync()?;
        let temporary = temporary(&self.path);
        let renamed = self.env.disk.rename(&temporary, &self.path);
        renamed.map_err(|error| Error::io("rename", &temporary, error))?;
        let dir = self.path.parent().unwrap_or(Path::new("."));
        self.env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
        Ok(Sealed { path: self.path, bytes: self.pending_at, footer })
    }

    fn write_names(&mut self, registry: &Registry, groups: &mut Groups) -> Result<Vec<NameEntry>> {
        let series = std::mem::take(&mut self.series);
        let mut entries = Vec::new();
        groups.each(&series, registry, |group| {
            let offset = self.bytes();
            entries.push(NameEntry {
                offset,
                bytes: group.bytes.len() as u32,
                raw_bytes: 0,
                checksum: checksum::seeded(self.salt, offset, &group.bytes),
                first: group.first,
                names: group.names as u32,
            });
            self.pending.extend_from_slice(&group.bytes);
            pad8(&mut self.pending);
            if self.pending.len() >= WRITE_BYTES { self.write_pending() } else { Ok(()) }
        })?;
        // A name that cannot be read any more must not be lost in what takes the place of the logs.
        registry.check()?;
        self.series = series;
        Ok(entries)
    }

    fn write_index(&mut self, groups: &[NameEntry]) -> Footer {
        let (blocks_at, start) = (self.bytes(), self.pending.len());
        self.blocks.iter().for_each(|entry| entry.encode(&mut self.pending));
        groups.iter().for_each(|entry| entry.encode(&mut self.pending));
        let index_checksum = checksum::seeded(self.salt, blocks_at, &self.pending[start..]);
        let low = self.blocks.iter().map(|block| block.timestamps.0).min();
        let high = self.blocks.iter().map(|block| block.timestamps.1).max();
        let footer = Footer {
            blocks_at,
            blocks: self.blocks.len() as u32,
            name_groups: groups.len() as u32,
            index_checksum,
            series: self.series.len() as u32,
            samples: self.samples,
            timestamps: (low.unwrap_or(0), high.unwrap_or(0)),
            epochs: self.epochs,
        };
        let encoded = footer.encode(self.salt, self.bytes());
        self.pending.extend_from_slice(&encoded);
        footer
    }
}

/// A sealed file, durable under its name.
#[derive(Debug)]
pub struct Sealed {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What it holds.
    pub footer: Footer,
}

/// Removes what was written of a segment that was not sealed; `path` is its final name. If that
/// fails, it goes at the next start.
pub fn discard(env: &Env, path: &Path) {
    let _leftover = env.disk.remove(&temporary(path));
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("seg.tmp")
}

const _: () = assert!(HEADER_BYTES.is_multiple_of(8));
