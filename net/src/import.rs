//! `/api/v1/import`: takes back what `/api/v1/export` gives, line by line. Pure.
//!
//! A line is taken whole or not at all; a bad one is named and its neighbours are kept. Unlike in
//! `put`, infinities are taken, and integers beyond 64 bits are doubles, because that is what
//! exports hold. A `null` is no sample, nor is `"nan"`.

mod histogram;

use crate::intake::Content;
use crate::number::{self, BadNumber};
use crate::point::{Carrier, Tags, check_names};
use crate::policy::Policy;
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::reject::{Reason, Reject};
use irontsd_engine::name;
use irontsd_engine::types::{TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Errors listed in an answer at the most.
pub const ERRORS_SHOWN_MAX: usize = 100;

/// What became of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lines taken and refused.
    pub success: u64,
    /// See `success`.
    pub failed: u64,
    /// Line number, from 1, and why; the first hundred.
    pub errors: Vec<(u64, Reject)>,
    /// Those beyond, by reason.
    more: [u64; Reason::ALL.len()],
}

impl Outcome {
    /// Adds a refused line.
    fn refuse(&mut self, line: u64, reject: Reject) {
        self.failed += 1;
        if self.errors.len() < ERRORS_SHOWN_MAX {
            self.errors.push((line, reject));
        } else {
            self.more[reject.reason as usize] += 1;
        }
    }

    /// How many errors of each reason are not listed.
    pub fn more(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.iter().copied().zip(self.more).filter(|(_, count)| *count > 0)
    }
}

/// What a line says of one timestamp.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A number.
    Number(Value),
    /// The bytes of a histogram.
    Histogram(Vec<u8>),
}

impl Sample {
    /// What a point of it says.
    pub fn content(&self) -> Content<'_> {
        match self {
            Sample::Number(value) => Content::Number(*value),
            Sample::Histogram(bytes) => Content::Histogram(bytes),
        }
    }
}

/// One line's samples.
#[derive(Debug, Default)]
struct Line<'a> {
    labels: Option<Labels<'a>>,
    values: Option<Vec<Option<Sample>>>,
    histograms: Option<Vec<Option<Sample>>>,
    timestamps: Option<Vec<i64>>,
}

/// Judges a body and passes each good line's samples to `out` as canonical name and samples.
pub fn judge(
    body: &[u8],
    policy: &Policy,
    extra: &[(String, String)],
    mut out: impl FnMut(&[u8], &[(i64, Sample)]) -> Result<(), Reject>,
) -> Outcome {
    let mut outcome = Outcome::default();
    for (number, line) in (1..).zip(body.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let taken = read(line)
            .and_then(|line| check(line, policy, extra))
            .and_then(|(name, samples)| out(&name, &samples));
        match taken {
            Ok(()) => outcome.success += 1,
            Err(reject) => outcome.refuse(number, reject),
        }
    }
    outcome
}

fn json(fault: Fault) -> Reject {
    Reject::new(Reason::Json, format!("{} at byte {}", fault.what, fault.at))
}

fn read(line: &[u8]) -> Result<Line<'_>, Reject> {
    if let Err(error) = std::str::from_utf8(line) {
        let message = format!("invalid UTF-8 at byte {}", error.valid_up_to());
        return Err(Reject::new(Reason::InvalidUtf8, message));
    }
    let mut reader = Reader::new(line);
    let wrong = |reader: &mut Reader<'_>, what| Err(json(Fault { at: reader.offset(), what }));
    if reader.token().map_err(json)? != Token::Object {
        return wrong(&mut reader, "expected an object");
    }
    let mut found = Line::default();
    let mut first = true;
    while let Some(key) = reader.key(first).map_err(json)? {
        first = false;
        let at = reader.offset();
        match (&*key, reader.token().map_err(json)?) {
            (b"metric", Token::Object) => found.labels = Some(labels(&mut reader)?),
            (b"values", Token::Array) => found.values = Some(items(&mut reader, value)?),
            (b"histograms", Token::Array) => {
                found.histograms = Some(histogram::read(&mut reader)?);
            }
            (b"timestamps", Token::Array) => {
                found.timestamps = Some(items(&mut reader, timestamp)?);
            }
            (b"metric" | b"values" | b"histograms" | b"timestamps", _) => {
                return Err(json(Fault { at, what: "a field of the wrong type" }));
            }
            (_, other) => reader.skip(&other, 2).map_err(json)?,
        }
    }
    if reader.offset() < line.len() {
        return wrong(&mut reader, "text behind the object");
    }
    Ok(found)
}

