//! Histograms as numbers: cumulative `_bucket` series with a label `le`, and `_count`, as every
//! Prometheus-like store keeps them. Pure.
//!
//! The underflow is in the first bucket, `le="+Inf"` and `_count` are the total. Histograms with a
//! codec that is not ours have no buckets to show and are left out.

use super::number_text::push_value;
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::name;
use irontsd_engine::types::{Samples, Value};

/// The label of a bucket's upper bound.
const LE: &[u8] = b"le";

/// Whether a series of histograms has a label that its buckets need for themselves.
pub fn is_impossible(name: &[u8]) -> bool {
    name::is_histogram(name) && name::tags(name).any(|(key, _)| *key == *LE)
}

/// What a piece of a series of histograms becomes, handed out one series after the other: names and
/// bounds can be long and many, so all series together are never held.
#[derive(Debug, Default)]
pub struct Counts {
    /// Bound, timestamp, cumulative count; ascending by bound, then in time.
    entries: Vec<(f64, i64, Value)>,
    at: usize,
    /// The last bucket was handed out, and the count is next, which says the same.
    total_shown: bool,
}

impl Counts {
    /// The counts of these histograms.
    pub fn new(histograms: &Samples) -> Counts {
        let mut entries = Vec::new();
        for at in 0..histograms.len() {
            let bytes = histograms.histogram(at).map(Histogram::decode);
            let Some(Ok(Histogram::Buckets(buckets))) = bytes else { continue };
            let timestamp = histograms.timestamps[at];
            let counts = cumulative(&buckets);
            entries.extend(counts.map(|(bound, count)| (bound, timestamp, value(count))));
        }
        entries.sort_by(|a, b| a.0.total_cmp(&b.0));
        Counts { entries, at: 0, total_shown: false }
    }

    /// The next series, of histograms with this canonical name: its own name and its samples.
    /// Buckets ascend, then comes the count.
    pub fn next(&mut self, name: &[u8]) -> Option<(Vec<u8>, Samples)> {
        let rest = &self.entries[self.at..];
        let bound = rest.first()?.0;
        let rows = rest.partition_point(|(other, ..)| *other <= bound);
        let mut samples = Samples::default();
        rest[..rows].iter().for_each(|&(_, timestamp, value)| samples.push(timestamp, value));
        if bound == f64::INFINITY && self.total_shown {
            self.at += rows;
            return Some((series(name, b"_count", None), samples));
        }
        self.total_shown = bound == f64::INFINITY;
        self.at += if self.total_shown { 0 } else { rows };
        Some((series(name, b"_bucket", Some(bound)), samples))
    }
}

/// Upper bounds, each with the count of everything below it.
fn cumulative(buckets: &Buckets) -> impl Iterator<Item = (f64, i128)> + '_ {
    let mut sum = i128::from(buckets.underflow);
    let end = (0.0, f64::INFINITY, buckets.overflow);
    buckets.iter().chain([end]).map(move |(_, high, count)| {
        sum += i128::from(count);
        (high, sum)
    })
}

/// A sum beyond 64 bits is the nearest double.
fn value(count: i128) -> Value {
    i64::try_from(count).map_or(Value::float(count as f64), Value::integer)
}

fn series(name: &[u8], suffix: &[u8], bound: Option<f64>) -> Vec<u8> {
    let metric = [&name::metric(name)[..], suffix].concat();
    let mut le = Vec::new();
    match bound {
        Some(f64::INFINITY) => le.extend_from_slice(b"+Inf"),
        Some(bound) => push_value(&mut le, Value::float(bound)),
        None => {}
    }
    let tags: Vec<_> = name::tags(name).collect();
    let mut pairs: Vec<(&[u8], &[u8])> = tags.iter().map(|(k, v)| (&**k, &**v)).collect();
    if bound.is_some() {
        let place = pairs.partition_point(|(key, _)| *key < LE);
        pairs.insert(place, (LE, &le));
    }
    let mut out = Vec::new();
    name::encode(&mut out, &metric, pairs);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(samples: &mut Samples, timestamp: i64, underflow: i64, list: Vec<(f64, f64, i64)>) {
        let buckets = Buckets::new(underflow, 1, list).expect("they touch");
        let histogram = Histogram::Buckets(buckets);
        samples.push_histogram(timestamp, |out| histogram.encode(out).expect("short"));
    }

    #[test]
    fn buckets_are_cumulative_and_each_bound_is_a_series() {
        let mut samples = Samples::default();
        push(&mut samples, 1, 2, vec![(0.0, 1.5, 42), (1.5, 5.75, 24)]);
        push(&mut samples, 2, 0, vec![(0.0, 1.5, 1)]);
        push(&mut samples, 3, i64::MAX, vec![]);
        let mut counts = Counts::new(&samples);
        let shown: Vec<_> = std::iter::from_fn(|| counts.next(b"m a=b z=\xff\x03"))
            .map(|(name, samples)| {
                let values = (0..samples.len()).map(|at| samples.value(at).as_f64());
                let pairs: Vec<_> = samples.timestamps.iter().copied().zip(values).collect();
                (String::from_utf8(name).expect("utf-8"), pairs)
            })
            .collect();
        let all = vec![(1, 69.0), (2, 2.0), (3, 9223372036854775808.0)];
        let expected = [
            ("m_bucket a=b le=1.5 z=", vec![(1, 44.0), (2, 1.0)]),
            ("m_bucket a=b le=5.75 z=", vec![(1, 68.0)]),
            ("m_bucket a=b le=+Inf z=", all.clone()),
            ("m_count a=b z=", all),
        ];
        assert_eq!(shown, expected.map(|(name, pairs)| (name.to_owned(), pairs)));
    }

    #[test]
    fn a_label_le_is_in_the_way() {
        assert!(is_impossible(b"m le=1\xff\x03"));
        assert!(!is_impossible(b"m le=1"));
        assert!(!is_impossible(b"m len=1\xff\x03"));
    }
}
