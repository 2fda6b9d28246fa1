//! Runs an abuse beside honest load: it is begun before, and ends behind it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::kinds::Abuse;
use crate::common::Outcome;

/// The longest rest, so that the end is noticed.
const REST_MAX: Duration = Duration::from_millis(20);

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// For lines, and requests too.
    pub opentsdb: SocketAddr,
    /// For requests.
    pub http: SocketAddr,
}

/// How long an abuse goes on, and how fast.
pub struct Pace<'a> {
    ended: &'a AtomicBool,
    /// Tells that the abuse is under way; dropped, too.
    begun: Option<Sender<()>>,
    start: Instant,
}

impl<'a> Pace<'a> {
    fn new(ended: &'a AtomicBool, begun: Sender<()>) -> Self {
        Pace { ended, begun: Some(begun), start: Instant::now() }
    }

    /// What had to be prepared is: honest load may begin.
    pub fn begin(&mut self) {
        self.begun = None;
        self.start = Instant::now();
    }

    /// Whether to go on; waits until one more than `done` is due at so many a second.
    pub fn goes_on(&self, done: u64, per_s: f64) -> bool {
        let due = Duration::from_secs_f64(done as f64 / per_s);
        while !self.has_ended() {
            let rest = due.saturating_sub(self.start.elapsed());
            if rest.is_zero() {
                return true;
            }
            std::thread::sleep(rest.min(REST_MAX));
        }
        false
    }

    /// Whether the honest load is over.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits for the end.
    pub fn rest(&self) {
        while !self.has_ended() {
            std::thread::sleep(REST_MAX);
        }
    }
}

/// Runs honest load while the abuse goes on; returns what it came to and what the abuse did.
pub fn beside<T>(
    abuse: &Abuse,
    target: Target,
    honest: impl FnOnce() -> Outcome<T>,
) -> Outcome<(T, u64)> {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (begun, is_begun) = channel();
        let threads: Vec<_> = (0..abuse.threads)
            .map(|_| {
                let mut pace = Pace::new(&ended, begun.clone());
                scope.spawn(move || (abuse.work)(target, &mut pace))
            })
            .collect();
        drop(begun);
        wait_for_all(&is_begun);
        let outcome = honest();
        ended.store(true, Ordering::Relaxed);
        let mut done = 0;
        for thread in threads {
            done += thread.join().map_err(|_| "the abuse failed")??;
        }
        Ok((outcome?, done))
    })
}

/// Nothing is ever sent: each abuse lets its end go when it is under way.
fn wait_for_all(begun: &Receiver<()>) {
    while begun.recv().is_ok() {}
}
