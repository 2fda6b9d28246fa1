//! Rows that were read but not yet promised: what one commit makes durable and visible together.

use crate::arena;
use crate::limits::ROW_BYTES;
use crate::types::{Kind, SeriesId, Value};

/// Timestamp and value of a row in two words, in which form rows wait for their flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Timestamp, and the kind in the lowest eight bits.
    pub(crate) when: i64,
    pub(crate) bits: u64,
}

impl Row {
    const KIND_BITS: u32 = 8;

    /// A row.
    ///
    /// # Panics
    ///
    /// If the timestamp has more than 56 bits: those accepted have 44.
    #[inline(always)]
    pub fn new(timestamp_ms: i64, value: Value) -> Row {
        Row::at(timestamp_ms).with(value)
    }

    /// An integer zero at this time.
    ///
    /// # Panics
    ///
    /// If the timestamp has more than 56 bits.
    #[inline(always)]
    pub fn at(timestamp_ms: i64) -> Row {
        assert!(Row::holds(timestamp_ms), "timestamp {timestamp_ms} is out of range");
        Row { when: timestamp_ms << Row::KIND_BITS, bits: 0 }
    }

    /// Another value at the same time.
    #[inline(always)]
    pub const fn with(self, value: Value) -> Row {
        let when = self.when >> Row::KIND_BITS << Row::KIND_BITS | value.kind.0 as i64;
        Row { when, bits: value.bits }
    }

    /// Whether a row can have this timestamp.
    #[inline(always)]
    pub const fn holds(timestamp_ms: i64) -> bool {
        timestamp_ms << Row::KIND_BITS >> Row::KIND_BITS == timestamp_ms
    }

    /// The timestamp in milliseconds.
    #[inline(always)]
    pub const fn timestamp_ms(self) -> i64 {
        self.when >> Row::KIND_BITS
    }

    /// The kind of its value.
    #[inline(always)]
    pub const fn kind(self) -> Kind {
        Kind(self.when as u8)
    }

    /// The value.
    #[inline(always)]
    pub const fn value(self) -> Value {
        Value { kind: self.kind(), bits: self.bits }
    }
}

/// Rows in the order in which they were received. Plain memory of one event loop.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) series: Vec<SeriesId>,
    pub(crate) rows: Vec<Row>,
    /// The bytes of histograms, at the places their bits say.
    pub(crate) bytes: Vec<u8>,
}

impl Batch {
    /// Appends one row. Of two rows with one series and timestamp the later wins.
    ///
    /// # Panics
    ///
    /// If the timestamp has more than 56 bits.
    #[inline(always)]
    pub fn push(&mut self, series: SeriesId, timestamp_ms: i64, value: Value) {
        self.push_row(series, Row::new(timestamp_ms, value));
    }

    /// Appends one row.
    #[inline(always)]
    pub fn push_row(&mut self, series: SeriesId, row: Row) {
        self.series.push(series);
        self.rows.push(row);
    }

    /// Appends one row whose value is a histogram, as its bytes.
    pub fn push_histogram(&mut self, series: SeriesId, timestamp_ms: i64, histogram: &[u8]) {
        let bits = arena::place(self.bytes.len(), histogram.len());
        self.bytes.extend_from_slice(histogram);
        self.push(series, timestamp_ms, Value { kind: Kind::HISTOGRAM, bits });
    }

    /// Series, timestamp and value of a row, and the bytes if it is a histogram.
    pub fn row(&self, at: usize) -> (SeriesId, i64, Value, Option<&[u8]>) {
        let row = self.rows[at];
        (self.series[at], row.timestamp_ms(), row.value(), self.histogram(at))
    }

    /// The bytes of the histogram in a row; `None` if a number is there.
    pub(crate) fn histogram(&self, at: usize) -> Option<&[u8]> {
        let row = self.rows[at];
        let (offset, bytes) = arena::offset_and_bytes(row.bits);
        (row.kind() == Kind::HISTOGRAM).then(|| &self.bytes[offset..offset + bytes])
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

    /// Drops the rows of other series than these; returns how many.
    pub fn retain_series(&mut self, keeps: impl Fn(SeriesId) -> bool) -> usize {
        let mut kept = Batch::default();
        for at in (0..self.len()).filter(|&at| keeps(self.series[at])) {
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
        self.rows.truncate(rows);
    }
}
