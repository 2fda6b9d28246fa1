//! One `put` line, judged: the plain parser, which is the specification of the fast one.
//!
//! A line is first read with the relaxations (repeated spaces, no tags). If it is refused all the
//! same, it gets the answer that OpenTSDB gives to the line as sent, where every space separates.

use crate::number::{self, BadNumber};
use crate::point::{Carrier, Tags, check_names, check_range};
use crate::policy::Policy;
use crate::reject::{Reason, Reject};
use irontsd_engine::types::Value;
use memchr::memchr_iter;

/// A point as a line carries it.
#[derive(Debug)]
pub struct Point<'a> {
    /// The metric.
    pub metric: &'a [u8],
    /// The tags, unsorted.
    pub tags: Tags<'a>,
    /// When, in milliseconds.
    pub timestamp_ms: i64,
    /// What.
    pub value: Value,
}

/// Judges what follows the word `put` and its space; `None` if the line ended after `put`.
pub fn judge<'a>(rest: Option<&'a [u8]>, policy: &Policy) -> Result<Point<'a>, Reject> {
    if policy.strict {
        return check(&words(rest, |_| true), 4, policy);
    }
    check(&words(rest, |word| !word.is_empty()), 3, policy).map_err(|refused| {
        let sent = words(rest, |_| true);
        check(&sent, 4, policy).err().unwrap_or(refused)
    })
}

/// Words of most lines at the most.
const WORDS: usize = 16;

/// What stands between spaces, as far as it is wanted.
fn words(rest: Option<&[u8]>, wanted: impl Fn(&[u8]) -> bool) -> Vec<&[u8]> {
    let Some(rest) = rest else { return Vec::new() };
    let mut words = Vec::with_capacity(WORDS);
    let mut start = 0;
    for end in memchr_iter(b' ', rest).chain([rest.len()]) {
        let word = &rest[start..end];
        if wanted(word) {
            words.push(word);
        }
        start = end + 1;
    }
    words
}

/// OpenTSDB's checks in OpenTSDB's order.
fn check<'a>(words: &[&'a [u8]], least: usize, policy: &Policy) -> Result<Point<'a>, Reject> {
    let illegal = |message: String| Reject::new(Reason::IllegalArgument, message);
    let &[metric, timestamp, value, ref tag_words @ ..] = words else {
        return Err(too_few(words.len()));
    };
    if words.len() < least {
        return Err(too_few(words.len()));
    }
    if metric.is_empty() {
        return Err(illegal("empty metric name".into()));
    }
    let read = if policy.strict { number::timestamp_without_points } else { number::timestamp };
    let timestamp = read(timestamp).map_err(invalid_value)?;
    if timestamp.number <= 0 {
        return Err(illegal(format!("invalid timestamp: {}", timestamp.number)));
    }
    if value.is_empty() {
        return Err(illegal("empty value".into()));
    }
    let tags = read_tags(tag_words)?;
    let value = number::value(value).map_err(|bad| match bad {
        BadNumber::Text(_) => invalid_value(bad),
        BadNumber::Infinite(_) => illegal(format!(
            "value is NaN or Infinite: {bad} for metric={} timestamp={}",
            String::from_utf8_lossy(metric),
            timestamp.number
        )),
    })?;
    let timestamp_ms = check_range(timestamp, value, metric, &tags)?;
    check_names(policy, metric, &tags, Carrier::Line)?;
    Ok(Point { metric, tags, timestamp_ms, value })
}

fn too_few(found: usize) -> Reject {
    let message = format!("not enough arguments (need least 4, got {found})");
    Reject::new(Reason::IllegalArgument, message)
}

pub(super) fn invalid_value(bad: BadNumber) -> Reject {
    Reject::new(Reason::InvalidValue, bad.to_string())
}

pub(super) fn read_tags<'a>(words: &[&'a [u8]]) -> Result<Tags<'a>, Reject> {
    let mut tags = Tags::default();
    for word in words.iter().filter(|word| !word.is_empty()) {
        let refuse = |message: String| Err(Reject::new(Reason::IllegalArgument, message));
        let shown = || String::from_utf8_lossy(word);
        let mut signs = memchr_iter(b'=', word);
        let (Some(sign), None) = (signs.next(), signs.next()) else {
            return refuse(format!("invalid tag: {}", shown()));
        };
        let (key, value) = (&word[..sign], &word[sign + 1..]);
        if key.is_empty() || value.is_empty() {
            return refuse(format!("invalid tag: {}", shown()));
        }
        if tags.add(key, value).is_err() {
            return refuse(format!("duplicate tag: {}, tags={}", shown(), tags.shown()));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        let rest = line.strip_prefix("put ").map(str::as_bytes);
        judge(rest, &Policy::default()).expect_err("refused").message
    }

    #[test]
    fn opentsdbs_answers_to_the_line_as_sent() {
        for (line, message) in [
            ("put", "not enough arguments (need least 4, got 0)"),
            ("put ", "not enough arguments (need least 4, got 1)"),
            ("put m 1", "not enough arguments (need least 4, got 2)"),
            ("put     ", "empty metric name"),
            ("put  1365465600 42 host=web01", "empty metric name"),
            ("put sys.cpu 0  host=web01", "invalid timestamp: 0"),
            ("put m notatime 42 h=a", "Invalid character 'n' in notatime"),
            ("put m 1 notanum host", "invalid tag: host"),
            ("put m 1 1 a=b=c", "invalid tag: a=b=c"),
            ("put m 1 1 a=b a=c", "duplicate tag: a=c, tags={a=b}"),
            ("put m 1 1e400 a=b", "value is NaN or Infinite: Infinity for metric=m timestamp=1"),
            (
                "put m 10000000000000 300 a=b",
                "bad timestamp=10000000000000 when trying to add value=[1, 44]/1 to metric=m, \
                 tags={a=b}",
            ),
            ("put m\u{1} 1 1 a=b", "Invalid metric name (\"m\u{1}\"): illegal character: \u{1}"),
            (
                "put m 1 1 __name__=x",
                "Invalid tag name with value [x] (\"__name__\"): reserved for the metric",
            ),
        ] {
            assert_eq!(refusal(line), message, "{line}");
        }
    }

    #[test]
    fn relaxations_are_taken() {
        for line in ["m 1 1", "m 1 1   ", " m  1   1  a=b ", "m 1 1 a=b a=b", "m=x 1 1 a=b"] {
            assert!(judge(Some(line.as_bytes()), &Policy::default()).is_ok(), "{line}");
        }
    }
}
