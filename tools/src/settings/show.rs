//! The settings that hold, as a configuration file that says where each comes from.

use super::value::{Kind, is_repeated};
use super::{Settings, declared, key};
use crate::flags::Serve;
use clap::CommandFactory;
use clap::parser::ValueSource;
use std::fmt::Write;

impl Settings {
    /// One line for each setting.
    pub fn show(&self) -> String {
        let command = Serve::command();
        let mut lines = Vec::new();
        for arg in declared(&command) {
            let id = arg.get_id().as_str();
            let values: Vec<String> = self
                .matches
                .get_raw(id)
                .map(|raw| raw.map(|value| value.to_string_lossy().into_owned()).collect())
                .unwrap_or_default();
            let source = match self.matches.value_source(id) {
                Some(ValueSource::CommandLine) => "command line".to_owned(),
                Some(ValueSource::EnvVariable) => arg
                    .get_env()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                _ => self.place(id).unwrap_or_else(|| "default".to_owned()),
            };
            lines.push(if values.is_empty() {
                (format!("# {} is not set", key(arg)), None)
            } else {
                let value = Kind::of(arg).to_toml(&values, is_repeated(arg));
                (format!("{} = {value}", key(arg)), Some(source))
            });
        }
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

    fn place(&self, id: &str) -> Option<String> {
        self.file.as_ref()?.place(id)
    }
}

/// Sources stand in a column, unless a value is very long.
const WIDTH_MAX: usize = 50;
