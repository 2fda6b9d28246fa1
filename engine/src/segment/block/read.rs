//! Reads blocks.

use super::line::Line;
use super::{SAME_AS_RUN, WITH_LINES, has_lines};
use crate::bytes::{Malformed, Reader};
use crate::codec::bits::{self, SLACK_BYTES};
use crate::codec::huffman::Tables;
use crate::codec::{times, values};
use crate::limits::RUN_ROWS_MAX;
use crate::types::{Samples, SeriesId};

/// A block's bytes with their directory understood. Only made from bytes whose checksum holds;
/// what a checksum cannot promise (a hostile file) is checked here and at each access.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    bytes: &'a [u8],
    runs: usize,
    first: SeriesId,
    /// Where each column of the directory begins, and what its numbers are counted from.
    starts: [usize; 4],
    lines: [Line; 4],
    times: usize,
    values: usize,
    tables: Tables<'a>,
}

impl<'a> Block<'a> {
    /// Reads the directory of a block.
    pub fn parse(bytes: &'a [u8]) -> Result<Block<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        let runs = reader.u32()? as usize;
        let _rows = reader.u32()?;
        let first = reader.u32()?;
        let mut widths = [reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?];
        widths[0] &= !WITH_LINES;
        if runs == 0 || runs > bytes.len() || widths.iter().any(|&width| width > 32) {
            return Err(reader.malformed());
        }
        let mut lines = widths.map(Line::flat);
        if has_lines(bytes) {
            for line in &mut lines {
                *line = Line::decode(&mut reader, line.width)?;
            }
        }
        let mut starts = [0; 4];
        let mut at = reader.position();
        for (start, line) in starts.iter_mut().zip(&lines) {
            *start = at;
            at += bits::packed_bytes(runs, line.width);
        }
        let tables = Tables::default();
        let mut block = Block { bytes, runs, first, starts, lines, times: at, values: at, tables };
        if at + SLACK_BYTES > bytes.len() {
            return Err(Malformed { at });
        }
        block.values = at + block.entry(2, runs - 1);
        let end = block.values + block.entry(3, runs - 1);
        if end + SLACK_BYTES > bytes.len() {
            return Err(Malformed { at: end });
        }
        block.tables = Tables(&bytes[end..bytes.len() - SLACK_BYTES]);
        Ok(block)
    }

    fn entry(&self, column: usize, run: usize) -> usize {
        let (packed, line) = (&self.bytes[self.starts[column]..], &self.lines[column]);
        line.number(run, bits::get(packed, run, line.width) as u32) as usize
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The series of a run.
    pub fn series(&self, run: usize) -> SeriesId {
        self.first.wrapping_add(self.entry(0, run) as u32)
    }

    /// Rows of a run.
    pub fn rows(&self, run: usize) -> usize {
        self.entry(1, run) + 1
    }

    /// The bytes of a run's timestamp column, none if it is that of a run before, and of its value
    /// column; tag first. `None` if they lie outside the block.
    pub fn columns(&self, run: usize) -> Option<(&'a [u8], &'a [u8])> {
        let column = |area: usize, ends: usize| {
            let start = if run == 0 { 0 } else { self.entry(ends, run - 1) };
            self.bytes.get(area + start..area + self.entry(ends, run))
        };
        Some((column(self.times, 2)?, column(self.values, 3)?))
    }

    /// Bytes of the head and the directory, and of the tables of codes with what fills the block up.
    pub fn overhead(&self) -> (usize, usize) {
        (self.times, self.tables.0.len() + SLACK_BYTES)
    }

    /// The first run of a series at or above this one.
    pub fn lower_bound(&self, series: SeriesId) -> usize {
        let (mut low, mut high) = (0, self.runs);
        while low < high {
            let middle = (low + high) / 2;
            if self.series(middle) < series { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Appends the samples of a run.
    pub fn read(&self, run: usize, out: &mut Samples) -> Result<(), Malformed> {
        let rows = self.rows(run);
        if rows > RUN_ROWS_MAX {
            return Err(Malformed { at: self.starts[1] });
        }
        self.read_times(run, rows, &mut out.timestamps)?;
        let column = self.column(self.values, 3, run)?;
        values::decode(column, self.tables, rows, out)?;
        let whole = out.kinds.len() == out.timestamps.len() && out.bits.len() == out.kinds.len();
        if whole { Ok(()) } else { Err(Malformed { at: self.values }) }
    }

    /// Appends only the timestamps of a run.
    pub fn read_timestamps(&self, run: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
        let rows = self.rows(run);
        if rows > RUN_ROWS_MAX {
            return Err(Malformed { at: self.starts[1] });
        }
        self.read_times(run, rows, out)
    }

    fn read_times(&self, run: usize, rows: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
        let malformed = Malformed { at: self.times };
        let mut run = self.times_owner(run);
        let mut column = self.column(self.times, 2, run)?;
        if column.first() == Some(&SAME_AS_RUN) {
            let other = Reader::new(&column[1..]).varint()?;
            if other >= run as u64 {
                return Err(malformed);
            }
            run = other as usize;
            column = self.column(self.times, 2, run)?;
        }
        if self.rows(run) != rows {
            return Err(malformed);
        }
        times::decode(column, self.tables, rows, out)
    }

    /// The run whose timestamp column holds for a run: itself, or the one before its empty ones.
    fn times_owner(&self, run: usize) -> usize {
        let end = self.entry(2, run);
        let (mut low, mut high) = (0, run);
        while low < high {
            let middle = (low + high) / 2;
            if self.entry(2, middle) < end { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// A run's column up to the end of the block: decoders need the slack behind it.
    fn column(&self, area: usize, ends: usize, run: usize) -> Result<&'a [u8], Malformed> {
        let start = area + if run == 0 { 0 } else { self.entry(ends, run - 1) };
        self.bytes.get(start..).ok_or(Malformed { at: start })
    }
}
