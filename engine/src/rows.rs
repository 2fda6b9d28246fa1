//! The rows of one epoch put in order: by series, then time, the last write of a timestamp only.
//!
//! Buffers of an epoch are filled by several shards at once. Among rows of one series and
//! timestamp the one of the later commit wins, within a commit the later row; commits are numbered
//! by one counter for all shards, so the order is that of acknowledgement, whatever the clock says.

pub mod blocks;
pub mod set;

pub use blocks::SortMemory;
pub use set::{Buffers, Order};

use crate::types::{Samples, SeriesId, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN};
use set::RowSet;
use std::ops::Range;

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

/// Rows of the buffers of one epoch, sorted by series: for readers, who want some of them, in any
/// order. A flush goes through [`blocks`].
#[derive(Debug)]
pub struct EpochRows {
    rows: RowSet,
    /// Each series and where its rows begin in `numbers`, in series order.
    series: Vec<(SeriesId, u32)>,
    /// Row numbers, by series and then ascending.
    numbers: Vec<u32>,
}

impl EpochRows {
    /// Sorts the first rows of each buffer, of the wanted series and times only, both ends included.
    pub fn sort(
        buffers: &Buffers,
        wanted: Option<&SeriesSet>,
        (from, to): (i64, i64),
    ) -> EpochRows {
        let rows = RowSet::new(buffers);
        // To look at the times takes a while, to sort what nobody wants takes longer.
        let at_any_time = from <= TIMESTAMP_MS_MIN && to >= TIMESTAMP_MS_MAX;
        let in_time = |row| at_any_time || (from..=to).contains(&rows.row(row).timestamp_ms());
        let mut keys =
            Vec::with_capacity(if wanted.is_none() && at_any_time { rows.total() } else { 0 });
        rows.each(|row, series| {
            if wanted.is_none_or(|wanted| wanted.contains(series)) && in_time(row) {
                keys.push(u64::from(series) << 32 | u64::from(row));
            }
        });
        sort_by_series(&mut keys, &mut Vec::new());
        let (mut series, mut numbers) = (Vec::new(), Vec::with_capacity(keys.len()));
        for run in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            series.push(((run[0] >> 32) as SeriesId, numbers.len() as u32));
            numbers.extend(run.iter().map(|&key| key as u32));
        }
        EpochRows { rows, series, numbers }
    }

    /// Where the rows of one series lie.
    pub fn find(&self, series: SeriesId) -> Range<usize> {
        let Ok(at) = self.series.binary_search_by_key(&series, |(series, _)| *series) else {
            return 0..0;
        };
        let end = self.series.get(at + 1).map_or(self.numbers.len(), |next| next.1 as usize);
        self.series[at].1 as usize..end
    }

    /// Appends the samples of one series: ascending in time, one for each timestamp.
    pub fn gather(&self, range: Range<usize>, order: &mut Order, out: &mut Samples) {
        self.rows.gather(&self.numbers[range], order, out);
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
    use crate::buffer::WriteBuffer;
    use crate::types::Value;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::sync::Arc;

    const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

    type Found = BTreeMap<SeriesId, BTreeMap<i64, i64>>;

    fn found(samples: &Samples, range: Range<usize>) -> BTreeMap<i64, i64> {
        let times = samples.timestamps[range.clone()].iter().copied();
        times.zip(samples.bits[range].iter().map(|&bits| bits as i64)).collect()
    }

    /// As a flush goes through them.
    fn in_blocks(buffers: &Buffers) -> Found {
        let mut all = Found::new();
        let sink = |series, samples: &Samples, range: Range<usize>| {
            assert!(all.keys().all(|&before| before < series), "series ascend");
            assert!(samples.timestamps[range.clone()].is_sorted_by(|a, b| a < b));
            all.insert(series, found(samples, range));
            Ok::<(), Infallible>(())
        };
        blocks::each_series(buffers, &mut SortMemory::default(), sink).expect("infallible");
        all
    }

    /// As a reader goes through them.
    fn one_by_one(buffers: &Buffers, range: (i64, i64)) -> Found {
        let rows = EpochRows::sort(buffers, None, range);
        let gather = |&(series, _): &(SeriesId, u32)| {
            let mut samples = Samples::default();
            rows.gather(rows.find(series), &mut Order::default(), &mut samples);
            (series, found(&samples, 0..samples.len()))
        };
        rows.series.iter().map(gather).collect()
    }

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
                (0..2usize, prop::collection::vec((0..3u32, 0..4i64), 1..5)), 1..40),
            apart in prop_oneof![Just(1), Just(1000)],
        ) {
            let buffers = [0, 1].map(|_| Arc::new(WriteBuffer::new(1, 1 << 16, Arc::default())));
            let mut model = Found::new();
            let mut number = 0;
            for (commit, (shard, rows)) in commits.iter().enumerate() {
                let mut batch = Batch::default();
                for &(series, timestamp) in rows {
                    number += 1;
                    batch.push(series * apart, timestamp, Value::integer(number));
                    model.entry(series * apart).or_default().insert(timestamp, number);
                }
                buffers[*shard].append(&batch, commit as u32);
            }
            let buffers = buffers.map(|buffer| (buffer.clone(), buffer.len()));
            prop_assert_eq!(&one_by_one(&buffers, ALWAYS), &model);
            prop_assert_eq!(&in_blocks(&buffers), &model);
            for samples in model.values_mut() {
                samples.retain(|timestamp, _| (1..=2).contains(timestamp));
            }
            model.retain(|_, samples| !samples.is_empty());
            prop_assert_eq!(&one_by_one(&buffers, (1, 2)), &model);
        }
    }

    #[test]
    fn many_blocks_give_what_sorting_gives() {
        let buffers = [0, 1].map(|_| Arc::new(WriteBuffer::new(1, 1 << 17, Arc::default())));
        let mut state = 7u64;
        let mut chance = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for commit in 0..30 {
            let mut batch = Batch::default();
            for at in 0..4000u32 {
                let series = if commit % 3 == 0 { chance(9000) as u32 } else { at * 2 };
                let timestamp = i64::from(commit) + chance(2) as i64;
                batch.push(series, timestamp, Value::integer(chance(1 << 31) as i64));
            }
            buffers[commit as usize % 2].append(&batch, commit);
        }
        let buffers = buffers.map(|buffer| (buffer.clone(), buffer.len()));
        assert!(in_blocks(&buffers) == one_by_one(&buffers, ALWAYS));
    }
}
