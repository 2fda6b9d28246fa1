//! What a wire case must leave behind, as `/api/v1/export` tells it.

use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::export::canonical;
use crate::common::http::encode;
use crate::common::node::EVERYTHING;
use crate::common::series::series;
use crate::common::{Json, Node};

use super::case::ensure;
use super::compare::{is_same_number, spelled};
use super::run::Verdict;

/// The one sentence that stands for a list of samples.
const ONE_TAGLESS_HISTOGRAM: &str = "one histogram without tags";

/// An exported sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    series: String,
    stamp_ms: i64,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    /// A number as it was spelled.
    Number(String),
    Histogram(Json),
}

/// The clock in milliseconds.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(now.as_millis()).expect("this age")
}

/// Every sample the node holds.
pub fn exported(node: &Node) -> Result<Vec<Sample>, String> {
    let answer = node.get(&format!("/api/v1/export?match[]={}", encode(EVERYTHING)));
    ensure(answer.status == 200, || format!("the export answers {}", answer.status))?;
    Ok(answer.text().lines().flat_map(|line| samples(&Json::parse(line))).collect())
}

/// The node must hold the samples of `expected` beyond those of `before`, and no others.
pub fn check(node: &Node, expected: &Json, before: &[Sample], started_ms: i64) -> Verdict {
    let mut found = exported(node)?;
    let now = started_ms..=now_ms();
    found.retain(|sample| !before.contains(sample));
    if let Json::Text(sentence) = expected {
        assert_eq!(sentence, ONE_TAGLESS_HISTOGRAM);
        return ensure(is_one_tagless_histogram(&found), || format!("stored {found:?}"));
    }
    for expected in expected.items() {
        let place = found.iter().position(|sample| sample.is(expected, &now));
        let missing = || format!("not stored: {}; left: {found:?}", spelled(expected));
        found.swap_remove(place.ok_or_else(missing)?);
    }
    ensure(found.is_empty(), || format!("stored beyond what was expected: {found:?}"))
}

/// The samples of an exported line.
fn samples(line: &Json) -> Vec<Sample> {
    let items = |name: &str| line.find(name).map(Json::items).unwrap_or_default().iter();
    let numbers = items("values").map(|value| What::Number(spelled(value)));
    let histograms = items("histograms").map(|value| What::Histogram(value.clone()));
    let whats: Vec<What> = numbers.chain(histograms).collect();
    let stamps = line.get("timestamps").items();
    assert_eq!(stamps.len(), whats.len(), "as many timestamps as values: {line:?}");
    let series = canonical(line.get("metric"));
    let sample = |(what, stamp): (What, &Json)| {
        let (series, stamp_ms) = (series.clone(), integer(stamp));
        Sample { series, stamp_ms, what }
    };
    whats.into_iter().zip(stamps).map(sample).collect()
}

impl Sample {
    fn is(&self, expected: &Json, now: &RangeInclusive<i64>) -> bool {
        let tags = expected.find("tags").map(Json::members).unwrap_or_default();
        let tags: Vec<_> = tags.iter().map(|(name, value)| (name.as_str(), value.str())).collect();
        let in_time = match expected.get("timestamp_ms") {
            Json::Text(word) if word == "now" => now.contains(&self.stamp_ms),
            stamp => self.stamp_ms == integer(stamp),
        };
        let in_series = self.series == series(expected.get("metric").str(), &tags);
        in_time && in_series && self.what.is(expected)
    }
}

impl What {
    fn is(&self, expected: &Json) -> bool {
        match self {
            What::Number(text) => {
                let wanted = expected.find("value").map(spelled);
                wanted.is_some_and(|wanted| is_same_number(&wanted, text))
            }
            What::Histogram(found) => {
                let wanted = expected.find("histogram");
                wanted.is_some_and(|wanted| is_same_histogram(wanted, found))
            }
        }
    }
}

fn is_one_tagless_histogram(found: &[Sample]) -> bool {
    let [Sample { series, what: What::Histogram(_), .. }] = found else { return false };
    series.ends_with("{}")
}

/// `{buckets, underflow, overflow}` of the cases and `{u, o, buckets}` of the export.
fn is_same_histogram(expected: &Json, found: &Json) -> bool {
    let pairs = [("buckets", "buckets"), ("underflow", "u"), ("overflow", "o")];
    let same = |(theirs, ours): (&str, &str)| {
        found.find(ours).is_some_and(|found| is_same_shape(expected.get(theirs), found))
    };
    pairs.into_iter().all(same)
}

/// Numbers, and arrays of them, by value.
fn is_same_shape(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => is_same_number(one, other),
        (Json::Array(one), Json::Array(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.into_iter().all(|(a, b)| is_same_shape(a, b))
        }
        _ => false,
    }
}

#[track_caller]
fn integer(json: &Json) -> i64 {
    json.str().parse().unwrap_or_else(|_| panic!("not an integer: {json:?}"))
}
