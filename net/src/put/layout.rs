//! Bodies as agents write them, split without being parsed: objects of metric, timestamp, value and
//! tags in any order, numbers as numbers, texts without escapes. Pure.
//!
//! What it finds is only good for asking whether the raw bytes of metric and tags are known already:
//! they are once a reader of JSON has taken exactly these bytes. So senders that repeat their series
//! pay for splitting, not for parsing. Whatever is not so is left to the other readers.

use crate::number;
use crate::telnet::digits;
use irontsd_engine::types::{Kind, Value};
use std::ops::Range;

/// One point of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// Where its object stands.
    pub element: Range<usize>,
    /// Where its metric stands, without quotes.
    pub metric: Range<usize>,
    /// Where its tags stand, with braces.
    pub tags: Range<usize>,
    /// Its time.
    pub timestamp_ms: i64,
    /// Its value.
    pub value: Value,
}

/// Splits a body into its points; `None` if this is not the reader for it.
pub fn split(body: &[u8], points: &mut Vec<Raw>) -> Option<()> {
    points.clear();
    let mut cursor = Cursor { body, at: 0 };
    match cursor.next()? {
        b'{' => points.push(cursor.element()?),
        b'[' => loop {
            if cursor.next()? != b'{' {
                return None;
            }
            points.push(cursor.element()?);
            match cursor.next()? {
                b',' => {}
                b']' => break,
                _ => return None,
            }
        },
        _ => return None,
    }
    body[cursor.at..].iter().all(|byte| is_blank(*byte)).then_some(())
}

