//! The rules for a point's metric and tags, whatever protocol brought it. Pure.
//!
//! Names and values are any UTF-8 text that is not empty. What may stand in a text beyond that
//! differs by protocol: telnet refuses control characters, JSON can carry them.

use crate::number::Timestamp;
use crate::policy::Policy;
use crate::reject::{Reason, Reject};
use irontsd_engine::limits::NAME_BYTES_MAX;
use irontsd_engine::name;
use irontsd_engine::types::{Kind, Value};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// A tag that names the metric in selectors, so no tag may be called so.
pub const RESERVED: &[u8] = b"__name__";

/// A key came twice with different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherValue;

/// Tags of one point as they come in; sorted and checked when the name is built.
#[derive(Debug, Default, Clone)]
pub struct Tags<'a>(Vec<Tag<'a>>);

/// Key and value.
type Tag<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl<'a> Tags<'a> {
    /// Drops all tags, keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Number of different keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a tag; the same tag twice counts once. `Err` if the key has another value already.
    pub fn add(
        &mut self,
        key: impl Into<Cow<'a, [u8]>>,
        value: impl Into<Cow<'a, [u8]>>,
    ) -> Result<(), OtherValue> {
        let (key, value) = (key.into(), value.into());
        match self.0.iter().find(|(other, _)| *other == key) {
            Some((_, other)) if *other == value => Ok(()),
            Some(_) => Err(OtherValue),
            None => {
                self.0.push((key, value));
                Ok(())
            }
        }
    }

    /// Sets a tag over any earlier value.
    pub fn set(&mut self, key: impl Into<Cow<'a, [u8]>>, value: impl Into<Cow<'a, [u8]>>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some((_, other)) => *other = value,
            None => self.0.push((key, value)),
        }
    }

    /// Keys and values in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// As OpenTSDB shows tags in messages: `{k=v, k=v}`.
    pub fn shown(&self) -> String {
        let tags: Vec<String> =
            self.iter().map(|(k, v)| format!("{}={}", text(k), text(v))).collect();
        format!("{{{}}}", tags.join(", "))
    }

    /// Appends the canonical name of the series.
    pub fn encode_name(&mut self, metric: &[u8], out: &mut Vec<u8>) {
        self.0.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        name::encode(out, metric, self.iter());
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Checks a finite value's timestamp against what can be stored.
pub fn check_range(
    timestamp: Timestamp,
    value: Value,
    metric: &[u8],
    tags: &Tags<'_>,
) -> Result<i64, Reject> {
    timestamp.ms.ok_or_else(|| {
        if value.kind == Kind::HISTOGRAM {
            return bad_timestamp(timestamp.number, "a histogram", metric, tags);
        }
        let (bytes, flags) = stored_form(value);
        let value = format!("value={bytes:?}/{flags}");
        bad_timestamp(timestamp.number, &value, metric, tags)
    })
}

/// A timestamp that cannot be stored, in OpenTSDB's words.
pub fn bad_timestamp(number: i64, what: &str, metric: &[u8], tags: &Tags<'_>) -> Reject {
    let (metric, tags) = (text(metric), tags.shown());
    let message =
        format!("bad timestamp={number} when trying to add {what} to metric={metric}, tags={tags}");
    Reject::new(Reason::TimestampRange, message)
}

/// The bytes and flags in which OpenTSDB would store a value; its messages show them.
fn stored_form(value: Value) -> (Vec<i8>, u8) {
    let signed = |bytes: &[u8]| bytes.iter().map(|&byte| byte as i8).collect::<Vec<i8>>();
    if value.kind == Kind::INTEGER {
        let number = value.bits as i64;
        let len = match number {
            -0x80..=0x7f => 1,
            -0x8000..=0x7fff => 2,
            -0x8000_0000..=0x7fff_ffff => 4,
            _ => 8,
        };
        return (signed(&number.to_be_bytes()[8 - len..]), len as u8 - 1);
    }
    let double = value.as_f64();
    let single = double as f32;
    if f64::from(single) == double {
        (signed(&single.to_be_bytes()), 11)
    } else {
        (signed(&double.to_be_bytes()), 15)
    }
}

/// Checks number, names and texts of a point; in OpenTSDB's order.
pub fn check_names(
    policy: &Policy,
    metric: &[u8],
    tags: &Tags<'_>,
    carrier: Carrier,
) -> Result<(), Reject> {
    let charset = match carrier {
        _ if policy.strict => Charset::Opentsdb,
        Carrier::Json => Charset::Any,
        Carrier::Line => Charset::Printed,
    };
    if policy.strict && tags.is_empty() {
        let message = format!("Need at least one tag (metric={}, tags={{}})", text(metric));
        return Err(Reject::new(Reason::IllegalArgument, message));
    }
    if tags.len() > policy.tags_max {
        let (found, allowed) = (tags.len(), policy.tags_max);
        let shown = tags.shown();
        let message = format!("Too many tags: {found} maximum allowed: {allowed}, tags: {shown}");
        return Err(Reject::new(Reason::TooManyTags, message));
    }
    let what = || format!("metric name (\"{}\")", text(metric));
    check_text(metric, charset, what, || "metric name".to_owned())?;
    for (key, value) in tags.iter() {
        let what = || format!("tag name with value [{}] (\"{}\")", text(value), text(key));
        check_text(key, charset, what, || format!("tag name with value [{}]", text(value)))?;
        if key == RESERVED {
            let message = format!("Invalid {}: reserved for the metric", what());
            return Err(Reject::new(Reason::IllegalArgument, message));
        }
        let what = || format!("tag value with key [{}] (\"{}\")", text(key), text(value));
        check_text(value, charset, what, || format!("tag value with key [{}]", text(key)))?;
    }
    Ok(())
}

/// Checks a metric, tag key or tag value by itself; `what` it is stands in the message.
pub fn check_name(policy: &Policy, what: &str, name: &[u8]) -> Result<(), Reject> {
    let charset = if policy.strict { Charset::Opentsdb } else { Charset::Any };
    let named = || format!("{what} (\"{}\")", text(name));
    check_text(name, charset, named, || what.to_owned())?;
    let wrong = if what == "tagk" && name == RESERVED {
        "reserved for the metric"
    } else if name.len() > NAME_BYTES_MAX {
        "too long"
    } else {
        return Ok(());
    };
    Err(Reject::new(Reason::IllegalArgument, format!("Invalid {}: {wrong}", named())))
}

/// Which characters may stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    /// All: JSON can carry them.
    Any,
    /// All but control characters.
    Printed,
    /// ASCII letters and digits, `-_./`, and letters.
    Opentsdb,
}

