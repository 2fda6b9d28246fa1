//! Reading: a snapshot of everything visible at one moment, and cursors over its series.
//!
//! A snapshot owns what it reads (segments, buffers and how far each was published), so nothing
//! that happens later changes what it returns: neither new rows nor a flush.

use crate::buffer::WriteBuffer;
use crate::deletes::Delete;
use crate::error::{Error, Result};
use crate::limits::RUN_BYTES_MAX;
use crate::manifest::SegmentEntry;
use crate::rows::{EpochRows, Order, SeriesSet};
use crate::segment::Segment;
use crate::types::{Samples, SeriesId};
use std::path::PathBuf;
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
    /// Segments that cannot be read.
    pub(crate) aside: Vec<Arc<Aside>>,
}

/// A segment that is part of the data but cannot be read.
#[derive(Debug)]
pub struct Aside {
    /// As the manifest names it.
    pub entry: SegmentEntry,
    /// Where it is.
    pub path: PathBuf,
    /// What is known of its content, if it could be opened once.
    pub segment: Option<Arc<Segment>>,
}

impl Aside {
    /// Whether samples of these series (any, if `None`) in this range may be in it.
    fn may_hold(&self, wanted: Option<&SeriesSet>, range: (i64, i64)) -> bool {
        let (Some(segment), Some(wanted)) = (&self.segment, wanted) else {
            return self.entry.overlaps(range);
        };
        segment.blocks().iter().any(|block| {
            let overlaps = block.timestamps.0 <= range.1 && block.timestamps.1 >= range.0;
            overlaps && (block.series.0..=block.series.1).any(|series| wanted.contains(series))
        })
    }
}

/// A snapshot prepared for reading some series within a time range.
#[derive(Debug)]
pub struct Scan {
    segments: Vec<Arc<Segment>>,
    epochs: Vec<EpochRows>,
    range: (i64, i64),
    deletes: Vec<Arc<Delete>>,
    missing: Vec<Arc<Aside>>,
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
        let sort = |epoch: &Vec<_>| EpochRows::sort(epoch, wanted, range);
        Scan {
            segments: self.segments.iter().filter(overlaps).cloned().collect(),
            epochs: self.epochs.iter().map(sort).collect(),
            range,
            deletes: self.deletes.clone(),
            missing: self
                .aside
                .iter()
                .filter(|aside| aside.may_hold(wanted, range))
                .cloned()
                .collect(),
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
        let (epochs, aside, floor_ms) = (Vec::new(), Vec::new(), i64::MIN);
        let snapshot = Snapshot { segments, epochs, deletes, floor_ms, aside };
        snapshot.scan(None, range)
    }

    /// How many segments may hold samples of the range and cannot be read, and the first of them.
    pub fn missing(&self) -> Option<(u64, Error)> {
        let first = self.missing.first()?;
        let error = Error::damaged(&first.path, 0, "the segment was set aside");
        Some((self.missing.len() as u64, error))
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
    /// Where blocks that cannot be read are left out instead of ending the reading.
    losses: Option<Losses>,
}

/// What was left out because it cannot be read.
#[derive(Debug, Default)]
pub struct Losses {
    /// Blocks, each as often as it was needed.
    pub blocks: u64,
    /// What was wrong first.
    pub first: Option<Error>,
}

impl Losses {
    /// Adds so many.
    pub fn add(&mut self, blocks: u64, error: Error) {
        self.blocks += blocks;
        self.first.get_or_insert(error);
    }
}

/// Where nothing may be lost, the error.
fn lose(losses: &mut Option<Losses>, error: Error) -> Result<()> {
    match losses {
        Some(losses) => {
            losses.add(1, error);
            Ok(())
        }
        None => Err(error),
    }
}

/// What one segment or one epoch's buffers hold of the series; later sources win.
#[derive(Debug, Default)]
struct Source {
    samples: Samples,
    at: usize,
    /// The next run in a segment.
    next: Option<Place>,
}

/// Where a run is: number of the segment in the scan, block, run.
type Place = (usize, usize, usize);

impl Cursor {
    /// A cursor that leaves out what cannot be read, and keeps account of it.
    pub fn tolerant() -> Cursor {
        Cursor { losses: Some(Losses::default()), ..Cursor::default() }
    }

