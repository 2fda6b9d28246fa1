//! `/api/v1/export`: every sample of the matching series in name order, as JSON lines or in the
//! shape of a writer.
//!
//! Works in steps of about a quarter of a megabyte, so that any number of exports share few
//! threads and a slow reader holds nothing but its last step. A series too long to be held is read
//! twice, once for its values and once for its timestamps; the snapshot makes both readings agree.

use super::args::ExportArgs;
use super::buckets::{self, Counts};
use super::find::Found;
use super::formats::{Skipped, Writer};
use super::json_line;
use super::times_text::TimesText;
use crate::node::Node;
use crate::policy::Policy;
use irontsd_engine::error::Result;
use irontsd_engine::name;
use irontsd_engine::rows::SeriesSet;
use irontsd_engine::scan::{Cursor, Losses, Scan, Snapshot};
use irontsd_engine::series::Registry;
use irontsd_engine::types::Samples;

/// A step ends when it has produced this many bytes.
pub const STEP_BYTES: usize = 256 << 10;
/// A step ends after this many series, even if none had a sample: a reader that has gone is noticed
/// between steps.
const STEP_SERIES: usize = 20_000;
/// Larger values of `max_rows_per_line` mean no limit: a line is held as a whole.
const LINE_ROWS_MAX: usize = 1 << 20;
/// A series with more samples is read twice instead of being held.
const HELD_ROWS_MAX: usize = 64 << 10;
/// Samples read at a time from a series that is read twice.
const PIECE_ROWS: usize = 8 << 10;

/// An export in progress.
#[derive(Debug)]
pub struct Export {
    found: Found,
    scan: Scan,
    cursor: Cursor,
    samples: Samples,
    times: TimesText,
    at: usize,
    stage: Stage,
    rows_per_line: Option<usize>,
    /// What makes another shape than lines of JSON.
    writer: Option<Box<dyn Writer>>,
    /// Whether histograms are shown as buckets.
    expands: bool,
    /// What is still to be shown of the histograms read last.
    counts: Counts,
    /// Sum over the samples whose values were printed and whose timestamps were not.
    unpaired: u64,
    /// The damage met; what else is readable is streamed all the same.
    losses: Losses,
    /// Whether the answer ends regularly all the same.
    allow_damaged: bool,
    /// Samples read; those of a series that is read twice count once.
    samples_read: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The next series begins.
    Series,
    /// In the values of a long series.
    LongValues,
    /// In its timestamps; whether the first is still to come.
    LongTimestamps(bool),
    /// In a series of another shape than lines of JSON; whether its first piece was printed.
    Pieces,
    /// In a series that is split into lines of so many samples; more follow.
    Lines(usize),
    /// In a series of histograms shown as buckets; whether there are more to read.
    Buckets(bool),
}

impl Export {
    /// Finds the series and prepares the snapshot, which was taken when the request came.
    pub fn start(
        node: &Node,
        snapshot: &Snapshot,
        series: u32,
        args: &ExportArgs,
    ) -> std::result::Result<Export, String> {
        let engine = &node.engine;
        let found = Found::search(engine, &args.selectors, series);
        Export::new(found, engine.registry(), snapshot, args, &node.policy)
    }

    /// Prepares to export the series found, out of all that have a name.
    pub fn new(
        found: Found,
        registry: &Registry,
        snapshot: &Snapshot,
        args: &ExportArgs,
        policy: &Policy,
    ) -> std::result::Result<Export, String> {
        let writer = args.format.writer(policy);
        let takes = writer.as_ref().map_or(!args.buckets, |writer| writer.takes_histograms());
        if !takes {
            refuse_le(&found)?;
        }
        let wanted: Option<SeriesSet> = (found.len() < registry.len() as usize)
            .then(|| (0..found.len()).map(|at| found.get(at).0).collect());
        let scan = snapshot.scan(wanted.as_ref(), (args.start_ms, args.end_ms));
        let mut losses = Losses::default();
        if let Some((segments, error)) = scan.missing() {
            losses.add(segments, error);
        }
        // Series whose names cannot be read are not among those found.
        if let Err(error) = registry.check() {
            losses.add(1, error);
        }
        Ok(Export {
            scan,
            found,
            cursor: Cursor::tolerant(),
            samples: Samples::default(),
            times: TimesText::default(),
            at: 0,
            stage: Stage::Series,
            rows_per_line: args.rows_per_line_max.filter(|&rows| rows <= LINE_ROWS_MAX),
            writer,
            expands: !takes,
            counts: Counts::default(),
            unpaired: 0,
            losses,
            allow_damaged: args.allow_damaged,
            samples_read: 0,
        })
    }

