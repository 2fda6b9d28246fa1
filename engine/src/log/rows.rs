//! The payload of a log record: the rows of one commit, a few bytes each.
//!
//! Rows are written in groups of [`GROUP_ROWS`], each as columns whose numbers have one width: no
//! branch for each row, and senders that walk their series in a fixed order at one timestamp make
//! columns of no width at all. Logs of earlier releases hold [`tagged`] rows, which are still read.
//! Layout: `FORMAT.md`, section "Log payload".

use super::tagged;
use crate::batch::{Batch, Row};
use crate::bytes::{Malformed, Reader, put_signed, put_varint, unzigzag, zigzag};
use crate::histogram::{self, Histogram};
use crate::limits::HISTOGRAM_BYTES_MAX;
use crate::types::{Kind, SeriesId, Value};
use std::ops::Range;

/// Begin of a payload in columns: no tagged payload begins so, for none has no rows.
const COLUMNS: [u8; 2] = [0, 1];
/// Rows that share widths.
const GROUP_ROWS: usize = 64;
/// Widths in bytes, by their code.
const WIDTHS: [usize; 5] = [0, 1, 2, 4, 8];
/// In a group's head, the code for timestamps stands above that for series.
const TIMES_SHIFT: u8 = 4;
/// In a tag, above the kind: how many bytes the value has.
const VALUE_BYTES_SHIFT: u8 = 5;
/// The highest of these codes stands for eight bytes; the others for themselves.
const VALUE_BYTES_ALL: usize = 7;
/// Most bytes of the columns of a group: steps of series and time, tags, values.
const COLUMN_BYTES_MAX: usize = GROUP_ROWS * (4 + 8 + 1 + 8);

/// Where the row before is.
#[derive(Debug, Default, Clone, Copy)]
struct Before {
    series: SeriesId,
    timestamp: i64,
}

/// Appends the rows; returns the highest series id among them.
pub fn encode(batch: &Batch, out: &mut Vec<u8>) -> SeriesId {
    out.extend_from_slice(&COLUMNS);
    put_varint(out, batch.len() as u64);
    let mut room = [0; COLUMN_BYTES_MAX];
    let (mut before, mut layout): (Before, &[u8]) = (Before::default(), &[]);
    for start in (0..batch.len()).step_by(GROUP_ROWS) {
        let group = start..batch.len().min(start + GROUP_ROWS);
        let (series, rows) = (&batch.series[group.clone()], &batch.rows[group.clone()]);
        let mut columns = Columns { room: &mut room, used: 0 };
        put_places(series, rows, before, &mut columns, out);
        if batch.bytes.is_empty() {
            columns.put_values(rows);
            out.extend_from_slice(columns.written());
        } else {
            out.extend_from_slice(columns.written());
            layout = put_contents(batch, group, layout, out);
        }
        let last = rows.len() - 1;
        before = Before { series: series[last], timestamp: rows[last].timestamp_ms() };
    }
    batch.series.iter().copied().max().unwrap_or(0)
}

/// Head and first row of a group to `out`, what follows it to `columns`.
#[inline]
fn put_places(
    series: &[SeriesId],
    rows: &[Row],
    before: Before,
    columns: &mut Columns<'_>,
    out: &mut Vec<u8>,
) {
    let mut steps = [0u64; GROUP_ROWS];
    let mut all = 0;
    for (step, pair) in steps.iter_mut().zip(series.windows(2)) {
        *step = series_step(pair[0], pair[1]).into();
        all |= *step;
    }
    let series_code = columns.put_numbers(&steps[..series.len() - 1], all);
    let changes = rows.windows(2).fold(0, |all, pair| all | (pair[0].when ^ pair[1].when));
    let mut times_code = 0;
    if changes as u64 > u64::from(u8::MAX) {
        all = 0;
        for (step, pair) in steps.iter_mut().zip(rows.windows(2)) {
            *step = zigzag(pair[1].timestamp_ms() - pair[0].timestamp_ms());
            all |= *step;
        }
        times_code = columns.put_numbers(&steps[..rows.len() - 1], all);
    }
    out.push(series_code | times_code << TIMES_SHIFT);
    put_signed(out, i64::from(series[0]) - i64::from(before.series));
    put_signed(out, rows[0].timestamp_ms() - before.timestamp);
}

