//! What `/api/v1/export` answers, as a sorted map.
//!
//! The parser insists on the documented line: no spaces, keys in order, as many timestamps as
//! values, timestamps rising within a series.

use std::collections::BTreeMap;

use super::Json;
use super::series::{same_number, series};

/// A timestamp in milliseconds and the text of its value.
pub type Sample = (i64, String);

/// Every exported sample by series, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    pub series: BTreeMap<String, Vec<Sample>>,
}

impl Export {
    /// Parses JSON lines.
    #[track_caller]
    pub fn parse(text: &str) -> Export {
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end: {text:.300}");
        let mut export = Export::default();
        text.lines().for_each(|line| export.add(line));
        export
    }

    /// The samples of one series; none if it is absent.
    pub fn samples(&self, metric: &str, tags: &[(&str, &str)]) -> &[Sample] {
        self.series.get(&series(metric, tags)).map_or(&[], Vec::as_slice)
    }

    /// The only sample there is.
    #[track_caller]
    pub fn only(&self) -> (&str, i64, &str) {
        assert_eq!(self.count(), 1, "{self:?}");
        let (series, samples) = self.series.first_key_value().expect("one series");
        (series, samples[0].0, &samples[0].1)
    }

    /// The number of samples.
    pub fn count(&self) -> usize {
        self.series.values().map(Vec::len).sum()
    }

    /// The value of a series at a time.
    pub fn value(&self, series: &str, stamp_ms: i64) -> Option<&str> {
        let samples = self.series.get(series)?;
        let place = samples.binary_search_by_key(&stamp_ms, |sample| sample.0).ok()?;
        Some(&samples[place].1)
    }

    /// Panics unless both hold the same series, times and numbers.
    #[track_caller]
    pub fn assert_same(&self, expected: &Export) {
        for (series, samples) in &expected.series {
            let found = self.series.get(series).unwrap_or_else(|| panic!("{series} is missing"));
            assert_same_samples(series, found, samples);
        }
        let extra = self.series.keys().find(|series| !expected.series.contains_key(*series));
        assert_eq!(extra, None, "a series nobody sent");
    }

    /// Adds a sample in any order; a later one replaces an earlier one of the same time.
    pub fn insert(&mut self, series: String, stamp_ms: i64, value: &str) {
        let samples = self.series.entry(series).or_default();
        match samples.binary_search_by_key(&stamp_ms, |sample| sample.0) {
            Ok(place) => samples[place].1 = value.to_owned(),
            Err(place) => samples.insert(place, (stamp_ms, value.to_owned())),
        }
    }

    #[track_caller]
    fn add(&mut self, line: &str) {
        let (metric, rest) = Json::prefix(after(line, "{\"metric\":"));
        let (values, rest) = list(after(rest, ",\"values\":["));
        let (stamps, rest) = list(after(rest, ",\"timestamps\":["));
        assert_eq!(rest, "}", "the end of a line");
        assert_eq!(values.len(), stamps.len(), "{line:.300}");
        let samples = self.series.entry(canonical(&metric)).or_default();
        for (value, stamp) in values.into_iter().zip(stamps) {
            let stamp = stamp.parse().expect("a timestamp");
            assert!(samples.last().is_none_or(|last| last.0 < stamp), "out of order: {line:.300}");
            samples.push((stamp, value.to_owned()));
        }
    }
}

#[track_caller]
fn assert_same_samples(series: &str, found: &[Sample], expected: &[Sample]) {
    for (found, expected) in found.iter().zip(expected) {
        let same = found.0 == expected.0 && same_number(&found.1, &expected.1);
        assert!(same, "{series}: found {found:?} where {expected:?} belongs");
    }
    assert_eq!(found.len(), expected.len(), "samples of {series}");
}

/// The canonical spelling of a `metric` object.
#[track_caller]
pub fn canonical(metric: &Json) -> String {
    let labels = metric.members().iter().map(|(name, value)| (name.as_str(), value.str()));
    let (names, tags): (Vec<_>, Vec<_>) = labels.partition(|(name, _)| *name == "__name__");
    series(names.first().map_or("", |(_, value)| value), &tags)
}

#[track_caller]
fn after<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or_else(|| panic!("{prefix:?} is missing at {text:.300}"))
}

/// The numbers up to the closing bracket, and what follows it.
#[track_caller]
fn list(text: &str) -> (Vec<&str>, &str) {
    let (items, rest) = text.split_once(']').expect("a closing bracket");
    (items.split(',').filter(|item| !item.is_empty()).collect(), rest)
}

#[test]
fn the_plain_parser_reads_export_lines() {
    let line =
        r#"{"metric":{"__name__":"m","b":"x\"","a":"y"},"values":[1,2.5],"timestamps":[3,4]}"#;
    let export = Export::parse(&format!("{line}\n"));
    let samples = export.samples("m", &[("a", "y"), ("b", "x\"")]);
    assert_eq!(samples, [(3, "1".to_owned()), (4, "2.5".to_owned())]);
}
