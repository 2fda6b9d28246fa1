//! What one run cost, and the rows of the table that tell it.

use crate::common::disk::Usage;
use crate::common::table::{Row, row};
use ::irontsd::bench::process::CpuTime;

const MIB: f64 = 1024.0 * 1024.0;

/// The measurements of one run.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Points sent and stored.
    pub points: u64,
    /// Seconds from the first byte until every point was accepted.
    pub accepted_s: f64,
    /// Seconds from the first byte until every point was in sealed, synced segments.
    pub sealed_s: f64,
    /// CPU of the server until every point was accepted.
    pub cpu_accepted: CpuTime,
    /// CPU of the server until every point was sealed.
    pub cpu_sealed: CpuTime,
    /// CPU of the server for merging everything after that.
    pub cpu_merging: CpuTime,
    /// CPU seconds of anything but the server and the senders until every point was accepted.
    pub others_s: f64,
    /// Largest resident memory.
    pub rss_peak_bytes: u64,
    /// Largest anonymous memory seen.
    pub anon_peak_bytes: u64,
    /// Disk space without caches once every point was sealed.
    pub disk_sealed: Usage,
    /// Disk space without caches once everything was merged.
    pub disk_merged: Usage,
    /// Disk space of the whole directory after a clean stop.
    pub disk_stopped: Usage,
    /// The same without the caches that a node writes when it stops.
    pub disk_stopped_uncached: Usage,
    /// Samples that came back with another value.
    pub changed: u64,
}

/// The rows, the most telling first.
pub const ROWS: [Row<Figures>; 18] = [
    row("CPU us/point, sealed", 4, Figures::cpu_sealed_us),
    row("of it user", 4, Figures::cpu_user_us),
    row("of it system", 4, Figures::cpu_system_us),
    row("CPU us/point, merged too", 4, Figures::cpu_merged_us),
    row("CPU us/point, accepted", 4, Figures::cpu_accepted_us),
    row("M points/s, accepted", 3, Figures::accepted_rate),
    row("M points/s, sealed", 3, Figures::sealed_rate),
    row("seconds to sealed", 2, Figures::sealed_s),
    row("peak RSS MiB", 0, Figures::rss_mib),
    row("peak anonymous MiB", 0, Figures::anon_mib),
    row("disk bytes/point, sealed, no caches", 3, |run| run.per_point(run.disk_sealed)),
    row("disk bytes/point, merged, no caches", 3, |run| run.per_point(run.disk_merged)),
    row("disk bytes/point, stopped, no caches", 3, |run| run.per_point(run.disk_stopped_uncached)),
    row("disk bytes/point, stopped, whole directory", 3, |run| run.per_point(run.disk_stopped)),
    row("file bytes/point, merged, no caches", 3, Figures::files_merged),
    row("MiB on disk, stopped, whole directory", 2, Figures::disk_stopped_mib),
    row("values changed, %", 3, Figures::changed_percent),
    row("cores busy elsewhere", 2, Figures::cores_elsewhere),
];

/// The figures of the rows.
impl Figures {
    fn cpu_sealed_us(&self) -> f64 {
        self.us_per_point(self.cpu_sealed.total_s())
    }

    fn cpu_merged_us(&self) -> f64 {
        self.us_per_point(self.cpu_sealed.total_s() + self.cpu_merging.total_s())
    }

    fn cpu_user_us(&self) -> f64 {
        self.us_per_point(self.cpu_sealed.user_s)
    }

    fn cpu_system_us(&self) -> f64 {
        self.us_per_point(self.cpu_sealed.system_s)
    }

    fn cpu_accepted_us(&self) -> f64 {
        self.us_per_point(self.cpu_accepted.total_s())
    }

    fn accepted_rate(&self) -> f64 {
        self.points as f64 / self.accepted_s / 1e6
    }

    fn sealed_rate(&self) -> f64 {
        self.points as f64 / self.sealed_s / 1e6
    }

    fn sealed_s(&self) -> f64 {
        self.sealed_s
    }

    fn rss_mib(&self) -> f64 {
        self.rss_peak_bytes as f64 / MIB
    }

    fn anon_mib(&self) -> f64 {
        self.anon_peak_bytes as f64 / MIB
    }

    fn per_point(&self, usage: Usage) -> f64 {
        usage.allocated_bytes as f64 / self.points as f64
    }

    fn files_merged(&self) -> f64 {
        self.disk_merged.file_bytes as f64 / self.points as f64
    }

    fn disk_stopped_mib(&self) -> f64 {
        self.disk_stopped.allocated_bytes as f64 / MIB
    }

    fn changed_percent(&self) -> f64 {
        self.changed as f64 * 100.0 / self.points as f64
    }

    fn cores_elsewhere(&self) -> f64 {
        self.others_s / self.accepted_s
    }

    fn us_per_point(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.points as f64
    }
}
