//! The rules for one point of a body, for both readers: OpenTSDB's checks in its order, with the
//! default mode's relaxations. Pure.

use super::Batch;
use super::plain::fields::{Fields, Sent, Tag};
use super::plain::histogram_fields::HistogramFields;
use crate::histogram::{refuse, text};
use crate::number::{self, BadNumber, Timestamp};
use crate::point::{self, Carrier, Tags};
use crate::policy::Policy;
use crate::reject::{Reason, Reject};
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::name;
use irontsd_engine::types::{Kind, TIMESTAMP_MS_MAX, Value};
use std::borrow::Cow;

/// OpenTSDB's message for a body, or a point of it, that is not the JSON it should be.
pub const BAD_JSON: &str = "Unable to parse the given JSON";

/// Most tags looked at when there are too many.
const TAGS_SHOWN_MAX: usize = 1024;

/// What every point of a body is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// Limits.
    pub policy: &'a Policy,
    /// The time of a point without one, in milliseconds.
    pub now_ms: i64,
    /// Tags set on every point, over its own.
    pub extra: &'a [(String, String)],
}

/// A refusal for a missing, empty or ill-suited field.
pub fn illegal(message: impl Into<String>) -> Reject {
    Reject::new(Reason::IllegalArgument, message)
}

/// As Java trims: everything up to the space.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| **byte <= b' ';
    let start = text.iter().take_while(blank).count();
    let end = text[start..].iter().rev().take_while(blank).count();
    &text[start..text.len() - end]
}

/// What a null timestamp counts as.
pub const NO_TIMESTAMP: Timestamp = Timestamp { number: 0, ms: None };

/// A timestamp sent as a string; `None` if it is none at all.
pub fn timestamp_text(text: &[u8], strict: bool) -> Option<Timestamp> {
    match trimmed(text) {
        [] => Some(NO_TIMESTAMP),
        text if strict => number::integer(text).ok().map(number::timestamp_of),
        text => number::timestamp(text).ok(),
    }
}

/// A timestamp sent as a number; `None` if it is beyond 64 bits or a word. Strictly, a fraction is
/// cut off.
pub fn timestamp_number(text: &[u8], strict: bool) -> Option<Timestamp> {
    if strict && text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        let float: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        let fits = float.abs() < 9.2e18;
        return fits.then_some(number::timestamp_of(float as i64));
    }
    if text.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        let float: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        return timestamp_decimal(float.to_string().as_bytes());
    }
    timestamp_decimal(text)
}

fn timestamp_decimal(text: &[u8]) -> Option<Timestamp> {
    let read = number::timestamp(text).ok()?;
    let whole = text.split(|&byte| byte == b'.').next().unwrap_or_default();
    if read.ms.is_some() || read.number <= 0 || whole.len() == text.len() {
        return Some(read);
    }
    // Too large for seconds with a fraction: milliseconds with one, which OpenTSDB cuts off.
    number::integer(whole).ok().map(number::timestamp_of)
}

/// A value sent as a string or number. Java's parser of doubles trims, that of integers does not.
pub fn value(text: &[u8]) -> Result<Value, BadNumber> {
    let decimal = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    number::value(if decimal { trimmed(text) } else { text })
}

impl<'a> Judge<'a> {
    /// The time of a point: its own, or now if it has none. `None` if it is before 1970.
    pub fn time(&self, sent: Option<Timestamp>) -> Option<Timestamp> {
        let now = self.now_ms;
        let ms = (1..=TIMESTAMP_MS_MAX).contains(&now).then_some(now);
        let none = if self.policy.strict { NO_TIMESTAMP } else { Timestamp { number: now, ms } };
        let time = sent.unwrap_or(none);
        (time.number > 0).then_some(time)
    }

    /// Judges a point of the plain reader; a good one goes into the batch.
    pub fn fields(
        &self,
        index: usize,
        fields: &mut Fields<'a>,
        tags: &mut Tags<'a>,
        batch: &mut Batch,
    ) -> Result<(), Reject> {
        let metric = fields.metric.take().filter(|metric| !metric.is_empty());
        let metric = metric.ok_or_else(|| illegal("Metric name was empty"))?;
        let time = self.time(fields.timestamp).ok_or_else(|| illegal("Invalid timestamp"))?;
        let text = fields.value.take().filter(|value| !value.is_empty());
        if text.is_none() && fields.histogram.is_none() {
            return Err(illegal("Empty value"));
        }
        let untagged = self.policy.strict && fields.tags.is_empty();
        if fields.tags_sent == Sent::Null || untagged {
            return Err(illegal("Missing tags"));
        }
        let value = match &fields.histogram {
            Some(histogram) => batch.histogram(&self.histogram(histogram, text.as_deref())?)?,
            None => {
                value(&text.unwrap_or_default()).map_err(|bad| not_a_value(&bad, &metric, time))?
            }
        };
        self.set_extra(fields);
        if fields.tags.len() > self.policy.tags_max.max(TAGS_SHOWN_MAX) {
            return Err(self.far_too_many(&metric, time, value, fields));
        }
        if let Some(null) = fields.tags.iter().position(|(_, value)| value.is_none()) {
            return Err(self.null_tag(&metric, time, value, fields, null));
        }
        tags.clear();
        for (key, value) in fields.tags.drain(..) {
            tags.set(key, value.unwrap_or_default());
        }
        self.point(index, &metric, time, value, tags, batch)
    }

