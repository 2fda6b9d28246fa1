//! What one run showed, and the rows of the table that tell it.

use crate::common::peaks::Peaks;
use crate::common::table::{Row, row};

const MIB: f64 = 1024.0 * 1024.0;

/// One start after a kill.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// From the start of the process until it serves.
    pub ready_s: f64,
    /// CPU of that.
    pub cpu_s: f64,
    /// Bytes of the logs it found.
    pub log_bytes: u64,
    /// Anonymous memory when it serves.
    pub anon_bytes: u64,
}

/// The measurements of one run.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// With a full log.
    pub full: Start,
    /// Killed while lines came as fast as they were taken.
    pub flood: Start,
    /// Of the process that was filled, and of the one that found the full log and took the flood.
    pub peaks: [Peaks; 2],
}

/// The rows, the most telling first.
pub const ROWS: [Row<Figures>; 12] = [
    row("seconds to ready, full log", 3, |run| run.full.ready_s),
    row("CPU seconds of it", 2, |run| run.full.cpu_s),
    row("log MiB found", 1, |run| run.full.log_bytes as f64 / MIB),
    row("anonymous MiB when ready", 0, |run| run.full.anon_bytes as f64 / MIB),
    row("seconds to ready, in the flood", 3, |run| run.flood.ready_s),
    row("CPU seconds of it, in the flood", 2, |run| run.flood.cpu_s),
    row("log MiB found, in the flood", 1, |run| run.flood.log_bytes as f64 / MIB),
    row("anonymous MiB when ready, in the flood", 0, |run| run.flood.anon_bytes as f64 / MIB),
    row("peak RSS MiB until the first kill", 0, |run| run.peaks[0].rss_mib()),
    row("peak anonymous MiB until then", 0, |run| run.peaks[0].anon_mib()),
    row("peak RSS MiB from there to the second", 0, |run| run.peaks[1].rss_mib()),
    row("peak anonymous MiB until then", 0, |run| run.peaks[1].anon_mib()),
];
