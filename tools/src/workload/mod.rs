//! Repeatable loads: `put` lines that depend on nothing but a seed, and a checksum that says
//! whether a node gave every one of them back.
//!
//! Tests, the comparison under `benches/` and `irontsd bench` share these, so that a figure
//! and a proof speak of the same bytes. A sample depends on the seed, its series and its step
//! alone: the same [`Shape`] yields the same samples however it is split over connections.

mod account;
mod agent;
mod buckets;
mod chance;
mod decimal;
mod digest;
mod endless;
mod exported;
mod replay;
mod rotation;
mod samples;
mod sent;
mod shape;
mod texts;
mod tsbs;
mod varied;

pub(crate) use account::name_of;
pub use account::{Account, Difference};
pub use agent::AgentLines;
pub use digest::{Digest, DigestError};
pub use endless::EndlessLines;
pub use exported::{ExportDigest, digest_export};
pub use replay::{Replay, ReplayLines};
pub use rotation::Order;
pub use samples::SampleList;
pub use sent::digest_lines;
pub use shape::{Kind, Shape, split};
pub use tsbs::TsbsLines;
pub use varied::{VariedLines, Variety};

/// A finite stream of telnet `put` lines.
pub trait Workload {
    /// Appends at most `lines_max` whole lines to `out` and returns how many; 0 means finished.
    fn fill(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64;
}

/// Everything a workload has left, as one run of bytes, and how many lines that is.
pub fn collect(workload: &mut dyn Workload) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let lines = workload.fill(&mut bytes, u64::MAX);
    (bytes, lines)
}
