//! Counters of the engine, with units in their names. Only counted here, printed elsewhere.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Monotonic counters and a few gauges.
#[derive(Debug, Default)]
pub struct Stats {
    /// Flushes that produced a segment.
    pub flushes: Timing,
    /// Merges of segments.
    pub merges: Timing,
    /// Rows that went into merges.
    pub merged_rows: AtomicU64,
    /// Bytes that merges of segments read and wrote.
    pub merge_bytes: AtomicU64,
    /// Bytes of segments that retention dropped.
    pub dropped_bytes: AtomicU64,
    /// Rounds of syncing logs.
    pub syncs: Timing,
    /// Bytes free on the disk of the data directory when it was last looked at.
    pub disk_free_bytes: AtomicU64,
}

/// How often something was done and how long it took in total.
#[derive(Debug, Default)]
pub struct Timing {
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Timing {
    /// Counts one.
    pub fn add(&self, took: Duration) {
        self.count.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Count and total.
    pub fn total(&self) -> (u64, Duration) {
        (self.count.load(Relaxed), Duration::from_nanos(self.nanoseconds.load(Relaxed)))
    }
}
