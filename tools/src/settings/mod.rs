//! Where the settings of `irontsd serve` come from: command line, environment, file, default, in
//! this order.
//!
//! The flags are declared once, for clap. A file's settings are checked one by one with the parsers
//! of the flags they are called after, and become their defaults; so clap itself keeps the order,
//! and a new flag may stand in a file without a further word.

pub mod example;
pub mod file;
pub mod show;
mod value;

use crate::flags::Serve;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches, Parser};
use file::{ConfigFile, Failure};
use std::ffi::OsString;

/// The flag that cannot stand in a file.
const CONFIG: &str = "config";

/// All settings, and where they come from.
#[derive(Debug)]
pub struct Settings {
    /// The settings.
    pub flags: Serve,
    matches: ArgMatches,
    file: Option<ConfigFile>,
}

impl Settings {
    /// Reads `arguments`, a program name first, the environment, and the file that either names.
    /// A wrong argument ends the process, as clap does.
    pub fn gather(arguments: Vec<OsString>) -> Result<Settings, Failure> {
        let first = Serve::parse_from(&arguments);
        let file = first.config.map(|path| ConfigFile::read(&path)).transpose()?;
        Ok(Settings::merged(arguments, file))
    }

    /// The same without a file, even if one is named.
    pub fn without_file(arguments: Vec<OsString>) -> Settings {
        Settings::merged(arguments, None)
    }

    fn merged(arguments: Vec<OsString>, file: Option<ConfigFile>) -> Settings {
        let settings = file.iter().flat_map(ConfigFile::settings);
        let command = settings.fold(Serve::command(), |command, setting| {
            let values = setting.values.clone();
            command.mut_arg(&setting.id, |arg| arg.default_values(values))
        });
        let matches = command.get_matches_from(arguments);
        // What was declared is there; an error ends the process with its text.
        let flags = Serve::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        Settings { flags, matches, file }
    }
}

/// The flags that may stand in a file, in the order of the help.
fn declared(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        let id = arg.get_id();
        arg.get_long().is_some() && !["help", "version", CONFIG].iter().any(|other| id == other)
    })
}

/// What a flag is called in a file.
fn key(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}
