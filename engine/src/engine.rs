//! The engine: opens a data directory, hands out shards, takes snapshots, flushes, closes.

use crate::assigned::Assigned;
use crate::buffer::{ChunkPool, WriteBuffer};
use crate::env::{Env, Lock};
use crate::epochs::{Epochs, epoch_of};
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::index::Index;
use crate::keeper::{Done, Job, Keeper};
use crate::limits::{
    FLUSH_ROWS, MERGE_BYTES_PER_SECOND, MIN_FREE_DISK_BYTES, NAMES_PART_BYTES_MAX,
    OVERSHOOT_ROWS_MAX, SHARDS_MAX, SYNC_INTERVAL,
};
use crate::merge::days::Partition;
use crate::merger::{Listener, Merger};
use crate::names::seal;
use crate::recover::{Recovered, Recovery, recover};
use crate::retention::Keep;
use crate::scan::Snapshot;
use crate::series::Registry;
use crate::shard::Shard;
use crate::snapshots;
use crate::state::{EpochSet, Shared, View};
use crate::stats::Stats;
use crate::syncer;
use crate::types::SeriesId;
use crate::watcher;
use crossbeam::channel::{bounded, unbounded};
use parking_lot::{Mutex, RwLock};
use std::cmp;
use std::collections::BTreeMap;
use std::io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::*};
use std::thread::JoinHandle;
use std::time::Duration;

/// How an engine is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; created if missing.
    pub dir: PathBuf,
    /// Shards: one for each event loop.
    pub shards: usize,
    /// How often logs are synced at least; sooner when somebody asks.
    pub sync_interval: Duration,
    /// Rows over all shards at which buffers are flushed. A quarter above, shards press back.
    pub flush_rows: u64,
    /// What is kept.
    pub keep: Keep,
    /// Milliseconds of a partition in time, for a new directory; one day if `None`. An existing
    /// directory has its own, and any other is refused.
    pub partition_ms: Option<i64>,
    /// Free bytes of the disk below which rows are refused.
    pub min_free_disk_bytes: u64,
    /// Bytes a second that merges of segments read and write together, unless somebody waits for one;
    /// 0: no bound.
    pub merge_bytes_per_second: u64,
    /// Parts of names are not sealed much larger, and stay apart if they would be larger together:
    /// either takes twice that in memory.
    pub names_part_bytes_max: u64,
}

impl Config {
    /// The defaults for a directory.
    pub fn new(dir: impl Into<PathBuf>) -> Config {
        Config {
            dir: dir.into(),
            shards: 1,
            sync_interval: SYNC_INTERVAL,
            flush_rows: FLUSH_ROWS,
            keep: Keep::default(),
            partition_ms: None,
            min_free_disk_bytes: MIN_FREE_DISK_BYTES,
            merge_bytes_per_second: MERGE_BYTES_PER_SECOND,
            names_part_bytes_max: NAMES_PART_BYTES_MAX,
        }
    }

    /// Rows over all shards at which they press back. Not much above the flush: while the loops
    /// rest the flush has the processor, and what is not buffered needs no memory.
    pub(crate) fn full_rows(&self) -> u64 {
        self.flush_rows + self.flush_rows / 4
    }

    /// Rows that one shard's buffer must be able to take: shards look at the limit before they
    /// receive a request, and what they receive then is more than a batch.
    pub(crate) fn buffer_rows_max(&self) -> u64 {
        self.full_rows() + OVERSHOOT_ROWS_MAX
    }
}

/// An open data directory.
pub struct Engine {
    shared: Arc<Shared>,
    index: Index,
    report: Recovery,
    taken: Vec<AtomicBool>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    merger: Mutex<Option<JoinHandle<()>>>,
    syncer: Mutex<Option<JoinHandle<()>>>,
    watcher: Mutex<Option<JoinHandle<()>>>,
    /// Held until the engine is gone.
    _lock: Lock,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Engine({})", self.shared.config.dir.display())
    }
}

