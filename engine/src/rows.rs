//! The rows of one epoch put in order: by series, then time, the last write of a timestamp only.
//!
//! Buffers of an epoch are filled by several shards at once. Among rows of one series and
//! timestamp the one of the later commit wins, within a commit the later row; commits are numbered
//! by one counter for all shards, so the order is that of acknowledgement, whatever the clock says.

use crate::buffer::WriteBuffer;
use crate::types::{Kind, Samples, SeriesId};
use std::ops::Range;
use std::sync::Arc;

/// A set of series, by id.
#[derive(Debug, Clone, Default)]
pub struct SeriesSet(Vec<u64>);

impl SeriesSet {
    /// Adds a series.
    pub fn insert(&mut self, series: SeriesId) {
        let word = series as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (series % 64);
    }

    /// Whether a series is in it.
    #[inline]
    pub fn contains(&self, series: SeriesId) -> bool {
        self.0.get(series as usize / 64).is_some_and(|word| word >> (series % 64) & 1 == 1)
    }
}

impl FromIterator<SeriesId> for SeriesSet {
    fn from_iter<I: IntoIterator<Item = SeriesId>>(series: I) -> Self {
        let mut set = SeriesSet::default();
        series.into_iter().for_each(|id| set.insert(id));
        set
    }
}

/// Rows of the buffers of one epoch, sorted by series.
#[derive(Debug)]
pub struct EpochRows {
    buffers: Vec<Arc<WriteBuffer>>,
    /// Row number at which each buffer begins when they are laid end to end.
    starts: Vec<u32>,
    /// Series in the high half, row number in the low half.
    keys: Vec<u64>,
}

/// Memory reused from one sort to the next: fresh pages cost as much as the sorting.
#[derive(Debug, Default)]
pub struct SortMemory {
    keys: Vec<u64>,
    other: Vec<u64>,
}

/// Memory reused from one series to the next.
#[derive(Debug, Default)]
pub struct Order(Vec<(i64, u32, u32)>);

impl EpochRows {
    /// Sorts the first rows of each buffer, of the wanted series only.
    pub fn sort(
        buffers: &[(Arc<WriteBuffer>, usize)],
        wanted: Option<&SeriesSet>,
        memory: &mut SortMemory,
    ) -> EpochRows {
        let total: usize = buffers.iter().map(|(_, rows)| rows).sum();
        assert!(total < u32::MAX as usize, "an epoch has fewer rows than a row number can count");
        let mut keys = std::mem::take(&mut memory.keys);
        keys.clear();
        let mut starts = Vec::new();
        let mut start = 0u32;
        for (buffer, rows) in buffers {
            buffer.each_series(*rows, |row, series| {
                if wanted.is_none_or(|wanted| wanted.contains(series)) {
                    keys.push(u64::from(series) << 32 | u64::from(start + row as u32));
                }
            });
            starts.push(start);
            start += *rows as u32;
        }
        sort_by_series(&mut keys, &mut memory.other);
        let buffers = buffers.iter().map(|(buffer, _)| buffer.clone()).collect();
        EpochRows { buffers, starts, keys }
    }

    /// Gives the memory back for the next sort.
    pub fn recycle(self, memory: &mut SortMemory) {
        memory.keys = self.keys;
    }

