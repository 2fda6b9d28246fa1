//! Rows that were read but not yet promised: what one commit makes durable and visible together.

use crate::arena;
use crate::limits::ROW_BYTES;
use crate::types::{Kind, SeriesId, Value};

/// Rows as columns, in the order in which they were received. Plain memory of one event loop.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) series: Vec<SeriesId>,
    pub(crate) timestamps: Vec<i64>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) bits: Vec<u64>,
    /// The bytes of histograms, at the places their bits say.
    pub(crate) bytes: Vec<u8>,
}

impl Batch {
    /// Appends one row. Of two rows with one series and timestamp the later wins.
    #[inline]
    pub fn push(&mut self, series: SeriesId, timestamp_ms: i64, value: Value) {
        self.series.push(series);
        self.timestamps.push(timestamp_ms);
        self.kinds.push(value.kind);
        self.bits.push(value.bits);
    }

    /// Appends one row whose value is a histogram, as its bytes.
    pub fn push_histogram(&mut self, series: SeriesId, timestamp_ms: i64, histogram: &[u8]) {
        let bits = arena::place(self.bytes.len(), histogram.len());
        self.bytes.extend_from_slice(histogram);
        self.push(series, timestamp_ms, Value { kind: Kind::HISTOGRAM, bits });
    }

    /// Series, timestamp and value of a row, and the bytes if it is a histogram.
    pub fn row(&self, at: usize) -> (SeriesId, i64, Value, Option<&[u8]>) {
        let value = Value { kind: self.kinds[at], bits: self.bits[at] };
        (self.series[at], self.timestamps[at], value, self.histogram(at))
    }

    /// The bytes of the histogram in a row; `None` if a number is there.
    pub(crate) fn histogram(&self, at: usize) -> Option<&[u8]> {
        let (offset, bytes) = arena::offset_and_bytes(self.bits[at]);
        (self.kinds[at] == Kind::HISTOGRAM).then(|| &self.bytes[offset..offset + bytes])
    }

    /// What it counts as where rows are counted: histograms weigh more than numbers.
    pub fn weight(&self) -> usize {
        self.len() + self.bytes.len().div_ceil(ROW_BYTES)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Drops all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
        self.bytes.clear();
    }

    /// Drops the rows of series from `first` on; returns how many.
    pub fn drop_series_from(&mut self, first: SeriesId) -> usize {
        let mut kept = Batch::default();
        for at in (0..self.len()).filter(|&at| self.series[at] < first) {
            match self.row(at) {
                (series, timestamp, _, Some(bytes)) => {
                    kept.push_histogram(series, timestamp, bytes);
                }
                (series, timestamp, value, None) => kept.push(series, timestamp, value),
            }
        }
        let dropped = self.len() - kept.len();
        *self = kept;
        dropped
    }

    /// Drops the rows behind the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.series.truncate(rows);
        self.timestamps.truncate(rows);
        self.kinds.truncate(rows);
        self.bits.truncate(rows);
    }
}
