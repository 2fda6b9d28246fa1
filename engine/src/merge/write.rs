//! Carries a merge out: reads the inputs series by series, writes and seals one segment for each cut.

use super::days::{Partition, cut};
use crate::codec::Effort;
use crate::deletes::Delete;
use crate::env::Env;
use crate::error::Result;
use crate::limits::RUN_ROWS_MAX;
use crate::names::groups::Groups;
use crate::retention;
use crate::scan::{Cursor, Scan};
use crate::segment::writer::Sealed;
use crate::segment::{Segment, SegmentWriter};
use crate::series::Registry;
use crate::types::{Samples, SeriesId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What was done since it was last told.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Rows written.
    pub rows: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

/// Told of work; may wait, or end the merge by an error.
pub type Pace<'a> = dyn FnMut(Work) -> Result<()> + 'a;

/// What a merge needs.
#[derive(Debug)]
pub struct Merge<'a> {
    /// The outside world.
    pub env: &'a Env,
    /// Names of the series.
    pub registry: &'a Registry,
    /// What is merged; of samples with one series and timestamp the later one's counts.
    pub inputs: Vec<Arc<Segment>>,
    /// How hard the encoder tries.
    pub effort: Effort,
    /// What is left out.
    pub deletes: Vec<Arc<Delete>>,
    /// What is older is left out as well.
    pub floor_ms: i64,
    /// How long a day is.
    pub partition: Partition,
    /// Bytes that may wait in the kernel, about: they would all go to the disk when the file is sealed.
    pub unsynced_bytes_max: u64,
}

impl Merge<'_> {
    /// Writes the outputs, whose paths `name` gives. `pace` is told of all work as it is done; where it ends
    /// the merge, sealed outputs stay behind as leftovers.
    pub fn run(
        &self,
        mut name: impl FnMut() -> PathBuf,
        pace: &mut Pace<'_>,
    ) -> Result<Vec<Sealed>> {
        let epochs = self.inputs.iter().map(|segment| segment.footer().epochs);
        let first = epochs.clone().map(|(first, _)| first).min().unwrap_or(0);
        let last = epochs.map(|(_, last)| last).max().unwrap_or(0);
        let (mut sealed, mut names) = (Vec::new(), Groups::for_merges());
        let horizon_ms = retention::horizon_ms(self.env.clock.wall_ms());
        for (from, to) in cut(&self.rows_by_day(pace)?, self.partition, horizon_ms) {
            if to < self.floor_ms {
                continue;
            }
            let mut writer = SegmentWriter::create(self.env, &name(), (first, last), self.effort)?;
            self.write((from.max(self.floor_ms), to), &mut writer, pace)?;
            if writer.is_empty() {
                writer.discard();
                continue;
            }
            let told = writer.bytes();
            sealed.push(writer.seal(self.registry, &mut names)?);
            let bytes = sealed.last().map_or(0, |sealed| sealed.bytes) - told;
            pace(Work { rows: 0, bytes })?;
        }
        Ok(sealed)
    }

    /// Only blocks that cross midnight are looked into.
    fn rows_by_day(&self, pace: &mut Pace<'_>) -> Result<BTreeMap<i64, u64>> {
        let mut rows = BTreeMap::new();
        let mut timestamps = Vec::new();
        for segment in &self.inputs {
            for (at, entry) in segment.blocks().iter().enumerate() {
                let (from, to) = (
                    self.partition.day_of(entry.timestamps.0),
                    self.partition.day_of(entry.timestamps.1),
                );
                if from == to {
                    *rows.entry(from).or_default() += u64::from(entry.rows);
                    continue;
                }
                let block = segment.block(at)?;
                for run in 0..block.runs() {
                    timestamps.clear();
                    segment.read_timestamps(at, &block, run, &mut timestamps)?;
                    for days in timestamps
                        .chunk_by(|a, b| self.partition.day_of(*a) == self.partition.day_of(*b))
                    {
                        *rows.entry(self.partition.day_of(days[0])).or_default() +=
                            days.len() as u64;
                    }
                }
                pace(Work { rows: 0, bytes: entry.bytes.into() })?;
            }
        }
        Ok(rows)
    }

    fn write(
        &self,
        range: (i64, i64),
        writer: &mut SegmentWriter,
        pace: &mut Pace<'_>,
    ) -> Result<()> {
        let scan = Scan::of_segments(&self.inputs, &self.deletes, range);
        let mut runs: Vec<Runs> = scan.segments().iter().map(Runs::new).collect::<Result<_>>()?;
        let (mut cursor, mut samples) = (Cursor::default(), Samples::default());
        // The rows since the last look, and the bytes read and written until then.
        let (mut rows, mut told) = (0, 0);
        while let Some(series) = runs.iter().filter_map(|runs| runs.series).min() {
            let here = runs.iter().enumerate().filter(|(_, runs)| runs.series == Some(series));
            let places: Vec<_> =
                here.map(|(number, runs)| (number, runs.block, runs.run)).collect();
            cursor.begin(&scan, series, &places)?;
            loop {
                samples.clear();
                let more = cursor.read(&scan, series, RUN_ROWS_MAX, &mut samples)?;
                if !samples.is_empty() {
                    writer.push(series, &samples)?;
                    rows += samples.len() as u64;
                }
                if !more {
                    break;
                }
            }
            for (number, _, _) in places {
                runs[number].skip(series)?;
            }
            if rows >= PACE_ROWS {
                let done = bytes(&runs, writer);
                pace(Work { rows, bytes: done - told })?;
                (rows, told) = (0, done);
                if writer.unsynced_bytes() >= self.unsynced_bytes_max {
                    writer.sync()?;
                }
            }
        }
        pace(Work { rows, bytes: bytes(&runs, writer) - told })
    }
}

/// Rows after which the pace is asked.
const PACE_ROWS: u64 = 16 << 10;

/// Bytes read and written so far.
fn bytes(runs: &[Runs<'_>], writer: &SegmentWriter) -> u64 {
    runs.iter().map(|runs| runs.bytes).sum::<u64>() + writer.bytes()
}

/// Goes through the series of a segment in their order.
struct Runs<'a> {
    segment: &'a Arc<Segment>,
    block: usize,
    run: usize,
    /// The series of that run; `None` at the end.
    series: Option<SeriesId>,
    /// Bytes of the blocks so far.
    bytes: u64,
}

impl<'a> Runs<'a> {
    fn new(segment: &'a Arc<Segment>) -> Result<Runs<'a>> {
        let mut runs = Runs { segment, block: 0, run: 0, series: None, bytes: 0 };
        runs.look()?;
        Ok(runs)
    }

    fn look(&mut self) -> Result<()> {
        self.series = if let Some(entry) = self.segment.blocks().get(self.block) {
            self.bytes += if self.run == 0 { u64::from(entry.bytes) } else { 0 };
            let series = self.segment.block(self.block)?.series(self.run);
            self.segment.check()?;
            Some(series)
        } else {
            None
        };
        Ok(())
    }

    /// Goes behind the last run of a series.
    fn skip(&mut self, series: SeriesId) -> Result<()> {
        while self.series == Some(series) {
            let block = self.segment.block(self.block)?;
            let next = (self.run + 1..block.runs()).find(|&run| block.series(run) != series);
            self.segment.check()?;
            match next {
                Some(run) => self.run = run,
                None => (self.block, self.run) = (self.block + 1, 0),
            }
            self.look()?;
        }
        Ok(())
    }
}
