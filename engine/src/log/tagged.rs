//! Log payloads of earlier releases, which are read and not written any more: each row starts with
//! a tag of two bytes that says how its fields follow.
//! Layout: `FORMAT.md`, section "Tagged log payload".

use super::rows::{Histograms, unfolded};
use crate::batch::{Batch, Row};
use crate::bytes::{Malformed, Reader};
use crate::types::{Kind, Value};

const VALUE_BYTES_SHIFT: u16 = 5;
const NEXT_SERIES: u16 = 1 << 9;
const SAME_TIMESTAMP: u16 = 1 << 10;
/// Of a histogram, whose bytes of value are not counted: its layout follows.
const LAYOUT: u16 = 1 << VALUE_BYTES_SHIFT;
const KNOWN_BITS: u16 = (1 << 11) - 1;

/// Reads the rows back into an empty batch.
pub fn decode(payload: &[u8], batch: &mut Batch) -> Result<(), Malformed> {
    let mut reader = Reader::new(payload);
    let rows = reader.varint()?;
    let (mut series, mut timestamp) = (0u32, 0i64);
    let mut histograms = Histograms::default();
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
        if !Row::holds(timestamp) {
            return Err(reader.malformed());
        }
        if is_histogram {
            histograms.take(&mut reader, tag & LAYOUT != 0, (series, timestamp), batch)?;
            continue;
        }
        let mut bytes = [0u8; 8];
        bytes[..value_bytes].copy_from_slice(reader.take(value_bytes)?);
        let bits = unfolded(kind, u64::from_le_bytes(bytes));
        batch.push(series, timestamp, Value { kind, bits });
    }
    if reader.is_done() { Ok(()) } else { Err(reader.malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(payload: Vec<u8>) {
            let _ = decode(&payload, &mut Batch::default());
        }
    }

    #[test]
    fn tags_that_no_version_wrote_are_malformed() {
        let row = |tag: u16| [&[1][..], &tag.to_le_bytes(), &[2, 2], &[0; 16]].concat();
        let read =
            |tag, bytes: usize| decode(&row(tag)[..5 + bytes], &mut Batch::default()).is_ok();
        let of_bytes = |bytes: u16| bytes << VALUE_BYTES_SHIFT;
        assert!(read(of_bytes(8), 8) && read(of_bytes(0), 0));
        assert!(!read(of_bytes(9), 9));
        assert!(!read(of_bytes(8) | 1 << 11, 8));
    }
}
