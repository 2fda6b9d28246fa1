//! Builds blocks. A flush writes each run as it comes; a merge holds them until the block is full,
//! for only then it is known which codes they share.

use super::line::Line;
use super::merged::Merged;
use super::{SAME_AS_RUN, WITH_LINES};
use crate::bytes::pad8;
use crate::codec::bits::{self, SLACK_BYTES};
use crate::codec::{Effort, times, values};
use crate::limits::{BLOCK_BYTES, BLOCK_ROWS, BLOCK_ROWS_MERGED, BLOCK_RUNS, RUN_ROWS_MAX};
use crate::types::{Samples, SeriesId};

/// Builds one block from runs in series order.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    series: Vec<SeriesId>,
    rows: Vec<u32>,
    times: Vec<u8>,
    time_ends: Vec<u32>,
    values: Vec<u8>,
    value_ends: Vec<u32>,
    scratch: values::Scratch,
    column: Vec<u8>,
    /// The run whose timestamp column was last written out, and that column.
    distinct: Option<(u32, Vec<u8>)>,
    rows_total: usize,
    effort: Effort,
    merged: Merged,
}

impl BlockBuilder {
    /// A builder that tries this hard.
    pub fn new(effort: Effort) -> BlockBuilder {
        BlockBuilder { effort, ..BlockBuilder::default() }
    }

    /// Adds the rows `from..to` of a series as one run; ids never descend.
    pub fn push(&mut self, series: SeriesId, rows: &Samples, from: usize, to: usize) {
        assert!(from < to && to - from <= RUN_ROWS_MAX, "a run has 1 to {RUN_ROWS_MAX} rows");
        match self.effort {
            Effort::Flush => {
                self.push_times(&rows.timestamps[from..to]);
                values::encode(rows, from, to, &mut self.scratch, &mut self.values);
                self.time_ends.push(self.times.len() as u32);
                self.value_ends.push(self.values.len() as u32);
            }
            Effort::Merge => self.merged.push(rows, from, to, &mut self.scratch),
        }
        self.series.push(series);
        self.rows.push((to - from) as u32);
        self.rows_total += to - from;
    }

    fn push_times(&mut self, timestamps: &[i64]) {
        self.column.clear();
        times::encode(timestamps, &mut self.column);
        let rows = timestamps.len() as u32;
        match &mut self.distinct {
            Some((run, column)) if *column == self.column && self.rows[*run as usize] == rows => {
                self.times.push(SAME_AS_RUN);
                crate::bytes::put_varint(&mut self.times, u64::from(*run));
            }
            distinct => {
                self.times.extend_from_slice(&self.column);
                *distinct = Some((self.series.len() as u32, self.column.clone()));
            }
        }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows_total
    }

    /// Runs so far.
    pub fn runs(&self) -> usize {
        self.series.len()
    }

    /// Whether the block is to be closed before the next run.
    pub fn is_full(&self) -> bool {
        let rows_max = match self.effort {
            Effort::Flush => BLOCK_ROWS,
            Effort::Merge => BLOCK_ROWS_MERGED,
        };
        self.rows_total >= rows_max
            || self.series.len() >= BLOCK_RUNS
            || self.values.len() + self.merged.bytes() >= BLOCK_BYTES
    }

    /// First and last series so far.
    pub fn series_range(&self) -> (SeriesId, SeriesId) {
        (self.series.first().copied().unwrap_or(0), self.series.last().copied().unwrap_or(0))
    }

    /// Appends the block and starts anew.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let mut tables = Vec::new();
        if self.effort == Effort::Merge {
            self.merged.write(
                (&mut self.times, &mut self.time_ends),
                (&mut self.values, &mut self.value_ends),
                &mut tables,
            );
        }
        let first = self.series_range().0;
        let columns = [
            self.series.iter().map(|series| series - first).collect::<Vec<u32>>(),
            self.rows.iter().map(|rows| rows - 1).collect(),
            self.time_ends.clone(),
            self.value_ends.clone(),
        ];
        let lines = columns.each_ref().map(|column| Line::through(column));
        out.extend_from_slice(&(self.series.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.rows_total as u32).to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        let [series, rows, time_ends, value_ends] = lines.each_ref().map(|line| line.width);
        out.extend_from_slice(&[series | WITH_LINES, rows, time_ends, value_ends]);
        lines.iter().for_each(|line| line.encode(out));
        for (column, line) in columns.iter().zip(&lines) {
            let above = (0..).zip(column).map(|(at, &number)| u64::from(line.above(at, number)));
            bits::pack(above, line.width, out);
        }
        out.extend_from_slice(&self.times);
        out.extend_from_slice(&self.values);
        out.extend_from_slice(&tables);
        out.extend_from_slice(&[0; SLACK_BYTES]);
        pad8(out);
        self.clear();
    }

    fn clear(&mut self) {
        self.series.clear();
        self.rows.clear();
        self.times.clear();
        self.time_ends.clear();
        self.values.clear();
        self.value_ends.clear();
        self.distinct = None;
        self.rows_total = 0;
    }
}
