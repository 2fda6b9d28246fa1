//! A list of samples by hash, for nodes that may give back another value than was sent.
//!
//! A [`super::Digest`] says whether a heap of samples is the same; this says how many values of it
//! differ. It keeps sixteen bytes of every sample, so it is for loads of some millions.

use std::io::{self, Read};

use super::digest::{DigestError, SeriesHash, Tally, ValueHash};
use super::exported::tally_export;
use super::sent::tally_lines;

/// Samples in the order in which they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleList {
    /// Hash of series and timestamp, and hash of the value.
    samples: Vec<(u64, u64)>,
}

impl Tally for SampleList {
    fn add(&mut self, series: SeriesHash, time_ms: i64, value: ValueHash) {
        self.samples.push((series.at(time_ms), value.0));
    }
}

impl SampleList {
    /// The samples of `put` lines; other lines are an error.
    pub fn of_lines(lines: &[u8]) -> Result<Self, DigestError> {
        tally_lines(lines)
    }

    /// The samples of an export, read to its end.
    pub fn of_export(body: impl Read) -> io::Result<Self> {
        tally_export(body)
    }

    /// Adds the samples of another list.
    pub fn extend(&mut self, other: SampleList) {
        self.samples.extend(other.samples);
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        self.samples.len() as u64
    }

    /// How many samples have another value in `other`; `None` unless both have the same timestamps
    /// of the same series.
    pub fn changed_in(mut self, mut other: SampleList) -> Option<u64> {
        self.samples.sort_unstable();
        other.samples.sort_unstable();
        let pairs = self.samples.iter().zip(&other.samples);
        let same_places = self.samples.len() == other.samples.len()
            && pairs.clone().all(|(own, other)| own.0 == other.0);
        same_places.then(|| pairs.filter(|(own, other)| own.1 != other.1).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "put m 1 0.1 a=b\nput m 2 5 a=b\nput m 2 7 a=c\n";

    fn changed(body: &str) -> Option<u64> {
        let sent = SampleList::of_lines(SENT.as_bytes()).expect("good lines");
        sent.changed_in(SampleList::of_export(body.as_bytes()).expect("a good export"))
    }

    #[test]
    fn changed_values_are_counted_and_lost_samples_told_apart() {
        let line = |tag: &str, values: &str, times: &str| {
            let metric = format!(r#"{{"__name__":"m","a":"{tag}"}}"#);
            format!("{{\"metric\":{metric},\"values\":[{values}],\"timestamps\":[{times}]}}\n")
        };
        let first = line("b", "0.10,5.0", "1000,2000");
        assert_eq!(changed(&(line("c", "7", "2000") + &first)), Some(0));
        assert_eq!(changed(&(line("c", "7.5", "2000") + &first)), Some(1));
        assert_eq!(changed(&first), None, "a sample is lost");
        assert_eq!(changed(&(line("c", "7", "3000") + &first)), None, "another timestamp");
        assert_eq!(changed(&(line("d", "7", "2000") + &first)), None, "another series");
    }
}
