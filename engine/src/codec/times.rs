//! The timestamp column of a run: strictly ascending milliseconds.

use super::bits::{self, SLACK_BYTES};
use super::column::Column;
use super::huffman::Tables;
use super::memory::Numbers;
use super::numbers;
use super::vectors::twice;
use crate::bytes::{Malformed, Reader, put_signed, put_varint};

/// Constant stride: first timestamp, stride.
const STRIDE: u8 = 0;
/// First timestamp, smallest step, packed excess of each step.
const STEPS: u8 = 1;

/// Appends the column.
pub fn encode(timestamps: &[i64], out: &mut Vec<u8>) {
    let steps = || timestamps.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) as u64);
    let smallest = steps().min().unwrap_or(0);
    let largest = steps().max().unwrap_or(0);
    out.push(if smallest == largest { STRIDE } else { STEPS });
    put_signed(out, timestamps[0]);
    put_varint(out, smallest);
    if smallest != largest {
        let width = bits::width_for(largest - smallest);
        out.push(width);
        bits::pack(steps().map(|step| step - smallest), width, out);
    }
}

/// The column as a merge writes it.
pub fn plan(timestamps: &[i64]) -> Column {
    let stride = timestamps.get(1).map_or(0, |second| second.wrapping_sub(timestamps[0]));
    if timestamps.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == stride) {
        let mut bytes = Vec::new();
        encode(timestamps, &mut bytes);
        return Column::plain(bytes);
    }
    numbers::plan(None, timestamps)
}

/// Appends `rows` timestamps from the column at the start of `bytes`, which go on for at least
/// [`SLACK_BYTES`] behind it.
pub fn decode(
    bytes: &[u8],
    tables: Tables<'_>,
    rows: usize,
    out: &mut Vec<i64>,
) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let tag = reader.u8()?;
    if numbers::is_tag(tag) {
        let mut numbers = Numbers::new(rows);
        numbers::decode(tag, &mut reader, tables, &mut numbers)?;
        out.extend(numbers.iter().map(|&number| number as i64));
        return Ok(());
    }
    let first = reader.signed()?;
    let smallest = reader.varint()?;
    match tag {
        STRIDE => {
            let start = out.len();
            out.resize(start + rows, 0);
            stride(first, smallest, &mut out[start..]);
            Ok(())
        }
        STEPS => decode_steps(&mut reader, bytes, rows, first, smallest, out),
        _ => Err(Malformed { at: 0 }),
    }
}

fn decode_steps(
    reader: &mut Reader<'_>,
    bytes: &[u8],
    rows: usize,
    first: i64,
    smallest: u64,
    out: &mut Vec<i64>,
) -> Result<(), Malformed> {
    let width = reader.u8()?;
    let packed = &bytes[reader.position()..];
    let steps = rows.saturating_sub(1);
    if !bits::is_width(width) || packed.len() < bits::packed_bytes(steps, width) + SLACK_BYTES {
        return Err(reader.malformed());
    }
    let mut sums = Numbers::new(steps);
    bits::unpack_sums(packed, width, first as u64, smallest, &mut sums);
    out.push(first);
    out.extend(sums.iter().map(|&timestamp| timestamp as i64));
    Ok(())
}

twice! {
    /// Fills `out` with `first` and so on, each `step` later.
    fn stride(first: i64, step: u64, out: &mut [i64]) {
        let mut next = first;
        for slot in out {
            *slot = next;
            next = next.wrapping_add(step as i64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(timestamps: &[i64]) -> usize {
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        encode(timestamps, &mut bytes);
        let len = bytes.len();
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        decode(&bytes, Tables::default(), timestamps.len(), &mut back).expect("own bytes");
        assert_eq!(back, timestamps);
        merged(timestamps);
        len
    }

    fn merged(timestamps: &[i64]) -> usize {
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        plan(timestamps).write(&mut std::iter::empty(), &mut bytes);
        let len = bytes.len();
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        decode(&bytes, Tables::default(), timestamps.len(), &mut back).expect("own bytes");
        assert_eq!(back, timestamps);
        len
    }

    proptest! {
        #[test]
        fn ascending_timestamps_survive(set in prop::collection::btree_set(any::<i64>(), 1..99)) {
            round_trip(&set.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, rows in 0..9999usize) {
            let _ = decode(&bytes, Tables::default(), rows, &mut Vec::new());
        }
    }

    #[test]
    fn a_constant_stride_costs_a_few_bytes() {
        let regular: Vec<i64> = (0..8192).map(|i| 1_700_000_000_000 + i * 15_000).collect();
        assert!(round_trip(&regular) <= 12);
    }

    #[test]
    fn seconds_that_are_missing_or_late_cost_what_they_say() {
        let missing = (0..4000).filter(|at| at % 100 != 7).map(|at| 1_700_000_000_000 + at * 1000);
        assert!(merged(&missing.collect::<Vec<_>>()) < 70);
        let late = (0..4000).map(|at| 1_700_000_000_000 + at * 1000 + i64::from(at % 100 == 7) * 3);
        assert!(merged(&late.collect::<Vec<_>>()) < 140);
    }
}
