//! `irontsd import`: files of samples into a data directory that no node holds.
//!
//! `source` opens a file and sees what it is; `text`, `csv` and `parquet` read it; `target` is the
//! engine it goes to; `report` keeps what was refused.

mod csv;
mod flags;
#[cfg(feature = "parquet")]
mod parquet;
mod report;
mod source;
mod target;
mod text;

pub use flags::Import;

use crate::format::Format;
use crate::terminal::{self, Progress, counted};
use irontsd_engine::env::{self, Env};
use irontsd_net::histogram::codecs::Codec;
use irontsd_net::import::Sample;
use irontsd_net::policy::Policy;
use irontsd_net::reject::Reject;
use report::Report;
use source::Source;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use target::Target;

/// Exit codes: lines were refused; nothing, or not all, can be read or written.
const REFUSED: u8 = 1;
const CANNOT_RUN: u8 = 3;

/// Imports.
pub fn run(flags: &Import) -> ExitCode {
    match import(flags, &env::real()) {
        Ok(report) => {
            report.show(flags.json);
            ExitCode::from(if report.refused() == 0 { 0 } else { REFUSED })
        }
        Err(text) => {
            terminal::complain(&text);
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn import(flags: &Import, env: &Env) -> Result<Report, String> {
    // All are opened before anything is taken, so that a slip in a name changes nothing.
    let sources = flags.files.iter().map(|path| Source::open(path, flags.format));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    let mut intake = Intake {
        target: Target::open(&flags.to, env)?,
        policy: Arc::new(policy(flags)),
        report: Report::default(),
        progress: Progress::new(env.clock.clone(), false),
        file: String::new(),
    };
    let outcome = sources.into_iter().try_for_each(|source| read(source, &mut intake));
    intake.progress.end();
    let Intake { target, mut report, .. } = intake;
    report.samples = target.samples();
    report.series = target.close()?;
    if let Err(text) = outcome {
        // What came before it counts all the same.
        report.show(flags.json);
        return Err(text);
    }
    Ok(report)
}

fn read(source: Source, intake: &mut Intake) -> Result<(), String> {
    intake.file = source.name.clone();
    let read = match source.format {
        None => Ok(()),
        Some(Format::Json) => text::json(source, intake),
        Some(Format::Put) => text::put(source, intake),
        Some(Format::Csv) => csv::read(source, intake),
        #[cfg(feature = "parquet")]
        Some(Format::Parquet) => parquet::read(source, intake),
        #[cfg(not(feature = "parquet"))]
        Some(Format::Parquet) => Err(crate::format::NO_PARQUET.to_owned()),
    };
    read.map_err(|what| format!("{}: {what}", intake.file))
}

/// The rules of a node without --strict; what was stored somewhere had its limits there.
fn policy(flags: &Import) -> Policy {
    let mut policy =
        Policy { tags_max: usize::MAX, line_bytes_max: usize::MAX, ..Policy::default() };
    (0..=u8::MAX).for_each(|id| policy.histogram_codecs.set(id, Codec::Opaque));
    flags.histogram_codec.iter().for_each(|&(id, codec)| policy.histogram_codecs.set(id, codec));
    policy
}

/// What every reader of a form needs.
struct Intake {
    target: Target,
    policy: Arc<Policy>,
    report: Report,
    progress: Progress,
    /// The file that is being read, as shown.
    file: String,
}

impl Intake {
    /// Takes samples of a series, given by its canonical name.
    fn take(&mut self, name: &[u8], samples: &[(i64, Sample)]) -> Result<(), Reject> {
        let series = self.target.series(name)?;
        for (ms, sample) in samples {
            self.target.push(series, *ms, sample.content());
        }
        Ok(())
    }

    /// Notes what became of a line.
    fn judged(&mut self, line: u64, outcome: Result<(), Reject>) -> Result<(), String> {
        self.report.lines += 1;
        if let Err(reject) = outcome {
            self.refuse(line, &reject);
        }
        self.target.check()?;
        let (file, samples) = (&self.file, self.target.samples());
        self.progress
            .show(|| format!("{file}: line {line}, {}", counted(samples, "sample", "samples")));
        Ok(())
    }

    fn refuse(&mut self, line: u64, reject: &Reject) {
        let Intake { progress, report, file, .. } = self;
        progress.aside(|| report.refuse(file, line, reject));
    }
}

/// A path as messages show it.
fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}
