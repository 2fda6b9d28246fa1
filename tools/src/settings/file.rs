//! A configuration file: TOML, one `flag = value` a line, no sections. Everything that is wrong with
//! it is found in one go, each with its line.

use super::value::texts;
use super::{CONFIG, declared, key};
use crate::flags::Serve;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};
use irontsd_engine::env;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A file that was read and is right.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    settings: Vec<Setting>,
}

/// One setting of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The flag, as clap knows it.
    pub id: String,
    /// What the flag would have been given on the command line.
    pub values: Vec<String>,
    /// Where it stands, counted from 1.
    pub line: usize,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be read.
    Unreadable(String),
    /// What is wrong with it, by line.
    Wrong(Vec<Mistake>),
}

/// Something wrong in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// Where it stands, counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Something wrong at a place in the file.
type Problem = (Range<usize>, String);

impl ConfigFile {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<ConfigFile, Failure> {
        let shown = path.display();
        let bytes = env::real().disk.read(path).map_err(|error| {
            let hint = "name another with --config, or begin with `irontsd config example`";
            Failure::Unreadable(format!("cannot read {shown}: {error}; {hint}"))
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = 1 + newlines(error.as_bytes(), error.utf8_error().valid_up_to());
            let what = "not UTF-8; save it in that encoding".to_owned();
            Failure::Wrong(vec![Mistake { file: shown.to_string(), line, what }])
        })?;
        let settings = settings(&text).map_err(|mut problems| {
            problems.sort_by_key(|(place, _)| place.start);
            let line = |place: &Range<usize>| 1 + newlines(text.as_bytes(), place.start);
            let mistake =
                |(place, what)| Mistake { file: shown.to_string(), line: line(&place), what };
            Failure::Wrong(problems.into_iter().map(mistake).collect())
        })?;
        Ok(ConfigFile { path: path.to_owned(), settings })
    }

    /// Its settings, by line.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Where a flag is set in it.
    pub fn place(&self, id: &str) -> Option<String> {
        let found = self.settings.iter().find(|setting| setting.id == id)?;
        Some(format!("{}:{}", self.path.display(), found.line))
    }
}

fn newlines(text: &[u8], until: usize) -> usize {
    text.iter().take(until).filter(|&&byte| byte == b'\n').count()
}

/// The settings of a text, or all that is wrong with it.
fn settings(text: &str) -> Result<Vec<Setting>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let syntax = errors.iter().map(|error| {
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        (error.span().unwrap_or_default(), format!("not TOML: {what}"))
    });
    let mut problems: Vec<Problem> = syntax.collect();
    if !problems.is_empty() {
        // What follows from half a file would only mislead.
        return Err(problems);
    }
    let command = Serve::command();
    let mut settings = Vec::new();
    for (name, value) in table.get_ref().iter() {
        let (place, name) = (name.span(), name.get_ref());
        match setting(&command, name, value.get_ref()) {
            Ok((id, values)) => {
                let line = 1 + newlines(text.as_bytes(), place.start);
                settings.push(Setting { id, values, line });
            }
            Err(what) => problems.push((place, what)),
        }
    }
    settings.sort_by_key(|setting| setting.line);
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

/// The flag's id and its values.
fn setting(
    command: &Command,
    name: &str,
    value: &DeValue<'_>,
) -> Result<(String, Vec<String>), String> {
    let found = declared(command).find(|&arg| key(arg) == name);
    let arg = found.ok_or_else(|| match value {
        DeValue::Table(_) => format!("there are no sections: write the settings without [{name}]"),
        _ => unknown(command, name),
    })?;
    let values = texts(arg, name, value).map_err(|what| format!("{name}: {what}"))?;
    check(arg, name, &values)?;
    Ok((arg.get_id().as_str().to_owned(), values))
}