/// Of two series in a row, how much further than the next one the second is, folded.
#[inline]
fn series_step(before: SeriesId, series: SeriesId) -> u32 {
    let step = series.wrapping_sub(before).wrapping_sub(1) as i32;
    ((step << 1) ^ (step >> 31)) as u32
}

/// A group's columns under construction.
struct Columns<'a> {
    room: &'a mut [u8; COLUMN_BYTES_MAX],
    used: usize,
}

impl Columns<'_> {
    fn written(&self) -> &[u8] {
        &self.room[..self.used]
    }

    /// Appends numbers, none with a bit that is not in `all`; returns the code of their width.
    #[inline]
    fn put_numbers(&mut self, numbers: &[u64], all: u64) -> u8 {
        let code = match all {
            0 => return 0,
            1..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 3,
            _ => 4,
        };
        let bytes = numbers.len() * WIDTHS[code as usize];
        let room = &mut self.room[self.used..self.used + bytes];
        match code {
            1 => put::<1>(numbers, room),
            2 => put::<2>(numbers, room),
            3 => put::<4>(numbers, room),
            _ => put::<8>(numbers, room),
        }
        self.used += bytes;
        code
    }

    /// Tags, then values.
    #[inline]
    fn put_values(&mut self, rows: &[Row]) {
        let (tags, values) = self.room[self.used..].split_at_mut(rows.len());
        let mut at = 0;
        for (tag, row) in tags.iter_mut().zip(rows) {
            let (bits, code) = folded(*row);
            *tag = row.kind().0 | (code as u8) << VALUE_BYTES_SHIFT;
            // Eight bytes are written and the unused ones overwritten: no branch on the length.
            values[at..at + 8].copy_from_slice(&bits.to_le_bytes());
            at += value_bytes(code);
        }
        self.used += rows.len() + at;
    }
}

#[inline]
fn put<const WIDTH: usize>(numbers: &[u64], out: &mut [u8]) {
    for (number, out) in numbers.iter().zip(out.as_chunks_mut::<WIDTH>().0) {
        out.copy_from_slice(&number.to_le_bytes()[..WIDTH]);
    }
}

/// The folded bits of a number and the code of their length.
#[inline]
fn folded(row: Row) -> (u64, usize) {
    let bits = if row.kind() == Kind::FLOAT { row.bits } else { zigzag(row.bits as i64) };
    let bytes = (71 - bits.leading_zeros() as usize) / 8;
    (bits, bytes.min(VALUE_BYTES_ALL))
}

#[inline]
fn value_bytes(code: usize) -> usize {
    code + code / VALUE_BYTES_ALL
}

/// Tags and values of a group among which histograms may be; returns the last layout.
fn put_contents<'a>(
    batch: &'a Batch,
    group: Range<usize>,
    mut layout: &'a [u8],
    out: &mut Vec<u8>,
) -> &'a [u8] {
    let mut values = Vec::new();
    for at in group {
        let row = batch.rows[at];
        let code = match batch.histogram(at).and_then(|bytes| histogram::split(bytes).ok()) {
            Some((own, body)) => {
                let new = own != layout;
                put_parts(&mut values, new.then_some(own), body);
                layout = own;
                usize::from(new)
            }
            None => {
                let (bits, code) = folded(row);
                values.extend_from_slice(&bits.to_le_bytes()[..value_bytes(code)]);
                code
            }
        };
        out.push(row.kind().0 | (code as u8) << VALUE_BYTES_SHIFT);
    }
    out.extend_from_slice(&values);
    layout
}

pub(super) fn put_parts(out: &mut Vec<u8>, layout: Option<&[u8]>, body: &[u8]) {
    for part in layout.into_iter().chain([body]) {
        put_varint(out, part.len() as u64);
        out.extend_from_slice(part);
    }
}

/// Weight of the rows in a payload, as far as they can be read.
pub fn weight(payload: &[u8], batch: &mut Batch) -> u64 {
    batch.clear();
    let _torn = decode(payload, batch);
    batch.weight() as u64
}

/// Reads the rows back into an empty batch.
pub fn decode(payload: &[u8], batch: &mut Batch) -> Result<(), Malformed> {
    let Some(columns) = payload.strip_prefix(&COLUMNS) else {
        return tagged::decode(payload, batch);
    };
    let mut reader = Reader::new(columns);
    let mut left = reader.varint()?;
    let (mut before, mut histograms) = (Before::default(), Histograms::default());
    while left > 0 {
        let rows = left.min(GROUP_ROWS as u64) as usize;
        before = take_group(&mut reader, rows, before, &mut histograms, batch)?;
        left -= rows as u64;
    }
    if reader.is_done() { Ok(()) } else { Err(reader.malformed()) }
}