/// Sizes for the metrics page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of logs in use.
    pub log_bytes: u64,
    /// Bytes of segments.
    pub segment_bytes: u64,
    /// Segments of each level.
    pub segments: BTreeMap<u32, u64>,
    /// Segments that cannot be read.
    pub set_aside: usize,
    /// Blocks found damaged in those that can.
    pub damaged_blocks: u64,
}

impl Engine {
    /// Opens a data directory and recovers what is in it.
    pub fn open(config: Config, env: Env) -> Result<Engine> {
        assert!((1..=SHARDS_MAX).contains(&config.shards), "1 to {SHARDS_MAX} shards");
        let lock = lock(&config, &env)?;
        let pool = Arc::new(ChunkPool::default());
        let recovered = recover(&env, &config.dir, config.partition_ms, &pool)?;
        // An event loop must never wait for the keeper, which may be waiting for that loop.
        let (sender, jobs) = unbounded();
        let Recovered {
            manifest,
            segments,
            deletes,
            aside,
            registry,
            assigned,
            frozen,
            teller,
            epoch,
            report,
        } = recovered;
        let epochs = frozen.iter().map(|frozen| frozen.buffers.clone()).collect();
        let placeholder =
            EpochSet { epoch, buffers: Vec::new(), logs: Vec::new(), rows: Default::default() };
        let now = env.clock.monotonic();
        let shared = Arc::new(Shared {
            epochs: Epochs::new(config.shards, Arc::new(placeholder)),
            shards: (0..config.shards).map(|_| Default::default()).collect(),
            config,
            env,
            partition: Partition(manifest.partition_ms),
            registry,
            assigned,
            stats: Stats::default(),
            pool,
            view: RwLock::new(Arc::new(View {
                segments,
                epochs,
                deletes,
                floor_ms: manifest.floor_ms,
                aside,
            })),
            keeper: sender,
            abandoned: AtomicBool::new(false),
            flush_asked: AtomicBool::new(false),
            frozen_log_bytes: AtomicU64::new(0),
            sync_signal: Default::default(),
            gate: Gate::default(),
            teller,
            watcher_ends: Default::default(),
            faults: Mutex::new(report.faults.clone()),
            floor_ms: AtomicI64::new(manifest.floor_ms),
            levels: Mutex::new(manifest.segments_by_level()),
            manifest: Mutex::new(manifest),
            retaining: Mutex::new(()),
            merges: Default::default(),
            last_flush: Mutex::new(now),
        });
        begin(&shared, epoch + 1)?;
        let Shared { teller, env, config, registry, assigned, .. } = &*shared;
        teller.begin(env, &config.dir, registry, assigned);
        watcher::look(&shared);
        let keeper = Keeper::new(shared.clone(), frozen);
        let keeper = spawn("keeper", move || keeper.run(&jobs))?;
        let merger = Merger::new(shared.clone());
        let merger = spawn("merger", move || merger.run())?;
        let syncing = shared.clone();
        let syncer = spawn("syncer", move || syncer::run(&syncing))?;
        let watching = shared.clone();
        let watcher = spawn("watcher", move || watcher::run(&watching))?;
        Ok(Engine {
            taken: shared.shards.iter().map(|_| AtomicBool::new(false)).collect(),
            index: Index::new(shared.env.chance.number()),
            shared,
            report,
            keeper: Mutex::new(Some(keeper)),
            merger: Mutex::new(Some(merger)),
            syncer: Mutex::new(Some(syncer)),
            watcher: Mutex::new(Some(watcher)),
            _lock: lock,
        })
    }

    /// What recovery found.
    pub fn recovery(&self) -> &Recovery {
        &self.report
    }

    /// Hands out a shard. Each once: a shard has one owner.
    pub fn shard(&self, index: usize) -> Shard {
        assert!(!self.taken[index].swap(true, AcqRel), "shard {index} has an owner");
        Shard::new(self.shared.clone(), index)
    }

    /// Number of shards.
    pub fn shards(&self) -> usize {
        self.taken.len()
    }

