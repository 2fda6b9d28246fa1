//! What a setting's value looks like in TOML, and how it becomes the text that its flag takes.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction};
use std::fmt::Write;
use toml::de::{DeInteger, DeValue};

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `on` or `off`; true and false in a file.
    Switch,
    /// A whole number.
    Number,
    /// Bytes, or a text with a unit.
    Size,
    /// A text; a list of them where the flag may be repeated.
    Text,
}

impl Kind {
    /// Told from what the help calls the value.
    pub fn of(arg: &Arg) -> Kind {
        let values = arg.get_possible_values();
        let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        let named = arg.get_value_names().and_then(|names| names.first());
        match named.map_or("", |name| name.as_str()) {
            _ if names == ["on", "off"] => Kind::Switch,
            "N" => Kind::Number,
            name if name.contains("SIZE") => Kind::Size,
            _ => Kind::Text,
        }
    }

    /// How such a value is written, for those who wrote it otherwise.
    fn expected(self, key: &str) -> String {
        match self {
            Kind::Switch => format!("expected true or false, as in `{key} = true`"),
            Kind::Number => format!("expected a whole number without quotes, as in `{key} = 100`"),
            Kind::Size => format!("expected a size in quotes, as in `{key} = \"64MiB\"`, or bytes"),
            Kind::Text => format!("expected a text in quotes, as in `{key} = \"...\"`"),
        }
    }

    /// A value as TOML.
    pub fn to_toml(self, values: &[String], repeated: bool) -> String {
        let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        match (self, values.first().map_or("", String::as_str)) {
            _ if repeated => format!("[{}]", quoted.join(", ")),
            (Kind::Switch, "on") => "true".to_owned(),
            (Kind::Switch, "off") => "false".to_owned(),
            (Kind::Number, number) => number.to_owned(),
            _ => quoted.concat(),
        }
    }
}

/// Whether a flag may be given more than once.
pub fn is_repeated(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The texts that the flag would have been given on the command line.
pub fn texts(arg: &Arg, key: &str, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(items) if is_repeated(arg) => {
            let one = |item: &toml::Spanned<DeValue<'_>>| text(arg, key, item.get_ref());
            items.iter().map(one).collect()
        }
        DeValue::Array(_) => Err("takes one value, not a list".to_owned()),
        DeValue::Table(_) => Err("is a setting, not a section".to_owned()),
        value => Ok(vec![text(arg, key, value)?]),
    }
}

fn text(arg: &Arg, key: &str, value: &DeValue<'_>) -> Result<String, String> {
    let kind = Kind::of(arg);
    match (kind, value) {
        (Kind::Switch, DeValue::Boolean(on)) => Ok(if *on { "on" } else { "off" }.to_owned()),
        (Kind::Switch | Kind::Size | Kind::Text, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Number | Kind::Size, DeValue::Integer(number)) => decimal(number),
        _ => Err(kind.expected(key)),
    }
}

fn decimal(number: &DeInteger<'_>) -> Result<String, String> {
    let value = i64::from_str_radix(number.as_str(), number.radix());
    value.map(|value| value.to_string()).map_err(|_| "is beyond all numbers here".to_owned())
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
