//! One metric of a KairosDB body: its name and tags, and where its points stand. Pure.
//!
//! The fields come in any order, so an object is read twice: first where its fields stand, which
//! proves that it is JSON, then what they hold. What is wrong with name or tags concerns the whole
//! metric, anything else one point.

use super::errors::Errors;
use super::point::{Bad, array_point, point, shown, text};
use crate::point::{Carrier, Tags, check_names};
use crate::policy::Policy;
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::reject::{Reason, Reject};
use irontsd_engine::types::Value;
use std::borrow::Cow;

/// Points passed on at once.
const PIECE: usize = 8192;
/// How deep a metric's fields are in an array of metrics.
pub(super) const FIELD_DEPTH: usize = 3;

/// A field: its first token, and a reader that stands behind it.
type Field<'a> = Option<(Token<'a>, Reader<'a>)>;

/// Where the known fields of a metric stand; the last of a name counts.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    name: Field<'a>,
    time: Field<'a>,
    timestamp: Field<'a>,
    value: Field<'a>,
    kind: Field<'a>,
    tags: Field<'a>,
    datapoints: Field<'a>,
}

impl<'a> Fields<'a> {
    /// Reads over an object whose brace is read.
    pub fn read(reader: &mut Reader<'a>) -> Result<Fields<'a>, Fault> {
        let (mut fields, mut first) = (Fields::default(), true);
        while let Some(key) = reader.key(first)? {
            first = false;
            let token = reader.token()?;
            let inside = reader.clone();
            reader.skip(&token, FIELD_DEPTH)?;
            let field = match &*key {
                b"name" => &mut fields.name,
                b"time" => &mut fields.time,
                b"timestamp" => &mut fields.timestamp,
                b"value" => &mut fields.value,
                b"type" => &mut fields.kind,
                b"tags" => &mut fields.tags,
                b"datapoints" => &mut fields.datapoints,
                _ => continue,
            };
            *field = Some((token, inside));
        }
        Ok(fields)
    }
}

/// The judge of one metric.
pub struct Metric<'e> {
    /// How errors name it.
    place: String,
    policy: &'e Policy,
    errors: &'e mut Errors,
}

