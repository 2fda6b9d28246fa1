//! The thread that makes logs survive a power cut: every interval, or as soon as it is asked.
//!
//! Names are synced before the logs that use them. One round serves everybody who waits for it.

use crate::error::Result;
use crate::log::append::AppendFile;
use crate::state::{ShardState, Shared};
use std::sync::Arc;
use std::sync::atomic::Ordering::*;

/// Runs until told to end; the last round is done after that.
pub fn run(shared: &Arc<Shared>) {
    loop {
        let ending = wait(shared);
        let started = shared.env.clock.monotonic();
        if round(shared) {
            shared.stats.syncs.add(shared.env.clock.monotonic() - started);
        }
        shared.wake_all();
        if ending {
            return;
        }
    }
}

fn wait(shared: &Shared) -> bool {
    let (lock, signal) = &shared.sync_signal;
    let mut state = lock.lock();
    if !state.wanted && !state.ending {
        signal.wait_for(&mut state, shared.config.sync_interval);
    }
    state.wanted = false;
    state.ending
}

/// One round; whether there was anything to sync. A file that failed stops all further writes, but
/// what stands in the others is still made durable.
fn round(shared: &Shared) -> bool {
    // Taken before the names are synced: every name these commits use is written by now.
    let targets: Vec<u64> =
        shared.shards.iter().map(|shard| shard.committed.load(Acquire)).collect();
    let behind = |(shard, to): &(&ShardState, u64)| shard.synced.load(Relaxed) < *to;
    let due: Vec<_> = shared.shards.iter().zip(targets).filter(behind).collect();
    if due.is_empty() {
        return false;
    }
    let logs: Vec<Vec<Written>> = due.iter().map(|(shard, _)| written(shard)).collect();
    let names = shared.registry.sync();
    for ((shard, target), logs) in due.into_iter().zip(logs) {
        match sync_logs(shard, &logs, names.is_ok()) {
            Ok(()) if names.is_ok() => shard.synced.store(target, Release),
            Ok(()) => {}
            Err(error) => shared.stop(&error),
        }
    }
    if let Err(error) = &names {
        shared.stop(error);
    }
    shared.tell();
    true
}

/// A log and how much of it was written at a moment.
type Written = (Arc<AppendFile>, u64);

fn written(shard: &ShardState) -> Vec<Written> {
    shard.unsynced.lock().iter().map(|log| (log.clone(), log.bytes())).collect()
}

/// Syncs these logs of a shard; the first error is returned when all were tried. A row proves to be
/// synced once its name is: what was written since may use names that are not.
fn sync_logs(shard: &ShardState, logs: &[Written], names_are: bool) -> Result<()> {
    let sync = |(log, bytes): &Written| log.sync_proving(if names_are { *bytes } else { 0 });
    let outcomes: Vec<Result<()>> = logs.iter().map(sync).collect();
    // All but the one in use are complete now and need no further sync. One that failed stays until
    // its rows are flushed: while it is here no later round counts its commits as synced.
    let complete = &logs[..logs.len().saturating_sub(1)];
    let is_done = |log: &Arc<AppendFile>| {
        !log.has_failed() && complete.iter().any(|(done, _)| Arc::ptr_eq(done, log))
    };
    shard.unsynced.lock().retain(|log| !is_done(log));
    outcomes.into_iter().collect()
}
