//! Exports of a fixed data set, one behind the other.

use std::time::{Duration, Instant};

use super::fixed::FixedSet;
use crate::common::Outcome;
use crate::common::fetch::fetch;
use crate::common::node::Running;

/// What exports of some time came to.
#[derive(Clone, Copy, Debug)]
pub struct Exports {
    /// How many ended, one perhaps a little after the time.
    pub ended: u64,
    /// Bytes of each of them.
    pub bytes_each: u64,
    /// Bytes that arrived within the time.
    pub bytes: u64,
    /// The time.
    pub seconds: f64,
}

impl Exports {
    /// Exports while nothing else happens; the first one is not counted.
    pub fn alone(running: &Running, fixed: &FixedSet, duration: Duration) -> Outcome<Self> {
        fetch(running.http, &fixed.path, running.timeout, |_| {})?;
        Exports::run(running, fixed, duration)
    }

    /// Exports for so long and ends the last one.
    pub fn run(running: &Running, fixed: &FixedSet, duration: Duration) -> Outcome<Self> {
        let start = Instant::now();
        let seconds = duration.as_secs_f64();
        let mut exports = Exports { ended: 0, bytes_each: 0, bytes: 0, seconds };
        while start.elapsed() < duration {
            let fetched = fetch(running.http, &fixed.path, running.timeout, |piece| {
                if start.elapsed() < duration {
                    exports.bytes += piece.len() as u64;
                }
            })?;
            if exports.ended > 0 && exports.bytes_each != fetched.bytes {
                let (bytes, other) = (exports.bytes_each, fetched.bytes);
                return Err(format!("exports of the same data: {bytes} and {other} bytes").into());
            }
            exports.bytes_each = fetched.bytes;
            exports.ended += 1;
        }
        Ok(exports)
    }

    /// Points a second.
    pub fn rate(&self, fixed: &FixedSet) -> f64 {
        self.bytes as f64 / self.bytes_each as f64 * fixed.digest.count as f64 / self.seconds
    }
}
