//! `irontsd inspect`: shows what a data directory or one of its files holds.
//!
//! `open` finds out what a path is, `directory`, `segment`, `records` and `names` show it; `detail` says
//! where the bytes go, `map` draws segments, `series`, `plot`, `block` and `hex` show what was asked for.
//! Nothing is locked or written.

mod block;
mod codecs;
mod detail;
mod directory;
mod flags;
mod hex;
mod map;
mod names;
mod open;
mod parts;
mod plot;
mod records;
mod segment;
mod series;

pub use flags::Inspect;

use crate::hints::SAVE_WHAT_IS_SOUND;
use crate::screen::Screen;
use crate::terminal;
use irontsd_engine::env::{self, Env};
use irontsd_engine::error::Error;
use open::Opened;
use std::process::ExitCode;

/// Exit codes: shown, but something is damaged; the command line is wrong; it cannot be read.
const DAMAGED: u8 = 1;
const USAGE: u8 = 2;
const CANNOT_RUN: u8 = 3;

/// Why nothing was shown.
enum Failed {
    /// The command line asks for what cannot be.
    Usage(String),
    /// It cannot be read.
    CannotRun(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::CannotRun(match &error {
            Error::Damaged { .. } => format!("{error}; {SAVE_WHAT_IS_SOUND}"),
            _ => error.to_string(),
        })
    }
}

/// What was found broken on the way, one sentence each.
type Faults = Vec<String>;

/// Inspects.
pub fn run(flags: &Inspect) -> ExitCode {
    let env = env::real();
    let mut screen = Screen::new();
    match show(&env, flags, &mut screen) {
        Ok(faults) => {
            let is_sound = faults.is_empty();
            let ended = screen.end();
            faults.iter().for_each(|fault| terminal::remark(&format!("damaged: {fault}")));
            match ended {
                Err(text) => cannot_run(&text),
                Ok(()) if is_sound => ExitCode::SUCCESS,
                Ok(()) => ExitCode::from(DAMAGED),
            }
        }
        Err(Failed::CannotRun(text)) => cannot_run(&text),
        Err(Failed::Usage(text)) => {
            terminal::complain(&format!(
                "{text}\n\nFor more information, try 'irontsd inspect --help'."
            ));
            ExitCode::from(USAGE)
        }
    }
}

fn cannot_run(text: &str) -> ExitCode {
    terminal::complain(text);
    ExitCode::from(CANNOT_RUN)
}

fn show(env: &Env, flags: &Inspect, screen: &mut Screen) -> Result<Faults, Failed> {
    if flags.hex {
        return hex::show(env, flags, screen);
    }
    if let Some(selector) = &flags.series {
        let groups = irontsd_net::read::select::parse(selector);
        let selector = groups.map_err(|error| Failed::Usage(format!("--series: {error}")))?;
        return match flags.plot {
            true => plot::show(env, flags, &selector, screen),
            false => series::show(env, flags, &selector, screen),
        };
    }
    let opened = open::open(env, &flags.path)?;
    if let Some(number) = flags.block {
        let Opened::Segment(segment, faults) = opened else {
            return Err(Failed::Usage("--block is for a segment: give the file".to_owned()));
        };
        return block::show(flags, &segment, faults, number, screen);
    }
    match opened {
        Opened::Directory(directory) => Ok(directory::show(flags, &directory, screen)),
        Opened::Segment(segment, faults) => Ok(segment::show(flags, &segment, faults, screen)),
        Opened::Log(log) => Ok(records::show_log(flags, &log, screen)),
        Opened::Names(list) => Ok(names::show(flags, &list, screen)),
    }
}
