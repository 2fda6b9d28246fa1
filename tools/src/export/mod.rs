//! `irontsd export`: what a data directory, a snapshot or a segment holds, as text or Parquet, without
//! a node. What is written and how is the business of `irontsd_net::read`, as for a node's exports.

mod flags;
#[cfg(feature = "parquet")]
mod parquet;
mod report;
mod text;

pub use flags::Export;

use crate::format::Format;
use crate::hints::SAVE_WHAT_IS_SOUND;
use crate::terminal::{self, Progress};
use irontsd_engine::env::{self, Env};
use irontsd_engine::error::Error;
use irontsd_engine::offline::Store;
use irontsd_net::read::args::ExportArgs;
use irontsd_net::read::find::{Found, groups};
use irontsd_net::read::formats::{Columns, Format as Shape};
use irontsd_net::read::{select, time_arg};
use report::Report;
use std::process::ExitCode;

/// Exit codes: something is damaged or was left out; the command line is wrong; nothing can be done.
const FINDINGS: u8 = 1;
const USAGE: u8 = 2;
const CANNOT_RUN: u8 = 3;

/// Why nothing was exported.
#[derive(Debug)]
enum Failed {
    /// The command line asks for what cannot be.
    Usage(String),
    /// The system or the data do not let us.
    CannotRun(String),
}

impl From<String> for Failed {
    fn from(text: String) -> Failed {
        Failed::CannotRun(text)
    }
}

/// Exports.
pub fn run(flags: &Export) -> ExitCode {
    let env = env::real();
    match export(flags, &env) {
        Ok(report) => {
            report.show(flags);
            ExitCode::from(if report.is_whole() { 0 } else { FINDINGS })
        }
        Err(Failed::Usage(text)) => {
            terminal::complain(&format!(
                "{text}\n\nFor more information, try 'irontsd export --help'."
            ));
            ExitCode::from(USAGE)
        }
        Err(Failed::CannotRun(text)) => {
            terminal::complain(&text);
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// What is to be exported, found.
struct Wanted {
    store: Store,
    found: Found,
    args: ExportArgs,
}

fn export(flags: &Export, env: &Env) -> Result<Report, Failed> {
    flags.check().map_err(Failed::Usage)?;
    let mut args = arguments(flags, env.clock.wall_ms()).map_err(Failed::Usage)?;
    let store = Store::open(env, &flags.path).map_err(|error| explain(&error))?;
    let found = Found::sorted(store.registry(), store.find(&groups(&args.selectors)));
    if flags.format == Format::Csv && flags.columns.is_none() {
        args.format = Shape::Csv(text::all_columns(&found).map_err(Failed::Usage)?);
    }
    let mut report = Report::new(&store);
    let wanted = Wanted { store, found, args };
    let mut progress = Progress::new(env.clock.clone(), flags.shows_data());
    match flags.format {
        Format::Parquet => to_parquet(wanted, flags, &mut progress, &mut report)?,
        _ => text::export(wanted, flags, &mut progress, &mut report)?,
    }
    Ok(report)
}

#[cfg(feature = "parquet")]
fn to_parquet(
    wanted: Wanted,
    flags: &Export,
    progress: &mut Progress,
    report: &mut Report,
) -> Result<(), Failed> {
    parquet::export(wanted, flags, progress, report)
}

#[cfg(not(feature = "parquet"))]
fn to_parquet(_: Wanted, _: &Export, _: &mut Progress, _: &mut Report) -> Result<(), Failed> {
    Err(Failed::CannotRun(crate::format::NO_PARQUET.into()))
}

/// Flags as a node takes arguments.
fn arguments(flags: &Export, now_ms: i64) -> Result<ExportArgs, String> {
    let format = match (&flags.format, &flags.columns) {
        (Format::Put, _) => Shape::PutLines,
        (Format::Csv, Some(list)) => {
            let columns = Columns::parse(Some(list));
            Shape::Csv(columns.map_err(|error| format!("--columns {list}: {error}"))?)
        }
        _ => Shape::JsonLines,
    };
    let selector =
        |text: &String| select::parse(text).map_err(|error| format!("--match '{text}': {error}"));
    let time = |flag: &str, text: &Option<String>, default: i64| match text {
        None => Ok(default),
        Some(text) => time_arg::parse(text, now_ms).map_err(|error| format!("{flag}: {error}")),
    };
    let start_ms = time("--start", &flags.start, 0)?;
    let end_ms = time("--end", &flags.end, i64::MAX)?;
    if end_ms < start_ms {
        return Err(format!("--end ({end_ms} ms) lies before --start ({start_ms} ms)"));
    }
    Ok(ExportArgs {
        selectors: flags.matches.iter().map(selector).collect::<Result<_, _>>()?,
        start_ms,
        end_ms,
        rows_per_line_max: flags.max_rows_per_line.map(|rows| rows as usize),
        format,
        buckets: false,
        allow_damaged: false,
    })
}

/// What can be exported.
const EXPORTED: &str = "give a node's --data-dir, a snapshot in it (snapshots/NAME), or a segment";

/// An error with what to do about it, where that is not obvious.
fn explain(error: &Error) -> String {
    match error {
        Error::Io { .. } => format!("cannot {error}; {EXPORTED}"),
        Error::Directory { .. } => format!("{error}; {EXPORTED}"),
        Error::Damaged { .. } => format!("{error}; {SAVE_WHAT_IS_SOUND}"),
        _ => error.to_string(),
    }
}
