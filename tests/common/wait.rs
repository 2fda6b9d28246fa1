//! Waiting for a condition, never for a time: tests poll and fail at a generous deadline.

use std::thread;
use std::time::{Duration, Instant};

/// Far beyond what any condition takes, so that only a node that hangs reaches it.
pub const DEADLINE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(5);

/// Polls until `condition` holds.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_some(what, || condition().then_some(()))
}

/// Polls until `attempt` yields something.
#[track_caller]
pub fn until_some<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        thread::sleep(PAUSE);
    }
}