    /// What stands before everything else.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(writer) = &mut self.writer {
            writer.begin(out);
        }
    }

    /// What the shape could not carry, if it is one that may have to leave something out.
    pub fn skipped(&self) -> Option<Skipped> {
        self.writer.as_ref().and_then(|writer| writer.skipped())
    }

    /// Series done, and all of them.
    pub fn progress(&self) -> (usize, usize) {
        (self.at, self.found.len())
    }

    /// Samples read so far.
    pub fn samples_read(&self) -> u64 {
        self.samples_read
    }

    /// What could not be read so far: blocks and whole segments.
    pub fn lost_blocks(&self) -> u64 {
        self.losses.blocks
    }

    /// Whether the answer ends regularly although something could not be read.
    pub fn allows_damaged(&self) -> bool {
        self.allow_damaged
    }

    /// Appends the next piece; whether there is more. Damage is an error in the end, when everything
    /// readable is there, unless it is allowed; or at once where a line has begun that cannot be
    /// finished.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        let (enough, last) = (out.len() + STEP_BYTES, self.at + STEP_SERIES);
        while out.len() < enough && self.at < last {
            match self.stage {
                Stage::Series if self.at == self.found.len() => {
                    self.note_losses();
                    if let Some(damage) = self.losses.first.take_if(|_| !self.allow_damaged) {
                        return Err(damage);
                    }
                    if let Some(writer) = &mut self.writer {
                        writer.end(out);
                    }
                    return Ok(false);
                }
                Stage::Series => self.begin_series(out)?,
                Stage::LongValues => self.long_values(out)?,
                Stage::LongTimestamps(first) => self.long_timestamps(out, first)?,
                Stage::Pieces => self.next_piece(out, false)?,
                Stage::Lines(rows) => self.next_line(out, rows)?,
                Stage::Buckets(more) => self.next_bucket(out, more)?,
            }
        }
        Ok(true)
    }

    fn note_losses(&mut self) {
        let Losses { blocks, first } = self.cursor.take_losses();
        first.into_iter().for_each(|error| self.losses.add(blocks, error));
    }

    fn begin_series(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let (series, name) = self.found.get(self.at);
        self.cursor.seek(&self.scan, series)?;
        if self.expands && name::is_histogram(name) {
            return self.read_histograms();
        }
        if self.writer.is_some() {
            return self.next_piece(out, true);
        }
        if let Some(rows) = self.rows_per_line {
            return self.next_line(out, rows);
        }
        self.samples.clear();
        let more = self.cursor.read(&self.scan, series, HELD_ROWS_MAX, &mut self.samples)?;
        self.samples_read += self.samples.len() as u64;
        if self.samples.is_empty() {
            self.at += 1;
            return Ok(());
        }
        json_line::begin(out, name);
        json_line::push_values(out, &self.samples, true);
        if more {
            self.unpaired = sum_of(&self.samples.timestamps);
            self.stage = Stage::LongValues;
            return Ok(());
        }
        json_line::middle(out);
        json_line::push_timestamps(out, &self.samples, &mut self.times, true);
        json_line::end(out);
        self.at += 1;
        Ok(())
    }

    /// Reads on; whether anything came.
    fn read_piece(&mut self) -> Result<bool> {
        let series = self.found.get(self.at).0;
        self.samples.clear();
        self.cursor.read(&self.scan, series, PIECE_ROWS, &mut self.samples)?;
        Ok(!self.samples.is_empty())
    }

    fn long_values(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.read_piece()? {
            json_line::push_values(out, &self.samples, false);
            self.samples_read += self.samples.len() as u64;
            let printed = sum_of(&self.samples.timestamps);
            self.unpaired = self.unpaired.wrapping_add(printed);
            return Ok(());
        }
        json_line::middle(out);
        self.cursor.seek(&self.scan, self.found.get(self.at).0)?;
        self.stage = Stage::LongTimestamps(true);
        Ok(())
    }

    fn long_timestamps(&mut self, out: &mut Vec<u8>, first: bool) -> Result<()> {
        if self.read_piece()? {
            json_line::push_timestamps(out, &self.samples, &mut self.times, first);
            let printed = sum_of(&self.samples.timestamps);
            self.unpaired = self.unpaired.wrapping_sub(printed);
            self.stage = Stage::LongTimestamps(false);
            return Ok(());
        }
        // A block that was there for the values and not for the timestamps: nothing may pair them.
        self.note_losses();
        if self.unpaired != 0
            && let Some(damage) = self.losses.first.take()
        {
            return Err(damage);
        }
        json_line::end(out);
        self.at += 1;
        self.stage = Stage::Series;
        Ok(())
    }

    fn next_piece(&mut self, out: &mut Vec<u8>, first: bool) -> Result<()> {
        let (series, name) = self.found.get(self.at);
        self.samples.clear();
        let more = self.cursor.read(&self.scan, series, PIECE_ROWS, &mut self.samples)?;
        self.samples_read += self.samples.len() as u64;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let skipped = first && (self.samples.is_empty() || !writer.begin_series(out, name));
        if !skipped {
            writer.push(out, &self.samples);
            if more {
                self.stage = Stage::Pieces;
                return Ok(());
            }
            writer.end_series(out);
        }
        self.stage = Stage::Series;
        self.at += 1;
        Ok(())
    }

    /// Piece by piece, for every bucket needs all of a piece: a long series gets several lines for
    /// each.
    fn read_histograms(&mut self) -> Result<()> {
        let series = self.found.get(self.at).0;
        let rows = self.rows_per_line.map_or(PIECE_ROWS, |rows| rows.min(PIECE_ROWS));
        self.samples.clear();
        let more = self.cursor.read(&self.scan, series, rows, &mut self.samples)?;
        self.samples_read += self.samples.len() as u64;
        self.counts = Counts::new(&self.samples);
        self.stage = Stage::Buckets(more);
        Ok(())
    }

    fn next_bucket(&mut self, out: &mut Vec<u8>, more: bool) -> Result<()> {
        let Some((name, samples)) = self.counts.next(self.found.get(self.at).1) else {
            if more {
                return self.read_histograms();
            }
            self.stage = Stage::Series;
            self.at += 1;
            return Ok(());
        };
        match &mut self.writer {
            None => json_line::push(out, &name, &samples, &mut self.times),
            Some(writer) => {
                if writer.begin_series(out, &name) {
                    writer.push(out, &samples);
                    writer.end_series(out);
                }
            }
        }
        Ok(())
    }

    fn next_line(&mut self, out: &mut Vec<u8>, rows: usize) -> Result<()> {
        let (series, name) = self.found.get(self.at);
        self.samples.clear();
        let more = self.cursor.read(&self.scan, series, rows, &mut self.samples)?;
        self.samples_read += self.samples.len() as u64;
        if !self.samples.is_empty() {
            json_line::push(out, name, &self.samples, &mut self.times);
        }
        self.stage = if more { Stage::Lines(rows) } else { Stage::Series };
        self.at += usize::from(!more);
        Ok(())
    }
}

/// Tells sets of timestamps apart, in whatever pieces they are read.
fn sum_of(timestamps: &[i64]) -> u64 {
    let mixed = |&timestamp: &i64| {
        let high = (timestamp as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (high ^ (high >> 32)).wrapping_add(1)
    };
    timestamps.iter().map(mixed).fold(0, u64::wrapping_add)
}

/// Buckets need the label `le` for themselves.
fn refuse_le(found: &Found) -> std::result::Result<(), String> {
    let taken =
        (0..found.len()).map(|at| found.get(at).1).find(|name| buckets::is_impossible(name));
    match taken {
        None => Ok(()),
        Some(name) => {
            let mut shown = Vec::new();
            json_line::push_labels(&mut shown, name);
            let shown = String::from_utf8_lossy(&shown);
            Err(format!("histograms with a label `le` cannot be shown as buckets: {shown}"))
        }
    }
}
