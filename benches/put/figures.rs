//! What one run cost, and the rows of the table that tell it.

use crate::common::table::{Row, row};
use ::irontsd::bench::process::CpuTime;

const MIB: f64 = 1024.0 * 1024.0;

/// The measurements of one run.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Points sent and stored.
    pub points: u64,
    /// Requests answered.
    pub requests: u64,
    /// Seconds from the first byte to the last answer.
    pub answered_s: f64,
    /// CPU of the server until the last answer.
    pub cpu_answered: CpuTime,
    /// CPU of the server until every point was sealed.
    pub cpu_sealed: CpuTime,
    /// CPU seconds of anything but the server and the senders until the last answer.
    pub others_s: f64,
    /// Largest resident memory.
    pub rss_peak_bytes: u64,
    /// Largest anonymous memory seen.
    pub anon_peak_bytes: u64,
}

/// The rows, the most telling first.
pub const ROWS: [Row<Figures>; 9] = [
    row("CPU us/point, sealed", 3, |run| micros(run.cpu_sealed, run.points)),
    row("CPU us/point, answered", 3, |run| micros(run.cpu_answered, run.points)),
    row("CPU us/request, sealed", 2, |run| micros(run.cpu_sealed, run.requests)),
    row("CPU us/request, answered", 2, |run| micros(run.cpu_answered, run.requests)),
    row("requests/s", 0, |run| run.requests as f64 / run.answered_s),
    row("M points/s", 3, |run| run.points as f64 / run.answered_s / 1e6),
    row("peak RSS MiB", 0, |run| run.rss_peak_bytes as f64 / MIB),
    row("peak anonymous MiB", 0, |run| run.anon_peak_bytes as f64 / MIB),
    row("cores busy elsewhere", 2, |run| run.others_s / run.answered_s),
];

/// Those of a server that keeps nothing.
pub const FLOOR_ROWS: [Row<Figures>; 3] = [
    row("CPU us/point, answered", 3, |run| micros(run.cpu_answered, run.points)),
    row("CPU us/request, answered", 2, |run| micros(run.cpu_answered, run.requests)),
    row("requests/s", 0, |run| run.requests as f64 / run.answered_s),
];

fn micros(cpu: CpuTime, count: u64) -> f64 {
    cpu.total_s() * 1e6 / count as f64
}
