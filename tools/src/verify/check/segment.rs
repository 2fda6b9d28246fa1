//! A segment: every byte belongs to something that was checked, every sample can be read, and all is in
//! the order, the ranges and the numbers that indexes, footer and manifest promise.

use super::{Checked, Meter};
use crate::verify::fault::{Affected, Faults, Kind};
use irontsd_engine::env::Env;
use irontsd_engine::error::Error;
use irontsd_engine::header::HEADER_BYTES;
use irontsd_engine::histogram::Histogram;
use irontsd_engine::manifest::SegmentEntry;
use irontsd_engine::offline::damaged;
use irontsd_engine::segment::Segment;
use irontsd_engine::segment::format::{Block, FOOTER_BYTES};
use irontsd_engine::types::{Kind as ValueKind, Samples, SeriesId};

/// Faults of a segment whose series are named; to find them takes all names.
const NAMED_FAULTS_MAX: usize = 100;

/// Checks a segment. `entry` is its line in the manifest, if there is one.
pub fn check(
    env: &Env,
    mut faults: Faults,
    entry: Option<&SegmentEntry>,
    quick: bool,
    meter: &Meter,
) -> Checked {
    let path = faults.path().to_owned();
    let (segment, errors) = match damaged::open(env, &path) {
        Ok(opened) => opened,
        Err(error) => {
            let affected =
                entry.map_or_else(Affected::default, |entry| Affected::times(entry.times));
            let kind = of_place(&error, u64::MAX);
            faults.error(kind, &error, affected);
            return Checked { faults: faults.found, ..Checked::default() };
        }
    };
    let footer_at = segment.bytes().saturating_sub(FOOTER_BYTES as u64);
    for error in &errors {
        faults.error(of_place(error, footer_at), error, Affected::default());
    }
    let mut check = Check { segment: &segment, faults, quick, series: 0, last: None };
    check.manifest(entry);
    check.layout(errors.is_empty());
    check.names();
    meter.add(segment.bytes() - block_bytes(&segment));
    let mut samples = Samples::default();
    let mut total = 0;
    for at in 0..segment.blocks().len() {
        total += check.block(at, &mut samples);
        meter.add(segment.blocks()[at].bytes.into());
    }
    check.totals(errors.is_empty());
    let faults = check.faults.found;
    let blocks = segment.blocks().len() as u64;
    Checked { bytes: segment.bytes(), blocks, samples: total, faults, ..Checked::default() }
}

fn block_bytes(segment: &Segment) -> u64 {
    segment.blocks().iter().map(|entry| u64::from(entry.bytes)).sum()
}

/// Which part of the file an error is about.
fn of_place(error: &Error, footer_at: u64) -> Kind {
    match error {
        Error::Damaged { offset, .. } if *offset < HEADER_BYTES as u64 => Kind::Header,
        Error::Damaged { offset, .. } if *offset >= footer_at => Kind::Footer,
        Error::Damaged { what, .. } if what.contains("footer") => Kind::Footer,
        _ => Kind::Index,
    }
}

struct Check<'a> {
    segment: &'a Segment,
    faults: Faults,
    quick: bool,
    /// Series met so far.
    series: u64,
    /// The last series met, and its last timestamp unless that was in a block that cannot be read.
    last: Option<(SeriesId, Option<i64>)>,
}