    /// What was left out since the last call.
    pub fn take_losses(&mut self) -> Losses {
        self.losses.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Goes to the first sample of a series.
    pub fn seek(&mut self, scan: &Scan, series: SeriesId) -> Result<()> {
        self.used = 0;
        for number in 0..scan.segments.len() {
            let Some(next) = first_run(scan, number, series, &mut self.losses)? else { continue };
            self.begin_source(scan, series, next)?;
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
    pub fn begin(&mut self, scan: &Scan, series: SeriesId, first_runs: &[Place]) -> Result<()> {
        self.used = 0;
        first_runs.iter().try_for_each(|&run| self.begin_source(scan, series, run))
    }

    fn begin_source(&mut self, scan: &Scan, series: SeriesId, run: Place) -> Result<()> {
        self.add_source().next = Some(run);
        self.sources[self.used - 1].refill(scan, series, &mut self.losses)
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
            let (sources, losses) = (&mut self.sources[..self.used], &mut self.losses);
            if timestamp < limit {
                sources[first].take_before(limit, rows_left, out);
                sources[first].refill(scan, series, losses)?;
                continue;
            }
            let same = |source: &Source| source.peek() == Some(timestamp);
            let latest = sources.iter().rposition(same).unwrap_or(first);
            sources[latest].take_before(timestamp + 1, 1, out);
            for source in sources.iter_mut() {
                if source.peek() == Some(timestamp) {
                    source.at += 1;
                }
                source.refill(scan, series, losses)?;
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
    fn refill(&mut self, scan: &Scan, series: SeriesId, losses: &mut Option<Losses>) -> Result<()> {
        while self.at == self.samples.len() {
            let Some(place) = self.next else { return Ok(()) };
            self.samples.clear();
            self.at = 0;
            let segment = &scan.segments[place.0];
            self.next = match read_run(segment, place, series, &mut self.samples) {
                Ok(next) => next,
                Err(error) => {
                    self.samples.clear();
                    lose(losses, error)?;
                    following(segment, place, series)
                }
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

/// Reads a run; where the series goes on.
fn read_run(
    segment: &Segment,
    (number, at, run): Place,
    series: SeriesId,
    out: &mut Samples,
) -> Result<Option<Place>> {
    let block = segment.block(at)?;
    segment.read(at, &block, run, out)?;
    if run + 1 == block.runs() {
        return Ok(following(segment, (number, at, run), series));
    }
    let goes_on = block.series(run + 1) == series;
    segment.check()?;
    Ok(goes_on.then_some((number, at, run + 1)))
}

/// Where a series goes on behind a block, if it does.
fn following(segment: &Segment, (number, at, _): Place, series: SeriesId) -> Option<Place> {
    let next = segment.blocks().get(at + 1);
    next.is_some_and(|block| block.series.0 == series).then_some((number, at + 1, 0))
}

fn first_run(
    scan: &Scan,
    number: usize,
    series: SeriesId,
    losses: &mut Option<Losses>,
) -> Result<Option<Place>> {
    let segment = &scan.segments[number];
    let at = segment.lower_bound(series);
    if segment.blocks().get(at).is_none_or(|block| block.series.0 > series) {
        return Ok(None);
    }
    let find = || {
        let block = segment.block(at)?;
        let run = block.lower_bound(series);
        let found = run < block.runs() && block.series(run) == series;
        segment.check()?;
        Ok(found.then_some((number, at, run)))
    };
    find().or_else(|error| {
        lose(losses, error)?;
        Ok(following(segment, (number, at, 0), series))
    })
}
