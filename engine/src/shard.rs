//! One shard: the single writer of a log and a write buffer. The write path in one screen.

use crate::batch::Batch;
use crate::buffer::WriteBuffer;
use crate::epochs::epoch_of;
use crate::error::{Error, Result};
use crate::keeper::Job;
use crate::limits::{BATCH_ROWS_MAX, EPOCH_COMMITS_MAX};
use crate::log::{record, rows};
use crate::state::{EpochSet, Shared};
use std::sync::Arc;
use std::sync::atomic::Ordering::*;

/// A shard, owned by one event loop.
pub struct Shard {
    shared: Arc<Shared>,
    index: usize,
    set: Arc<EpochSet>,
    record: Vec<u8>,
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Shard({} in epoch {})", self.index, self.set.epoch)
    }
}

impl Shard {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Shard {
        let set = shared.epochs.take(index);
        shared.shards[index].unsynced.lock().push(set.logs[index].clone());
        Shard { shared, index, set, record: Vec::new() }
    }

    /// Called from other threads when this shard's owner should call [`Shard::poll`].
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.shared.shards[self.index].waker.lock() = Some(Box::new(wake));
    }

    /// Makes a batch durable against the death of the process, then visible; all of it or nothing.
    /// After an error nothing of it is visible; if the log's write failed half way, a restart may
    /// find the batch, whole, because the write did reach the disk.
    pub fn commit(&mut self, batch: &Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        assert!(batch.weight() <= BATCH_ROWS_MAX, "the caller bounds its batches");
        self.shared.gate.check()?;
        record::begin(&mut self.record);
        let highest = rows::encode(batch, &mut self.record);
        let written = self.shared.registry.ensure_written(highest);
        self.judge(written)?;
        let sequence = self.shared.epochs.draw();
        self.enter(epoch_of(sequence));
        if !self.buffer().has_room(batch) {
            return Err(Error::Stopped("write buffer is full".into()));
        }
        let appended = self.set.logs[self.index].append(&mut self.record, sequence);
        self.judge(appended)?;
        self.buffer().append(batch, sequence as u32);
        self.shared.shards[self.index].committed.fetch_add(1, Release);
        self.count(batch.weight() as u64, sequence as u32);
        Ok(())
    }

    fn buffer(&self) -> &WriteBuffer {
        &self.set.buffers[self.index]
    }

    fn judge<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| self.shared.write_failed(error))
    }

    fn count(&self, weight: u64, commit: u32) {
        let total = self.set.rows.fetch_add(weight, Relaxed) + weight;
        let due = total >= self.shared.config.flush_rows || commit >= EPOCH_COMMITS_MAX;
        if due && !self.shared.flush_asked.swap(true, AcqRel) {
            let _ending = self.shared.keeper.send(Job::Flush(None));
        }
    }

    /// Moves to the epoch of the next commit if it is a newer one. To be called when woken.
    pub fn poll(&mut self) {
        self.enter(self.shared.epochs.latest());
    }

    fn enter(&mut self, epoch: u32) {
        if epoch == self.set.epoch {
            return;
        }
        let (shared, index) = (&self.shared, self.index);
        self.set = shared.epochs.enter(index, epoch, |set| {
            shared.shards[index].unsynced.lock().push(set.logs[index].clone());
        });
    }

    /// Whether so much waits for a flush that nothing more should be received for now. The waker
    /// is called when that has changed.
    pub fn is_full(&self) -> bool {
        self.set.rows.load(Relaxed) >= self.shared.config.full_rows()
    }

    /// Number of the latest commit, to compare with [`Shard::synced`].
    pub fn committed(&self) -> u64 {
        self.shared.shards[self.index].committed.load(Relaxed)
    }

    /// Commits up to this number survive a power cut.
    pub fn synced(&self) -> u64 {
        self.shared.shards[self.index].synced.load(Acquire)
    }

    /// Asks for a sync soon; the waker is called when it is done.
    pub fn request_sync(&self) {
        self.shared.sync_signal.0.lock().wanted = true;
        self.shared.sync_signal.1.notify_one();
    }

    /// Whether [`Shard::synced`] will not rise any more, unless a flush makes up for it.
    pub fn cannot_sync(&self) -> bool {
        let unsynced = self.shared.shards[self.index].unsynced.lock();
        unsynced.iter().any(|log| log.has_failed()) || self.shared.registry.has_failed()
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        *self.shared.shards[self.index].waker.lock() = None;
        self.shared.epochs.leave(self.index);
    }
}