impl<'e> Metric<'e> {
    /// The judge of the metric with this index.
    pub fn new(index: usize, policy: &'e Policy, errors: &'e mut Errors) -> Metric<'e> {
        Metric { place: format!("metric[{index}]"), policy, errors }
    }

    /// Passes the good points on and notes what is wrong with the others.
    pub fn judge(
        mut self,
        fields: &Fields<'_>,
        out: &mut impl FnMut(&[u8], &[(i64, Value)]) -> Result<(), Reject>,
    ) {
        let Some(name) = self.name(fields) else { return };
        let mut samples: Vec<(i64, Value)> = Vec::new();
        match own_point(fields) {
            Some(Ok(sample)) => samples.push(sample),
            Some(Err(bad)) => self.refuse(&bad, String::new),
            None => {}
        }
        let passed = self.array(fields, &mut samples, &mut |samples| out(&name, samples));
        if let Err(reject) = passed {
            let place = &self.place;
            self.errors.add(reject.reason, || format!("{place}: {}", reject.message));
        }
    }

    fn says(&mut self, text: &str) {
        let place = &self.place;
        self.errors.add(Reason::IllegalArgument, || format!("{place}{text}"));
    }

    fn refuse(&mut self, bad: &Bad, point: impl FnOnce() -> String) {
        let place = &self.place;
        self.errors.add(bad.reason(), || bad.message(&format!("{place}{}", point())));
    }

    /// The canonical name, if metric and tags are sound.
    fn name(&mut self, fields: &Fields<'_>) -> Option<Vec<u8>> {
        let metric = match fields.name.as_ref().map(|(token, _)| token) {
            None | Some(Token::Null) => Err(".name may not be null."),
            Some(token) => match text(token) {
                None => Err(".name is not a text."),
                Some(b"") => Err(".name may not be empty."),
                Some(metric) => Ok(metric),
            },
        };
        let metric = metric.map_err(|says| self.says(says)).ok()?;
        self.place.push_str(&format!("(name={})", shown(metric)));
        let mut tags = self.tags(fields)?;
        if let Err(reject) = check_names(self.policy, metric, &tags, Carrier::Json) {
            let place = &self.place;
            self.errors.add(reject.reason, || format!("{place}: {}", reject.message));
            return None;
        }
        let mut name = Vec::new();
        tags.encode_name(metric, &mut name);
        Some(name)
    }

    fn tags<'a>(&mut self, fields: &Fields<'a>) -> Option<Tags<'a>> {
        let mut tags = Tags::default();
        let sound = match &fields.tags {
            Some((Token::Object, inside)) => self.read_tags(inside.clone(), &mut tags),
            None => true,
            Some((Token::Null, _)) => {
                self.says(".tags count must be greater than or equal to 1.");
                return None;
            }
            Some(_) => {
                self.says(".tags is not an object.");
                return None;
            }
        };
        if sound && tags.is_empty() && self.policy.strict {
            self.says(".tags count must be greater than or equal to 1.");
            return None;
        }
        sound.then_some(tags)
    }

    /// Reads the tags of an object; whether all are sound.
    fn read_tags<'a>(&mut self, mut reader: Reader<'a>, tags: &mut Tags<'a>) -> bool {
        let (mut index, mut sound) = (0, true);
        // The object was read over before: it has no fault.
        while let Ok(Some(key)) = reader.key(index == 0) {
            let Ok(token) = reader.token() else { break };
            if reader.skip(&token, FIELD_DEPTH + 1).is_err() {
                break;
            }
            if let Err(says) = add_tag(tags, key.clone(), token) {
                let name = if key.is_empty() { index.to_string() } else { shown(&key) };
                self.says(&format!(".tag[{name}]{says}"));
                sound = false;
            }
            if tags.len() > self.policy.tags_max {
                let max = self.policy.tags_max;
                let place = &self.place;
                let message = || format!("{place}.tags count must be less than or equal to {max}.");
                self.errors.add(Reason::TooManyTags, message);
                return false;
            }
            index += 1;
        }
        sound
    }

    /// Judges the array of points behind those in `samples`, and passes all on in pieces.
    fn array(
        &mut self,
        fields: &Fields<'_>,
        samples: &mut Vec<(i64, Value)>,
        out: &mut impl FnMut(&[(i64, Value)]) -> Result<(), Reject>,
    ) -> Result<(), Reject> {
        let mut reader = match &fields.datapoints {
            Some((Token::Array, inside)) => inside.clone(),
            None | Some((Token::Null, _)) => return pass(samples, out),
            Some(_) => {
                self.says(".datapoints is not an array.");
                return pass(samples, out);
            }
        };
        let mut index = 0;
        while let Ok(true) = reader.item(index == 0) {
            match array_point(&mut reader, fields.kind.as_ref()) {
                Ok(Ok(sample)) => samples.push(sample),
                Ok(Err(bad)) => self.refuse(&bad, || format!(".datapoints[{index}]")),
                Err(_) => break,
            }
            if samples.len() >= PIECE {
                pass(samples, out)?;
            }
            index += 1;
        }
        pass(samples, out)
    }
}

fn pass(
    samples: &mut Vec<(i64, Value)>,
    out: &mut impl FnMut(&[(i64, Value)]) -> Result<(), Reject>,
) -> Result<(), Reject> {
    let passed = if samples.is_empty() { Ok(()) } else { out(samples) };
    samples.clear();
    passed
}

fn add_tag<'a>(
    tags: &mut Tags<'a>,
    key: Cow<'a, [u8]>,
    token: Token<'a>,
) -> Result<(), &'static str> {
    let value = match token {
        Token::Text(text) => text,
        Token::Number(text) | Token::Bool(text) => Cow::Borrowed(text),
        Token::Null => return Err(".value may not be null."),
        Token::Object | Token::Array => return Err(".value is not a text."),
    };
    match (key.is_empty(), value.is_empty()) {
        (true, _) => Err(".name may not be empty."),
        (_, true) => Err(".value may not be empty."),
        _ => tags.add(key, value).map_err(|_| " has a second value."),
    }
}

/// The point that a metric holds itself, if any of its parts is there.
fn own_point(fields: &Fields<'_>) -> Option<Result<(i64, Value), Bad>> {
    let given = |field: &Field<'_>| field.as_ref().is_some_and(|(token, _)| *token != Token::Null);
    let time = if given(&fields.time) { &fields.time } else { &fields.timestamp };
    let (time, value) = match (time, &fields.value) {
        (Some((time, _)), Some((value, _))) if *time != Token::Null => (time, value),
        (time, None) if given(time) => return Some(Err(Bad::Says(".value may not be null."))),
        (_, value) if given(value) => {
            return Some(Err(Bad::Says(".timestamp may not be null.")));
        }
        _ => return None,
    };
    Some(point(time, value, fields.kind.as_ref().map(|(token, _)| token)))
}
