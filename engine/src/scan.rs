//! Reading: a snapshot of everything visible at one moment, and cursors over its series.
//!
//! A snapshot owns what it reads (segments, buffers and how far each was published), so nothing
//! that happens later changes what it returns: neither new rows nor a flush.

use crate::buffer::WriteBuffer;
use crate::deletes::Delete;
use crate::error::Result;
use crate::limits::RUN_BYTES_MAX;
use crate::rows::{EpochRows, Order, SeriesSet};
use crate::segment::Segment;
use crate::types::{Samples, SeriesId};
use std::sync::Arc;

/// Everything visible at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Segments, oldest epoch first.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Buffers with their published rows, in epochs, oldest first.
    pub(crate) epochs: Vec<Vec<(Arc<WriteBuffer>, usize)>>,
    /// What segments hold and is gone all the same.
    pub(crate) deletes: Vec<Arc<Delete>>,
    /// Everything before is gone.
    pub(crate) floor_ms: i64,
}

/// A snapshot prepared for reading some series within a time range.
#[derive(Debug)]
pub struct Scan {
    segments: Vec<Arc<Segment>>,
    epochs: Vec<EpochRows>,
    range: (i64, i64),
    deletes: Vec<Arc<Delete>>,
}

impl Snapshot {
    /// Prepares reading of the wanted series (all, if `None`) from `range.0` to `range.1`, both
    /// included. Takes time in proportion to the rows that are not yet in segments.
    pub fn scan(&self, wanted: Option<&SeriesSet>, range: (i64, i64)) -> Scan {
        let range = (range.0.max(self.floor_ms), range.1);
        let overlaps = |segment: &&Arc<Segment>| {
            let (low, high) = segment.footer().timestamps;
            low <= range.1 && high >= range.0
        };
        let sort = |epoch: &Vec<_>| EpochRows::sort(epoch, wanted);
        Scan {
            segments: self.segments.iter().filter(overlaps).cloned().collect(),
            epochs: self.epochs.iter().map(sort).collect(),
            range,
            deletes: self.deletes.clone(),
        }
    }
}

impl Scan {
    /// Prepares reading of segments alone; of two samples the later segment's counts.
    pub fn of_segments(
        segments: &[Arc<Segment>],
        deletes: &[Arc<Delete>],
        range: (i64, i64),
    ) -> Scan {
        let (segments, deletes) = (segments.to_vec(), deletes.to_vec());
        let snapshot = Snapshot { segments, epochs: Vec::new(), deletes, floor_ms: i64::MIN };
        snapshot.scan(None, range)
    }

    /// The segments that are read, oldest epochs first.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }
}

/// Reads one series of a scan after the other; keeps its memory between them.
#[derive(Debug, Default)]
pub struct Cursor {
    sources: Vec<Source>,
    used: usize,
    order: Order,
}

/// What one segment or one epoch's buffers hold of the series; later sources win.
#[derive(Debug, Default)]
struct Source {
    samples: Samples,
    at: usize,
    /// The next run in a segment: segment, block, run.
    next: Option<(usize, usize, usize)>,
}

impl Cursor {
    /// Goes to the first sample of a series.
    pub fn seek(&mut self, scan: &Scan, series: SeriesId) -> Result<()> {
        self.used = 0;
        for number in 0..scan.segments.len() {
            if let Some(next) = first_run(scan, number, series)? {
                let source = self.add_source();
                source.next = Some(next);
                source.refill(scan, series)?;
            }
        }
        for rows in &scan.epochs {
            let range = rows.find(series);
            if range.is_empty() {
                continue;
            }
            let mut order = std::mem::take(&mut self.order);
            let source = self.add_source();
            rows.gather(range, &mut order, &mut source.samples);
            source.clip(scan.range);
            self.order = order;
        }
        Ok(())
    }

    /// Goes to the first sample of a series in segments alone, whose first runs are known: number of
    /// the segment in the scan, block, run.
    pub fn begin(
        &mut self,
        scan: &Scan,
        series: SeriesId,
        first_runs: &[(usize, usize, usize)],
    ) -> Result<()> {
        self.used = 0;
        for &run in first_runs {
            let source = self.add_source();
            source.next = Some(run);
            source.refill(scan, series)?;
        }
        Ok(())
    }

