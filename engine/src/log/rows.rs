//! The payload of a log record: the rows of one commit, a few bytes each.
//!
//! Each row starts with a tag of two bytes that says how its fields follow; senders walk their
//! series in a fixed order at one timestamp, so "next series, same timestamp" costs nothing more.
//! Layout: `FORMAT.md`, section "Log payload".

use crate::batch::Batch;
use crate::bytes::{Malformed, Reader, put_signed, put_varint, unzigzag, zigzag};
use crate::histogram::{self, Histogram};
use crate::limits::HISTOGRAM_BYTES_MAX;
use crate::types::{Kind, SeriesId, Value};

const VALUE_BYTES_SHIFT: u16 = 5;
const NEXT_SERIES: u16 = 1 << 9;
const SAME_TIMESTAMP: u16 = 1 << 10;
/// Of a histogram, whose bytes of value are not counted: its layout follows.
const LAYOUT: u16 = 1 << VALUE_BYTES_SHIFT;
const KNOWN_BITS: u16 = (1 << 11) - 1;
/// Most bytes of one row: tag, series delta, timestamp delta, value.
const ROW_BYTES_MAX: usize = 2 + 5 + 10 + 8;

/// Appends the rows; returns the highest series id among them.
pub fn encode(batch: &Batch, out: &mut Vec<u8>) -> SeriesId {
    put_varint(out, batch.len() as u64);
    out.reserve(batch.len() * ROW_BYTES_MAX);
    let (mut series_before, mut timestamp_before, mut highest) = (0, 0, 0);
    let mut layout_before: &[u8] = &[];
    for at in 0..batch.len() {
        let (series, timestamp) = (batch.series[at], batch.timestamps[at]);
        let (kind, bits) = (batch.kinds[at], fold(batch.kinds[at], batch.bits[at]));
        let histogram = batch.histogram(at).and_then(|bytes| histogram::split(bytes).ok());
        let value_bytes = match histogram {
            None => (71 - bits.leading_zeros() as usize) / 8,
            Some((layout, _)) => usize::from(layout != layout_before),
        };
        let next = series == u32::wrapping_add(series_before, 1);
        let same = timestamp == timestamp_before;
        let tag = u16::from(kind.0)
            | (value_bytes as u16) << VALUE_BYTES_SHIFT
            | if next { NEXT_SERIES } else { 0 }
            | if same { SAME_TIMESTAMP } else { 0 };
        out.extend_from_slice(&tag.to_le_bytes());
        if !next {
            put_signed(out, i64::from(series) - i64::from(series_before));
        }
        if !same {
            put_signed(out, i64::wrapping_sub(timestamp, timestamp_before));
        }
        if let Some((layout, body)) = histogram {
            put_histogram(out, (layout != layout_before).then_some(layout), body);
            layout_before = layout;
        } else {
            // Eight bytes are written and the unused ones taken back: no branch on the length.
            let end = out.len() + value_bytes;
            out.extend_from_slice(&bits.to_le_bytes());
            out.truncate(end);
        }
        (series_before, timestamp_before) = (series, timestamp);
        highest = highest.max(series);
    }
    highest
}

fn put_histogram(out: &mut Vec<u8>, layout: Option<&[u8]>, body: &[u8]) {
    for part in layout.into_iter().chain([body]) {
        put_varint(out, part.len() as u64);
        out.extend_from_slice(part);
    }
}

fn take_part<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let bytes = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    reader.take(bytes)
}

fn fold(kind: Kind, bits: u64) -> u64 {
    if kind == Kind::FLOAT { bits } else { zigzag(bits as i64) }
}

fn unfold(kind: Kind, bits: u64) -> u64 {
    if kind == Kind::FLOAT { bits } else { unzigzag(bits) as u64 }
}

/// Weight of the rows in a payload, as far as they can be read.
pub fn weight(payload: &[u8], batch: &mut Batch) -> u64 {
    batch.clear();
    let _torn = decode(payload, batch);
    batch.weight() as u64
}

/// Reads the rows back into an empty batch.
pub fn decode(payload: &[u8], batch: &mut Batch) -> Result<(), Malformed> {
    let mut reader = Reader::new(payload);
    let rows = reader.varint()?;
    let (mut series, mut timestamp) = (0u32, 0i64);
    let (mut layout, mut histogram): (&[u8], Vec<u8>) = (&[], Vec::new());
    for _ in 0..rows {
        let tag = reader.u16()?;
        let kind = Kind((tag & 31) as u8);
        let value_bytes = usize::from(tag >> VALUE_BYTES_SHIFT & 15);
        let is_histogram = kind == Kind::HISTOGRAM && value_bytes <= 1;
        if !(kind.is_number() || is_histogram) || value_bytes > 8 || tag & !KNOWN_BITS != 0 {
            return Err(reader.malformed());
        }
        series = if tag & NEXT_SERIES != 0 {
            series.wrapping_add(1)
        } else {
            let delta = reader.signed()?;
            let moved = i64::from(series).checked_add(delta).ok_or(reader.malformed())?;
            u32::try_from(moved).map_err(|_| reader.malformed())?
        };
        if tag & SAME_TIMESTAMP == 0 {
            timestamp = timestamp.wrapping_add(reader.signed()?);
        }
        if is_histogram {
            if tag & LAYOUT != 0 {
                layout = take_part(&mut reader)?;
            }
            histogram.clear();
            histogram.extend_from_slice(layout);
            histogram.extend_from_slice(take_part(&mut reader)?);
            if histogram.len() > HISTOGRAM_BYTES_MAX {
                return Err(reader.malformed());
            }
            Histogram::decode(&histogram)?;
            batch.push_histogram(series, timestamp, &histogram);
            continue;
        }
        let mut bytes = [0u8; 8];
        bytes[..value_bytes].copy_from_slice(reader.take(value_bytes)?);
        let bits = unfold(kind, u64::from_le_bytes(bytes));
        batch.push(series, timestamp, Value { kind, bits });
    }
    if reader.is_done() { Ok(()) } else { Err(reader.malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::integer),
            (-999_999_999_999_999..999_999_999_999_999i64, 0..23u8)
                .prop_map(|(m, s)| Value::decimal(m, s).expect("in range")),
            any::<u64>().prop_map(|bits| Value { kind: Kind::FLOAT, bits }),
        ]
    }

    proptest! {
        #[test]
        fn rows_survive(rows in prop::collection::vec((0..9u32, any::<i64>(), value()), 0..50)) {
            let mut batch = Batch::default();
            for &(series, timestamp, value) in &rows {
                batch.push(if series == 8 { u32::MAX } else { series }, timestamp, value);
            }
            let (mut payload, mut back) = (Vec::new(), Batch::default());
            encode(&batch, &mut payload);
            decode(&payload, &mut back).expect("own bytes");
            prop_assert_eq!(format!("{batch:?}"), format!("{back:?}"));
        }

        #[test]
        fn any_bytes_are_read_without_panic(payload: Vec<u8>) {
            let _ = decode(&payload, &mut Batch::default());
        }
    }

    #[test]
    fn a_regular_row_takes_a_few_bytes() {
        let mut batch = Batch::default();
        for series in 1..=100 {
            batch.push(series, 1_700_000_000_000, Value::integer(1000));
        }
        let mut payload = Vec::new();
        assert_eq!(encode(&batch, &mut payload), 100);
        assert!(payload.len() <= 100 * 4 + 10, "{}", payload.len());
    }
}
