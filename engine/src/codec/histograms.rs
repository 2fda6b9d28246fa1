//! The value column of a run with histograms: each layout once, then counts as differences from
//! those of the sample before with that layout, all through LZ4. Pure.
//!
//! Counts that stay the same, or rise evenly, become runs of equal bytes.
//! Layout: `FORMAT.md`, section "Histogram column".

use crate::bytes::{Malformed, Reader, put_signed, put_varint};
use crate::histogram::{self, Histogram};
use crate::limits::{HISTOGRAM_BYTES_MAX, RUN_BYTES_MAX, RUN_ROWS_MAX};
use crate::types::{Kind, Samples, Value};
use std::collections::BTreeMap;

/// Stands for a layout where a number is.
const NUMBER: u64 = 0;
/// Most bytes that a run can unpack to: its histograms, and differences that take longer.
const RAW_BYTES_MAX: usize = 2 * (RUN_BYTES_MAX + HISTOGRAM_BYTES_MAX) + 16 * RUN_ROWS_MAX;

/// Whether any of the rows holds a histogram.
pub fn are_among(kinds: &[Kind]) -> bool {
    kinds.contains(&Kind::HISTOGRAM)
}

/// Appends the column of the rows `from..to`.
pub fn encode(rows: &Samples, from: usize, to: usize, out: &mut Vec<u8>) {
    let mut layouts = Layouts::default();
    let mut bodies = Vec::new();
    for at in from..to {
        let split = rows.histogram(at).and_then(|bytes| histogram::split(bytes).ok());
        let Some((layout, body)) = split else {
            put_varint(&mut bodies, NUMBER);
            bodies.push(rows.kinds[at].0);
            bodies.extend_from_slice(&rows.bits[at].to_le_bytes());
            continue;
        };
        let number = layouts.find(layout);
        put_varint(&mut bodies, number as u64 + 1);
        layouts.seen[number].put(body, &mut bodies);
    }
    let mut raw = Vec::new();
    put_varint(&mut raw, layouts.seen.len() as u64);
    for seen in &layouts.seen {
        put_varint(&mut raw, seen.layout.len() as u64);
        raw.extend_from_slice(seen.layout);
    }
    raw.extend_from_slice(&bodies);
    let packed = lz4_flex::block::compress(&raw);
    put_varint(out, raw.len() as u64);
    put_varint(out, packed.len() as u64);
    out.extend_from_slice(&packed);
}

/// Appends kinds, bits and bytes of `rows` samples; `reader` stands behind the column's tag.
pub fn decode(reader: &mut Reader<'_>, rows: usize, out: &mut Samples) -> Result<(), Malformed> {
    let raw_bytes = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let packed_bytes = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let malformed = reader.malformed();
    if raw_bytes > RAW_BYTES_MAX {
        return Err(malformed);
    }
    let packed = reader.take(packed_bytes)?;
    let raw = lz4_flex::block::decompress(packed, raw_bytes).map_err(|_| malformed)?;
    let mut raw = Reader::new(&raw);
    let mut layouts = Vec::new();
    for _ in 0..raw.varint()? {
        let bytes = usize::try_from(raw.varint()?).unwrap_or(usize::MAX);
        layouts.push(Seen::new(raw.take(bytes)?));
    }
    let first = out.bytes.len();
    for _ in 0..rows {
        let number = raw.varint()?;
        if number == NUMBER {
            let value = Value { kind: Kind(raw.u8()?), bits: raw.u64()? };
            if !value.kind.is_number() {
                return Err(raw.malformed());
            }
            out.kinds.push(value.kind);
            out.bits.push(value.bits);
            continue;
        }
        let layout = usize::try_from(number - 1).ok().and_then(|at| layouts.get_mut(at));
        let layout = layout.ok_or(raw.malformed())?;
        let start = out.bytes.len();
        layout.take(&mut raw, &mut out.bytes)?;
        if out.bytes.len() - first > RAW_BYTES_MAX {
            return Err(raw.malformed());
        }
        Histogram::decode(&out.bytes[start..])?;
        out.kinds.push(Kind::HISTOGRAM);
        out.bits.push(crate::arena::place(start, out.bytes.len() - start));
    }
    if raw.is_done() { Ok(()) } else { Err(raw.malformed()) }
}

