//! One `put` or `putm` line of KairosDB, judged. Pure.

use super::words::Word;
use crate::number::{self, BadNumber};
use crate::point::{Carrier, Tags, check_names};
use crate::policy::Policy;
use crate::reject::{Reason, Reject};
use irontsd_engine::types::{TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, Value};

/// Timestamps of `put` below this are seconds.
const SECONDS_BELOW: i64 = 3_000_000_000;
/// Sent as a tag, but an option of the point: how long to keep it, in seconds.
const TTL: &[u8] = b"kairos_opt.ttl";

/// What the timestamps of a command count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `put`: seconds, or milliseconds when they are too large for seconds.
    Any,
    /// `putm`: always milliseconds.
    Milliseconds,
}

/// A point as a line carries it.
#[derive(Debug, PartialEq, Eq)]
pub struct Point {
    /// Canonical name of its series.
    pub name: Vec<u8>,
    /// When.
    pub timestamp_ms: i64,
    /// What.
    pub value: Value,
}

/// Judges the words behind the command.
pub fn judge(words: &[Word<'_>], unit: Unit, policy: &Policy) -> Result<Point, Reject> {
    let [metric, timestamp, value, tag_words @ ..] = words else {
        return Err(illegal(format!("not enough arguments (need least 3, got {})", words.len())));
    };
    if metric.is_empty() {
        return Err(illegal("metricName may not be empty.".to_owned()));
    }
    let timestamp_ms = timestamp_ms(timestamp, unit)?;
    let value = if value.contains(&b'.') {
        number::value(value).map_err(invalid)?
    } else {
        Value::integer(integer(value)?)
    };
    let mut tags = read_tags(tag_words)?;
    if tags.is_empty() && policy.strict {
        tags.set(&b"add"[..], &b"tag"[..]);
    }
    check_names(policy, metric, &tags, Carrier::Line)?;
    let mut name = Vec::new();
    tags.encode_name(metric, &mut name);
    Ok(Point { name, timestamp_ms, value })
}

fn timestamp_ms(text: &[u8], unit: Unit) -> Result<i64, Reject> {
    let number = integer(text)?;
    let seconds = unit == Unit::Any && number < SECONDS_BELOW;
    let ms = if seconds { number.saturating_mul(1000) } else { number };
    if (TIMESTAMP_MS_MIN..=TIMESTAMP_MS_MAX).contains(&ms) {
        return Ok(ms);
    }
    Err(Reject::new(Reason::TimestampRange, format!("timestamp out of range: {number}")))
}

/// KairosDB's parser takes no plus.
fn integer(text: &[u8]) -> Result<i64, Reject> {
    if text.first() == Some(&b'+') {
        let message = format!("Invalid character '+' in {}", String::from_utf8_lossy(text));
        return Err(Reject::new(Reason::InvalidValue, message));
    }
    number::integer(text).map_err(invalid)
}

fn read_tags<'a>(words: &'a [Word<'_>]) -> Result<Tags<'a>, Reject> {
    let mut tags = Tags::default();
    for (at, word) in words.iter().enumerate() {
        let mut parts = word.splitn(3, |&byte| byte == b'=');
        let (Some(key), Some(value), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(illegal(format!("tag[{at}] must be in the format 'name=value'.")));
        };
        if key.is_empty() || value.is_empty() {
            let part = if key.is_empty() { "name" } else { "value" };
            return Err(illegal(format!("tag[{at}].{part} may not be empty.")));
        }
        if key == TTL {
            integer(value)?;
        } else if tags.add(key, value).is_err() {
            let key = String::from_utf8_lossy(key);
            return Err(illegal(format!("tag[{at}] gives {key} a second value.")));
        }
    }
    Ok(tags)
}

fn illegal(message: String) -> Reject {
    Reject::new(Reason::IllegalArgument, message)
}

fn invalid(bad: BadNumber) -> Reject {
    match bad {
        BadNumber::Text(message) => Reject::new(Reason::InvalidValue, message),
        BadNumber::Infinite(_) => illegal(format!("value is NaN or Infinite: {bad}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kairosdb::words;

    fn judged(line: &str, unit: Unit, strict: bool) -> Result<Point, Reject> {
        let policy = Policy { strict, ..Policy::default() };
        judge(&words::split(line.as_bytes()).expect("words"), unit, &policy)
    }

    #[test]
    fn timestamps_are_seconds_below_three_billion_unless_they_are_milliseconds() {
        for (unit, text, ms) in [
            (Unit::Any, "1", 1000),
            (Unit::Any, "2999999999", 2_999_999_999_000),
            (Unit::Any, "3000000000", 3_000_000_000),
            (Unit::Any, "1356998400000", 1_356_998_400_000),
            (Unit::Milliseconds, "1", 1),
            (Unit::Milliseconds, "1356998400", 1_356_998_400),
        ] {
            let point = judged(&format!("m {text} 5 h=a"), unit, false).expect("a point");
            assert_eq!(point.timestamp_ms, ms, "{text} {unit:?}");
        }
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        for (line, message) in [
            ("", "not enough arguments (need least 3, got 0)"),
            ("m 1", "not enough arguments (need least 3, got 2)"),
            ("\"\" 1 1", "metricName may not be empty."),
            ("m x 1", "Invalid character 'x' in x"),
            ("m 1.5 1", "Invalid character '.' in 1.5"),
            ("m +1 1", "Invalid character '+' in +1"),
            ("m 0 1", "timestamp out of range: 0"),
            ("m -5 1", "timestamp out of range: -5"),
            ("m -9223372036854775808 1", "timestamp out of range: -9223372036854775808"),
            ("m 10000000000000 1", "timestamp out of range: 10000000000000"),
            ("m 1 +5", "Invalid character '+' in +5"),
            ("m 1 1e5", "Invalid character 'e' in 1e5"),
            ("m 1 NaN", "Invalid character 'N' in NaN"),
            ("m 1 \"\"", "Empty string"),
            ("m 1 1.5f", "For input string: \"1.5f\""),
            ("m 1 9223372036854775808", "Overflow in 9223372036854775808"),
            ("m 1 1.0e400", "value is NaN or Infinite: Infinity"),
            ("m 1 1 h", "tag[0] must be in the format 'name=value'."),
            ("m 1 1 a=b h=a=b", "tag[1] must be in the format 'name=value'."),
            ("m 1 1 =a", "tag[0].name may not be empty."),
            ("m 1 1 h=", "tag[0].value may not be empty."),
            ("m 1 1 h=a h=b", "tag[1] gives h a second value."),
            ("m 1 1 kairos_opt.ttl=x", "Invalid character 'x' in x"),
            (
                "m 1 1 __name__=x",
                "Invalid tag name with value [x] (\"__name__\"): reserved for the metric",
            ),
        ] {
            let refused = judged(line, Unit::Any, false).expect_err(line);
            assert_eq!(refused.message, message, "{line}");
        }
    }

    #[test]
    fn options_are_no_tags_and_strictly_a_tag_is_added_where_there_is_none() {
        let name = |line: &str, strict: bool| {
            let point = judged(line, Unit::Any, strict).expect("a point");
            String::from_utf8_lossy(&point.name).into_owned()
        };
        assert_eq!(name("m 1 1 kairos_opt.ttl=60 h=a h=a", false), "m h=a");
        assert_eq!(name("m 1 1", false), "m");
        assert_eq!(name("m 1 1 kairos_opt.ttl=60", true), "m add=tag");
    }
}
