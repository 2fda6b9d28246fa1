//! Histograms as OpenTSDB's protocols carry them: text, binary behind an id, JSON; and back. Pure.

pub mod binary;
pub mod codecs;
pub mod text;

use crate::reject::{Reason, Reject};
use irontsd_engine::histogram::{BadBuckets, Histogram};
use std::fmt;

/// A refusal that names what is wrong with a histogram.
pub fn refuse(what: impl fmt::Display) -> Reject {
    Reject::new(Reason::Histogram, what.to_string())
}

/// The bytes that the engine keeps.
pub fn encode(histogram: &Histogram, out: &mut Vec<u8>) -> Result<(), Reject> {
    histogram.encode(out).map_err(|bad: BadBuckets| refuse(format!("histogram: {bad}")))
}
