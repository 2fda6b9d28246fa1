//! `irontsd config`: checks a configuration file, shows what holds, prints an example. Also what
//! `irontsd serve` says about a file that it cannot use.

use crate::flags::Config;
use crate::settings::Settings;
use crate::settings::file::{ConfigFile, Failure, Mistake};
use crate::terminal::counted;
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exit code when a file that is checked is wrong.
const WRONG: u8 = 1;
/// Exit code when a command cannot start because of its settings, as clap has it for flags.
const BAD_SETTINGS: u8 = 2;
/// Exit code when a file cannot be read.
const CANNOT_READ: u8 = 3;

/// Runs one of the commands; `arguments` are those behind `config`.
pub fn run(command: &Config, arguments: Vec<OsString>) -> ExitCode {
    match command {
        Config::Check { file, json } => match (ConfigFile::read(file), json) {
            (Ok(found), false) => {
                let settings = counted(found.settings().len() as u64, "setting", "settings");
                print(&format!("{} is fine: {settings}\n", file.display()))
            }
            (Ok(found), true) => print(&checked(file, found.settings().len(), &[])),
            (Err(Failure::Wrong(mistakes)), true) => {
                print(&checked(file, 0, &mistakes));
                ExitCode::from(WRONG)
            }
            (Err(failure), _) => complain(&failure, WRONG),
        },
        Config::Show { json, .. } => match Settings::gather(without_json(arguments)) {
            Ok(settings) if *json => print(&settings.show_json()),
            Ok(settings) => print(&settings.show()),
            Err(failure) => complain(&failure, BAD_SETTINGS),
        },
        // Whoever has no file yet asks for this one.
        Config::Example(_) => print(&Settings::without_file(arguments).example()),
    }
}

/// The settings of `irontsd serve`, or the exit code after saying why there are none.
pub fn gather(arguments: Vec<OsString>) -> Result<Settings, ExitCode> {
    Settings::gather(arguments).map_err(|failure| complain(&failure, BAD_SETTINGS))
}

/// The flags of `irontsd serve` among those of `irontsd config show`.
fn without_json(mut arguments: Vec<OsString>) -> Vec<OsString> {
    arguments.retain(|argument| argument != "--json");
    arguments
}

/// What was found in a file, for scripts.
fn checked(file: &Path, settings: usize, mistakes: &[Mistake]) -> String {
    let faults = mistakes.iter().map(|mistake| json!({"line": mistake.line, "what": mistake.what}));
    let all = json!({
        "file": file.display().to_string(),
        "ok": mistakes.is_empty(),
        "settings": settings,
        "faults": faults.collect::<Vec<_>>(),
    });
    format!("{all}\n")
}

/// Whoever closes the pipe has read enough.
fn print(text: &str) -> ExitCode {
    let _gone = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the interface of these commands")]
fn complain(failure: &Failure, wrong: u8) -> ExitCode {
    match failure {
        Failure::Unreadable(text) => {
            eprintln!("error: {text}");
            ExitCode::from(CANNOT_READ)
        }
        Failure::Wrong(problems) => {
            problems.iter().for_each(|problem| eprintln!("error: {problem}"));
            ExitCode::from(wrong)
        }
    }
}
