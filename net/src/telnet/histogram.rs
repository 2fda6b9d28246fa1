//! Lines with histograms: `histogram METRIC TIME [ID] VALUE TAGS`, and `put` with such a value.
//!
//! As for numbers, a line is first read with the relaxations; if it is refused all the same, it gets
//! OpenTSDB's answer to the line as sent.

use super::line::{invalid_value, read_tags};
use crate::histogram::{self, codecs, text};
use crate::number;
use crate::point::{self, Carrier, Tags, check_names};
use crate::policy::Policy;
use crate::reject::{Reason, Reject};

/// A histogram as a line carries it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// The metric.
    pub metric: &'a [u8],
    /// The tags, unsorted.
    pub tags: Tags<'a>,
    /// When, in milliseconds.
    pub timestamp_ms: i64,
    /// The histogram's bytes.
    pub bytes: Vec<u8>,
}

fn words(rest: Option<&[u8]>) -> impl Iterator<Item = &[u8]> {
    rest.into_iter().flat_map(|rest| rest.split(|&byte| byte == b' '))
}

/// Judges what follows the word `histogram` and its space; `None` if the line ended after it.
pub fn judge<'a>(rest: Option<&'a [u8]>, policy: &Policy) -> Result<Sample<'a>, Reject> {
    let sent: Vec<&[u8]> = words(rest).collect();
    if policy.strict {
        return check(&sent, 4, policy);
    }
    let relaxed: Vec<&[u8]> = words(rest).filter(|word| !word.is_empty()).collect();
    check(&relaxed, 3, policy).map_err(|refused| check(&sent, 4, policy).err().unwrap_or(refused))
}

/// Judges what follows `put` and was no number, if it is meant to be a histogram.
pub fn judge_put<'a>(
    rest: Option<&'a [u8]>,
    policy: &Policy,
) -> Option<Result<Sample<'a>, Reject>> {
    let sent: Vec<&[u8]> = words(rest).collect();
    let relaxed: Vec<&[u8]> = words(rest).filter(|word| !word.is_empty()).collect();
    let is_meant = |words: &[&[u8]]| is_simple(words) || is_binary(words, policy);
    // OpenTSDB counts the words before it looks at the value.
    if policy.strict && sent.len() < 4 {
        return None;
    }
    if is_meant(&sent) {
        return Some(judge(rest, policy));
    }
    // With a field left empty the line may as well be a number gone wrong: only a good one counts.
    (!policy.strict && is_meant(&relaxed)).then(|| judge(rest, policy)).filter(Result::is_ok)
}

/// A value like `u=0:0,1=5`. Without tags it could be a tag whose value is missing.
fn is_simple(words: &[&[u8]]) -> bool {
    let Some(value) = words.get(2) else { return false };
    let is_more = words.len() > 3 || value.iter().any(|byte| matches!(byte, b':' | b';' | b','));
    is_more && text::looks_like(value)
}

/// An id, and base64 where a tag would stand. A word that could be either is a tag unless the id
/// is mapped or padding tells.
fn is_binary(words: &[&[u8]], policy: &Policy) -> bool {
    let (Some(id), Some(word)) = (words.get(2).and_then(|id| self::id(id)), words.get(3)) else {
        return false;
    };
    let cut = memchr::memchr(b'=', word).unwrap_or(word.len());
    let is_tag = cut > 0 && cut + 1 < word.len() && !word[cut + 1..].contains(&b'=');
    let is_known = policy.histogram_codecs.has(id) || word.ends_with(b"=");
    !is_tag && is_known && codecs::is_base64(word)
}

fn id(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse::<i32>().ok().map(i64::from)
}

/// OpenTSDB's checks in OpenTSDB's order; unlike there, what comes later is an answer as well.
fn check<'a>(words: &[&'a [u8]], least: usize, policy: &Policy) -> Result<Sample<'a>, Reject> {
    let illegal = |message: String| Reject::new(Reason::IllegalArgument, message);
    let too_few = || illegal(format!("not enough arguments (need least 5, got {})", words.len()));
    let &[metric, timestamp, value, ref behind @ ..] = words else { return Err(too_few()) };
    if words.len() < least {
        return Err(too_few());
    }
    if metric.is_empty() {
        return Err(illegal("empty metric name".into()));
    }
    let read = if policy.strict { number::timestamp_without_points } else { number::timestamp };
    let timestamp = read(timestamp).map_err(invalid_value)?;
    if timestamp.number <= 0 {
        return Err(illegal(format!("invalid timestamp: {}", timestamp.number)));
    }
    let id = id(value);
    let (value, tags) = match id {
        None => (value, behind),
        Some(_) => {
            let (value, tags) = behind.split_first().ok_or_else(too_few)?;
            (*value, tags)
        }
    };
    if value.is_empty() {
        return Err(illegal("empty histogram value".into()));
    }
    let tags = read_tags(tags)?;
    let histogram = match id {
        None => text::parse(value)?,
        Some(id) => policy.histogram_codecs.decode(id, value)?,
    };
    let mut bytes = Vec::new();
    histogram::encode(&histogram, &mut bytes)?;
    let timestamp_ms = timestamp
        .ms
        .ok_or_else(|| point::bad_timestamp(timestamp.number, "a histogram", metric, &tags))?;
    check_names(policy, metric, &tags, Carrier::Line)?;
    Ok(Sample { metric, tags, timestamp_ms, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::codecs::Codec;

    fn policy() -> Policy {
        let mut policy = Policy::default();
        policy.histogram_codecs.set(42, Codec::Simple);
        policy
    }

    fn put(rest: &str) -> Option<Result<(), String>> {
        let policy = policy();
        let judged = judge_put(Some(rest.as_bytes()), &policy)?;
        Some(judged.map(drop).map_err(|reject| reject.message))
    }

    #[test]
    fn put_lines_meant_as_histograms() {
        let binary = "AAIAAAAAP4AAACo/gAAAQKAAABgAAQ==";
        for good in [
            "m 1 u=0:0,1=5 h=a",
            "m 1 u=5 h=a",
            "m 1 0,1=5",
            "m  1   0,1=5  h=a",
            &format!("m 1 42 {binary} h=a"),
            &format!("m 1 +42 {binary}"),
        ] {
            assert_eq!(put(good), Some(Ok(())), "{good}");
        }
        for (bad, message) in [
            ("m 1 u=x h=a", "histogram entry 'u=x' at byte 0: the count is not a 64-bit integer"),
            (&format!("m 1 7 {binary} h=a")[..], "No codec found mapped to ID 7"),
            ("m 1 42 AAIA h=a", "Byte array shorter than 6 bytes detected: [0, 2, 0]"),
        ] {
            assert_eq!(put(bad), Some(Err(message.to_owned())), "{bad}");
        }
        for number in ["m 1 1 host", "m 1 42 a=b", "m 1 host=a b=c", "m 1  u=x", "m 1 u=5", "m 1"] {
            assert_eq!(put(number), None, "{number}");
        }
    }
}
