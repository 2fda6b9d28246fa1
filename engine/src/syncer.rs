//! The thread that makes logs survive a power cut: every interval, or as soon as it is asked.
//!
//! Names are synced before the logs that use them. One round serves everybody who waits for it.

use crate::error::Result;
use crate::state::{ShardState, Shared};
use std::sync::Arc;
use std::sync::atomic::Ordering::*;

/// Runs until told to end; the last round is done after that.
pub fn run(shared: &Arc<Shared>) {
    loop {
        let ending = wait(shared);
        let started = shared.env.clock.monotonic();
        match round(shared) {
            Ok(true) => shared.stats.syncs.add(shared.env.clock.monotonic() - started),
            Ok(false) => {}
            Err(error) => shared.stop(&error),
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

/// One round; whether there was anything to sync.
fn round(shared: &Shared) -> Result<bool> {
    shared.check_running()?;
    let mut worked = false;
    // Taken before the names are synced: every name these commits use is written by now.
    let targets: Vec<u64> =
        shared.shards.iter().map(|shard| shard.committed.load(Acquire)).collect();
    if shared.shards.iter().zip(&targets).any(|(shard, &to)| shard.synced.load(Relaxed) < to) {
        shared.registry.sync()?;
        worked = true;
    }
    for (shard, target) in shared.shards.iter().zip(targets) {
        if shard.synced.load(Relaxed) < target {
            sync_logs(shard)?;
            shard.synced.store(target, Release);
        }
    }
    Ok(worked)
}

fn sync_logs(shard: &ShardState) -> Result<()> {
    let logs = shard.unsynced.lock().clone();
    for log in &logs {
        log.sync()?;
    }
    // All but the one in use are complete now and need no further sync.
    let complete = &logs[..logs.len().saturating_sub(1)];
    shard.unsynced.lock().retain(|log| !complete.iter().any(|done| Arc::ptr_eq(done, log)));
    Ok(())
}
