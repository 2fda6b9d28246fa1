//! One histogram: what it says, its bytes, and where those are cut so that layouts repeat. Pure.
//!
//! A histogram's bytes are a *layout* (which kind it is, and the bounds) and a *body* (the counts).
//! Senders keep their bounds, so logs and segments hold a layout once and bodies after it. Buckets
//! touch, so `n` of them have `n + 1` bounds. Layout: `FORMAT.md`, section "Histograms".

use crate::bytes::{Malformed, Reader, put_signed, put_varint};
use crate::limits::HISTOGRAM_BYTES_MAX;
use std::fmt;

const BUCKETS: u8 = 0;
const OPAQUE: u8 = 1;
/// Bytes of an opaque histogram's layout: what it is, and the codec's id.
const OPAQUE_LAYOUT_BYTES: usize = 2;

/// One histogram, exact.
#[derive(Clone, Debug, PartialEq)]
pub enum Histogram {
    /// OpenTSDB's simple histogram.
    Buckets(Buckets),
    /// Bytes of a codec that is not ours to read.
    Opaque {
        /// The codec's id.
        id: u8,
        /// What was sent.
        bytes: Vec<u8>,
    },
}

/// Counts between bounds; each from its lower bound, included, to its upper, excluded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// Below the first bound.
    pub underflow: i64,
    /// From the last bound on.
    pub overflow: i64,
    /// None at all, or one more than there are counts; finite and ascending, never a negative zero.
    pub bounds: Vec<f64>,
    /// One for each bucket.
    pub counts: Vec<i64>,
}

/// Why buckets are no histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BadBuckets {
    /// A bound is infinite or not a number.
    NotFinite(f64, f64),
    /// The lower bound is not below the upper.
    NotAscending(f64, f64),
    /// Two buckets are the same or share values.
    Overlap([f64; 4]),
    /// Between two buckets something is missing.
    Gap([f64; 4]),
    /// There are too many of them: their bytes.
    TooLong(usize),
}

impl fmt::Display for BadBuckets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadBuckets::NotFinite(low, high) => {
                write!(out, "the bounds of bucket {low},{high} are not finite")
            }
            BadBuckets::NotAscending(low, high) => {
                write!(out, "the lower bound of bucket {low},{high} is not below the upper")
            }
            BadBuckets::Overlap([a, b, c, d]) => {
                write!(out, "buckets {a},{b} and {c},{d} overlap")
            }
            BadBuckets::Gap([a, b, c, d]) => {
                write!(out, "there is a gap between buckets {a},{b} and {c},{d}")
            }
            BadBuckets::TooLong(bytes) => {
                write!(out, "{bytes} bytes are too long (at most {HISTOGRAM_BYTES_MAX})")
            }
        }
    }
}

impl Buckets {
    /// Puts buckets (lower bound, upper bound, count) in any order together.
    pub fn new(
        underflow: i64,
        overflow: i64,
        mut buckets: Vec<(f64, f64, i64)>,
    ) -> Result<Buckets, BadBuckets> {
        for (low, high, _) in &mut buckets {
            // A bound has no sign of zero: x + 0 takes it away.
            (*low, *high) = (*low + 0.0, *high + 0.0);
            if !low.is_finite() || !high.is_finite() {
                return Err(BadBuckets::NotFinite(*low, *high));
            }
            if *low >= *high {
                return Err(BadBuckets::NotAscending(*low, *high));
            }
        }
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for pair in buckets.windows(2) {
            let bounds = [pair[0].0, pair[0].1, pair[1].0, pair[1].1];
            if bounds[2] < bounds[1] {
                return Err(BadBuckets::Overlap(bounds));
            }
            if bounds[2] > bounds[1] {
                return Err(BadBuckets::Gap(bounds));
            }
        }
        let first = buckets.first().map(|bucket| bucket.0);
        let bounds = first.into_iter().chain(buckets.iter().map(|bucket| bucket.1)).collect();
        let counts = buckets.iter().map(|bucket| bucket.2).collect();
        Ok(Buckets { underflow, overflow, bounds, counts })
    }

    /// Lower bound, upper bound and count of each bucket, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64, i64)> + '_ {
        let bounds = self.bounds.windows(2).map(|pair| (pair[0], pair[1]));
        bounds.zip(&self.counts).map(|((low, high), &count)| (low, high, count))
    }
}