    /// Whether a flush would also seal the names in memory.
    pub fn seals_names(&self) -> bool {
        seal::is_due(&self.shared)
    }

    /// Bytes of memory that sealing the names will take besides them, at the most.
    pub fn sealing_bytes(&self) -> u64 {
        seal::bytes_to_come(&self.shared)
    }

    /// All series.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Names assigned by hand.
    pub fn assigned(&self) -> &Assigned {
        &self.shared.assigned
    }

    /// Which series have which labels.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// The outside world.
    pub fn env(&self) -> &Env {
        &self.shared.env
    }

    /// Everything visible now: commits answered before this call all are, and with a commit each that was
    /// answered before it was begun, whatever their shards.
    pub fn snapshot(&self) -> Snapshot {
        let view = self.shared.view.read().clone();
        // Drawn from one counter, so what a commit below this one follows is published by now; what is
        // published from here on would be seen in some shards and not in others.
        let next = self.shared.epochs.next();
        let rows = |buffer: &WriteBuffer| match buffer.epoch().cmp(&epoch_of(next)) {
            cmp::Ordering::Less => buffer.len(),
            cmp::Ordering::Equal => buffer.rows_below(next as u32),
            cmp::Ordering::Greater => 0,
        };
        let epoch = |buffers: &Vec<Arc<WriteBuffer>>| {
            buffers.iter().map(|buffer| (buffer.clone(), rows(buffer))).collect()
        };
        let epochs = view.epochs.iter().map(epoch).collect();
        Snapshot {
            segments: view.segments.clone(),
            epochs,
            deletes: view.deletes.clone(),
            floor_ms: view.floor_ms.max(self.oldest_ms()),
            aside: view.aside.clone(),
        }
    }

    /// Calls back once every row committed so far lies in a sealed, synced segment.
    pub fn flush(&self, done: Done) {
        if let Err(refused) = self.shared.keeper.send(Job::Flush(Some(done)))
            && let Job::Flush(Some(done)) = refused.into_inner()
        {
            done(Err("the node is stopping".into()));
        }
    }

    /// Has the names in memory sealed; calls back once that is done.
    pub fn seal_names(&self, done: Done) {
        if let Err(refused) = self.shared.keeper.send(Job::SealNames(done))
            && let Job::SealNames(done) = refused.into_inner()
        {
            done(Err("the node is stopping".into()));
        }
    }

    /// Deletes the samples of these series from the first to the last of `times` that were accepted
    /// before this call; calls back when that is durable and visible. What is accepted later stays,
    /// also for the same series and timestamps.
    pub fn delete(&self, mut series: Vec<SeriesId>, times: (i64, i64), done: Done) {
        series.sort_unstable();
        series.dedup();
        if let Err(refused) = self.shared.keeper.send(Job::Delete(series, times, done))
            && let Job::Delete(_, _, done) = refused.into_inner()
        {
            done(Err("the node is stopping".into()));
        }
    }

    /// Makes a snapshot of everything accepted before this call, and calls back when it is durable. The
    /// name is one that [`snapshots::is_name`] takes and no other snapshot has.
    pub fn create_snapshot(&self, name: String, done: Done) {
        assert!(snapshots::is_name(&name), "the caller makes names");
        if let Err(refused) = self.shared.keeper.send(Job::Snapshot(name, done))
            && let Job::Snapshot(_, done) = refused.into_inner()
        {
            done(Err("the node is stopping".into()));
        }
    }

    /// Names of the snapshots, ascending.
    pub fn snapshots(&self) -> Result<Vec<String>> {
        snapshots::list(&self.shared.env, &self.shared.config.dir)
    }

    /// Removes a snapshot; whether there was one. Waits for the disk.
    pub fn remove_snapshot(&self, name: &str) -> Result<bool> {
        snapshots::remove(&self.shared.env, &self.shared.config.dir, name)
    }

