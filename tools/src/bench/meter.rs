//! What the connections count while they run, for whoever looks meanwhile and at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

/// Latencies from 0.1 us to an hour are told apart by a thousandth.
const LATENCY_NS_LEAST: u64 = 100;
const LATENCY_NS_MOST: u64 = 3_600_000_000_000;
const LATENCY_DIGITS: u8 = 3;
/// Connections that share a histogram seldom meet at it.
const LANES: usize = 8;
/// Different answers that are kept to be shown.
const ANSWERS_MAX: usize = 5;
const ANSWER_BYTES_MAX: usize = 300;

/// Latencies in nanoseconds.
pub(super) type Latencies = Histogram<u64>;

/// An empty histogram of latencies.
pub(super) fn latencies() -> Latencies {
    let bounds = Latencies::new_with_bounds(LATENCY_NS_LEAST, LATENCY_NS_MOST, LATENCY_DIGITS);
    bounds.expect("the bounds are constants")
}

/// Counts of all connections of a run.
pub(super) struct Meter {
    sent: AtomicU64,
    bytes: AtomicU64,
    accepted: AtomicU64,
    pieces: AtomicU64,
    unsent: AtomicU64,
    errors: AtomicU64,
    /// The most that a connection was behind its schedule since this was last asked.
    lag_ns: AtomicU64,
    stop: AtomicBool,
    interrupted: Arc<AtomicBool>,
    lanes: Vec<Mutex<Latencies>>,
    answers: Mutex<BTreeMap<String, u64>>,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Points that the kernel has taken.
    pub(super) sent: u64,
    /// Bytes of lines or requests.
    pub(super) bytes: u64,
    /// Points that are acknowledged, or sent where nobody acknowledges.
    pub(super) accepted: u64,
    /// Pieces, which are requests where there are requests.
    pub(super) pieces: u64,
    /// Points that were due and could not be sent before the end.
    pub(super) unsent: u64,
    /// Refusals answered.
    pub(super) errors: u64,
}

impl Meter {
    /// All zero; `interrupted` is set from outside.
    pub(super) fn new(interrupted: Arc<AtomicBool>) -> Self {
        let zero = || AtomicU64::new(0);
        Meter {
            sent: zero(),
            bytes: zero(),
            accepted: zero(),
            pieces: zero(),
            unsent: zero(),
            errors: zero(),
            lag_ns: zero(),
            stop: AtomicBool::new(false),
            interrupted,
            lanes: (0..LANES).map(|_| Mutex::new(latencies())).collect(),
            answers: Mutex::default(),
        }
    }

    /// A piece is with the kernel.
    pub(super) fn sent(&self, points: u64, bytes: usize) {
        self.sent.fetch_add(points, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }

    /// A piece that was due at `due` is accepted.
    pub(super) fn accepted(&self, connection: usize, points: u64, latency: Duration) {
        self.accepted.fetch_add(points, Ordering::Relaxed);
        self.record(connection, latency);
    }

    /// A piece that was due could not be sent before the end, and had waited so long by then.
    pub(super) fn unsent(&self, connection: usize, points: u64, waited: Duration) {
        self.unsent.fetch_add(points, Ordering::Relaxed);
        self.record(connection, waited);
    }

    fn record(&self, connection: usize, latency: Duration) {
        let latency_ns = u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_NS_MOST);
        self.lanes[connection % LANES].lock().saturating_record(latency_ns);
    }

    /// A connection is so far behind its schedule.
    pub(super) fn behind(&self, now: Instant, due: Instant) {
        let lag = now.saturating_duration_since(due).as_nanos();
        self.lag_ns.fetch_max(u64::try_from(lag).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The server refused something.
    pub(super) fn refused(&self, answer: &[u8]) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let answer = String::from_utf8_lossy(&answer[..answer.len().min(ANSWER_BYTES_MAX)]);
        let mut answers = self.answers.lock();
        if let Some(count) = answers.get_mut(answer.as_ref()) {
            *count += 1;
        } else if answers.len() < ANSWERS_MAX {
            answers.insert(answer.into_owned(), 1);
        }
    }

    /// Some of the refusals, with how often each came.
    pub(super) fn answers(&self) -> Vec<(String, u64)> {
        self.answers.lock().iter().map(|(answer, count)| (answer.clone(), *count)).collect()
    }

    /// The counts so far.
    pub(super) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            sent: read(&self.sent),
            bytes: read(&self.bytes),
            accepted: read(&self.accepted),
            pieces: read(&self.pieces),
            unsent: read(&self.unsent),
            errors: read(&self.errors),
        }
    }

    /// The most that a connection was behind since this was last asked.
    pub(super) fn take_lag(&self) -> Duration {
        Duration::from_nanos(self.lag_ns.swap(0, Ordering::Relaxed))
    }

    /// The latencies since this was last asked.
    pub(super) fn take_latencies(&self, into: &mut Latencies) {
        for lane in &self.lanes {
            let mut lane = lane.lock();
            // The bounds are the same.
            let _added = into.add(&*lane);
            lane.reset();
        }
    }

    /// Ends all connections' sending.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether sending shall end.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_taken_once() {
        let meter = Meter::new(Default::default());
        meter.accepted(0, 10, Duration::from_millis(2));
        meter.accepted(9, 10, Duration::from_millis(4));
        let mut found = latencies();
        meter.take_latencies(&mut found);
        meter.take_latencies(&mut found);
        assert_eq!((found.len(), meter.counts().accepted), (2, 20));
        assert!(found.max().abs_diff(4_000_000) < 5000, "{}", found.max());
    }

    #[test]
    fn answers_are_counted_and_bounded() {
        let meter = Meter::new(Default::default());
        (0..100).for_each(|n| meter.refused(format!("put: bad {}", n % 10).as_bytes()));
        assert_eq!((meter.counts().errors, meter.answers().len()), (100, ANSWERS_MAX));
        assert!(meter.answers().iter().all(|(_, count)| *count == 10));
    }
}