    /// Where the rows of each series lie, in series order.
    pub fn series(&self) -> impl Iterator<Item = (SeriesId, Range<usize>)> + '_ {
        let mut at = 0;
        self.keys.chunk_by(|a, b| a >> 32 == b >> 32).map(move |run| {
            let range = at..at + run.len();
            at = range.end;
            ((run[0] >> 32) as SeriesId, range)
        })
    }

    /// Where the rows of one series lie.
    pub fn find(&self, series: SeriesId) -> Range<usize> {
        let from = self.keys.partition_point(|key| key >> 32 < u64::from(series));
        let len = self.keys[from..].partition_point(|key| key >> 32 == u64::from(series));
        from..from + len
    }

    /// Appends the samples of one series: ascending in time, one for each timestamp.
    pub fn gather(&self, range: Range<usize>, order: &mut Order, out: &mut Samples) {
        let start = out.len();
        let mut before = i64::MIN;
        let mut ascending = true;
        for key in &self.keys[range.clone()] {
            let (timestamp, _) = self.take(*key as u32, out);
            ascending &= timestamp > before;
            before = timestamp;
        }
        if !ascending {
            self.resolve(range, start, order, out);
        }
    }

    /// Appends a row; returns its timestamp and commit.
    #[inline]
    fn take(&self, number: u32, out: &mut Samples) -> (i64, u32) {
        let (buffer, row) = self.find_row(number);
        let (timestamp, commit, value) = buffer.row(row);
        if value.kind == Kind::HISTOGRAM {
            out.push_histogram(timestamp, |out| buffer.histogram(value, out));
        } else {
            out.push(timestamp, value);
        }
        (timestamp, commit)
    }

    #[inline]
    fn find_row(&self, number: u32) -> (&WriteBuffer, usize) {
        let buffer = self.starts.partition_point(|&start| start <= number) - 1;
        (&self.buffers[buffer], (number - self.starts[buffer]) as usize)
    }

    fn resolve(&self, range: Range<usize>, start: usize, order: &mut Order, out: &mut Samples) {
        order.0.clear();
        for key in &self.keys[range] {
            let (buffer, row) = self.find_row(*key as u32);
            let (timestamp, commit, _) = buffer.row(row);
            order.0.push((timestamp, commit, *key as u32));
        }
        order.0.sort_unstable();
        out.truncate(start);
        for same in order.0.chunk_by(|a, b| a.0 == b.0) {
            self.take(same[same.len() - 1].2, out);
        }
    }
}

/// Stable radix sort by the high half.
fn sort_by_series(keys: &mut Vec<u64>, other: &mut Vec<u64>) {
    const DIGIT_BITS: u32 = 11;
    const DIGITS: usize = 1 << DIGIT_BITS;
    let highest = keys.iter().map(|key| key >> 32).max().unwrap_or(0);
    other.resize(keys.len(), 0);
    let mut shift = 32;
    while shift < 64 && highest >> (shift - 32) > 0 {
        let digit = |key: u64| (key >> shift) as usize & (DIGITS - 1);
        let mut ends = [0usize; DIGITS];
        keys.iter().for_each(|&key| ends[digit(key)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            (*end, sum) = (sum, sum + *end);
        }
        for &key in keys.iter() {
            let slot = &mut ends[digit(key)];
            other[*slot] = key;
            *slot += 1;
        }
        std::mem::swap(keys, other);
        shift += DIGIT_BITS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::types::Value;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn sorting_is_stable_and_by_series(series in prop::collection::vec(any::<u32>(), 0..300)) {
            let keys = series.iter().enumerate();
            let mut keys: Vec<u64> =
                keys.map(|(row, &id)| u64::from(id) << 32 | row as u64).collect();
            let mut expected = keys.clone();
            expected.sort_by_key(|key| key >> 32);
            sort_by_series(&mut keys, &mut Vec::new());
            prop_assert_eq!(keys, expected);
        }

        /// Two shards commit in turn; the model is a map that the later commit overwrites.
        #[test]
        fn the_last_commit_wins(
            commits in prop::collection::vec(
                (0..2usize, prop::collection::vec((0..3u32, 0..4i64), 1..5)), 1..40)
        ) {
            let buffers = [0, 1].map(|_| Arc::new(WriteBuffer::new(1, 1 << 16, Arc::default())));
            let mut model: BTreeMap<u32, BTreeMap<i64, i64>> = BTreeMap::new();
            let mut number = 0;
            for (commit, (shard, rows)) in commits.iter().enumerate() {
                let mut batch = Batch::default();
                for &(series, timestamp) in rows {
                    number += 1;
                    batch.push(series, timestamp, Value::integer(number));
                    model.entry(series).or_default().insert(timestamp, number);
                }
                buffers[*shard].append(&batch, commit as u32);
            }
            let buffers: Vec<_> = buffers.iter().map(|b| (b.clone(), b.len())).collect();
            let rows = EpochRows::sort(&buffers, None, &mut SortMemory::default());
            let mut found = BTreeMap::new();
            for (series, range) in rows.series() {
                prop_assert_eq!(rows.find(series), range.clone());
                let mut samples = Samples::default();
                rows.gather(range, &mut Order::default(), &mut samples);
                let values = samples.bits.iter().map(|&bits| bits as i64);
                found.insert(series, samples.timestamps.iter().copied().zip(values).collect());
            }
            prop_assert_eq!(found, model);
        }
    }
}
