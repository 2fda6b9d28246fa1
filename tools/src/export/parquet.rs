//! Parquet: all series once for the first days met, then once more for each further handful of days, so
//! that few files are open at a time.

use super::report::{Report, Wrote};
use super::{Export, Failed, Wanted};
use crate::files::{self, NewFile};
use crate::terminal::{Progress, counted};
use irontsd_engine::error::Error;
use irontsd_engine::rows::SeriesSet;
use irontsd_engine::scan::Cursor;
use irontsd_engine::types::Samples;
use irontsd_net::read::civil::Civil;
use irontsd_parquet::{DAY_MS, DAYS_MAX, Days, Which};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Samples read at a time.
const PIECE_ROWS: usize = 8 << 10;

pub fn export(
    wanted: Wanted,
    flags: &Export,
    progress: &mut Progress,
    report: &mut Report,
) -> Result<(), Failed> {
    let dir = flags.output.as_deref().unwrap_or(Path::new("."));
    files::create_dir(dir)
        .map_err(|error| format!("cannot create the directory {}: {error}", dir.display()))?;
    report.series = wanted.found.len() as u64;
    let times = (wanted.args.start_ms, wanted.args.end_ms);
    let mut passes = Passes { wanted: &wanted, dir, progress, report };
    let left: Vec<i64> = passes.pass(times, Which::First)?.into_iter().collect();
    for days in left.chunks(DAYS_MAX) {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { continue };
        let within = (times.0.max(first * DAY_MS), times.1.min((last + 1) * DAY_MS - 1));
        passes.pass(within, Which::Only(days.iter().copied().collect()))?;
    }
    report.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}

struct Passes<'a> {
    wanted: &'a Wanted,
    dir: &'a Path,
    progress: &'a mut Progress,
    report: &'a mut Report,
}

impl Passes<'_> {
    /// Reads all series within these times and writes these days; which days are left.
    fn pass(&mut self, times: (i64, i64), which: Which) -> Result<BTreeSet<i64>, String> {
        let Wanted { store, found, .. } = self.wanted;
        let is_first = matches!(which, Which::First);
        let some: Option<SeriesSet> = (found.len() < store.registry().len() as usize)
            .then(|| (0..found.len()).map(|at| found.get(at).0).collect());
        let scan = store.snapshot().scan(some.as_ref(), times);
        let failed = |error: irontsd_parquet::Error| {
            format!("cannot write to {}: {error}", self.dir.display())
        };
        let mut days = Days::new(which, |day| NewFile::create(&path(self.dir, day)));
        let (mut cursor, mut samples) = (Cursor::tolerant(), Samples::default());
        let unreadable = |error: Error| error.to_string();
        for at in 0..found.len() {
            let (series, name) = found.get(at);
            cursor.seek(&scan, series).map_err(unreadable)?;
            let mut more = true;
            while more {
                samples.clear();
                more = cursor.read(&scan, series, PIECE_ROWS, &mut samples).map_err(unreadable)?;
                days.push(name, &samples).map_err(failed)?;
            }
            // Later passes meet it again.
            let damage = cursor.take_losses().first;
            if let Some(damage) = damage.filter(|_| is_first && self.report.damage.is_empty()) {
                self.report.damage.push(damage.to_string());
            }
            let (all, written) = (found.len(), self.report.samples + days.samples());
            self.progress.show(|| {
                format!("{at} of {all} series, {}", counted(written, "sample", "samples"))
            });
        }
        let (written, left) = days.finish(NewFile::seal).map_err(failed)?;
        for file in written {
            self.report.samples += file.samples;
            let path = path(self.dir, file.day);
            self.report.files.push(Wrote { path, samples: file.samples, bytes: file.bytes });
        }
        Ok(left)
    }
}

/// `YYYY-MM-DD.parquet`
fn path(dir: &Path, day: i64) -> PathBuf {
    let Civil { year, month, day, .. } = Civil::of(day * DAY_MS);
    dir.join(format!("{year:04}-{month:02}-{day:02}.parquet"))
}
