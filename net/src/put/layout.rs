//! Bodies as agents write them, taken without being parsed: objects of metric, timestamp, value and
//! tags in any order, numbers as numbers, texts without escapes. Pure.
//!
//! What it finds is only good for asking whether the raw bytes of metric and tags are known already:
//! they are once a reader of JSON has taken exactly these bytes. So senders that repeat their series
//! pay for splitting, not for parsing; and where series come in the order of last time, not even for
//! that: all of an object but its numbers is compared with what it must be, in three pieces if it begins
//! with the metric, ends with the tags and is written as the table's first was. Whatever is not so is
//! left to the other readers.

mod compare;

use crate::number;
use crate::telnet::digits;
use crate::telnet::lookup::{Lookup, Trail};
use irontsd_engine::batch::Row;
use irontsd_engine::types::{Kind, SeriesId, Value};
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

/// Knows the series of a point by the raw bytes of its metric and tags.
pub trait Known {
    /// What guesses the next series.
    fn guesser(&mut self) -> &mut Lookup;

    /// The series of a point, whose time and value may be read anew; `None` if it is not to be taken
    /// like this.
    fn find(&mut self, raw: &mut Raw, trail: &mut Trail) -> Option<SeriesId>;
}

/// Appends the rows of a body's points; `None` if this is not the reader for it, and then what was
/// appended is good for nothing. No row is older than `oldest_ms` but those that `known` lets through.
pub fn take(
    body: &[u8],
    oldest_ms: i64,
    known: &mut impl Known,
    trail: &mut Trail,
    rows: &mut Vec<(SeriesId, Row)>,
) -> Option<()> {
    let mut cursor = Cursor { body, at: 0, pattern: Pattern::default() };
    let is_list = match cursor.next()? {
        b'{' => false,
        b'[' => {
            cursor.expect(b'{')?;
            true
        }
        _ => return None,
    };
    let mut more = true;
    while more {
        let mut raw = cursor.element()?;
        if let Some(around) = cursor.around() {
            known.guesser().surround(around);
        }
        let series = known.find(&mut raw, trail)?;
        rows.push((series, Row::new(raw.timestamp_ms, raw.value)));
        more = is_list && cursor.goes_on()?;
        if more {
            more = cursor.predicted(known.guesser(), oldest_ms, trail, rows)?;
        }
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

/// What an object consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Metric,
    Time,
    Value,
    Tags,
}

use Field::{Metric, Tags, Time, Value as Number};

impl Field {
    /// The one whose key, with its closing quote, begins `rest`, and the bytes of that.
    #[inline]
    fn named(rest: &[u8]) -> Option<(Field, usize)> {
        if rest.starts_with(b"metric\"") {
            Some((Metric, 7))
        } else if rest.starts_with(b"timestamp\"") {
            Some((Time, 10))
        } else if rest.starts_with(b"value\"") {
            Some((Number, 6))
        } else if rest.starts_with(b"tags\"") {
            Some((Tags, 5))
        } else {
            None
        }
    }
}

/// How an object was written: its fields in their order, where what is before each of them stands, and
/// behind the last.
#[derive(Debug)]
struct Pattern {
    fields: [Field; 4],
    gaps: [Range<usize>; 5],
    /// Where the last timestamp stands.
    time: Range<usize>,
    at_time: Row,
}

impl Default for Pattern {
    fn default() -> Self {
        let (fields, gaps) = ([Metric, Time, Number, Tags], [const { 0..0 }; 5]);
        Pattern { fields, gaps, time: 0..0, at_time: Row::at(0) }
    }
}

struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
    /// How the last object that was split is written.
    pattern: Pattern,
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

    #[inline]
    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// Goes behind the opening brace of the next object of a list; false at the list's end.
    #[inline]
    fn goes_on(&mut self) -> Option<bool> {
        match self.next()? {
            b',' => self.expect(b'{').map(|()| true),
            b']' => Some(false),
            _ => None,
        }
    }

    /// What follows the opening brace of a point.
    fn element(&mut self) -> Option<Raw> {
        let start = self.at - 1;
        let (mut metric, mut time, mut value, mut tags) = (None, None, None, None);
        let mut gap = self.at;
        for place in 0..4 {
            self.expect(b'"')?;
            let (field, key_bytes) = Field::named(&self.body[self.at..])?;
            if self.pattern.fields[..place].contains(&field) {
                return None;
            }
            self.at += key_bytes;
            self.expect(b':')?;
            let stands = match field {
                Metric => metric.insert(self.text()?).clone(),
                Tags => tags.insert(self.tags()?).clone(),
                Time => {
                    let (stands, ms) = self.time()?;
                    time = Some(ms);
                    (self.pattern.time, self.pattern.at_time) = (stands.clone(), Row::at(ms));
                    stands
                }
                Number => {
                    let (stands, number) = self.value()?;
                    value = Some(number);
                    stands
                }
            };
            self.pattern.fields[place] = field;
            self.pattern.gaps[place] = gap..stands.start;
            gap = stands.end;
            self.expect(if place == 3 { b'}' } else { b',' })?;
        }
        self.pattern.gaps[4] = gap..self.at;
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
    #[inline(always)]
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

    /// Where it stands, and its milliseconds.
    fn time(&mut self) -> Option<(Range<usize>, i64)> {
        self.next()?;
        let start = self.at - 1;
        let number = match self.short(start) {
            Some(value) => (value.kind == Kind::INTEGER).then_some(value.bits as i64)?,
            None => number::integer(self.number(start)?).ok()?,
        };
        let ms = if number > 0 { number::timestamp_of(number).ms } else { None };
        Some((start..self.at, ms?))
    }

    /// Where it stands, and what it is.
    #[inline]
    fn value(&mut self) -> Option<(Range<usize>, Value)> {
        self.next()?;
        let start = self.at - 1;
        let value = match self.short(start) {
            Some(value) => value,
            None => number::value(self.number(start)?).ok()?,
        };
        Some((start..self.at, value))
    }
}

#[cfg(test)]
mod tests;
