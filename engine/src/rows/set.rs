//! The rows of one epoch, numbered over all its buffers.
//!
//! Each buffer begins at a multiple of [`CHUNK_ROWS`], so a number says chunk and place. Numbers
//! ascend with the time of arrival within a buffer, which is one shard's.

use crate::batch::Row;
use crate::buffer::{Chunk, WriteBuffer};
use crate::limits::CHUNK_ROWS;
use crate::types::{Kind, Samples, SeriesId};
use std::sync::{Arc, OnceLock};

/// Buffers, and how many rows of each count.
pub type Buffers = [(Arc<WriteBuffer>, usize)];

/// See the module.
#[derive(Debug)]
pub struct RowSet {
    // Chunks are let go before the buffers that own them.
    chunks: Vec<Arc<Chunk>>,
    buffers: Vec<(Arc<WriteBuffer>, usize)>,
    /// Number of the first row of each buffer.
    starts: Vec<u32>,
    total: usize,
    histograms: bool,
    /// First row and number of each commit, buffer by buffer; copied when first asked for.
    commits: OnceLock<Vec<Vec<(u32, u32)>>>,
}

/// Memory reused from one series to the next.
#[derive(Debug, Default)]
pub struct Order(Vec<(i64, u32, u32)>);

impl RowSet {
    /// The first rows of each buffer.
    pub fn new(buffers: &Buffers) -> RowSet {
        let (mut starts, mut end) = (Vec::new(), 0);
        for (_, rows) in buffers {
            starts.push(end as u32);
            end += rows.next_multiple_of(CHUNK_ROWS);
            assert!(end < u32::MAX as usize, "an epoch has fewer rows than can be numbered");
        }
        let all = buffers.iter();
        RowSet {
            chunks: all.clone().flat_map(|(buffer, rows)| buffer.chunks(*rows)).cloned().collect(),
            buffers: buffers.to_vec(),
            starts,
            total: all.clone().map(|(_, rows)| rows).sum(),
            histograms: all.clone().any(|(buffer, _)| buffer.has_histograms()),
            commits: OnceLock::new(),
        }
    }

    /// How many rows there are.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether there may be histograms among them.
    pub fn has_histograms(&self) -> bool {
        self.histograms
    }

    /// Passes on each row's number and series.
    #[inline(always)]
    pub fn each(&self, mut sink: impl FnMut(u32, SeriesId)) {
        for ((buffer, rows), start) in self.buffers.iter().zip(&self.starts) {
            buffer.each_series(*rows, |row, series| sink(start + row as u32, series));
        }
    }

    /// The highest series.
    pub fn highest(&self) -> SeriesId {
        let mut highest = 0;
        self.each(|_, series| highest = highest.max(series));
        highest
    }

    /// A row by its number.
    #[inline(always)]
    pub fn row(&self, number: u32) -> Row {
        self.chunks[number as usize / CHUNK_ROWS].row(number as usize)
    }

    /// The series of a row by its number.
    #[inline(always)]
    pub fn series(&self, number: u32) -> SeriesId {
        self.chunks[number as usize / CHUNK_ROWS].series(number as usize)
    }

    /// Appends the samples of one series, all of whose rows are given: ascending in time, one for
    /// each timestamp.
    pub fn gather(&self, numbers: &[u32], order: &mut Order, out: &mut Samples) {
        let start = out.len();
        let mut before = i64::MIN;
        let mut ascending = true;
        for &number in numbers {
            let timestamp = self.take(number, out);
            ascending &= timestamp > before;
            before = timestamp;
        }
        if !ascending {
            self.resolve(numbers, start, order, out);
        }
    }

    fn resolve(&self, numbers: &[u32], start: usize, order: &mut Order, out: &mut Samples) {
        order.0.clear();
        for &number in numbers {
            let timestamp = self.row(number).timestamp_ms();
            order.0.push((timestamp, self.commit_of(number), number));
        }
        order.0.sort_unstable();
        out.truncate(start);
        for same in order.0.chunk_by(|a, b| a.0 == b.0) {
            self.take(same[same.len() - 1].2, out);
        }
    }

    /// Appends a row; returns its timestamp.
    #[inline]
    fn take(&self, number: u32, out: &mut Samples) -> i64 {
        let row = self.row(number);
        let timestamp = row.timestamp_ms();
        if row.kind() == Kind::HISTOGRAM {
            let (buffer, _) = &self.buffers[self.buffer_of(number)];
            out.push_histogram(timestamp, |out| buffer.histogram(row.value(), out));
        } else {
            out.push(timestamp, row.value());
        }
        timestamp
    }

    fn buffer_of(&self, number: u32) -> usize {
        self.starts.partition_point(|&start| start <= number) - 1
    }

    /// The commit that a row came with, numbered within the epoch.
    fn commit_of(&self, number: u32) -> u32 {
        let copy = || self.buffers.iter().map(|(buffer, _)| buffer.commits()).collect();
        let buffer = self.buffer_of(number);
        let commits = &self.commits.get_or_init(copy)[buffer];
        let row = number - self.starts[buffer];
        commits[commits.partition_point(|&(first, _)| first <= row) - 1].1
    }
}
