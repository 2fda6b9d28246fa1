//! The thread that keeps the write buffers small: it begins a new epoch, flushes the old one to a
//! segment, names the segment in the manifest and lets the logs go.
//!
//! Order of the steps is the whole point; each is durable before the next begins:
//! 1. logs of the new epoch; 2. new buffers in the view, then the epoch bump; 3. all shards moved;
//! 4. segment synced, and the names, in another file if their log cannot be; 5. manifest names the
//!    segment; 6. view shows it instead of the buffers; 7. old logs go.
//!
//! A failure before 5 leaves everything in logs and buffers, and is tried again; until then rows are
//! refused.

use crate::buffer::WriteBuffer;
use crate::deletes;
use crate::error::{Error, Result};
use crate::flush;
use crate::gate::Cause;
use crate::log;
use crate::manifest::DeleteEntry;
use crate::names::groups::Groups;
use crate::names::seal;
use crate::retention;
use crate::rows::SortMemory;
use crate::segment::Segment;
use crate::segment::writer::Sealed;
use crate::snapshots;
use crate::state::{EpochSet, Shared, sort_by_epoch};
use crate::types::SeriesId;
use crossbeam::channel::{Receiver, RecvTimeoutError};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::time::Duration;

/// Called with the outcome.
pub type Done = Box<dyn FnOnce(std::result::Result<(), String>) + Send>;

/// What the keeper is asked to do.
pub enum Job {
    /// Flush everything accepted so far; then call back.
    Flush(Option<Done>),
    /// Take the names that are written out of memory.
    SealNames(Done),
    /// Make a snapshot of what was accepted so far, under a name.
    Snapshot(String, Done),
    /// Delete what was accepted so far: series, ascending, and first and last timestamp.
    Delete(Vec<SeriesId>, (i64, i64), Done),
    /// Flush everything and end. All shards are gone.
    End(Done),
    /// End at once; the logs keep what is not flushed.
    Quit,
}

/// An epoch that gets no more rows and is not in a segment yet.
pub struct Frozen {
    pub epoch: u32,
    pub buffers: Vec<Arc<WriteBuffer>>,
    pub logs: Vec<FrozenLog>,
}

/// A log whose rows go into a segment.
#[derive(Debug, Clone)]
pub struct FrozenLog {
    pub path: PathBuf,
    pub bytes: u64,
    /// Parts of it could not be read: it is kept under another name instead of being removed.
    pub damaged: bool,
}

/// How long after a failed flush the next try begins.
const RETRY: Duration = Duration::from_millis(400);
/// The same on a disk that failed: nobody waits for it, and each try sorts and writes everything.
const RETRY_FAILED: Duration = Duration::from_secs(5);

/// The keeper's own state.
pub struct Keeper {
    shared: Arc<Shared>,
    frozen: VecDeque<Frozen>,
    memory: SortMemory,
    names: Groups,
}

impl Keeper {
    pub fn new(shared: Arc<Shared>, frozen: VecDeque<Frozen>) -> Keeper {
        Keeper { shared, frozen, memory: SortMemory::default(), names: Groups::for_flushes() }
    }