fn take_group<'a>(
    reader: &mut Reader<'a>,
    rows: usize,
    before: Before,
    histograms: &mut Histograms<'a>,
    batch: &mut Batch,
) -> Result<Before, Malformed> {
    let head = reader.u8()?;
    let first = i64::from(before.series).checked_add(reader.signed()?);
    let first = first.and_then(|first| u32::try_from(first).ok()).ok_or(reader.malformed())?;
    let time = before.timestamp.checked_add(reader.signed()?).ok_or(reader.malformed())?;
    let mut place = Before { series: first, timestamp: time };
    let (mut series_steps, mut time_steps) = ([0; GROUP_ROWS], [0; GROUP_ROWS]);
    take_numbers(reader, head & 15, &mut series_steps[..rows - 1])?;
    take_numbers(reader, head >> TIMES_SHIFT, &mut time_steps[..rows - 1])?;
    let tags = reader.take(rows)?;
    for (at, &tag) in tags.iter().enumerate() {
        if at > 0 {
            let step = unzigzag(series_steps[at - 1]) as u32;
            place.series = place.series.wrapping_add(1).wrapping_add(step);
            let step = unzigzag(time_steps[at - 1]);
            let moved = place.timestamp.checked_add(step);
            place.timestamp = moved.ok_or(reader.malformed())?;
        }
        if !Row::holds(place.timestamp) {
            return Err(reader.malformed());
        }
        take_content(reader, tag, place, histograms, batch)?;
    }
    Ok(place)
}

fn take_numbers(reader: &mut Reader<'_>, code: u8, out: &mut [u64]) -> Result<(), Malformed> {
    let malformed = reader.malformed();
    let width = *WIDTHS.get(usize::from(code)).ok_or(malformed)?;
    let bytes = reader.take(width * out.len())?;
    if width > 0 {
        for (number, bytes) in out.iter_mut().zip(bytes.chunks_exact(width)) {
            *number = little_endian(bytes);
        }
    }
    Ok(())
}

fn little_endian(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// What the histograms of a payload have in common.
#[derive(Debug, Default)]
pub(super) struct Histograms<'a> {
    layout: &'a [u8],
    bytes: Vec<u8>,
}

impl<'a> Histograms<'a> {
    /// Reads the next one, with a layout of its own or not, into the batch.
    pub(super) fn take(
        &mut self,
        reader: &mut Reader<'a>,
        own_layout: bool,
        (series, timestamp): (SeriesId, i64),
        batch: &mut Batch,
    ) -> Result<(), Malformed> {
        if own_layout {
            self.layout = take_part(reader)?;
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(self.layout);
        self.bytes.extend_from_slice(take_part(reader)?);
        if self.bytes.len() > HISTOGRAM_BYTES_MAX {
            return Err(reader.malformed());
        }
        Histogram::decode(&self.bytes)?;
        batch.push_histogram(series, timestamp, &self.bytes);
        Ok(())
    }
}

fn take_part<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let bytes = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    reader.take(bytes)
}

fn take_content<'a>(
    reader: &mut Reader<'a>,
    tag: u8,
    place: Before,
    histograms: &mut Histograms<'a>,
    batch: &mut Batch,
) -> Result<(), Malformed> {
    let kind = Kind(tag & ((1 << VALUE_BYTES_SHIFT) - 1));
    let code = usize::from(tag >> VALUE_BYTES_SHIFT);
    if kind == Kind::HISTOGRAM && code <= 1 {
        return histograms.take(reader, code == 1, (place.series, place.timestamp), batch);
    }
    if !kind.is_number() {
        return Err(reader.malformed());
    }
    let bits = unfolded(kind, little_endian(reader.take(value_bytes(code))?));
    batch.push(place.series, place.timestamp, Value { kind, bits });
    Ok(())
}

