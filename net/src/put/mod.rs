//! Judges the body of OpenTSDB's `/api/put` and `/api/histogram`: its points one by one, in order, and the answer to
//! send. Pure.
//!
//! [`layout`] splits bodies of series that are known by their raw bytes; [`fast`] takes ordinary bodies of
//! good points, [`plain`] any other; where both can read a body,
//! they find the same points. Nothing is passed on before the whole body is known to be JSON.

pub mod echo;
pub mod fast;
pub mod layout;
pub mod plain;
pub mod reply;
pub mod rollup;
pub mod rules;
#[cfg(test)]
mod tests;

use crate::policy::Policy;
use crate::reject::{Reason, Reject};
use irontsd_engine::arena;
use irontsd_engine::histogram::Histogram;
use irontsd_engine::types::{Kind, Value};
use plain::reader::Fault;
use rules::{BAD_JSON, Judge};

/// OpenTSDB's answer to an empty array.
pub const NO_DATAPOINTS: &str = "No datapoints found in content";

/// What became of the points of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Points taken.
    pub success: u64,
    /// Points refused.
    pub failed: u64,
    /// Those of them that can be listed, in order: all, up to a hundred thousand.
    pub failures: Vec<Failure>,
}

/// A refused point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reject: Reject,
    /// The point as OpenTSDB repeats it, JSON.
    pub datapoint: String,
}

/// A body refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    /// For counting; with everything that is known.
    pub reject: Reject,
    /// OpenTSDB's message.
    pub message: String,
    /// What was found, and at which byte.
    pub details: Option<String>,
}

impl BodyError {
    fn bare(message: &str) -> BodyError {
        let reject = Reject::new(Reason::Json, message);
        BodyError { reject, message: message.to_owned(), details: None }
    }

    fn json(fault: Fault) -> BodyError {
        BodyError::at(Reason::Json, fault)
    }

    fn at(reason: Reason, fault: Fault) -> BodyError {
        let details = format!("{} at byte {}", fault.what, fault.at);
        let reject = Reject::new(reason, format!("{BAD_JSON}: {details}"));
        BodyError { reject, message: BAD_JSON.to_owned(), details: Some(details) }
    }
}

/// The good points of one body, not yet passed on.
#[derive(Debug, Default)]
pub struct Batch {
    names: Vec<u8>,
    points: Vec<Point>,
    /// The bytes of histograms, at the places their values say.
    histograms: Vec<u8>,
}

/// What the points of a body say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `/api/put`
    Numbers,
    /// `/api/histogram`
    Histograms,
    /// `/api/rollup`
    Rollups,
}

#[derive(Debug)]
struct Point {
    /// Which element of the body.
    index: usize,
    /// Where its name ends; it starts where the one before ends.
    name_end: usize,
    ms: i64,
    value: Value,
}

impl Batch {
    fn clear(&mut self) {
        self.names.clear();
        self.points.clear();
        self.histograms.clear();
    }

    /// Keeps a histogram's bytes; the value says where.
    fn histogram(&mut self, histogram: &Histogram) -> Result<Value, Reject> {
        let start = self.histograms.len();
        crate::histogram::encode(histogram, &mut self.histograms)?;
        let bits = arena::place(start, self.histograms.len() - start);
        Ok(Value { kind: Kind::HISTOGRAM, bits })
    }

    /// Adds a point, whose name `encode` appends.
    fn add(&mut self, index: usize, ms: i64, value: Value, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.names);
        self.points.push(Point { index, name_end: self.names.len(), ms, value });
    }

    /// Index, canonical name, milliseconds and value of each point.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8], i64, Value)> {
        let mut start = 0;
        self.points.iter().map(move |point| {
            let name = &self.names[start..point.name_end];
            start = point.name_end;
            (point.index, name, point.ms, point.value)
        })
    }
}

/// Most refused points of one body that are listed: their texts can be longer than the body.
const LISTED_MAX: usize = 100_000;

/// The refused points of one body, by element.
#[derive(Debug, Default)]
pub struct Refused {
    count: u64,
    list: Vec<(usize, Reject)>,
}

impl Refused {
    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn add(&mut self, index: usize, reject: Reject) {
        self.count += 1;
        if self.list.len() < LISTED_MAX {
            self.list.push((index, reject));
        }
    }
}

/// Memory used again from body to body.
#[derive(Debug, Default)]
pub struct Scratch {
    fast: fast::Parser,
    batch: Batch,
}

/// Bodies up to this size keep their memory for the next one.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Judges a body and passes its good points to `out`, in order, as canonical name, milliseconds
/// and value. Points without a time get `now_ms`; `extra` tags are set over those of each point.
/// What `out` refuses is a failure like the others.
pub fn judge(
    body: &[u8],
    now_ms: i64,
    policy: &Policy,
    extra: &[(String, String)],
    scratch: &mut Scratch,
    out: &mut impl FnMut(&[u8], i64, Value) -> Result<(), Reject>,
) -> Result<Outcome, BodyError> {
    check_start(body)?;
    let judge = Judge { policy, now_ms, extra };
    let Scratch { fast, batch } = scratch;
    let mut refused = Refused::default();
    // The fast reader knows the relaxed rules only.
    if policy.strict || fast.collect(body, &judge, batch).is_none() {
        refused = plain::collect(body, &judge, What::Numbers, batch)?;
    }
    Ok(pass_on(body, scratch, refused, |name, ms, value, _| out(name, ms, value)))
}

/// Judges a body of `/api/histogram` like [`judge`]; the good points come as canonical name,
/// milliseconds and the histogram's bytes.
pub fn judge_histograms(
    body: &[u8],
    now_ms: i64,
    policy: &Policy,
    extra: &[(String, String)],
    scratch: &mut Scratch,
    out: &mut impl FnMut(&[u8], i64, &[u8]) -> Result<(), Reject>,
) -> Result<Outcome, BodyError> {
    check_start(body)?;
    let judge = Judge { policy, now_ms, extra };
    let refused = plain::collect(body, &judge, What::Histograms, &mut scratch.batch)?;
    Ok(pass_on(body, scratch, refused, |name, ms, value, histograms| {
        let (offset, bytes) = arena::offset_and_bytes(value.bits);
        out(name, ms, &histograms[offset..offset + bytes])
    }))
}

fn pass_on(
    body: &[u8],
    scratch: &mut Scratch,
    mut refused: Refused,
    mut out: impl FnMut(&[u8], i64, Value, &[u8]) -> Result<(), Reject>,
) -> Outcome {
    let mut success = 0;
    for (index, name, ms, value) in scratch.batch.iter() {
        match out(name, ms, value, &scratch.batch.histograms) {
            Ok(()) => success += 1,
            Err(reject) => refused.add(index, reject),
        }
    }
    if body.len() > KEPT_BYTES_MAX {
        *scratch = Scratch::default();
    }
    let failed = refused.count;
    Outcome { success, failed, failures: echo::failures(body, refused.list) }
}

/// Refuses what OpenTSDB does not even try to parse. Only white space counts as nothing.
fn check_start(body: &[u8]) -> Result<(), BodyError> {
    match rules::trimmed(body).first() {
        None => Err(BodyError::bare("Missing request content")),
        Some(b'{' | b'[') => Ok(()),
        Some(_) => Err(BodyError::bare("The JSON must start as an object or an array")),
    }
}