/// The layouts of a run, in the order of their first use.
#[derive(Default)]
struct Layouts<'a> {
    seen: Vec<Seen<'a>>,
    numbers: BTreeMap<&'a [u8], usize>,
    last: usize,
}

impl<'a> Layouts<'a> {
    fn find(&mut self, layout: &'a [u8]) -> usize {
        if self.seen.get(self.last).is_none_or(|seen| seen.layout != layout) {
            self.last = *self.numbers.entry(layout).or_insert(self.seen.len());
            if self.last == self.seen.len() {
                self.seen.push(Seen::new(layout));
            }
        }
        self.last
    }
}

/// A layout, and the counts that came with it last.
struct Seen<'a> {
    layout: &'a [u8],
    /// `None` if bodies are opaque.
    before: Option<Vec<i64>>,
}

impl<'a> Seen<'a> {
    fn new(layout: &'a [u8]) -> Seen<'a> {
        Seen { layout, before: histogram::numbers(layout).map(|numbers| vec![0; numbers]) }
    }

    fn put(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let Some(before) = &mut self.before else {
            put_varint(out, body.len() as u64);
            return out.extend_from_slice(body);
        };
        let mut body = Reader::new(body);
        for before in before {
            // The bytes are ours: every number is there.
            let number = body.signed().unwrap_or_default();
            put_signed(out, number.wrapping_sub(*before));
            *before = number;
        }
    }

    /// Reads a body and appends the whole histogram's bytes.
    fn take(&mut self, raw: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        out.extend_from_slice(self.layout);
        let Some(before) = &mut self.before else {
            let bytes = usize::try_from(raw.varint()?).unwrap_or(usize::MAX);
            out.extend_from_slice(raw.take(bytes)?);
            return Ok(());
        };
        for before in before {
            *before = before.wrapping_add(raw.signed()?);
            put_signed(out, *before);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Buckets;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    fn histogram(bounds: u8, count: i64) -> Histogram {
        if bounds == 9 {
            return Histogram::Opaque { id: 7, bytes: count.to_le_bytes().to_vec() };
        }
        let list = (0..bounds).map(|i| (f64::from(i), f64::from(i) + 1.0, count)).collect();
        Histogram::Buckets(Buckets::new(count, 1, list).expect("they touch"))
    }

    fn samples(list: &[(u8, i64)]) -> Samples {
        let mut samples = Samples::default();
        for (at, &(bounds, count)) in (0..).zip(list) {
            if bounds == 8 {
                samples.push(at, Value::integer(count));
            } else {
                let write =
                    |out: &mut Vec<u8>| histogram(bounds, count).encode(out).expect("short");
                samples.push_histogram(at, write);
            }
        }
        samples
    }

    proptest! {
        #[test]
        fn histograms_survive(list in prop::collection::vec((0..10u8, any::<i64>()), 1..60)) {
            let samples = samples(&list);
            let (mut column, mut back) = (Vec::new(), Samples::default());
            encode(&samples, 0, samples.len(), &mut column);
            decode(&mut Reader::new(&column), samples.len(), &mut back).expect("own bytes");
            back.timestamps.clone_from(&samples.timestamps);
            prop_assert_eq!(back, samples);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, rows in 1..99usize) {
            let _ = decode(&mut Reader::new(&bytes), rows, &mut Samples::default());
            let mut packed = Vec::new();
            put_varint(&mut packed, bytes.len() as u64);
            let lz4 = lz4_flex::block::compress(&bytes);
            put_varint(&mut packed, lz4.len() as u64);
            packed.extend_from_slice(&lz4);
            let _ = decode(&mut Reader::new(&packed), rows, &mut Samples::default());
        }
    }

    #[test]
    fn a_layout_that_repeats_costs_next_to_nothing() {
        let size = |rows: i64| {
            let samples = samples(&(0..rows).map(|row| (7, row * 3)).collect::<Vec<_>>());
            let mut column = Vec::new();
            encode(&samples, 0, samples.len(), &mut column);
            column.len()
        };
        assert!(size(1000) < size(1) + 100, "{} {}", size(1), size(1000));
    }
}
