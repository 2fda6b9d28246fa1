//! A checksum of a heap of samples that does not depend on their order.
//!
//! Every sample becomes 64 bits of (metric, tags, timestamp, value) and the digest is their sum
//! and number. What was sent and what an export returns can so be compared at tens of millions
//! of samples without sorting or keeping them; a lost, doubled or changed sample shows.

use std::fmt;

use super::chance::scramble;
use super::decimal::canonical;

const METRIC_SEED: u64 = 0x243f_6a88_85a3_08d3;
const KEY_SEED: u64 = 0x1319_8a2e_0370_7344;
const VALUE_SEED: u64 = 0xa409_3822_299f_31d0;
const NUMBER_SEED: u64 = 0x082e_fa98_ec4e_6c89;
const TIME_SEED: u64 = 0x4528_21e6_38d0_1377;
const LIST_SEED: u64 = 0xbe54_66cf_34e9_0c6c;
const WORD_FACTOR: u64 = 0x9fb2_1c65_1e98_df25;

/// The sum and number of a heap of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many samples there are.
    pub count: u64,
    /// The wrapping sum of their hashes.
    pub sum: u64,
}

impl Digest {
    /// Adds the samples of another heap.
    pub fn merge(&mut self, other: Digest) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// Takes samples as they are read.
pub(super) trait Tally {
    /// Adds one sample.
    fn add(&mut self, series: SeriesHash, time_ms: i64, value: ValueHash);
}

impl Tally for Digest {
    #[inline]
    fn add(&mut self, series: SeriesHash, time_ms: i64, value: ValueHash) {
        let time = scramble(TIME_SEED ^ time_ms as u64);
        let sample = scramble(series.0 ^ scramble(time.wrapping_add(value.0)));
        self.count += 1;
        self.sum = self.sum.wrapping_add(sample);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} samples, checksum {:016x}", self.count, self.sum)
    }
}

/// The hash of a metric and its tags, added in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SeriesHash(pub(super) u64);

impl SeriesHash {
    /// The hash of the series and one of its timestamps.
    pub(super) fn at(self, time_ms: i64) -> u64 {
        scramble(self.0 ^ scramble(TIME_SEED ^ time_ms as u64))
    }

    /// The series with its metric.
    #[inline]
    pub(super) fn metric(self, name: &[u8]) -> Self {
        SeriesHash(self.0.wrapping_add(hash(METRIC_SEED, name)))
    }

    /// The series with one more tag.
    #[inline]
    pub(super) fn tag(self, key: &[u8], value: &[u8]) -> Self {
        let tag = hash(hash(KEY_SEED, key) ^ VALUE_SEED, value);
        SeriesHash(self.0.wrapping_add(tag))
    }
}

/// The hash of a number, however it was spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ValueHash(pub(super) u64);

impl ValueHash {
    /// Hashes a finite number; `None` for anything else.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        canonical(text).map(|spelling| ValueHash(hash(NUMBER_SEED, &spelling)))
    }
}

impl ValueHash {
    /// The hash of numbers in this order.
    pub(super) fn of_all<'a>(numbers: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut sum = ValueHash(LIST_SEED);
        for number in numbers {
            sum.0 = scramble(sum.0 ^ ValueHash::of(number)?.0).wrapping_add(1);
        }
        Some(sum)
    }
}

/// The hash of a word that stands for itself.
pub(super) fn word_hash(word: &[u8]) -> u64 {
    hash(METRIC_SEED, word)
}

/// A fixed hash: eight bytes a step, so that it is the same on every machine and quick.
#[inline]
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = seed ^ (bytes.len() as u64).wrapping_mul(WORD_FACTOR);
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word));
    }
    let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte));
    scramble(fold(state ^ tail))
}

#[inline]
fn fold(state: u64) -> u64 {
    let product = state.wrapping_mul(WORD_FACTOR);
    product ^ product.rotate_right(29)
}

/// Text that is neither a `put` line nor a line of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestError {
    reason: &'static str,
    line: String,
}

impl DigestError {
    /// Says why `line` was not understood, with its beginning.
    pub(super) fn new(reason: &'static str, line: &[u8]) -> Self {
        let start = &line[..line.len().min(200)];
        DigestError { reason, line: String::from_utf8_lossy(start).into_owned() }
    }
}

impl fmt::Display for DigestError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {:?}", self.reason, self.line)
    }
}

impl std::error::Error for DigestError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(samples: &[(&str, i64, &str)]) -> Digest {
        let mut digest = Digest::default();
        for (name, time_ms, value) in samples {
            let value = ValueHash::of(value.as_bytes()).expect("a number");
            digest.add(SeriesHash::default().metric(name.as_bytes()), *time_ms, value);
        }
        digest
    }

    #[test]
    fn order_does_not_matter_but_every_part_does() {
        let base = digest(&[("a", 1, "2"), ("b", 1, "3")]);
        assert_eq!(base, digest(&[("b", 1, "3"), ("a", 1, "2.0")]));
        let others = [
            digest(&[("a", 1, "3"), ("b", 1, "2")]),
            digest(&[("a", 2, "2"), ("b", 1, "3")]),
            digest(&[("c", 1, "2"), ("b", 1, "3")]),
            digest(&[("a", 1, "2")]),
            digest(&[("a", 1, "2"), ("a", 1, "2"), ("b", 1, "3")]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn tags_commute_but_keys_and_values_do_not() {
        let series = SeriesHash::default().metric(b"m");
        let base = series.tag(b"a", b"b").tag(b"c", b"d");
        assert_eq!(base, series.tag(b"c", b"d").tag(b"a", b"b"));
        assert_ne!(base, series.tag(b"a", b"d").tag(b"c", b"b"));
        assert_ne!(base, series.tag(b"b", b"a").tag(b"d", b"c"));
        assert_ne!(base, series.tag(b"a", b"b"));
    }

    #[test]
    fn the_hash_is_fixed() {
        assert_eq!(hash(1, b"sys.cpu.user"), 0x02c6_7e25_e6cd_ac1c);
        let texts = ["", "\0", "\0\0", "a", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaa\0", "baaaaaaaa"];
        let mut hashes: Vec<u64> = texts.iter().map(|text| hash(1, text.as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), texts.len());
    }
}