/// Gives the flag's own parser what it would get from the command line.
fn check(arg: &Arg, name: &str, values: &[String]) -> Result<(), String> {
    // The environment has been judged with the command line, and does not matter here.
    let alone = arg.clone().env(None::<&'static str>);
    let command = Command::new(CONFIG).no_binary_name(true).arg(alone);
    let given = values.iter().map(|value| format!("--{name}={value}"));
    let refused = |error: clap::Error| format!("{name} = {}: {}", values.join(","), reason(&error));
    command.try_get_matches_from(given).map(drop).map_err(refused)
}

fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) if error.kind() == ErrorKind::InvalidValue => {
            format!("expected one of {}", valid.join(", "))
        }
        _ => "not a value of this setting".to_owned(),
    }
}

fn unknown(command: &Command, name: &str) -> String {
    if name == CONFIG {
        return "config: a file cannot name another; give it with --config".to_owned();
    }
    // Whoever writes underscores, or the name of the environment's variable, means this.
    let meant = name.to_lowercase().replace('_', "-");
    let meant = meant.strip_prefix("irontsd-").unwrap_or(&meant);
    let nearness = |arg: &&Arg| strsim::jaro(key(arg), meant);
    let nearest = declared(command).max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
    match nearest.filter(|arg| nearness(arg) > 0.7) {
        Some(arg) => format!("unknown setting `{name}`; did you mean `{}`?", key(arg)),
        None => {
            format!("unknown setting `{name}`; `irontsd config example` lists those there are")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a text, by line.
    fn wrong(text: &str) -> Vec<(usize, String)> {
        let problems = settings(text).expect_err(text);
        let line = |place: Range<usize>| 1 + newlines(text.as_bytes(), place.start);
        problems.into_iter().map(|(place, what)| (line(place), what)).collect()
    }

    #[test]
    fn values_become_what_the_flags_take() {
        let text = "strict = true\nmax-series = 1_000\n\nmax-line-bytes = 0x1000\n\
                    histogram-codec = [\"1=simple\", \"2=other\"]\ntelnet-errors = \"off\"\n";
        let found = settings(text).expect("settings");
        let found: Vec<_> = found.iter().map(|s| (s.id.as_str(), s.line, &s.values[..])).collect();
        assert_eq!(
            found,
            [
                ("strict", 1, &["on".to_owned()][..]),
                ("max_series", 2, &["1000".to_owned()]),
                ("max_line_bytes", 4, &["4096".to_owned()]),
                ("histogram_codec", 5, &["1=simple".to_owned(), "2=other".to_owned()]),
                ("telnet_errors", 6, &["off".to_owned()]),
            ]
        );
    }

    #[test]
    fn every_wrong_value_is_told_what_was_expected() {
        for (text, expected) in [
            ("event-loops = 257", "257 is not in 1..=256"),
            ("event-loops = \"4\"", "without quotes"),
            ("event-loops = 1.5", "whole number"),
            ("event-loops = -1", "-1 is not in 1..=256"),
            ("event-loops = [1]", "not a list"),
            ("strict = 1", "true or false"),
            ("strict = \"yes\"", "one of on, off"),
            ("data-dir = true", "in quotes"),
            ("retention = \"1w\"", "h or d"),
            ("log-format = \"xml\"", "one of text, json"),
            ("log-level = \"loud\"", "level"),
            ("[data-dir]\nx = 1", "not a section"),
            ("[serve]\nstrict = true", "no sections"),
            ("config = \"x\"", "--config"),
            ("max-series = 99999999999999999999", "beyond"),
        ] {
            let wrong = wrong(text);
            assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
            assert!(wrong[0].1.contains(expected), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_found_with_its_line() {
        let mut wrong =
            wrong("data_dir = \"x\"\n\nevent-loops = 0\nIRONTSD_RETENTION = 1\nzzz = 1");
        wrong.sort();
        let lines: Vec<usize> = wrong.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert!(wrong[0].1.ends_with("did you mean `data-dir`?"), "{wrong:?}");
        assert!(wrong[2].1.ends_with("did you mean `retention`?"), "{wrong:?}");
        assert!(wrong[3].1.contains("config example"), "{wrong:?}");
    }

    #[test]
    fn broken_toml_is_placed() {
        assert_eq!(wrong("strict = true\nstrict = true").first().map(|(line, _)| *line), Some(2));
        assert_eq!(wrong("strict = true\n\n= 3").first().map(|(line, _)| *line), Some(3));
    }
}
