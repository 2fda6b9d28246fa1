//! The forms that are text: the export of a node, step by step, into a file or standard output.

use super::report::{Report, Wrote};
use super::{Export, Failed, Wanted};
use crate::files::NewFile;
use crate::terminal::{self, Progress, counted};
use irontsd_engine::name;
use irontsd_net::policy::Policy;
use irontsd_net::read::export;
use irontsd_net::read::find::Found;
use irontsd_net::read::formats::Columns;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Columns for everything that is known of these series.
pub fn all_columns(found: &Found) -> Result<Columns, String> {
    let mut keys = BTreeSet::new();
    for (_, name) in (0..found.len()).map(|at| found.get(at)) {
        if name::is_histogram(name) {
            // Buckets have it.
            keys.insert("le".to_owned());
        }
        keys.extend(name::tags(name).map(|(key, _)| String::from_utf8_lossy(&key).into_owned()));
    }
    Columns::of_tags(keys).ok_or_else(|| {
        "a tag is called as CSV calls the value or the timestamp: choose with --columns, or \
         another --format"
            .to_owned()
    })
}

/// Where text goes.
enum Out {
    File(NewFile),
    Stdout(std::fs::File),
}

impl Out {
    fn open(path: Option<&Path>) -> io::Result<Out> {
        match path {
            Some(path) => Ok(Out::File(NewFile::create(path)?)),
            None => Ok(Out::Stdout(terminal::raw_stdout()?)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Out::File(file) => file.write_all(bytes),
            Out::Stdout(stdout) => stdout.write_all(bytes),
        }
    }
}

pub fn export(
    wanted: Wanted,
    flags: &Export,
    progress: &mut Progress,
    report: &mut Report,
) -> Result<(), Failed> {
    let Wanted { store, found, args } = wanted;
    report.series = found.len() as u64;
    let (snapshot, registry) = (store.snapshot(), store.registry());
    let mut export = export::Export::new(found, registry, &snapshot, &args, &Policy::default())?;
    let path = flags.output.as_deref();
    let failed = |error: io::Error| {
        let place = path.map_or("standard output".to_owned(), |path| path.display().to_string());
        format!("cannot write to {place}: {error}")
    };
    let mut out = Out::open(path).map_err(failed)?;
    let mut piece = Vec::new();
    export.begin(&mut piece);
    loop {
        let more = match export.step(&mut piece) {
            Ok(more) => more,
            Err(damage) => {
                report.damage.push(damage.to_string());
                false
            }
        };
        report.samples = export.samples_read();
        match out.write(&piece) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                report.cut_short = true;
                return Ok(());
            }
            written => written.map_err(failed)?,
        }
        piece.clear();
        if !more {
            break;
        }
        let (done, all) = export.progress();
        let samples = report.samples;
        progress
            .show(|| format!("{done} of {all} series, {}", counted(samples, "sample", "samples")));
    }
    progress.end();
    report.skipped = export.skipped().unwrap_or_default();
    if let (Out::File(file), Some(path)) = (out, path) {
        let bytes = file.seal().map_err(failed)?;
        report.files.push(Wrote { path: path.to_owned(), samples: report.samples, bytes });
    }
    Ok(())
}
