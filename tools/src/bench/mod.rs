//! `irontsd bench`: the load generator. It speaks telnet, `/api/put` and UDP to any server that takes
//! OpenTSDB writes, and tells rate, latency, the server's CPU and memory, and whether all arrived.
//!
//! `plan` says what each connection sends and when; `loops` runs a connection over one of the `wire`s
//! (`telnet`, `put`, `udp`), which count into the `meter`; `watch` looks at that while it goes on and
//! makes the `timeline`; `run` puts them together for one server; `summary`, `report` and `compare`
//! tell it. `benches/` use `process`, `metrics`, `http`, `wait` and what makes and reads requests.

mod ack;
mod clock;
mod compare;
mod flags;
pub mod http;
pub mod json_points;
mod latency;
mod loops;
pub mod machine;
mod meter;
pub mod metrics;
mod pace;
mod plan;
pub mod process;
mod progress;
pub mod put;
mod report;
mod run;
mod server;
mod summary;
mod telnet;
mod timeline;
mod udp;
mod units;
mod values;
mod verify;
pub mod wait;
mod watch;
mod wire;

pub use flags::Bench;

use crate::screen::Paint;
use crate::terminal;
use clap::CommandFactory;
use clap::error::ErrorKind;
use run::{Run, Target};
use signal_hook::consts::SIGINT;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What can go wrong here ends the run with its text.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Exit code when something was refused, lost or changed.
const FINDINGS: u8 = 1;
/// Exit code when the load could not be run.
const CANNOT_RUN: u8 = 3;

/// Runs the load and tells the result.
pub fn run(flags: &Bench) -> ExitCode {
    if let Err(text) = flags.check() {
        Bench::command().name("irontsd bench").error(ErrorKind::ArgumentConflict, text).exit();
    }
    match run_all(flags) {
        Ok(runs) => {
            let findings = runs.iter().any(|run| !run.findings().is_empty());
            ExitCode::from(if findings { FINDINGS } else { 0 })
        }
        Err(error) => {
            terminal::complain(&error.to_string());
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn run_all(flags: &Bench) -> Outcome<Vec<Run>> {
    // A place that cannot be written to is better known before the run.
    flags.results.report.iter().try_for_each(|path| clock::write(path, ""))?;
    let interrupted = Arc::new(AtomicBool::new(false));
    // The second signal ends the process at once.
    signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(&interrupted))?;
    signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;
    let mut runs = Vec::new();
    for target in Target::all(flags) {
        let run = run::run(&target, flags, &interrupted)?;
        if !flags.results.json {
            terminal::say(&summary::text(&run, flags, Paint::of_stdout()));
        }
        runs.push(run);
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
    }
    match (runs.as_slice(), flags.results.json) {
        ([one, two], false) => terminal::say(&compare::table(one, two, Paint::of_stdout())),
        ([one, two], true) => terminal::say(&compare::json(one, two)),
        ([one], true) => terminal::say(&summary::json(one)),
        _ => {}
    }
    if let Some(path) = &flags.results.report {
        clock::write(path, &report::page(&runs, flags))?;
        if !flags.results.json {
            terminal::say(&format!("report: {}", path.display()));
        }
    }
    Ok(runs)
}