    fn add_source(&mut self) -> &mut Source {
        if self.used == self.sources.len() {
            self.sources.push(Source::default());
        }
        self.used += 1;
        let source = &mut self.sources[self.used - 1];
        source.samples.clear();
        source.at = 0;
        source.next = None;
        source
    }

    /// Appends the next samples of the series, ascending in time, until `out` holds `rows_max` of
    /// them or a run's worth of histograms. Returns whether there may be more.
    pub fn read(
        &mut self,
        scan: &Scan,
        series: SeriesId,
        rows_max: usize,
        out: &mut Samples,
    ) -> Result<bool> {
        let bytes_end = out.bytes.len() + RUN_BYTES_MAX;
        while out.len() < rows_max && out.bytes.len() < bytes_end {
            let Some((first, timestamp, limit)) = self.earliest() else { return Ok(false) };
            let rows_left = rows_max - out.len();
            let sources = &mut self.sources[..self.used];
            if timestamp < limit {
                sources[first].take_before(limit, rows_left, out);
                sources[first].refill(scan, series)?;
                continue;
            }
            let same = |source: &Source| source.peek() == Some(timestamp);
            let latest = sources.iter().rposition(same).unwrap_or(first);
            sources[latest].take_before(timestamp + 1, 1, out);
            for source in sources.iter_mut() {
                if source.peek() == Some(timestamp) {
                    source.at += 1;
                }
                source.refill(scan, series)?;
            }
        }
        Ok(true)
    }

    /// The source with the earliest sample, its timestamp, and the earliest of all the others.
    fn earliest(&self) -> Option<(usize, i64, i64)> {
        let mut found: Option<(usize, i64, i64)> = None;
        for (at, source) in self.sources[..self.used].iter().enumerate() {
            let Some(timestamp) = source.peek() else { continue };
            found = Some(match found {
                None => (at, timestamp, i64::MAX),
                Some((_, best, _)) if timestamp < best => (at, timestamp, best),
                Some((first, best, limit)) => (first, best, limit.min(timestamp)),
            });
        }
        found
    }
}

impl Source {
    fn peek(&self) -> Option<i64> {
        self.samples.timestamps.get(self.at).copied()
    }

    fn take_before(&mut self, limit: i64, rows_max: usize, out: &mut Samples) {
        let rest = &self.samples.timestamps[self.at..];
        let rows = rest.partition_point(|&timestamp| timestamp < limit).min(rows_max);
        let rows = self.samples.handful(self.at, self.at + rows);
        out.extend(&self.samples, self.at, self.at + rows);
        self.at += rows;
    }

    /// Decodes the next run when the last one is used up.
    fn refill(&mut self, scan: &Scan, series: SeriesId) -> Result<()> {
        while self.at == self.samples.len() {
            let Some((number, block_at, run)) = self.next else { return Ok(()) };
            self.samples.clear();
            self.at = 0;
            let segment = &scan.segments[number];
            let block = segment.block(block_at)?;
            segment.read(block_at, &block, run, &mut self.samples)?;
            self.next = if run + 1 < block.runs() {
                (block.series(run + 1) == series).then_some((number, block_at, run + 1))
            } else {
                let following = segment.blocks().get(block_at + 1);
                let goes_on = following.is_some_and(|block| block.series.0 == series);
                goes_on.then_some((number, block_at + 1, 0))
            };
            for delete in scan.deletes.iter().filter(|delete| delete.number > segment.deletes()) {
                delete.apply(series, 0, &mut self.samples);
            }
            self.clip(scan.range);
        }
        Ok(())
    }

    /// Drops what lies outside the range.
    fn clip(&mut self, (start, end): (i64, i64)) {
        let timestamps = &self.samples.timestamps;
        let to = timestamps.partition_point(|&timestamp| timestamp <= end);
        self.at = timestamps.partition_point(|&timestamp| timestamp < start).min(to);
        if to < self.samples.len() {
            self.samples.truncate(to);
            self.next = None;
        }
    }
}

fn first_run(
    scan: &Scan,
    number: usize,
    series: SeriesId,
) -> Result<Option<(usize, usize, usize)>> {
    let segment = &scan.segments[number];
    let at = segment.lower_bound(series);
    if segment.blocks().get(at).is_none_or(|block| block.series.0 > series) {
        return Ok(None);
    }
    let block = segment.block(at)?;
    let run = block.lower_bound(series);
    let found = run < block.runs() && block.series(run) == series;
    Ok(found.then_some((number, at, run)))
}