    /// The last checks of a point, for both readers; a good one goes into the batch.
    pub fn point(
        &self,
        index: usize,
        metric: &[u8],
        time: Timestamp,
        value: Value,
        tags: &mut Tags<'_>,
        batch: &mut Batch,
    ) -> Result<(), Reject> {
        let ms = point::check_range(time, value, metric, tags)?;
        point::check_names(self.policy, metric, tags, Carrier::Json)?;
        batch.add(index, ms, value, |names| {
            tags.encode_name(metric, names);
            if value.kind == Kind::HISTOGRAM {
                names.extend_from_slice(&name::HISTOGRAM_MARK);
            }
        });
        Ok(())
    }

    /// The histogram of a point: its value in base64, or else its buckets.
    fn histogram(
        &self,
        fields: &HistogramFields<'_>,
        base64: Option<&[u8]>,
    ) -> Result<Histogram, Reject> {
        if let Some(base64) = base64 {
            if !(0..=255).contains(&fields.id) {
                return Err(refuse("Invalid type. Must be from 0 to 255."));
            }
            return self.policy.histogram_codecs.decode(fields.id, base64);
        }
        if fields.buckets.is_empty() {
            return Err(refuse("Histogram buckets cannot be null or empty if 'value' is empty."));
        }
        let mut buckets = Vec::new();
        for (key, count) in &fields.buckets {
            let shown = || String::from_utf8_lossy(key);
            if key.iter().filter(|&&byte| byte == b',').count() != 1 {
                return Err(refuse(format!("Unable to parse bucket bounds: {}", shown())));
            }
            let bounds = text::bounds(key);
            let (low, high) = bounds.ok_or_else(|| refuse("Unable to parse value to a number"))?;
            buckets.push((low, high, *count));
        }
        let buckets = Buckets::new(fields.underflow, fields.overflow, text::last_of_each(buckets));
        Ok(Histogram::Buckets(buckets.map_err(|bad| refuse(format!("histogram: {bad}")))?))
    }

    fn set_extra(&self, fields: &mut Fields<'a>) {
        for (key, value) in self.extra {
            let (key, value) = (key.as_bytes(), Some(Cow::Borrowed(value.as_bytes())));
            match fields.tags.iter_mut().find(|(other, _)| **other == *key) {
                Some((_, other)) => *other = value,
                None => fields.tags.push((Cow::Borrowed(key), value)),
            }
        }
    }

    /// Why a point with a null as value of a tag is refused: what comes before that tag counts.
    fn null_tag(
        &self,
        metric: &[u8],
        time: Timestamp,
        value: Value,
        fields: &Fields<'_>,
        null: usize,
    ) -> Reject {
        let all = shown_tags(&fields.tags);
        let before = shown_tags(&fields.tags[..=null]);
        let names = if all.len() > self.policy.tags_max { &all } else { &before };
        let key = String::from_utf8_lossy(&fields.tags[null].0);
        point::check_range(time, value, metric, &all)
            .and_then(|_| point::check_names(self.policy, metric, names, Carrier::Json))
            .err()
            .unwrap_or_else(|| illegal(format!("Invalid tag value with key [{key}]: null")))
    }

    /// Why a point with too many tags to look at each is refused.
    fn far_too_many(
        &self,
        metric: &[u8],
        time: Timestamp,
        value: Value,
        fields: &Fields<'_>,
    ) -> Reject {
        let some = shown_tags(&fields.tags[..TAGS_SHOWN_MAX]);
        let (found, allowed) = (fields.tags.len(), self.policy.tags_max);
        point::check_range(time, value, metric, &some).err().unwrap_or_else(|| {
            let shown = some.shown();
            let message =
                format!("Too many tags: {found} maximum allowed: {allowed}, tags: {shown}");
            Reject::new(Reason::TooManyTags, message)
        })
    }
}

/// Tags for a message, in which a null is written so.
fn shown_tags<'t>(pairs: &'t [Tag<'_>]) -> Tags<'t> {
    let mut tags = Tags::default();
    for (key, value) in pairs {
        tags.set(&**key, value.as_deref().unwrap_or(b"null"));
    }
    tags
}

fn not_a_value(bad: &BadNumber, metric: &[u8], time: Timestamp) -> Reject {
    match bad {
        BadNumber::Text(_) => {
            Reject::new(Reason::InvalidValue, "Unable to parse value to a number")
        }
        BadNumber::Infinite(_) => {
            let (metric, number) = (String::from_utf8_lossy(metric), time.number);
            illegal(format!(
                "value is NaN or Infinite: {bad} for metric={metric} timestamp={number}"
            ))
        }
    }
}
