//! Bodies as agents write them, taken without being parsed: objects of metric, timestamp, value and
//! tags in any order, numbers as numbers, texts without escapes. Pure.
//!
//! What it finds is only good for asking whether the raw bytes of metric and tags are known already:
//! they are once a reader of JSON has taken exactly these bytes. So senders that repeat their series
//! pay for splitting, not for parsing; and where series come in the order of last time, not even for
//! that: all of an object but its numbers is compared with what it must be, in three pieces if it begins
//! with the metric, ends with the tags and is written as the table's first was. Whatever is not so is
//! left to the other readers.

use crate::number;
use crate::telnet::lookup::{Guess, Lookup, Trail};
use crate::telnet::{digits, window};
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

    /// Takes objects for as long as they are written like the last and their series are those that
    /// came next last time. Whether another object follows.
    fn predicted(
        &mut self,
        lookup: &Lookup,
        oldest_ms: i64,
        trail: &mut Trail,
        rows: &mut Vec<(SeriesId, Row)>,
    ) -> Option<bool> {
        let mut guesses = lookup.guesses(trail);
        let is_alike = self.around().is_some_and(|around| lookup.around().is(around));
        while let Some(guess) = guesses.peek() {
            let start = self.at;
            let row = if is_alike { self.guessed_alike(&guess) } else { self.guessed(&guess) };
            let row = row.filter(|row| row.timestamp_ms() >= oldest_ms);
            let Some(row) = row else {
                self.at = start;
                break;
            };
            rows.push((guess.series, row));
            guesses.advance(trail);
            if !self.goes_on()? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// What follows the opening brace of a point that is written like the last one split, if its
    /// series is this.
    #[inline(never)]
    fn guessed(&mut self, guess: &Guess<'_>) -> Option<Row> {
        let mut value = None;
        for place in 0..4 {
            self.pass(self.pattern.gaps[place].clone())?;
            match self.pattern.fields[place] {
                Metric => {
                    let (text, bytes) = guess.metric();
                    self.pass_text(text, bytes)?;
                }
                Tags => {
                    let (text, bytes) = guess.tags();
                    self.pass_text(text, bytes)?;
                }
                Time => self.pass_time()?,
                Number => value = Some(self.value()?.1),
            }
        }
        self.pass(self.pattern.gaps[4].clone())?;
        Some(self.pattern.at_time.with(value?))
    }

    /// What the last object has around metric and tags, if those stand at its ends.
    fn around(&self) -> Option<[&[u8]; 4]> {
        let gap = |place: usize| &self.body[self.pattern.gaps[place].clone()];
        let is_so = matches!(
            self.pattern.fields,
            [Metric, Time, Number, Tags] | [Metric, Number, Time, Tags]
        );
        is_so.then(|| [gap(0), gap(1), gap(3), gap(4)])
    }

    /// The same as [`Cursor::guessed`], if the guess has around its texts what the last object has.
    #[inline(always)]
    fn guessed_alike(&mut self, guess: &Guess<'_>) -> Option<Row> {
        self.pass_text(guess.head, guess.head_bytes)?;
        let value = if self.pattern.fields[1] == Time {
            self.pass_time_and_gap()?;
            self.value()?.1
        } else {
            let value = self.value()?.1;
            self.pass(self.pattern.gaps[2].clone())?;
            self.pass_time()?;
            value
        };
        self.pass_text(guess.tail, guess.tail_bytes)?;
        Some(self.pattern.at_time.with(value))
    }

    /// Goes behind a timestamp, which mostly is the last one.
    #[inline]
    fn pass_time(&mut self) -> Option<()> {
        if self.pass(self.pattern.time.clone()).is_none() {
            let (stands, ms) = self.time()?;
            (self.pattern.time, self.pattern.at_time) = (stands, Row::at(ms));
        }
        Some(())
    }

    /// Goes behind a timestamp and what follows it. The last ones stand side by side.
    #[inline]
    fn pass_time_and_gap(&mut self) -> Option<()> {
        let (time, gap) = (self.pattern.time.start, self.pattern.gaps[2].clone());
        if self.pass(time..gap.end).is_none() {
            self.pass_time()?;
            let end = self.at;
            self.pass(gap)?;
            self.pattern.time = end - self.pattern.time.len()..end;
            self.pattern.gaps[2] = end..self.at;
        }
        Some(())
    }

    /// Goes behind what stands elsewhere in the body, if that is what comes.
    #[inline(always)]
    fn pass(&mut self, like: Range<usize>) -> Option<()> {
        self.pass_text(&self.body[like.start..], like.len())
    }

    /// Goes behind the first bytes of a text, if they come and the body goes on behind them.
    #[inline]
    fn pass_text(&mut self, text: &[u8], bytes: usize) -> Option<()> {
        window::has(self.body, self.at, text, bytes).then(|| self.at += bytes)
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
mod tests {
    use super::super::{What, plain, rules::Judge};
    use super::*;
    use crate::policy::Policy;
    use proptest::prelude::*;

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
            12 => any::<i32>().prop_map(|n| n.to_string()),
            6 => (-99999i64..99999, 0..1000u32).prop_map(|(n, part)| format!("{n}.{part:03}")),
            1 => any::<i64>().prop_map(|n| n.to_string()),
            1 => "-?[0-9.]{0,4}",
            1 => "-?[0-9]{1,30}(\\.[0-9]{1,30})?",
            1 => Just("1e5".to_owned()),
        ]
    }

    /// The order of an object whose value stands before its time.
    const METRIC_VALUE_TIME_TAGS: usize = 16;

    /// All of an object but time and value: metric, tags, order of the fields, blanks.
    type Shape = (String, Vec<(String, String)>, usize, &'static str, &'static str);

    fn shape() -> impl Strategy<Value = Shape> {
        let tag = ("[ab\"}]{0,2}", "[x}\\\\\":{ é]{0,2}");
        let tags = prop_oneof![
            9 => prop::collection::vec(("[ab]{1,2}", "[x{ é]{1,2}"), 1..2),
            1 => prop::collection::vec(tag, 0..3)
        ];
        let metric = prop_oneof![9 => "[mn]{1,2}", 1 => "[mn\"\\\\é]{0,2}"];
        let blank = || prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
        // Most begin with the metric and end with the tags.
        let order = prop_oneof![2 => Just(0), 1 => Just(METRIC_VALUE_TIME_TAGS), 3 => 0..26usize];
        (metric, tags, order, blank(), blank())
    }

    /// Of some series; most are written alike.
    fn shapes() -> impl Strategy<Value = Vec<Shape>> {
        (prop::collection::vec(shape(), 1..4), 0..4).prop_map(|(mut shapes, alike)| {
            if alike > 0 {
                let (_, _, order, before, behind) = shapes[0];
                let all = shapes.iter_mut();
                all.for_each(|shape| (shape.2, shape.3, shape.4) = (order, before, behind));
            }
            shapes
        })
    }

    fn element((metric, tags, order, before, behind): &Shape, time: &str, value: &str) -> String {
        let tags: Vec<_> = tags.iter().map(|(k, v)| format!("\"{k}\":\"{v}\"")).collect();
        let mut fields = vec![
            format!("\"metric\":{before}\"{metric}\""),
            format!("\"timestamp\"{behind}:{time}"),
            format!("\"value\":{before}{value}{behind}"),
            format!("\"tags\":{{{}}}", tags.join(",")),
        ];
        // All orders there are; the first is the one written above.
        fields[..].rotate_left(order % 4);
        fields[1..].rotate_left(order / 4 % 3);
        fields[2..].rotate_left(order / 12 % 2);
        if *order == 25 {
            fields.pop();
        }
        format!("{before}{{{}}}{behind}", fields.join(","))
    }

    /// Series that the plain reader took by themselves; counts how often it is asked.
    struct Seen<'a> {
        lookup: &'a mut Lookup,
        names: &'a mut Vec<Vec<u8>>,
        body: &'a [u8],
        asked: usize,
    }

    impl Known for Seen<'_> {
        fn guesser(&mut self) -> &mut Lookup {
            self.lookup
        }

        fn find(&mut self, raw: &mut Raw, trail: &mut Trail) -> Option<SeriesId> {
            self.asked += 1;
            let (metric, tags) = (&self.body[raw.metric.clone()], &self.body[raw.tags.clone()]);
            if let Some(series) = self.lookup.find(metric, tags, trail) {
                return Some(series);
            }
            let found =
                is_closed(tags).then(|| plain(&self.body[raw.element.clone()])).flatten()?;
            let series = self.names.len() as SeriesId;
            self.names.push(found[0].1.clone());
            self.lookup.learn(metric, tags, series, trail);
            Some(series)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        /// What is taken of bodies whose series come again and again is what the plain reader takes.
        #[test]
        fn what_is_taken_is_what_the_plain_reader_takes(
            shapes in shapes(),
            bodies in prop::collection::vec(
                (prop::collection::vec((0..12usize, time(), number()), 1..9), fault()), 1..6),
        ) {
            let (mut lookup, mut names) = (Lookup::new(7, 1 << 20), Vec::new());
            let mut trail = Trail::default();
            for (points, fault) in bodies {
                let shape = |at: usize, odd: usize| &shapes[if odd < 3 { odd } else { at } % shapes.len()];
                let elements = points.iter().enumerate();
                let elements: Vec<_> = elements
                    .map(|(at, (odd, time, value))| element(shape(at, *odd), time, value))
                    .collect();
                let body = match &elements[..] {
                    [one] => one.clone(),
                    all => format!("[{}]{}", all.join(","), " ".repeat(points[0].0 * 4)),
                };
                let mut body = body.into_bytes();
                if let Some((place, byte)) = fault {
                    let at = place.index(body.len());
                    body.splice(at..at + usize::from(body[at].is_ascii()), byte);
                }
                let body = &body[..];
                let mut rows = Vec::new();
                let (lookup, names) = (&mut lookup, &mut names);
                let mut known = Seen { lookup, names, body, asked: 0 };
                if take(body, 0, &mut known, &mut trail, &mut rows).is_none() {
                    continue;
                }
                let found = rows.iter().enumerate().map(|(index, (series, row))| {
                    let (name, value) = (known.names[*series as usize].clone(), row.value());
                    let integer = value.kind == Kind::INTEGER;
                    (index, name, row.timestamp_ms(), integer, bits(value))
                });
                prop_assert_eq!(Some(found.collect::<Vec<_>>()), plain(body), "{}", body.escape_ascii());
            }
        }
    }

    /// A byte more, less or in the place of another, somewhere.
    fn fault() -> impl Strategy<Value = Option<(prop::sample::Index, Option<u8>)>> {
        let byte = prop::sample::select(b"{}[],:\" 0.-x\\".to_vec());
        prop::option::weighted(0.4, (any::<prop::sample::Index>(), prop::option::of(byte)))
    }

    fn time() -> impl Strategy<Value = String> {
        let seconds = (1..9_999_999_999i64).prop_map(|n| n.to_string());
        prop_oneof![5 => seconds, 5 => Just("1400000000".to_owned()), 1 => number()]
    }

    /// Series, milliseconds and value of each row, and how often a series was asked for.
    type Taken = (Vec<(SeriesId, i64, f64)>, usize);

    /// The rows of bodies with one shape, one after the other, and how often a series was asked for.
    fn taken(bodies: &[String], oldest_ms: i64) -> Vec<Option<Taken>> {
        let (mut lookup, mut names) = (Lookup::new(7, 1 << 20), Vec::new());
        let mut trail = Trail::default();
        let mut take_one = |body: &String| {
            let (lookup, names, body) = (&mut lookup, &mut names, body.as_bytes());
            let (mut known, mut rows) = (Seen { lookup, names, body, asked: 0 }, Vec::new());
            take(body, oldest_ms, &mut known, &mut trail, &mut rows)?;
            let shown =
                |(id, row): &(SeriesId, Row)| (*id, row.timestamp_ms(), row.value().as_f64());
            Some((rows.iter().map(shown).collect(), known.asked))
        };
        bodies.iter().map(&mut take_one).collect()
    }

    #[test]
    fn what_came_once_is_compared_and_not_split_the_second_time() {
        for order in 0..24 {
            let shape = |at: u32| {
                let tags = vec![("host".to_owned(), format!("web{}", at / 3))];
                (format!("cpu.{}", at % 3), tags, order, if order % 2 == 0 { "" } else { " " }, "")
            };
            let body = |time: u32| {
                let one = |at| element(&shape(at), &time.to_string(), &format!("-{at}.5"));
                format!("[{}]", (0..30).map(one).collect::<Vec<_>>().join(","))
            };
            let found = taken(&[body(1_400_000_000), body(1_400_000_015)], 0);
            let rows =
                |s: i64| (0..30).map(move |at| (at, 1_400_000_000_000 + s, -f64::from(at) - 0.5));
            assert_eq!(found[0], Some((rows(0).collect(), 30)), "{order}");
            // The first tells how they are written; the last may be too near to the end.
            let again = found[1].as_ref().expect("taken");
            assert_eq!(again.0, rows(15_000).collect::<Vec<_>>(), "{order}");
            assert!(again.1 <= 2, "{order}: {}", again.1);
        }
    }

    #[test]
    fn what_is_too_old_is_not_guessed() {
        let shape = ("m".to_owned(), vec![("h".to_owned(), "a".to_owned())], 0, "", "");
        let body = |times: [&str; 3]| {
            let elements: Vec<_> = times.iter().map(|time| element(&shape, time, "1")).collect();
            format!("[{}]", elements.join(","))
        };
        let bodies = ["1400000000", "1400000001", "1300000000"].map(|time| body([time; 3]));
        let asked = |found: &Option<Taken>| found.as_ref().map(|found| found.1);
        let found = taken(&bodies, 1_400_000_000_000);
        // Those that are older are left to whoever knows the series.
        assert!(asked(&found[1]) < Some(3) && asked(&found[2]) == Some(3), "{found:?}");
    }

    #[test]
    fn what_is_no_ordinary_body_is_left_alone() {
        let good = r#"[{"metric":"m","timestamp":1400000000,"value":1.50,"tags":{"h":"a"}},
            { "tags": {"h":"b"}, "value": -7, "metric": "n", "timestamp": 1400000000123 }]"#;
        let found = taken(&[good.to_owned()], 0).remove(0).expect("ordinary");
        assert_eq!(found.0, [(0, 1_400_000_000_000, 1.5), (1, 1_400_000_000_123, -7.0)]);
        for body in [
            "[]",
            r#"{"metric":"m","value":1,"tags":{"h":"a"}}"#,
            r#"{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}} x"#,
            r#"{"metric":"m","timestamp":1,"timestamp":1,"value":1,"tags":{"h":"a"}}"#,
            r#"[{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}},]"#,
            r#"[{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}}"#,
        ] {
            assert_eq!(taken(&[body.to_owned()], 0), [None], "{body}");
        }
    }
}
