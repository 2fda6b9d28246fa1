//! The rows of an epoch put in order for its flush, a block of series at a time.
//!
//! Rows of one series lie far apart: reading them series by series misses every cache. So row
//! numbers are first dealt out to blocks of neighbouring series, in order of arrival; then the rows
//! of a block, which lie side by side as they came, are read once and laid out by series in memory
//! that stays in the second-level cache. Measured at 40,000 series: 9 ns a row instead of 12 for
//! sorting all numbers by counting and gathering each series.

use super::set::{Buffers, Order, RowSet};
use crate::types::{Kind, Samples, SeriesId};
use std::ops::Range;

/// Rows of a block, about.
const BLOCK_ROWS: usize = 8192;

/// Memory reused from one flush to the next: fresh pages cost as much as the sorting.
#[derive(Debug, Default)]
pub struct SortMemory {
    /// Row numbers, block by block.
    dealt: Vec<u32>,
    /// Where the rows of each block end.
    ends: Vec<usize>,
    block: Block,
    /// What was out of order.
    resolved: Samples,
    order: Order,
}

/// The rows of a block, series by series.
#[derive(Debug, Default)]
struct Block {
    /// Where the rows of each series begin, by its place in the block; one more behind them.
    starts: Vec<u32>,
    samples: Samples,
    /// The rows' numbers in the same order; none until they are asked for.
    numbers: Vec<u32>,
}

/// Calls `sink` with each series, in order, and where its samples lie: ascending in time, one for
/// each timestamp.
pub fn each_series<E>(
    buffers: &Buffers,
    memory: &mut SortMemory,
    mut sink: impl FnMut(SeriesId, &Samples, Range<usize>) -> Result<(), E>,
) -> Result<(), E> {
    let rows = RowSet::new(buffers);
    let highest = rows.highest() as usize;
    let blocks_max = (rows.total() / BLOCK_ROWS).max(1);
    let shift = (0..32).find(|shift| highest >> shift < blocks_max).unwrap_or(32);
    deal(&rows, shift, (highest >> shift) + 1, memory);
    let SortMemory { dealt, ends, block, resolved, order } = memory;
    let mut start = 0;
    for (number, &end) in ends.iter().enumerate() {
        let first = number << shift;
        block.fill(&rows, first as SeriesId, 1 << shift, &dealt[start..end]);
        for place in 0..1 << shift {
            if block.range(place).is_empty() {
                continue;
            }
            let (series, range) = ((first + place) as SeriesId, block.range(place));
            if block.is_laid_out(&rows, range.clone()) {
                sink(series, &block.samples, range)?;
            } else {
                block.number(&rows, first as SeriesId, &dealt[start..end]);
                resolved.clear();
                rows.gather(&block.numbers[range], order, resolved);
                sink(series, resolved, 0..resolved.len())?;
            }
        }
        start = end;
    }
    Ok(())
}

/// Deals row numbers out to blocks of `1 << shift` series.
fn deal(rows: &RowSet, shift: usize, blocks: usize, memory: &mut SortMemory) {
    let SortMemory { dealt, ends, .. } = memory;
    ends.clear();
    ends.resize(blocks, 0);
    rows.each(|_, series| ends[series as usize >> shift] += 1);
    let mut sum = 0;
    for end in ends.iter_mut() {
        (*end, sum) = (sum, sum + *end);
    }
    dealt.resize(rows.total(), 0);
    rows.each(|row, series| {
        let end = &mut ends[series as usize >> shift];
        dealt[*end] = row;
        *end += 1;
    });
}

impl Block {
    /// Lays the rows of `span` series from `first` on out.
    fn fill(&mut self, rows: &RowSet, first: SeriesId, span: usize, dealt: &[u32]) {
        // Two places further than the count of a series, so that after the sums and the laying out
        // each stands where it belongs.
        self.numbers.clear();
        self.starts.clear();
        self.starts.resize(span + 2, 0);
        let place = |number: u32| (rows.series(number) - first) as usize;
        for &number in dealt {
            self.starts[place(number) + 2] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        let Samples { timestamps, kinds, bits, .. } = &mut self.samples;
        timestamps.resize(dealt.len(), 0);
        kinds.resize(dealt.len(), Kind::INTEGER);
        bits.resize(dealt.len(), 0);
        let (timestamps, kinds) = (&mut timestamps[..dealt.len()], &mut kinds[..dealt.len()]);
        let bits = &mut bits[..dealt.len()];
        for &number in dealt {
            let next = &mut self.starts[place(number) + 1];
            let at = *next as usize;
            *next += 1;
            let row = rows.row(number);
            timestamps[at] = row.timestamp_ms();
            kinds[at] = row.kind();
            bits[at] = row.bits;
        }
    }

    /// Lays the rows' numbers out, once what was in order is not enough.
    fn number(&mut self, rows: &RowSet, first: SeriesId, dealt: &[u32]) {
        if !self.numbers.is_empty() {
            return;
        }
        let mut next = self.starts.clone();
        self.numbers.resize(dealt.len(), 0);
        for &number in dealt {
            let next = &mut next[(rows.series(number) - first) as usize];
            self.numbers[*next as usize] = number;
            *next += 1;
        }
    }

    fn range(&self, place: usize) -> Range<usize> {
        self.starts[place] as usize..self.starts[place + 1] as usize
    }

    /// Whether the samples of a series are there, ascending in time, one for each timestamp.
    fn is_laid_out(&self, rows: &RowSet, range: Range<usize>) -> bool {
        let ascends = |pair: &[i64]| pair[0] < pair[1];
        !rows.has_histograms()
            && self.samples.timestamps[range].windows(2).fold(true, |all, pair| all & ascends(pair))
    }
}
