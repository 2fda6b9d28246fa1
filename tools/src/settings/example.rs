//! A configuration file that explains every setting, made from the flags' own help.

use super::value::{Kind, is_repeated};
use super::{Settings, declared, key};
use crate::flags::Serve;
use clap::parser::ValueSource;
use clap::{Arg, CommandFactory};
use std::fmt::Write;

const HEAD: &str = "\
# Settings of `irontsd serve`: every flag under its own name. The environment (--data-dir is
# IRONTSD_DATA_DIR there) overrides what stands here, and the command line overrides both.
#
#   irontsd config check FILE           what is wrong with it, line by line
#   irontsd config show --config FILE   what holds, and where it comes from
#
# A line with a # shows the default, or an example where it says so.
";

/// Columns of a line.
const WIDTH: usize = 100;

impl Settings {
    /// The file. Settings given on the command line are set in it.
    pub fn example(&self) -> String {
        let mut out = HEAD.to_owned();
        for arg in declared(&Serve::command()) {
            let id = arg.get_id().as_str();
            let given = self.matches.value_source(id) == Some(ValueSource::CommandLine);
            let raw = self.matches.get_raw(id).filter(|_| given).into_iter().flatten();
            let raw = raw.map(|value| value.to_string_lossy().into_owned());
            let default = arg.get_default_values().iter();
            let default: Vec<_> = default.map(|v| v.to_string_lossy().into_owned()).collect();
            let (mark, note, values) = match (given, default.is_empty()) {
                (true, _) => ("", "", raw.collect()),
                (false, false) => ("#", "", default),
                (false, true) => ("#", " For example:", vec![example(arg)]),
            };
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            out.push('\n');
            wrap(&format!("{help}.{note}"), &mut out);
            let value = Kind::of(arg).to_toml(&values, is_repeated(arg));
            let _ = writeln!(out, "{mark}{} = {value}", key(arg));
        }
        out
    }
}

/// A value for a setting that has none by default.
fn example(arg: &Arg) -> String {
    let value = match (key(arg), Kind::of(arg)) {
        ("kairosdb-listen", _) => "127.0.0.1:4243",
        ("event-loops", _) => "2",
        ("max-tags", _) => "40",
        ("max-series", _) => "10000000",
        ("max-new-series-per-second", _) => "10000",
        ("cors-origin", _) => "https://grafana.example.com",
        ("histogram-codec", _) => "42=simple",
        ("partition", _) => "1d",
        ("instructions", _) => "avx2",
        ("retention", _) => "90d",
        ("retention-bytes", _) => "100GiB",
        (_, Kind::Switch) => "off",
        (_, Kind::Number) => "1",
        (_, Kind::Size) => "1GiB",
        (_, Kind::Text) => "1h",
    };
    value.to_owned()
}

/// Comment lines of a text.
fn wrap(text: &str, out: &mut String) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}