pub(super) fn unfolded(kind: Kind, bits: u64) -> u64 {
    if kind == Kind::FLOAT { bits } else { unzigzag(bits) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::integer),
            (-300i64..300).prop_map(Value::integer),
            (-999_999_999_999_999..999_999_999_999_999i64, 0..23u8)
                .prop_map(|(m, s)| Value::decimal(m, s).expect("in range")),
            any::<u64>().prop_map(|bits| Value { kind: Kind::FLOAT, bits }),
        ]
    }

    fn series() -> impl Strategy<Value = SeriesId> {
        prop_oneof![8 => 0..300u32, 1 => Just(u32::MAX), 1 => any::<u32>()]
    }

    fn timestamp() -> impl Strategy<Value = i64> {
        prop_oneof![8 => Just(1_700_000_000_000i64), 2 => 0..300i64, 1 => -1i64 << 55..1 << 55]
    }

    /// Of the engine's own form: a bucket more or less.
    fn histogram(buckets: u8) -> Vec<u8> {
        let list = (0..buckets).map(|at| (f64::from(at), f64::from(at) + 1.0, 5)).collect();
        let buckets = histogram::Buckets::new(1, 2, list).expect("they touch");
        let mut bytes = Vec::new();
        Histogram::Buckets(buckets).encode(&mut bytes).expect("short");
        bytes
    }

    proptest! {
        #[test]
        fn rows_survive(
            rows in prop::collection::vec((series(), timestamp(), value()), 1..200),
            histograms in prop::option::of(prop::collection::vec(0..3u8, 1..9)),
            cut: prop::sample::Index,
        ) {
            let mut batch = Batch::default();
            for &(series, timestamp, value) in &rows {
                batch.push(series, timestamp, value);
                for &buckets in histograms.iter().flatten() {
                    batch.push_histogram(series, timestamp, &histogram(buckets));
                }
            }
            let (mut payload, mut back) = (Vec::new(), Batch::default());
            encode(&batch, &mut payload);
            decode(&payload, &mut back).expect("own bytes");
            prop_assert_eq!(format!("{batch:?}"), format!("{back:?}"));
            let end = COLUMNS.len() + cut.index(payload.len() - COLUMNS.len());
            prop_assert!(decode(&payload[..end], &mut Batch::default()).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_panic(payload: Vec<u8>) {
            let _ = decode(&payload, &mut Batch::default());
            let _ = decode(&[&COLUMNS[..], &payload].concat(), &mut Batch::default());
        }
    }

    /// Full groups whose every column has its full width.
    #[test]
    fn the_widest_rows_survive_and_weigh_what_they_are() {
        let mut batch = Batch::default();
        for at in 0..2 * GROUP_ROWS {
            let far = if at % 2 == 0 { 1 } else { -1 };
            let series = if at % 2 == 0 { 0 } else { u32::MAX };
            batch.push(series, far * ((1 << 55) - 1), Value::float(-f64::MAX / (at + 1) as f64));
        }
        let (mut payload, mut back) = (Vec::new(), Batch::default());
        encode(&batch, &mut payload);
        decode(&payload, &mut back).expect("own bytes");
        assert_eq!(format!("{batch:?}"), format!("{back:?}"));
        assert_eq!(weight(&payload, &mut back), batch.weight() as u64);
    }

    /// Checksums keep such a payload out; whoever makes one with them gets nothing stored.
    #[test]
    fn a_histogram_beyond_all_bounds_is_malformed() {
        let of_buckets = |buckets: usize| {
            let list = (0..buckets).map(|at| (at as f64, at as f64 + 1.0, 5)).collect();
            let buckets = histogram::Buckets::new(1, 2, list).expect("they touch");
            let (mut bytes, mut payload) = (Vec::new(), Vec::new());
            let fits = Histogram::Buckets(buckets).encode(&mut bytes).is_ok();
            let mut batch = Batch::default();
            batch.push_histogram(7, 1000, &bytes);
            encode(&batch, &mut payload);
            (fits, decode(&payload, &mut Batch::default()).is_ok())
        };
        assert_eq!([10, 100_000].map(of_buckets), [(true, true), (false, false)]);
    }

    #[test]
    fn a_regular_row_takes_its_value_and_a_byte() {
        let mut batch = Batch::default();
        for series in 1..=6400 {
            batch.push(series, 1_700_000_000_000, Value::integer(1000));
        }
        let mut payload = Vec::new();
        assert_eq!(encode(&batch, &mut payload), 6400);
        assert!(payload.len() <= 6400 * 3 + 100 * 3 + 10, "{}", payload.len());
    }
}