impl Check<'_> {
    fn manifest(&mut self, entry: Option<&SegmentEntry>) {
        let Some(entry) = entry else { return };
        let footer = self.segment.footer();
        if entry.bytes != self.segment.bytes() {
            let what = format!("{} bytes, the manifest says {}", self.segment.bytes(), entry.bytes);
            self.faults.note(0, Kind::Count, what);
        }
        // Version 1 did not say the times.
        let knows_times = entry.times != (i64::MIN, i64::MAX);
        if entry.epochs != footer.epochs || (knows_times && entry.times != footer.timestamps) {
            let at = self.segment.bytes() - FOOTER_BYTES as u64;
            let what = "the footer has other epochs or times than the manifest says";
            self.faults.note(at, Kind::Manifest, what);
        }
    }

    /// Every byte before the indexes belongs to a block or to names, or is zero.
    fn layout(&mut self, is_whole: bool) {
        if !is_whole {
            return;
        }
        let mut at = HEADER_BYTES as u64;
        for entry in self.segment.blocks() {
            if entry.offset != at {
                let what = format!("a block begins here, the one before ends at {at}");
                self.faults.note(entry.offset, Kind::Range, what);
            }
            at = entry.offset + u64::from(entry.bytes);
        }
        for entry in self.segment.name_groups() {
            self.zeros(at, entry.offset);
            at = entry.offset + u64::from(entry.bytes);
        }
        self.zeros(at, self.segment.footer().blocks_at);
    }

    fn zeros(&mut self, from: u64, to: u64) {
        if from > to || to - from >= 8 {
            self.faults.note(
                from,
                Kind::Range,
                format!("nothing is known of the bytes up to {to}"),
            );
            return;
        }
        let bytes = &self.segment.file()[from as usize..to as usize];
        if let Some(at) = bytes.iter().position(|&byte| byte != 0) {
            let what = "a byte between names is not zero; no data are touched";
            self.faults.note(from + at as u64, Kind::Padding, what);
        }
    }

    fn names(&mut self) {
        let mut last: Option<SeriesId> = None;
        for group in self.segment.name_groups() {
            let affected =
                || Affected { series_count: Some(group.names.into()), ..Affected::default() };
            if self.quick {
                if !self.segment.has_sound_names(group) {
                    let what = "name group checksum does not match";
                    self.faults.add(group.offset, Kind::Names, what, affected());
                }
                continue;
            }
            let mut ascends = true;
            let read = self.segment.each_name_of(group, |series, _| {
                ascends &= last.is_none_or(|last| last < series);
                last = Some(series);
            });
            if let Err(error) = read {
                self.faults.error(Kind::Names, &error, affected());
            } else if !ascends {
                let what = "ids of names do not ascend";
                self.faults.add(group.offset, Kind::Order, what, affected());
            }
        }
    }

    /// Returns the samples that could be read.
    fn block(&mut self, at: usize, samples: &mut Samples) -> u64 {
        let entry = self.segment.blocks()[at];
        let block = match self.segment.block(at) {
            Ok(block) => block,
            Err(error) => {
                let affected = self.affected(at, entry.series, Some(entry.rows.into()));
                self.faults.error(Kind::Block, &error, affected);
                self.series += u64::from(self.last.is_none_or(|(last, _)| last != entry.series.1));
                self.last = Some((entry.series.1, None));
                return 0;
            }
        };
        if self.quick {
            return entry.rows.into();
        }
        let (mut rows, mut low, mut high) = (0, i64::MAX, i64::MIN);
        for run in 0..block.runs() {
            samples.clear();
            let Some((first, last)) = self.run(at, &block, run, samples) else { continue };
            rows += samples.len() as u64;
            (low, high) = (low.min(first), high.max(last));
        }
        let found = (block.series(0), block.series(block.runs() - 1));
        let counts = (block.runs() as u64, rows);
        let promised = (u64::from(entry.runs), u64::from(entry.rows));
        let affected = || self.affected(at, entry.series, Some(entry.rows.into()));
        if counts != promised && self.faults.found.iter().all(|f| f.offset != entry.offset) {
            let what = format!("{counts:?} runs and samples, the index says {promised:?}");
            let affected = affected();
            self.faults.add(entry.offset, Kind::Count, what, affected);
        } else if counts == promised && (found, (low, high)) != (entry.series, entry.timestamps) {
            let what = "its series or times are not those that the index says";
            let affected = affected();
            self.faults.add(entry.offset, Kind::Range, what, affected);
        }
        rows
    }

    /// Reads a run; returns its first and last timestamp.
    fn run(
        &mut self,
        at: usize,
        block: &Block<'_>,
        run: usize,
        samples: &mut Samples,
    ) -> Option<(i64, i64)> {
        let (series, offset) = (block.series(run), self.segment.blocks()[at].offset);
        let one =
            |check: &Check<'_>| check.affected(at, (series, series), Some(block.rows(run) as u64));
        let before = self.last;
        if before.is_none_or(|(last, _)| last != series) {
            self.series += 1;
        }
        let read = self.segment.read(at, block, run, samples);
        let times = &samples.timestamps;
        self.last = Some((series, times.last().copied().filter(|_| read.is_ok())));
        if let Err(error) = read {
            let affected = one(self);
            self.faults.error(Kind::Run, &error, affected);
            return None;
        }
        let descends = before.is_some_and(|(last, time)| {
            last > series || (last == series && time.is_some_and(|time| times[0] <= time))
        });
        if descends || !ascend(times) {
            let affected = one(self);
            self.faults.add(offset, Kind::Order, format!("run {run} does not ascend"), affected);
        }
        if !are_values(samples) {
            let affected = one(self);
            let what = format!("run {run} has a value of no known kind");
            self.faults.add(offset, Kind::Run, what, affected);
        }
        Some((*times.first()?, *times.last()?))
    }

    fn affected(&self, at: usize, series: (SeriesId, SeriesId), samples: Option<u64>) -> Affected {
        let times = Some(self.segment.blocks()[at].timestamps);
        if self.faults.found.len() >= NAMED_FAULTS_MAX {
            return Affected { samples, times, ..Affected::default() };
        }
        Affected { samples, times, ..Affected::series(self.segment, series) }
    }

    fn totals(&mut self, is_whole: bool) {
        let footer = *self.segment.footer();
        let blocks = self.segment.blocks();
        if !is_whole {
            return;
        }
        let at = self.segment.bytes() - FOOTER_BYTES as u64;
        let samples: u64 = blocks.iter().map(|entry| u64::from(entry.rows)).sum();
        if samples != footer.samples {
            let what = format!("blocks have {samples} samples, the footer says {}", footer.samples);
            self.faults.note(at, Kind::Count, what);
        }
        let low = blocks.iter().map(|entry| entry.timestamps.0).min();
        let high = blocks.iter().map(|entry| entry.timestamps.1).max();
        if (low.unwrap_or(0), high.unwrap_or(0)) != footer.timestamps {
            self.faults.note(at, Kind::Range, "blocks have other times than the footer says");
        }
        if !self.quick && self.faults.found.is_empty() && self.series != u64::from(footer.series) {
            let what =
                format!("there are {} series, the footer says {}", self.series, footer.series);
            self.faults.note(at, Kind::Count, what);
        }
    }
}

/// Whether timestamps ascend strictly; without a branch for each.
fn ascend(times: &[i64]) -> bool {
    let behind = times.get(1..).unwrap_or_default();
    times.iter().zip(behind).fold(true, |all, (a, b)| all & (a < b))
}

fn are_values(samples: &Samples) -> bool {
    let is_known = |kind: &ValueKind| kind.is_number() | (*kind == ValueKind::HISTOGRAM);
    if !samples.kinds.iter().fold(true, |all, kind| all & is_known(kind)) {
        return false;
    }
    let is_sound = |at| samples.histogram(at).is_none_or(|bytes| Histogram::decode(bytes).is_ok());
    samples.bytes.is_empty() || (0..samples.len()).all(is_sound)
}