/// How a point came, as far as its texts are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// JSON can carry any text.
    Json,
    /// A line cannot carry control characters.
    Line,
}

fn check_text(
    bytes: &[u8],
    charset: Charset,
    what: impl Fn() -> String,
    bare: impl Fn() -> String,
) -> Result<(), Reject> {
    if bytes.is_empty() {
        let message = format!("Invalid {}: empty string", bare());
        return Err(Reject::new(Reason::IllegalArgument, message));
    }
    // To the end, without a look at each: that way many are compared at once.
    let printed = bytes.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte));
    if printed && charset != Charset::Opentsdb {
        return Ok(());
    }
    let valid = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("Invalid {}: not UTF-8 at byte {at}", what());
        Reject::new(Reason::InvalidUtf8, message)
    })?;
    let odd = match charset {
        Charset::Any => None,
        Charset::Printed => valid.chars().find(|c| c.is_control()),
        Charset::Opentsdb => valid.chars().find(|&c| !is_opentsdb(c)),
    };
    match odd {
        Some(odd) => {
            let message = format!("Invalid {}: illegal character: {odd}", what());
            Err(Reject::new(Reason::IllegalCharacter, message))
        }
        None => Ok(()),
    }
}

/// OpenTSDB's characters: it looks at units of UTF-16, so letters of the basic plane only.
fn is_opentsdb(c: char) -> bool {
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}$").ok());
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '/' => true,
        '\0'..='\x7f' | '\u{10000}'.. => false,
        _ => LETTER.as_ref().is_some_and(|letter| letter.is_match(c.encode_utf8(&mut [0; 4]))),
    }
}