/// Whether tags are a whole object by themselves: then no reader sees another end of them.
pub fn is_closed(tags: &[u8]) -> bool {
    let quotes = tags.iter().filter(|&&byte| byte == b'"').count();
    quotes.is_multiple_of(4) && !tags.contains(&b'\\')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The next byte that is not blank.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.body.get(self.at)?;
            self.at += 1;
            if !is_blank(byte) {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// What follows the opening brace of a point.
    fn element(&mut self) -> Option<Raw> {
        let start = self.at - 1;
        let (mut metric, mut time, mut value, mut tags) = (None, None, None, None);
        for left in (0..4).rev() {
            self.expect(b'"')?;
            let rest = &self.body[self.at..];
            let (key_bytes, seen) = if rest.starts_with(b"metric\"") {
                (7, metric.is_some())
            } else if rest.starts_with(b"timestamp\"") {
                (10, time.is_some())
            } else if rest.starts_with(b"value\"") {
                (6, value.is_some())
            } else if rest.starts_with(b"tags\"") {
                (5, tags.is_some())
            } else {
                return None;
            };
            if seen {
                return None;
            }
            self.at += key_bytes;
            self.expect(b':')?;
            match key_bytes {
                7 => metric = Some(self.text()?),
                10 => time = Some(self.time()?),
                6 => value = Some(self.value()?),
                _ => tags = Some(self.tags()?),
            }
            self.expect(if left == 0 { b'}' } else { b',' })?;
        }
        Some(Raw {
            element: start..self.at,
            metric: metric?,
            tags: tags?,
            timestamp_ms: time?,
            value: value?,
        })
    }

    /// A text without escapes, which is not empty.
    fn text(&mut self) -> Option<Range<usize>> {
        self.expect(b'"')?;
        let rest = &self.body[self.at..];
        let len = memchr::memchr2(b'"', b'\\', rest).filter(|&len| len > 0 && rest[len] == b'"')?;
        let text = self.at..self.at + len;
        self.at += len + 1;
        Some(text)
    }

    /// An object up to the first closing brace.
    fn tags(&mut self) -> Option<Range<usize>> {
        self.expect(b'{')?;
        let start = self.at - 1;
        self.at += memchr::memchr(b'}', &self.body[self.at..])? + 1;
        Some(start..self.at)
    }

    /// The number of a few digits that begins `start`, as almost all do; the end is behind it then.
    #[inline]
    fn short(&mut self, start: usize) -> Option<Value> {
        let window = self.body[start..].first_chunk()?;
        let (value, len) = digits::value_before::<true>(window)?;
        let from = usize::from(window[0] == b'-');
        let is_whole = match window[from] {
            b'0' => !window[from + 1].is_ascii_digit(),
            first => first.is_ascii_digit(),
        };
        if !is_whole || value.kind == Kind::decimal(0) {
            return None;
        }
        self.at = start + len;
        Some(value)
    }

    /// Bytes up to a blank, comma or brace.
    fn number(&mut self, start: usize) -> Option<&[u8]> {
        let first = self.body[start];
        let part = |byte: &&u8| matches!(**byte, b'0'..=b'9' | b'.');
        self.at += self.body[self.at..].iter().take_while(part).count();
        let digits = &self.body[start + usize::from(first == b'-')..self.at];
        // JSON has no leading zeros, and digits on both sides of a point.
        let (whole, part) = match memchr::memchr(b'.', digits) {
            Some(point) => (&digits[..point], Some(&digits[point + 1..])),
            None => (digits, None),
        };
        let is_whole = matches!(whole, [b'0'] | [b'1'..=b'9', ..]);
        let is_part = part.is_none_or(|part| !part.is_empty() && !part.contains(&b'.'));
        (is_whole && is_part).then(|| &self.body[start..self.at])
    }

    fn time(&mut self) -> Option<i64> {
        self.next()?;
        let start = self.at - 1;
        let number = match self.short(start) {
            Some(value) => (value.kind == Kind::INTEGER).then_some(value.bits as i64)?,
            None => number::integer(self.number(start)?).ok()?,
        };
        if number > 0 { number::timestamp_of(number).ms } else { None }
    }

    fn value(&mut self) -> Option<Value> {
        self.next()?;
        let start = self.at - 1;
        match self.short(start) {
            Some(value) => Some(value),
            None => number::value(self.number(start)?).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{What, plain, rules::Judge};
    use super::*;
    use crate::policy::Policy;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Element, name, milliseconds, whether it is an integer, the bits of the double.
    type Point = (usize, Vec<u8>, i64, bool, u64);

    fn plain(body: &[u8]) -> Option<Vec<Point>> {
        let policy = Policy::default();
        let judge = Judge { policy: &policy, now_ms: 1_400_000_000_000, extra: &[] };
        let mut batch = super::super::Batch::default();
        let refused = plain::collect(body, &judge, What::Numbers, &mut batch).ok()?;
        let point = |(index, name, ms, value): (usize, &[u8], i64, Value)| {
            (index, name.to_vec(), ms, value.kind == Kind::INTEGER, bits(value))
        };
        (refused.count() == 0).then(|| batch.iter().map(point).collect())
    }

    fn bits(value: Value) -> u64 {
        if value.kind == Kind::INTEGER { value.bits } else { value.as_f64().to_bits() }
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => any::<i32>().prop_map(|n| n.to_string()),
            3 => (-99999i64..99999, 0..1000u32).prop_map(|(n, part)| format!("{n}.{part:03}")),
            1 => any::<i64>().prop_map(|n| n.to_string()),
            1 => "-?[0-9.]{0,4}",
            1 => "-?[0-9]{1,30}(\\.[0-9]{1,30})?",
            1 => Just("1e5".to_owned()),
        ]
    }

    fn element() -> impl Strategy<Value = String> {
        let time =
            prop_oneof![6 => (1..9_999_999_999i64).prop_map(|n| n.to_string()), 1 => number()];
        let tag = ("[ab\"}]{0,2}", "[x}\\\\\":{ é]{0,2}");
        let tags = prop::collection::vec(tag, 0..3);
        let blank = || prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
        (time, number(), "[mn\"\\\\é]{0,2}", tags, 0..26usize, blank(), blank()).prop_map(
            |(time, value, metric, tags, order, before, behind)| {
                let tags: Vec<_> = tags.iter().map(|(k, v)| format!("\"{k}\":\"{v}\"")).collect();
                let mut fields = vec![
                    format!("\"metric\":{before}\"{metric}\""),
                    format!("\"timestamp\"{behind}:{time}"),
                    format!("\"value\":{before}{value}{behind}"),
                    format!("\"tags\":{{{}}}", tags.join(",")),
                ];
                fields.rotate_left(order % 4);
                fields.swap(order % 3, 3);
                if order == 25 {
                    fields.pop();
                }
                format!("{before}{{{}}}{behind}", fields.join(","))
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// A body whose raw keys all were taken before is one that the plain reader takes, with the
        /// same points.
        #[test]
        fn what_is_known_is_what_the_plain_reader_takes(
            bodies in prop::collection::vec(prop::collection::vec(element(), 1..4), 1..6)
        ) {
            let mut known: HashMap<(Vec<u8>, Vec<u8>), Vec<u8>> = HashMap::new();
            let mut points = Vec::new();
            for elements in bodies {
                let body = match &elements[..] {
                    [one] => one.clone(),
                    all => format!("[{}]", all.join(",")),
                };
                let body = body.as_bytes();
                if split(body, &mut points).is_none() {
                    continue;
                }
                let key = |raw: &Raw| (body[raw.metric.clone()].to_vec(), body[raw.tags.clone()].to_vec());
                for raw in &points {
                    if !known.contains_key(&key(raw)) && is_closed(&body[raw.tags.clone()])
                        && let Some(found) = plain(&body[raw.element.clone()])
                    {
                        known.insert(key(raw), found[0].1.clone());
                    }
                }
                let names: Option<Vec<_>> = points.iter().map(|raw| known.get(&key(raw))).collect();
                let Some(names) = names else { continue };
                let found = points.iter().zip(names).enumerate().map(|(index, (raw, name))| {
                    let integer = raw.value.kind == Kind::INTEGER;
                    (index, name.clone(), raw.timestamp_ms, integer, bits(raw.value))
                });
                prop_assert_eq!(Some(found.collect::<Vec<_>>()), plain(body), "{}", body.escape_ascii());
            }
        }
    }

    #[test]
    fn an_ordinary_body_is_split() {
        let body = br#"[{"metric":"m","timestamp":1400000000,"value":1.50,"tags":{"h":"a"}},
            { "tags": {}, "value": -7, "metric": "n", "timestamp": 1400000000123 }]"#;
        let mut points = Vec::new();
        split(body, &mut points).expect("ordinary");
        let shown = |raw: &Raw| {
            let text =
                |range: &Range<usize>| String::from_utf8_lossy(&body[range.clone()]).into_owned();
            (text(&raw.metric), text(&raw.tags), raw.timestamp_ms, raw.value.as_f64())
        };
        let expected = [
            ("m".to_owned(), r#"{"h":"a"}"#.to_owned(), 1_400_000_000_000, 1.5),
            ("n".to_owned(), "{}".to_owned(), 1_400_000_000_123, -7.0),
        ];
        assert_eq!(points.iter().map(shown).collect::<Vec<_>>(), expected);
        assert!(split(b"[]", &mut points).is_none());
        assert!(split(br#"{"metric":"m","value":1,"tags":{}}"#, &mut points).is_none());
    }
}
