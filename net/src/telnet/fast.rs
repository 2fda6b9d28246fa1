//! The fast reading of a `put` line of a known series. It takes a subset of what `line` takes and
//! gives the same result on it; whatever looks unusual is left to `line`.

use irontsd_engine::types::{MANTISSA_MAX, TIMESTAMP_MS_MAX, Value};

use super::scan::Masks;

/// The fields of a line that is laid out as agents lay it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The metric, not empty.
    pub metric: &'a [u8],
    /// The timestamp's text.
    pub timestamp: &'a [u8],
    /// The value's text.
    pub value: &'a [u8],
    /// All that follows the value and its space; empty if there is no tag.
    pub tags: &'a [u8],
}

/// Splits the line `bytes[start..end]`, line end excluded, by single spaces.
#[inline]
pub fn split<'a>(bytes: &'a [u8], masks: &Masks, start: usize, end: usize) -> Option<Fields<'a>> {
    if !bytes[start..end].starts_with(b"put ") {
        return None;
    }
    let metric = start + 4;
    let timestamp = masks.space(metric)? + 1;
    let value = masks.space(timestamp)? + 1;
    let tags = masks.space(value).map_or(end + 1, |at| at + 1);
    if timestamp == metric + 1 || value > end {
        return None;
    }
    // A space behind the line's end belongs to another line: this one has no tags.
    let (value_end, tags) = if tags > end { (end, end) } else { (tags - 1, tags) };
    Some(Fields {
        metric: &bytes[metric..timestamp - 1],
        timestamp: &bytes[timestamp..value - 1],
        value: &bytes[value..value_end],
        tags: &bytes[tags..end],
    })
}

/// A timestamp of digits only, in milliseconds.
#[inline]
pub fn timestamp_ms(text: &[u8]) -> Option<i64> {
    if text.len() > 13 {
        return None;
    }
    let number = digits(text)? as i64;
    let ms = if number >> 32 == 0 { number * 1000 } else { number };
    (1..=TIMESTAMP_MS_MAX).contains(&ms).then_some(ms)
}

/// At least one digit and nothing else; the caller bounds the length to eighteen.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u64::from(digit))
    })
}

/// An integer or a decimal of up to fifteen digits, not a negative zero.
#[inline]
pub fn value(text: &[u8]) -> Option<Value> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if text.len() > 16 {
        return None;
    }
    let (mut number, mut point) = (0i64, None);
    for (at, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            number = number * 10 + i64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let count = text.len() - usize::from(point.is_some());
    if count == 0 || number > MANTISSA_MAX {
        return None;
    }
    let signed = if negative { -number } else { number };
    match point {
        None => Some(Value::integer(signed)),
        Some(_) if negative && number == 0 => None,
        Some(at) => Value::decimal(signed, (text.len() - at - 1) as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number;
    use crate::policy::Policy;
    use crate::telnet::line;
    use crate::telnet::scan::Scanner;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_agree_with_the_plain_parser(text in "[-+]?[0-9]{0,17}\\.?[0-9]{0,17}[ex]?") {
            if let Some(fast) = value(text.as_bytes()) {
                prop_assert_eq!(number::value(text.as_bytes()), Ok(fast));
            }
            if let Some(fast) = timestamp_ms(text.as_bytes()) {
                let plain = number::timestamp(text.as_bytes()).expect("a number");
                prop_assert_eq!(plain.ms, Some(fast));
            }
        }

        /// What the fast reading accepts, the plain parser accepts with the same result, provided
        /// that the names passed (which a known series proves).
        #[test]
        fn lines_agree_with_the_plain_parser(
            line in "(put |put  |pu )?[ab=]{0,2} ?[0-9.]{0,14}( {1,2}|)[-0-9.]{0,6}( |)([ab]=c ?){0,3}"
        ) {
            let bytes = format!("{line}\nput next 1 1 a=b\n");
            let mut masks = crate::telnet::scan::Masks::default();
            Scanner::chosen().scan(bytes.as_bytes(), &mut masks);
            let Some(fields) = split(bytes.as_bytes(), &masks, 0, line.len()) else { return Ok(()) };
            let (Some(ms), Some(number)) = (timestamp_ms(fields.timestamp), value(fields.value))
            else { return Ok(()) };
            let rest = line.strip_prefix("put ").expect("split saw it");
            if let Ok(point) = line::judge(Some(rest.as_bytes()), &Policy::default()) {
                prop_assert_eq!(point.metric, fields.metric);
                prop_assert_eq!((point.timestamp_ms, point.value), (ms, number));
                let mut expected = crate::point::Tags::default();
                for word in fields.tags.split(|&b| b == b' ').filter(|word| !word.is_empty()) {
                    let cut = word.iter().position(|&b| b == b'=').expect("judged");
                    expected.add(&word[..cut], &word[cut + 1..]).expect("judged");
                }
                let (mut a, mut b) = (Vec::new(), Vec::new());
                expected.encode_name(fields.metric, &mut a);
                let mut tags = point.tags;
                tags.encode_name(point.metric, &mut b);
                prop_assert_eq!(a, b);
            } else {
                // Then only the names can be at fault, and they are checked before a series is
                // known by them.
                let names = line::judge(
                    Some([fields.metric, b" 1 1 ", fields.tags].concat().leak()),
                    &Policy::default(),
                );
                prop_assert!(names.is_err(), "{:?}", line);
            }
        }
    }
}
