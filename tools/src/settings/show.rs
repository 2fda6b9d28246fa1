//! The settings that hold, as a configuration file that says where each comes from.

use super::value::{Kind, is_repeated};
use super::{Settings, declared, key};
use crate::flags::Serve;
use clap::parser::ValueSource;
use clap::{Arg, CommandFactory};
use serde_json::json;
use std::ffi::OsStr;
use std::fmt::Write;

impl Settings {
    /// One line for each setting.
    pub fn show(&self) -> String {
        let command = Serve::command();
        let line = |arg: &Arg| match self.held(arg) {
            None => (format!("# {} is not set", key(arg)), None),
            Some((values, source)) => {
                let value = Kind::of(arg).to_toml(&values, is_repeated(arg));
                (format!("{} = {value}", key(arg)), Some(source))
            }
        };
        let lines: Vec<_> = declared(&command).map(line).collect();
        let set = lines.iter().filter(|(_, source)| source.is_some());
        let width = set.map(|(text, _)| text.chars().count()).max().unwrap_or(0).min(WIDTH_MAX);
        lines.iter().fold(String::new(), |mut out, (text, source)| {
            let _ = match source {
                Some(source) => writeln!(out, "{text:width$} # {source}"),
                None => writeln!(out, "{text}"),
            };
            out
        })
    }

    /// An object with each setting: its value as flags have it, and where it comes from.
    pub fn show_json(&self) -> String {
        let command = Serve::command();
        let entry = |arg: &Arg| {
            let held = self.held(arg).map(|(values, source)| {
                let one = values.first().filter(|_| !is_repeated(arg));
                let value = one.map_or_else(|| json!(values), |value| json!(value));
                json!({"value": value, "from": source})
            });
            (key(arg).to_owned(), held.unwrap_or(serde_json::Value::Null))
        };
        let all: serde_json::Map<String, serde_json::Value> =
            declared(&command).map(entry).collect();
        format!("{}\n", serde_json::Value::Object(all))
    }

    /// The values of a setting, as flags have them, and where they come from.
    fn held(&self, arg: &Arg) -> Option<(Vec<String>, String)> {
        let id = arg.get_id().as_str();
        let values = self.matches.get_raw(id)?;
        let values = values.map(|value| value.to_string_lossy().into_owned()).collect();
        let name = |name: &OsStr| name.to_string_lossy().into_owned();
        let source = match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => "command line".to_owned(),
            Some(ValueSource::EnvVariable) => arg.get_env().map(name).unwrap_or_default(),
            _ => self.place(id).unwrap_or_else(|| "default".to_owned()),
        };
        Some((values, source))
    }

    fn place(&self, id: &str) -> Option<String> {
        self.file.as_ref()?.place(id)
    }
}

/// Sources stand in a column, unless a value is very long.
const WIDTH_MAX: usize = 50;
