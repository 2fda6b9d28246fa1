//! What the engine's threads share.
//!
//! A shard that draws a number of a newer epoch moves to that epoch's buffer and log before it uses the
//! number ([`crate::epochs`]). The new buffers are in the view before the epoch begins, so a row is
//! never committed where a reader would not look.

use crate::assigned::Assigned;
use crate::buffer::{ChunkPool, WriteBuffer};
use crate::deletes::Delete;
use crate::engine::Config;
use crate::env::Env;
use crate::epochs::{self, Epochs};
use crate::error::{Error, Result};
use crate::gate::{Cause, Gate};
use crate::header::{FileKind, Header};
use crate::keeper::Job;
use crate::log;
use crate::log::append::AppendFile;
use crate::manifest::Manifest;
use crate::merge::days::Partition;
use crate::merger;
use crate::scan::Aside;
use crate::segment::Segment;
use crate::series::Registry;
use crate::stats::Stats;
use crate::watcher;
use crate::witness::Teller;
use crossbeam::channel::Sender;
use crossbeam::utils::CachePadded;
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::*};
use std::time::Duration;

/// Where the rows of one epoch go, shard by shard.
#[derive(Debug)]
pub struct EpochSet {
    pub epoch: u32,
    pub buffers: Vec<Arc<WriteBuffer>>,
    pub logs: Vec<Arc<AppendFile>>,
    /// Weight of the rows over all shards; decides when to flush and when to press back.
    pub rows: CachePadded<AtomicU64>,
}

impl epochs::Set for EpochSet {
    fn epoch(&self) -> u32 {
        self.epoch
    }
}

/// The order in which of two samples with one series and timestamp the later segment's counts.
pub fn sort_by_epoch(segments: &mut [Arc<Segment>]) {
    segments.sort_by_key(|segment| {
        let (first, last) = segment.footer().epochs;
        (last, first)
    });
}

/// What a reader looks at.
#[derive(Debug, Default, Clone)]
pub struct View {
    /// Oldest epoch first.
    pub segments: Vec<Arc<Segment>>,
    /// Oldest epoch first; the last may still grow.
    pub epochs: Vec<Vec<Arc<WriteBuffer>>>,
    /// Deletes in force, ascending by number.
    pub deletes: Vec<Arc<Delete>>,
    /// Everything before this timestamp was dropped.
    pub floor_ms: i64,
    /// Segments that the manifest names and that cannot be read.
    pub aside: Vec<Arc<Aside>>,
}

/// One shard as the other threads see it. Each is written by its own: none shares a cache line with another.
#[derive(Default)]
#[repr(align(128))]
pub struct ShardState {
    /// Commits so far, and how many of them are synced.
    pub committed: AtomicU64,
    pub synced: AtomicU64,
    /// Logs with unsynced commits, oldest first; the last one is in use.
    pub unsynced: Mutex<Vec<Arc<AppendFile>>>,
    /// Wakes its event loop.
    pub waker: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

impl ShardState {
    pub fn wake(&self) {
        if let Some(wake) = &*self.waker.lock() {
            wake();
        }
    }
}

/// State shared by shards, keeper, syncer and readers.
pub struct Shared {
    pub config: Config,
    pub env: Env,
    /// How the directory was made.
    pub partition: Partition,
    pub registry: Registry,
    pub assigned: Assigned,
    pub stats: Stats,
    pub pool: Arc<ChunkPool>,
    /// Where commits go.
    pub epochs: Epochs<EpochSet>,
    pub view: RwLock<Arc<View>>,
    pub shards: Vec<ShardState>,
    pub keeper: Sender<Job>,
    /// The engine was dropped: nobody waits for shards any more.
    pub abandoned: AtomicBool,
    /// Bytes of logs of epochs that get no more rows and are not flushed yet.
    pub frozen_log_bytes: AtomicU64,
    /// A flush was asked for and not yet begun: ask once.
    pub flush_asked: AtomicBool,
    /// Signalled to sync now; the flag ends the syncer.
    pub sync_signal: (Mutex<SyncSignal>, Condvar),
    /// Whether rows are taken.
    pub gate: Gate,
    /// Tells what is durable, for the next start.
    pub teller: Teller,
    /// Signalled to end the watcher.
    pub watcher_ends: (Mutex<bool>, Condvar),
    /// What is on disk. Locked for as long as it takes to replace the file.
    pub manifest: Mutex<Manifest>,
    /// Segments of each level that the manifest names, for whoever must not wait for the disk.
    pub levels: Mutex<BTreeMap<u32, u64>>,
    /// Everything before this timestamp was dropped; as in the view.
    pub floor_ms: AtomicI64,
    /// Held by whoever drops what is not kept.
    pub retaining: Mutex<()>,
    /// Wakes the merger.
    pub merges: merger::Signal,
    /// When the last flush ended.
    pub last_flush: Mutex<Duration>,
    /// Damage found at the start, and files lost since, for people to read.
    pub faults: Mutex<Vec<String>>,
}

/// See [`Shared::sync_signal`].
#[derive(Debug, Default)]
pub struct SyncSignal {
    pub wanted: bool,
    pub ending: bool,
}

impl Shared {
    pub fn log_dir(&self) -> PathBuf {
        self.config.dir.join("log")
    }