/// Names and values as they stand in a line.
type Labels<'a> = Vec<(Cow<'a, [u8]>, Cow<'a, [u8]>)>;
/// A canonical name with its samples.
type Named = (Vec<u8>, Vec<(i64, Sample)>);

fn labels<'a>(reader: &mut Reader<'a>) -> Result<Labels<'a>, Reject> {
    let (mut labels, mut first) = (Vec::new(), true);
    while let Some(key) = reader.key(first).map_err(json)? {
        first = false;
        let at = reader.offset();
        match reader.token().map_err(json)? {
            Token::Text(value) => labels.push((key, value)),
            _ => return Err(json(Fault { at, what: "a label's value is not a string" })),
        }
    }
    Ok(labels)
}

fn items<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&Token<'a>) -> Result<T, Reject>,
) -> Result<Vec<T>, Reject> {
    let (mut items, mut first) = (Vec::new(), true);
    while reader.item(first).map_err(json)? {
        first = false;
        items.push(read(&reader.token().map_err(json)?)?);
    }
    Ok(items)
}

fn value(token: &Token<'_>) -> Result<Option<Sample>, Reject> {
    Ok(number(token)?.map(Sample::Number))
}

fn number(token: &Token<'_>) -> Result<Option<Value>, Reject> {
    let bad = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        Err(Reject::new(Reason::InvalidValue, format!("not a value: {text}")))
    };
    match token {
        Token::Null => Ok(None),
        Token::Number(text) => match number::value(text) {
            Ok(value) => Ok(Some(value)),
            Err(BadNumber::Infinite(_)) => bad(text),
            // Digits only, so beyond 64 bits; words are no numbers here.
            Err(BadNumber::Text(_)) => {
                let digits = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
                let double = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                match double.filter(|_| digits) {
                    Some(double) => Ok(Some(Value::from_f64(double))),
                    None => bad(text),
                }
            }
        },
        Token::Text(text) => match text.to_ascii_lowercase().as_slice() {
            b"infinity" | b"inf" | b"+inf" | b"+infinity" => Ok(Some(Value::float(f64::INFINITY))),
            // As `null`: nothing was measured.
            b"nan" => Ok(None),
            b"-infinity" | b"-inf" => Ok(Some(Value::float(f64::NEG_INFINITY))),
            _ => bad(text),
        },
        _ => bad(b"neither number nor null"),
    }
}

/// A value outside JSON, where the infinities are words too.
pub fn word(text: &[u8]) -> Result<Value, Reject> {
    let value = number(&Token::Number(text));
    let value = value.or_else(|reject| number(&Token::Text(text.into())).map_err(|_| reject));
    value?.ok_or_else(|| Reject::new(Reason::InvalidValue, "no value"))
}

fn timestamp(token: &Token<'_>) -> Result<i64, Reject> {
    let found = match token {
        Token::Number(text) => number::integer(text).ok(),
        _ => None,
    };
    in_range(found)
}

/// Milliseconds that can be stored; `None` if they were no number.
pub fn in_range(ms: Option<i64>) -> Result<i64, Reject> {
    match ms {
        Some(ms) if (TIMESTAMP_MS_MIN..=TIMESTAMP_MS_MAX).contains(&ms) => Ok(ms),
        Some(ms) => {
            Err(Reject::new(Reason::TimestampRange, format!("timestamp out of range: {ms}")))
        }
        None => Err(Reject::new(Reason::InvalidValue, "a timestamp is not a whole number")),
    }
}

fn check(line: Line<'_>, policy: &Policy, extra: &[(String, String)]) -> Result<Named, Reject> {
    let illegal = |message: String| Reject::new(Reason::IllegalArgument, message);
    let labels = line.labels.ok_or_else(|| illegal("no metric".into()))?;
    let (values, histograms) = match (line.values, line.histograms) {
        (Some(values), None) => (values, false),
        (None, Some(histograms)) => (histograms, true),
        (None, None) => return Err(illegal("neither values nor histograms".into())),
        (Some(_), Some(_)) => return Err(illegal("both values and histograms".into())),
    };
    let timestamps = line.timestamps.ok_or_else(|| illegal("no timestamps".into()))?;
    if values.len() != timestamps.len() {
        let (values, timestamps) = (values.len(), timestamps.len());
        return Err(illegal(format!("{values} values and {timestamps} timestamps")));
    }
    let name = series_name(policy, labels, extra, histograms)?;
    let samples = timestamps.into_iter().zip(values);
    Ok((name, samples.filter_map(|(ms, value)| value.map(|value| (ms, value))).collect()))
}