impl Histogram {
    /// Appends the bytes, unless they are more than are kept.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), BadBuckets> {
        let start = out.len();
        match self {
            Histogram::Buckets(buckets) => {
                out.push(BUCKETS);
                put_varint(out, buckets.counts.len() as u64);
                buckets.bounds.iter().for_each(|bound| out.extend(bound.to_bits().to_le_bytes()));
                put_signed(out, buckets.underflow);
                put_signed(out, buckets.overflow);
                buckets.counts.iter().for_each(|&count| put_signed(out, count));
            }
            Histogram::Opaque { id, bytes } => {
                out.extend_from_slice(&[OPAQUE, *id]);
                out.extend_from_slice(bytes);
            }
        }
        let bytes = out.len() - start;
        if bytes > HISTOGRAM_BYTES_MAX {
            out.truncate(start);
            return Err(BadBuckets::TooLong(bytes));
        }
        Ok(())
    }

    /// Reads the bytes back.
    pub fn decode(bytes: &[u8]) -> Result<Histogram, Malformed> {
        if let [OPAQUE, id, bytes @ ..] = bytes {
            return Ok(Histogram::Opaque { id: *id, bytes: bytes.to_vec() });
        }
        let (layout, body) = split(bytes)?;
        let bounds = layout[bounds_at(layout)?.1..].chunks_exact(8);
        let bounds = bounds.map(|bits| bits.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)));
        let bounds: Vec<f64> = bounds.map(f64::from_bits).collect();
        let mut reader = Reader::new(body);
        let (underflow, overflow) = (reader.signed()?, reader.signed()?);
        let counts = (1..bounds.len()).map(|_| reader.signed()).collect::<Result<_, _>>()?;
        let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if !reader.is_done() || !ascending || bounds.iter().any(|bound| !bound.is_finite()) {
            return Err(reader.malformed());
        }
        Ok(Histogram::Buckets(Buckets { underflow, overflow, bounds, counts }))
    }
}

/// Number of buckets, and where the bounds begin.
fn bounds_at(bytes: &[u8]) -> Result<(usize, usize), Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != BUCKETS {
        return Err(reader.malformed());
    }
    let buckets = reader.varint()?;
    let buckets = usize::try_from(buckets).ok().filter(|&n| n <= HISTOGRAM_BYTES_MAX);
    Ok((buckets.ok_or(reader.malformed())?, reader.position()))
}

/// Cuts a histogram's bytes into layout and body.
pub fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let end = if bytes.first() == Some(&OPAQUE) {
        OPAQUE_LAYOUT_BYTES
    } else {
        let (buckets, at) = bounds_at(bytes)?;
        at + if buckets == 0 { 0 } else { (buckets + 1) * 8 }
    };
    bytes.split_at_checked(end).ok_or(Malformed { at: bytes.len() })
}

/// The numbers in the body of a histogram of this layout; `None` if its body is opaque.
pub fn numbers(layout: &[u8]) -> Option<usize> {
    let (buckets, _) = bounds_at(layout).ok()?;
    split(layout).is_ok_and(|(_, behind)| behind.is_empty()).then_some(buckets + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buckets() -> impl Strategy<Value = Histogram> {
        let bounds = prop::collection::btree_set(-1000i32..1000, 0..12);
        (any::<i64>(), any::<i64>(), bounds, any::<i64>()).prop_map(|(u, o, bounds, count)| {
            let bounds: Vec<f64> = bounds.into_iter().map(|bound| f64::from(bound) / 8.0).collect();
            let pairs = bounds.windows(2).zip(0..);
            let list = pairs.map(|(pair, i)| (pair[0], pair[1], count.wrapping_mul(i))).collect();
            Histogram::Buckets(Buckets::new(u, o, list).expect("they touch"))
        })
    }

    proptest! {
        #[test]
        fn buckets_survive(histogram in buckets()) {
            let mut bytes = Vec::new();
            histogram.encode(&mut bytes).expect("short");
            prop_assert_eq!(Histogram::decode(&bytes), Ok(histogram));
            let (layout, body) = split(&bytes).expect("own bytes");
            prop_assert_eq!([layout, body].concat(), bytes);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            if let Ok(histogram) = Histogram::decode(&bytes) {
                prop_assert!(histogram.encode(&mut Vec::new()).is_ok());
            }
        }
    }

    #[test]
    fn any_order_is_sorted() {
        let sorted = Buckets::new(1, 2, vec![(1.0, 5.0, 24), (0.0, 1.0, 42)]).expect("good");
        assert_eq!(sorted.bounds, [0.0, 1.0, 5.0]);
        assert_eq!(sorted.iter().collect::<Vec<_>>(), [(0.0, 1.0, 42), (1.0, 5.0, 24)]);
        let zero = Buckets::new(0, 0, vec![(-1.0, -0.0, 1), (0.0, 1.0, 1)]).expect("good");
        assert!(zero.bounds[1].is_sign_positive());
    }

    #[test]
    fn what_is_no_histogram_is_named() {
        for (buckets, message) in [
            (vec![(1.0, 1.0, 1)], "the lower bound of bucket 1,1 is not below the upper"),
            (vec![(0.0, f64::NAN, 1)], "the bounds of bucket 0,NaN are not finite"),
            (vec![(0.0, 2.0, 1), (1.0, 3.0, 1)], "buckets 0,2 and 1,3 overlap"),
            (vec![(0.0, 2.0, 1), (0.0, 2.0, 1)], "buckets 0,2 and 0,2 overlap"),
            (vec![(2.5, 3.0, 1), (0.0, 2.0, 1)], "there is a gap between buckets 0,2 and 2.5,3"),
        ] {
            assert_eq!(Buckets::new(0, 0, buckets).expect_err("bad").to_string(), message);
        }
        let long = (0..20_000).map(|i| (f64::from(i), f64::from(i) + 1.0, 1)).collect();
        let long = Histogram::Buckets(Buckets::new(0, 0, long).expect("they touch"));
        assert!(matches!(long.encode(&mut Vec::new()), Err(BadBuckets::TooLong(_))));
    }
}