    /// Works until told to end.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        self.count_frozen();
        self.flush_frozen_or_tell();
        loop {
            let job = if self.is_idle() {
                jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                let failed = self.shared.gate.has(Cause::Failed);
                jobs.recv_timeout(if failed { RETRY_FAILED } else { RETRY })
            };
            match job {
                Ok(Job::Flush(done)) => {
                    let outcome = self.flush_all();
                    report(done, outcome);
                }
                Ok(Job::Delete(series, times, done)) => {
                    let outcome = self.delete(&series, times);
                    report(Some(done), outcome);
                }
                Ok(Job::SealNames(done)) => report(Some(done), seal::seal(&self.shared)),
                Ok(Job::Snapshot(name, done)) => {
                    let outcome = self.snapshot(&name);
                    report(Some(done), outcome);
                }
                Ok(Job::End(done)) => return report(Some(done), self.end()),
                Err(RecvTimeoutError::Timeout) => self.retry(),
                Ok(Job::Quit) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.frozen.is_empty() && !self.is_due() && !self.shared.gate.has(Cause::Flush)
    }

    /// Rows are many; or no more come, and their logs may have failed.
    fn is_due(&self) -> bool {
        let current = self.shared.epochs.current();
        current.rows.load(Relaxed) >= self.shared.config.flush_rows
            || (self.shared.gate.has(Cause::Failed) && is_to_end(&current))
    }

    fn retry(&mut self) {
        if self.is_due() || self.shared.gate.has(Cause::Flush) {
            let _told = self.flush_all();
        } else {
            self.flush_frozen_or_tell();
        }
    }

    fn end(&mut self) -> Result<()> {
        let flushed = self.flush_all();
        // That something failed is told even if all rows are in segments now.
        let failed =
            if self.shared.gate.has(Cause::Failed) { self.shared.gate.check() } else { Ok(()) };
        failed.and(flushed)
    }

    fn flush_frozen_or_tell(&mut self) {
        let outcome = self.flush_frozen();
        let _told = self.tell(outcome);
    }

    /// While a flush fails rows are refused: there would soon be no room for them.
    fn tell(&self, outcome: Result<()>) -> Result<()> {
        let changed = match &outcome {
            Ok(()) => self.shared.gate.open(Cause::Flush),
            Err(Error::Stopped(_)) => false,
            Err(error) => {
                let reason = format!("a flush failed, and is tried again: {error}");
                self.shared.gate.close(Cause::Flush, reason)
            }
        };
        if changed {
            self.shared.wake_all();
        }
        outcome
    }

    fn flush_all(&mut self) -> Result<()> {
        // While a flush fails nothing more is frozen: the shards fill up and press back.
        if let Err(error) = self.flush_frozen() {
            self.shared.flush_asked.store(false, Release);
            return self.tell(Err(error));
        }
        let current = self.shared.epochs.current();
        let rotated = if is_to_end(&current) { self.rotate(&current) } else { Ok(()) };
        self.shared.flush_asked.store(false, Release);
        let outcome = rotated.and_then(|()| self.flush_frozen());
        self.tell(outcome)
    }

    /// Everything accepted before is in segments then, all their names in parts, and nothing of what
    /// comes later is in either: this thread flushes.
    fn snapshot(&mut self, name: &str) -> Result<()> {
        self.flush_all()?;
        seal::seal(&self.shared)?;
        snapshots::create(&self.shared, name)
    }

    /// Everything accepted before is in segments then, so the delete hits segments only.
    fn delete(&mut self, series: &[SeriesId], times: (i64, i64)) -> Result<()> {
        self.flush_all()?;
        let shared = &self.shared;
        let number = shared.new_file();
        let dir = shared.segment_dir();
        deletes::write(&shared.env, &dir, number, series)?;
        let entry = DeleteEntry { number, times };
        let delete = deletes::read(&shared.env, &dir, &entry)?;
        shared.change_manifest(|manifest| manifest.deletes.push(entry))?;
        shared.change_view(|view| view.deletes.push(Arc::new(delete)));
        shared.merges.notice();
        Ok(())
    }

    /// Begins a new epoch; the old one is frozen when this returns.
    fn rotate(&mut self, old: &EpochSet) -> Result<()> {
        let shared = &self.shared;
        let set = Arc::new(shared.create_epoch(old.epoch + 1)?);
        shared.change_view(|view| view.epochs.push(set.buffers.clone()));
        shared.epochs.begin(set.clone());
        let abandoned = || shared.abandoned.load(Acquire);
        if !shared.epochs.wait_until_moved(set.epoch, || shared.wake_all(), abandoned) {
            return Err(Error::Stopped("the engine was dropped".into()));
        }
        self.frozen.push_back(Frozen {
            epoch: old.epoch,
            buffers: old.buffers.clone(),
            logs: old
                .logs
                .iter()
                .map(|log| FrozenLog {
                    path: log.path().to_owned(),
                    bytes: log.bytes(),
                    damaged: false,
                })
                .collect(),
        });
        self.count_frozen();
        Ok(())
    }

    fn flush_frozen(&mut self) -> Result<()> {
        while let Some(frozen) = self.frozen.front() {
            let (epoch, buffers) = (frozen.epoch, frozen.buffers.clone());
            let started = self.shared.env.clock.monotonic();
            self.flush_one(epoch, &buffers)?;
            let took = self.shared.env.clock.monotonic() - started;
            self.shared.stats.flushes.add(took);
            let rows: usize = buffers.iter().map(|buffer| buffer.len()).sum();
            tracing::debug!("flushed epoch {epoch}: {rows} rows in {took:?}");
            if let Some(done) = self.frozen.pop_front() {
                self.remove_logs(&done);
            }
            self.count_frozen();
            self.shared.wake_all();
            seal::seal_if_due(&self.shared);
            // A merge may take long; the limit holds meanwhile.
            retention::enforce(&self.shared);
        }
        Ok(())
    }

    fn count_frozen(&self) {
        let logs = self.frozen.iter().flat_map(|frozen| &frozen.logs);
        self.shared.frozen_log_bytes.store(logs.map(|log| log.bytes).sum(), Relaxed);
    }

    fn flush_one(&mut self, epoch: u32, buffers: &[Arc<WriteBuffer>]) -> Result<()> {
        let shared = &self.shared;
        let dir = shared.segment_dir();
        let (registry, memory, names) = (&shared.registry, &mut self.memory, &mut self.names);
        let sealed = flush::flush(&shared.env, &dir, epoch, buffers, registry, memory, names)?;
        // Every row of it was accepted after the deletes there are: each begins with a flush.
        let deletes = shared.manifest.lock().deletes.last().map_or(0, |delete| delete.number);
        let open = |sealed: Sealed| Segment::open(&shared.env, &sealed.path);
        let segment = sealed.map(open).transpose()?.map(|segment| segment.with_deletes(deletes));
        // The logs that go hold ids only; the names must be as durable as the segment that uses them.
        if let Err(error) = shared.registry.sync() {
            shared.stop(&error);
            seal::seal_without_log(shared)?;
        }
        shared.change_manifest(|manifest| {
            manifest.flushed_epoch = epoch;
            manifest.segments.extend(segment.iter().map(|segment| segment.entry(0)));
        })?;
        shared.change_view(|view| {
            view.epochs.retain(|epochs| epochs.iter().all(|buffer| buffer.epoch() != epoch));
            view.segments.extend(segment.map(Arc::new));
            sort_by_epoch(&mut view.segments);
        });
        *shared.last_flush.lock() = shared.env.clock.monotonic();
        shared.merges.notice();
        Ok(())
    }

    /// The rows are in a synced segment that the manifest names. A log that cannot be removed is
    /// ignored and removed at the next start, because its epoch is below the manifest's.
    fn remove_logs(&self, done: &Frozen) {
        for log in &done.logs {
            for shard in &self.shared.shards {
                shard.unsynced.lock().retain(|unsynced| unsynced.path() != log.path);
            }
            let disk = &self.shared.env.disk;
            let outcome = if log.damaged {
                disk.rename(&log.path, &log.path.with_extension("log.damaged"))
            } else {
                disk.remove(&log.path)
            };
            if let Err(error) = outcome {
                tracing::warn!("{} is done with but stays: {error}", log.path.display());
            }
        }
        if done.logs.iter().any(|log| log.damaged)
            && let Err(error) = self.shared.env.disk.sync_dir(&self.shared.log_dir())
        {
            tracing::warn!("the names of damaged logs are not durable: {error}");
        }
    }
}

/// Whether an epoch has anything to flush. A log that failed may hold a record that was refused, which must
/// not come back behind what is done from now on: it goes, too.
fn is_to_end(current: &EpochSet) -> bool {
    current.buffers.iter().any(|buffer| !buffer.is_empty())
        || current.logs.iter().any(|log| log.has_failed())
}

fn report(done: Option<Done>, outcome: Result<()>) {
    if let Some(done) = done {
        done(outcome.map_err(|error| error.to_string()));
    }
}

/// Removes logs that a finished flush left behind.
pub fn is_leftover_log(name: &str, flushed_epoch: u32) -> bool {
    log::parse_file_name(name).is_some_and(|(epoch, _)| epoch <= flushed_epoch)
}