    pub fn segment_dir(&self) -> PathBuf {
        self.config.dir.join("segments")
    }

    /// Refuses all rows until the next start. What was accepted may be in memory only, if a log failed:
    /// segments are files of their own, so a flush is another try.
    pub fn stop(&self, error: &Error) {
        if self.gate.close(Cause::Failed, format!("{error}: until the node is started again")) {
            watcher::ask_for_flush(self);
        }
    }

    /// A write that rows depend on failed. On a full disk nothing is unknown: what was half written
    /// is cut, and it is tried again when there is room.
    pub fn write_failed(&self, error: &Error) {
        if !error.is_disk_full() {
            return self.stop(error);
        }
        if self.gate.close(Cause::DiskFull, format!("{error}: until there is room again")) {
            watcher::ask_for_flush(self);
        }
    }

    /// Creates buffers and logs for an epoch; the logs are durable, names included.
    pub fn create_epoch(&self, epoch: u32) -> Result<EpochSet> {
        let (disk, dir) = (&*self.env.disk, self.log_dir());
        let create = |shard: usize| {
            let salt = self.env.chance.number();
            let header =
                Header { kind: FileKind::Log, salt, epoch: epoch.into(), shard: shard as u32 };
            let path = dir.join(log::file_name(epoch, shard));
            // What an earlier try left behind is empty and was never used.
            let _leftover = disk.remove(&path);
            AppendFile::create(disk, &path, &header).map(Arc::new)
        };
        let shards = 0..self.config.shards;
        let logs = shards.clone().map(create).collect::<Result<Vec<_>>>()?;
        disk.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))?;
        self.teller.add_logs(epoch, &logs);
        let rows_max = self.config.buffer_rows_max();
        let buffer = |_| Arc::new(WriteBuffer::new(epoch, rows_max, self.pool.clone()));
        Ok(EpochSet {
            epoch,
            buffers: shards.map(buffer).collect(),
            logs,
            rows: CachePadded::default(),
        })
    }

    /// Tells the next start what is durable now.
    pub fn tell(&self) {
        self.teller.tell(&self.config.dir, &self.registry, &self.assigned);
    }

    /// The first timestamp that is served and may be written.
    #[inline]
    pub fn oldest_ms(&self) -> i64 {
        let floor = self.floor_ms.load(Relaxed);
        match self.config.keep.age_ms() {
            None => floor,
            Some(age) => floor.max(self.env.clock.wall_ms().saturating_sub(age)),
        }
    }

    /// Replaces the view by a changed copy.
    pub fn change_view(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.write();
        let mut changed = View::clone(&view);
        change(&mut changed);
        *view = Arc::new(changed);
    }

    pub fn wake_all(&self) {
        self.shards.iter().for_each(ShardState::wake);
    }
}
