//! Answers of lines: JSON lines of series, and text such as CSV.

use std::collections::BTreeMap;

use crate::common::Json;

use super::case::ensure;
use super::compare::{is_same_number, spelled};
use super::run::Verdict;

/// A line of an export, or several of one series joined.
#[derive(Clone, Debug)]
struct Line {
    metric: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

/// A timestamp, a value in JSON's spelling, and whether only this spelling will do.
#[derive(Clone, Debug)]
struct Sample {
    stamp_ms: i64,
    value: String,
    is_raw: bool,
}

/// `series`, with `raw_values`, `merge` and `ordered`.
pub fn check_series(body: &str, case: &Json) -> Verdict {
    check_end(body)?;
    let mut wanted: Vec<Line> = case.get("series").items().iter().map(Line::read).collect();
    let mut found: Vec<Line> = body.lines().map(|line| Line::read(&Json::parse(line))).collect();
    if case.find("merge").is_some() {
        (wanted, found) = (merged(wanted), merged(found));
    }
    wanted.iter_mut().chain(&mut found).try_for_each(Line::settle)?;
    if case.find("ordered") == Some(&Json::Bool(true)) {
        let same = wanted.len() == found.len() && wanted.iter().zip(&found).all(|(w, f)| w.is(f));
        return ensure(same, || format!("in another order: {}", all(&found)));
    }
    check_set(&wanted, found)
}

/// `lines` in any order behind `header_line`.
pub fn check_text(body: &str, case: &Json) -> Verdict {
    check_end(body)?;
    let mut rest = body;
    if let Some(header) = case.find("header_line").map(Json::str) {
        let behind = body.strip_prefix(header).and_then(|rest| rest.strip_prefix('\n'));
        rest = behind.ok_or_else(|| format!("header line {header:?} is missing in {body:?}"))?;
    }
    let lines = case.get("lines").items().iter();
    // A quoted cell may hold line feeds: both sides fall into the same pieces.
    let mut wanted: Vec<&str> = lines.flat_map(|line| line.str().split('\n')).collect();
    let mut found: Vec<&str> = rest.split_terminator('\n').collect();
    wanted.sort_unstable();
    found.sort_unstable();
    ensure(wanted == found, || format!("lines {found:?}, not {wanted:?}"))
}

fn check_end(body: &str) -> Verdict {
    let ends_well = body.is_empty() || body.ends_with('\n');
    ensure(ends_well, || format!("the last line has no end: {body:?}"))
}

fn check_set(wanted: &[Line], mut found: Vec<Line>) -> Verdict {
    for line in wanted {
        let place = found.iter().position(|other| line.is(other));
        let missing = || format!("missing {}; left: {}", line.short(), all(&found));
        found.swap_remove(place.ok_or_else(missing)?);
    }
    ensure(found.is_empty(), || format!("beyond what was expected: {}", all(&found)))
}

impl Line {
    #[track_caller]
    fn read(json: &Json) -> Line {
        let labels = json.get("metric").members().iter();
        let metric = labels.map(|(name, value)| (name.clone(), value.str().to_owned())).collect();
        let raw = json.find("raw_values").map(Json::items);
        let values: Vec<String> = match raw {
            Some(raw) => raw.iter().map(|text| text.str().to_owned()).collect(),
            None => json.get("values").items().iter().map(spelled).collect(),
        };
        let stamps = json.get("timestamps").items();
        assert_eq!(values.len(), stamps.len(), "as many timestamps as values: {json:?}");
        let sample = |(value, stamp): (String, &Json)| {
            let stamp_ms = stamp.str().parse().expect("a timestamp");
            Sample { stamp_ms, value, is_raw: raw.is_some() }
        };
        Line { metric, samples: values.into_iter().zip(stamps).map(sample).collect() }
    }

    /// Times must rise; samples of equal times may come in any order.
    fn settle(&mut self) -> Verdict {
        let rises = self.samples.is_sorted_by_key(|sample| sample.stamp_ms);
        ensure(rises, || format!("timestamps out of order: {}", self.short()))?;
        self.samples
            .sort_by(|one, other| (one.stamp_ms, &one.value).cmp(&(other.stamp_ms, &other.value)));
        Ok(())
    }

    /// Whether `found` is what this line expects.
    fn is(&self, found: &Line) -> bool {
        let same = |(one, other): (&Sample, &Sample)| one.is(other);
        self.metric == found.metric
            && self.samples.len() == found.samples.len()
            && self.samples.iter().zip(&found.samples).all(same)
    }

    fn short(&self) -> String {
        let sample = |sample: &Sample| format!("{} at {}", sample.value, sample.stamp_ms);
        let samples: Vec<String> = self.samples.iter().map(sample).collect();
        format!("{:?} {}", self.metric, samples.join(", "))
    }
}

impl Sample {
    fn is(&self, found: &Sample) -> bool {
        let same_text = self.value == found.value;
        let same = same_text || !self.is_raw && is_same_number(&self.value, &found.value);
        same && self.stamp_ms == found.stamp_ms
    }
}

/// Lines of equal metric joined and sorted by time.
fn merged(lines: Vec<Line>) -> Vec<Line> {
    let mut series: BTreeMap<BTreeMap<String, String>, Vec<Sample>> = BTreeMap::new();
    for line in lines {
        series.entry(line.metric).or_default().extend(line.samples);
    }
    let line = |(metric, mut samples): (_, Vec<Sample>)| {
        samples.sort_by_key(|sample| sample.stamp_ms);
        Line { metric, samples }
    };
    series.into_iter().map(line).collect()
}

fn all(lines: &[Line]) -> String {
    lines.iter().map(Line::short).collect::<Vec<_>>().join("; ")
}