/// The canonical name of a series given by its labels, the metric being `__name__`.
pub fn series_name<'a>(
    policy: &Policy,
    labels: impl IntoIterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)>,
    extra: &'a [(String, String)],
    histograms: bool,
) -> Result<Vec<u8>, Reject> {
    let (mut metric, mut tags) = (Cow::Borrowed(&b""[..]), Tags::default());
    for (key, value) in labels {
        match &*key {
            b"__name__" => metric = value,
            // An empty label is the same as none.
            _ if value.is_empty() => {}
            _ => tags.set(key, value),
        }
    }
    for (key, value) in extra {
        tags.set(key.as_bytes(), value.as_bytes());
    }
    if metric.is_empty() && tags.is_empty() {
        return Err(Reject::new(Reason::IllegalArgument, "no label at all"));
    }
    // A series without a name is known by its labels alone.
    let shown = if metric.is_empty() { b"_" } else { &*metric };
    check_names(policy, shown, &tags, Carrier::Json)?;
    let mut name = Vec::new();
    tags.encode_name(&metric, &mut name);
    if histograms {
        name.extend_from_slice(&name::HISTOGRAM_MARK);
    }
    Ok(name)
}

/// The canonical name of labels as exports and lists of series show them.
pub fn labels_name(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut reader = Reader::new(text);
    let found = match reader.token().map_err(json) {
        Ok(Token::Object) => labels(&mut reader),
        Ok(_) => return Err("expected the labels of a series as an object".into()),
        Err(reject) => Err(reject),
    };
    let mut tags: BTreeMap<_, _> = found.map_err(|reject| reject.message)?.into_iter().collect();
    if reader.offset() < text.len() {
        return Err("text behind the object".into());
    }
    let metric = tags.remove(name::METRIC_LABEL).unwrap_or_default();
    let mut name = Vec::new();
    name::encode(&mut name, &metric, tags.iter().map(|(key, value)| (&**key, &**value)));
    Ok(name)
}

/// Status and body of the answer.
pub fn answer(outcome: &Outcome) -> (u16, Vec<u8>) {
    if outcome.failed == 0 {
        return (204, Vec::new());
    }
    let (success, failed) = (outcome.success, outcome.failed);
    let mut out = format!("{{\"success\":{success},\"failed\":{failed},\"errors\":[").into_bytes();
    for (at, (line, reject)) in outcome.errors.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        out.extend_from_slice(format!("{comma}{{\"line\":{line},\"error\":").as_bytes());
        crate::put::reply::push_json_string(&mut out, &reject.message);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    (400, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(body: &str) -> (Outcome, Vec<(String, usize)>) {
        let mut taken = Vec::new();
        let outcome = judge(body.as_bytes(), &Policy::default(), &[], |name, samples| {
            taken.push((String::from_utf8_lossy(name).into_owned(), samples.len()));
            Ok(())
        });
        (outcome, taken)
    }

    #[test]
    fn a_bad_line_loses_nothing_else() {
        let good = "{\"metric\":{\"__name__\":\"m\",\"k\":\"v\"},\"values\":[1,null,\"inf\",\"nan\"],\
                    \"timestamps\":[1,2,3,4]}";
        let body = format!("{good}\n{{bad\n\n{good}");
        let (outcome, taken) = import(&body);
        assert_eq!((outcome.success, outcome.failed), (2, 1));
        assert_eq!(outcome.errors[0].0, 2);
        assert_eq!(taken, [("m k=v".to_owned(), 2), ("m k=v".to_owned(), 2)]);
        let (status, text) = answer(&outcome);
        assert_eq!(status, 400);
        assert!(String::from_utf8_lossy(&text).contains("\"line\":2,\"error\":\"expected a key"));
    }

    #[test]
    fn lines_that_are_not_taken() {
        for line in [
            "{\"values\":[1],\"timestamps\":[1]}",
            "{\"metric\":{},\"values\":[1],\"timestamps\":[1]}",
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[1,2],\"timestamps\":[1]}",
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[\"1.5\"],\"timestamps\":[1]}",
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[1],\"timestamps\":[1.5]}",
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[1],\"timestamps\":[0]}",
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[1],\"timestamps\":[1]} x",
            "{\"metric\":{\"__name__\":\"m\"},\"values\":[NaN],\"timestamps\":[1]}",
        ] {
            assert_eq!(import(line).0.failed, 1, "{line}");
        }
    }
}