    /// The first timestamp that is served and may be written; what is older is dropped.
    #[inline]
    pub fn oldest_ms(&self) -> i64 {
        self.shared.oldest_ms()
    }

    /// Merges all segments that share days into one of the last level; the listener is told while
    /// that goes on, and at last that it is done.
    pub fn merge(&self, listener: Listener) {
        self.shared.merges.force(listener);
    }

    /// Why rows are refused, if they are.
    pub fn stopped(&self) -> Option<String> {
        self.shared.gate.reason()
    }

    /// Whether rows are taken, and if not, why not.
    #[inline]
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// What of the data is damaged as far as it is known, a sentence for each file.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.shared.faults.lock().clone();
        let view = self.shared.view.read().clone();
        for (blocks, first) in view.segments.iter().filter_map(|segment| segment.damage()) {
            faults.push(format!("{first} ({blocks} damaged blocks found so far)"));
        }
        faults
    }

    /// Sizes for the metrics page.
    pub fn sizes(&self) -> Sizes {
        let view = self.shared.view.read().clone();
        let current = self.shared.epochs.current();
        Sizes {
            log_bytes: current.logs.iter().map(|log| log.bytes()).sum::<u64>()
                + self.shared.frozen_log_bytes.load(Relaxed),
            segment_bytes: view.segments.iter().map(|segment| segment.bytes()).sum(),
            segments: self.shared.levels.lock().clone(),
            set_aside: view.aside.len(),
            damaged_blocks: view.segments.iter().filter_map(|s| s.damage()).map(|d| d.0).sum(),
        }
    }

    /// Flushes everything and ends the engine's threads. All shards must be gone.
    pub fn close(&self) -> Result<()> {
        let (sender, answer) = bounded(1);
        let done = Box::new(move |outcome| drop(sender.send(outcome)));
        drop(self.shared.keeper.send(Job::End(done)));
        let outcome = answer.recv().unwrap_or_else(|_| Err("the keeper is gone".into()));
        self.end_threads();
        self.shared.tell();
        self.shared.teller.sync(&self.shared.config.dir);
        outcome.map_err(Error::Stopped)
    }

    fn end_threads(&self) {
        self.shared.sync_signal.0.lock().ending = true;
        self.shared.sync_signal.1.notify_one();
        self.shared.merges.end();
        *self.shared.watcher_ends.0.lock() = true;
        self.shared.watcher_ends.1.notify_one();
        for thread in [&self.watcher, &self.syncer, &self.keeper, &self.merger] {
            if let Some(thread) = thread.lock().take() {
                let _panicked = thread.join();
            }
        }
    }
}

impl Drop for Engine {
    /// Without [`Engine::close`] what is not flushed stays in the logs.
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Release);
        let _ended = self.shared.keeper.send(Job::Quit);
        self.end_threads();
    }
}

fn lock(config: &Config, env: &Env) -> Result<Lock> {
    let dir = &config.dir;
    env.disk.create_dir(dir).map_err(|error| Error::io("create", dir, error))?;
    // The directory's own name must outlive a power cut too.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    env.disk.sync_dir(parent).or_else(|error| match error.kind() {
        // A parent that only others may read, or that cannot be synced, is no reason not to run.
        PermissionDenied | ReadOnlyFilesystem | InvalidInput | Unsupported => Ok(()),
        _ => Err(Error::io("sync", parent, error)),
    })?;
    let path = dir.join("LOCK");
    let holder = format!("irontsd process {}\n", std::process::id());
    let locked = env.disk.lock(&path, &holder).map_err(|error| Error::io("lock", &path, error))?;
    locked.map_err(|holder| Error::InUse { path: dir.clone(), holder })
}

/// Begins the first epoch of this run.
fn begin(shared: &Arc<Shared>, epoch: u32) -> Result<()> {
    let set = shared.create_epoch(epoch)?;
    shared.change_view(|view| view.epochs.push(set.buffers.clone()));
    shared.epochs.begin(Arc::new(set));
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(|error| Error::Stopped(format!("cannot start a thread: {error}")))
}
