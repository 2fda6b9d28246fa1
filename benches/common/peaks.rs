//! The most memory that a server took.

use super::Outcome;
use super::node::Running;
use ::irontsd::bench::process::{AnonWatch, rss_peak_bytes};

const MIB: f64 = 1024.0 * 1024.0;

/// The largest of a process' life, or of several.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peaks {
    /// Resident, mapped files included.
    pub rss_bytes: u64,
    /// Anonymous, looked at every few milliseconds.
    pub anon_bytes: u64,
}

impl Peaks {
    /// Of a process that still runs and was watched from its start.
    pub fn of(running: &Running, anon: AnonWatch) -> Outcome<Self> {
        let rss_bytes = rss_peak_bytes(running.server.pid())?;
        Ok(Peaks { rss_bytes, anon_bytes: anon.finish()? })
    }

    /// Of both.
    pub fn most(self, other: Self) -> Self {
        Peaks {
            rss_bytes: self.rss_bytes.max(other.rss_bytes),
            anon_bytes: self.anon_bytes.max(other.anon_bytes),
        }
    }

    /// Resident, in MiB.
    pub fn rss_mib(self) -> f64 {
        self.rss_bytes as f64 / MIB
    }

    /// Anonymous, in MiB.
    pub fn anon_mib(self) -> f64 {
        self.anon_bytes as f64 / MIB
    }
}
