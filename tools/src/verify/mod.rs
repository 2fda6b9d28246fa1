//! `irontsd verify`: reads every byte of a data directory, a snapshot or a file, checks what the format
//! promises of it, and says what is broken, where, and what that touches.
//!
//! `plan` finds the files, `check` looks at each, `run` does so on all cores and compares the files
//! with each other, `report` tells, `repair` writes what is sound elsewhere. Works beside a running node: what went while it was read, because
//! something else took its place, is no fault.

pub mod check;
mod fault;
mod flags;
mod plan;
mod repair;
mod report;
mod run;

pub use flags::Verify;

use crate::terminal;
use irontsd_engine::env;
use std::process::ExitCode;

/// Exit codes: something is broken; it cannot be read at all.
const FAULTS: u8 = 1;
const CANNOT_RUN: u8 = 3;

/// Verifies.
pub fn run(flags: &Verify) -> ExitCode {
    let env = env::real();
    let started = env.clock.monotonic();
    let told = run::verify(&env, flags).and_then(|found| {
        let is_sound = found.faults.is_empty();
        let took = env.clock.monotonic().saturating_sub(started);
        let repaired = flags.repair.as_ref().map(|to| repair::repair(&env, flags, &found, to));
        report::tell(flags, &found, took, repaired.transpose()?.as_ref())?;
        Ok(is_sound)
    });
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAULTS),
        Err(text) => {
            terminal::complain(&text);
            ExitCode::from(CANNOT_RUN)
        }
    }
}
