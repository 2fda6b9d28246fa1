//! The shapes of an export other than JSON lines: each is a [`Writer`] that gets the series with
//! their samples one after the other.

use crate::policy::Policy;
use std::fmt::Debug;

use crate::http::reply::{CSV, JSON_LINES, TEXT};
use irontsd_engine::types::Samples;

mod csv;
mod layout;
mod promapi;
mod prometheus;
mod put_lines;

pub use csv::Columns;

/// The shape of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// A JSON object a series and line.
    #[default]
    JsonLines,
    /// A line a sample, as Prometheus writes them.
    Prometheus,
    /// One JSON document.
    Promapi,
    /// A telnet line a sample.
    PutLines,
    /// A row a sample.
    Csv(Columns),
}

impl Format {
    /// The `format` argument of `/api/v1/export`; what is unknown means JSON lines.
    pub fn named(name: Option<&str>) -> Format {
        match name {
            Some("prometheus") => Format::Prometheus,
            Some("promapi") => Format::Promapi,
            Some("put") => Format::PutLines,
            _ => Format::JsonLines,
        }
    }

    /// The content type of the whole.
    pub fn content_type(&self) -> &'static str {
        match self {
            Format::JsonLines | Format::Promapi => JSON_LINES,
            Format::Prometheus | Format::PutLines => TEXT,
            Format::Csv(_) => CSV,
        }
    }

    /// Whether something may have to be left out, which a trailer then tells.
    pub fn may_skip(&self) -> bool {
        *self == Format::PutLines
    }

    /// The writer, unless the lines are JSON, which are made as a whole.
    pub fn writer(&self, policy: &Policy) -> Option<Box<dyn Writer>> {
        match self {
            Format::JsonLines => None,
            Format::Prometheus => Some(Box::new(prometheus::Prometheus::default())),
            Format::Promapi => Some(Box::new(promapi::Promapi::default())),
            Format::PutLines => Some(Box::new(put_lines::PutLines::new(policy))),
            Format::Csv(columns) => Some(Box::new(csv::Csv::new(columns))),
        }
    }
}

/// Writes series in pieces. The calls come in the order of the text: `begin`, then for each series
/// with samples in the range `begin_series`, `push` once or more, `end_series`, then `end`.
pub trait Writer: Debug + Send {
    /// What stands before the first series.
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    /// Begins a series by its canonical name; if not, it is left out and no samples follow.
    fn begin_series(&mut self, out: &mut Vec<u8>, name: &[u8]) -> bool;

    /// Whether it can show histograms; otherwise they come as buckets.
    fn takes_histograms(&self) -> bool {
        false
    }

    /// Appends samples of the series.
    fn push(&mut self, out: &mut Vec<u8>, samples: &Samples);

    /// Ends the series.
    fn end_series(&mut self, _out: &mut Vec<u8>) {}

    /// What stands behind the last series.
    fn end(&mut self, _out: &mut Vec<u8>) {}

    /// What was left out so far, if the shape cannot carry everything.
    fn skipped(&self) -> Option<Skipped> {
        None
    }
}

/// What a shape could not carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Series.
    pub series: u64,
    /// Samples of the series that were written.
    pub samples: u64,
}
