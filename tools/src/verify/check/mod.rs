//! Checks of one file each, by what it is.

pub mod log;
pub mod manifest;
pub mod names;
pub mod segment;

use super::fault::Fault;
use irontsd_engine::types::SeriesId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much is done, for whoever watches.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bytes looked at.
    pub bytes: AtomicU64,
}

impl Meter {
    /// So many bytes more.
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What a file turned out to be.
#[derive(Debug, Default)]
pub struct Checked {
    /// Bytes of the file.
    pub bytes: u64,
    /// Blocks, or records.
    pub blocks: u64,
    /// Samples, or rows.
    pub samples: u64,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// The series of a log's rows, each with the record that first has it.
    pub series: BTreeMap<SeriesId, u64>,
}
