//! What was sent or came back, series by series: which of them differ, and by how many samples.
//!
//! Sixteen bytes a series for loads that send each sample once; where samples are written again, the
//! last one counts, and for that every sample is kept until the end.

use std::collections::HashMap;
use std::io::{self, Read};

use super::digest::{Digest, DigestError, SeriesHash, Tally, ValueHash};
use super::exported::tally_export;
use super::sent::tally_into;

/// Samples by series.
#[derive(Debug, Default)]
pub struct Account {
    series: HashMap<u64, Digest>,
    /// Series, time, order and value of samples of which the last one counts.
    kept: Option<Vec<(u64, i64, usize, u64)>>,
    times_ms: Option<(i64, i64)>,
}

/// How what came back differs from what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Samples that should be there.
    pub sent: u64,
    /// Samples that are there.
    pub found: u64,
    /// Hashes of the series that differ.
    pub series: Vec<u64>,
}

impl Account {
    /// For loads in which a later sample replaces an earlier one of its series and time.
    pub fn of_last_writes() -> Self {
        Account { kept: Some(Vec::new()), ..Account::default() }
    }

    /// Adds lines that were sent.
    pub fn add_lines(&mut self, lines: &[u8]) -> Result<(), DigestError> {
        tally_into(self, lines)
    }

    /// Reads an export to its end.
    pub fn of_export(body: impl Read) -> io::Result<Self> {
        tally_export(body)
    }

    /// Adds the samples of another account; no series may be in both.
    pub fn merge(&mut self, other: Account) {
        let other = other.settled();
        for (series, digest) in other.series {
            self.series.entry(series).or_default().merge(digest);
        }
        let ranges = [self.times_ms, other.times_ms].into_iter().flatten();
        self.times_ms = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }

    /// Without the samples that later ones replaced.
    pub fn settled(mut self) -> Self {
        let mut kept = self.kept.take().unwrap_or_default();
        kept.sort_unstable();
        for (at, sample) in kept.iter().enumerate() {
            let (series, time_ms, _, value) = *sample;
            let replaced =
                kept.get(at + 1).is_some_and(|next| (next.0, next.1) == (series, time_ms));
            if !replaced {
                let digest = self.series.entry(series).or_default();
                digest.add(SeriesHash(series), time_ms, ValueHash(value));
            }
        }
        self
    }

    /// First and last timestamp in milliseconds; `None` without samples.
    pub fn times_ms(&self) -> Option<(i64, i64)> {
        self.times_ms
    }

    /// Number of samples and series.
    pub fn counts(&self) -> (u64, u64) {
        (self.series.values().map(|digest| digest.count).sum(), self.series.len() as u64)
    }

    /// How `found` differs from what this account says was sent; `None` if it does not.
    pub fn difference(&self, found: &Account) -> Option<Difference> {
        let differs = |(series, digest): (&u64, &Digest)| {
            (found.series.get(series) != Some(digest)).then_some(*series)
        };
        let mut series: Vec<u64> = self.series.iter().filter_map(differs).collect();
        let known = |series: &&u64| !self.series.contains_key(series);
        series.extend(found.series.keys().filter(known));
        let difference = Difference { sent: self.counts().0, found: found.counts().0, series };
        (!difference.series.is_empty()).then_some(difference)
    }
}

impl Tally for Account {
    fn add(&mut self, series: SeriesHash, time_ms: i64, value: ValueHash) {
        let (first, last) = self.times_ms.unwrap_or((time_ms, time_ms));
        self.times_ms = Some((first.min(time_ms), last.max(time_ms)));
        match &mut self.kept {
            Some(kept) => kept.push((series.0, time_ms, kept.len(), value.0)),
            None => self.series.entry(series.0).or_default().add(series, time_ms, value),
        }
    }
}

/// The metric and tags of the first of these lines that belongs to one of the series.
pub(crate) fn name_of(lines: &[u8], series: &[u64]) -> Option<String> {
    lines.split(|byte| *byte == b'\n').find_map(|line| {
        let mut account = Account::default();
        account.add_lines(line).ok()?;
        account.series.keys().any(|own| series.contains(own)).then_some(())?;
        let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
        let names = [words.get(1..2)?, words.get(4..)?].concat().join(&b' ');
        Some(String::from_utf8_lossy(&names).trim_end().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &[u8] = b"put m 1 5 a=b\nput m 2 6 a=b\nput m 1 7 a=c\nput m 2 8 a=b\n";

    fn export(values: &str) -> Account {
        let body = format!(
            "{{\"metric\":{{\"__name__\":\"m\",\"a\":\"b\"}},\"values\":[{values}],\
             \"timestamps\":[1000,2000]}}\n\
             {{\"metric\":{{\"__name__\":\"m\",\"a\":\"c\"}},\"values\":[7],\"timestamps\":[1000]}}"
        );
        Account::of_export(body.as_bytes()).expect("an export")
    }

    fn sent(mut account: Account) -> Account {
        account.add_lines(SENT).expect("lines");
        account.settled()
    }

    #[test]
    fn the_last_write_counts_where_that_is_asked_for() {
        let last = sent(Account::of_last_writes());
        assert_eq!((last.counts(), last.times_ms()), ((3, 2), Some((1000, 2000))));
        assert_eq!(last.difference(&export("5,8")), None);
        assert_eq!(last.difference(&export("5,6")).map(|found| found.series.len()), Some(1));
        let all = sent(Account::default());
        assert_eq!(all.counts(), (4, 2));
        let difference = all.difference(&export("5,8")).expect("a difference");
        assert_eq!((difference.sent, difference.found, difference.series.len()), (4, 3, 1));
        assert_eq!(name_of(SENT, &difference.series).as_deref(), Some("m a=b"));
    }

    #[test]
    fn accounts_of_connections_add_up() {
        let (one, two) = SENT.split_at(28);
        let mut whole = Account::default();
        for part in [one, two] {
            let mut account = Account::of_last_writes();
            account.add_lines(part).expect("lines");
            whole.merge(account);
        }
        assert_eq!(whole.counts(), (4, 2));
        assert_eq!(whole.times_ms(), Some((1000, 2000)));
    }

    #[test]
    fn series_that_nobody_sent_are_a_difference() {
        let difference = Account::default().difference(&export("5,8")).expect("a difference");
        assert_eq!((difference.sent, difference.found, difference.series.len()), (0, 3, 2));
    }
}
