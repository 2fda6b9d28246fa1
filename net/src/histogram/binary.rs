//! The binary form of OpenTSDB's simple histogram, as base64 carries it. Pure.
//!
//! Number of buckets (i16, big-endian); for each its lower and upper bound (f32, big-endian) and
//! its count; underflow; overflow. Counts are varints of at most nine bytes, seven bits a byte,
//! lowest first, eight in the ninth. What follows is ignored, as in OpenTSDB.

use irontsd_engine::histogram::{BadBuckets, Buckets};
use std::fmt;

/// OpenTSDB's least number of bytes.
const BYTES_MIN: usize = 6;

/// Why bytes are no histogram.
#[derive(Debug, PartialEq)]
pub enum BadBytes {
    /// So few of them.
    Short(Vec<u8>),
    /// They end too early.
    Underflow,
    /// Their number of buckets is negative.
    Negative(i16),
    /// Bounds that cannot be.
    Buckets(BadBuckets),
}

impl fmt::Display for BadBytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadBytes::Short(bytes) => {
                let signed: Vec<i8> = bytes.iter().map(|&byte| byte as i8).collect();
                write!(out, "Byte array shorter than 6 bytes detected: {signed:?}")
            }
            BadBytes::Underflow => out.write_str("Buffer underflow."),
            BadBytes::Negative(count) => write!(out, "Negative number of buckets: {count}"),
            BadBytes::Buckets(bad) => write!(out, "histogram: {bad}"),
        }
    }
}

/// Reads a histogram.
pub fn decode(bytes: &[u8]) -> Result<Buckets, BadBytes> {
    if bytes.len() < BYTES_MIN {
        return Err(BadBytes::Short(bytes.to_vec()));
    }
    let mut rest = bytes;
    let buckets = i16::from_be_bytes(take(&mut rest)?);
    let buckets = usize::try_from(buckets).map_err(|_| BadBytes::Negative(buckets))?;
    let mut list = Vec::new();
    for _ in 0..buckets {
        let low = f32::from_be_bytes(take(&mut rest)?);
        let high = f32::from_be_bytes(take(&mut rest)?);
        list.push((f64::from(low), f64::from(high), count(&mut rest)?));
    }
    let (underflow, overflow) = (count(&mut rest)?, count(&mut rest)?);
    Buckets::new(underflow, overflow, list).map_err(BadBytes::Buckets)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], BadBytes> {
    let (taken, left) = rest.split_first_chunk().ok_or(BadBytes::Underflow)?;
    *rest = left;
    Ok(*taken)
}

fn count(rest: &mut &[u8]) -> Result<i64, BadBytes> {
    let mut value = 0u64;
    for shift in (0..56).step_by(7) {
        let [byte] = take(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value as i64);
        }
    }
    let [byte] = take(rest)?;
    Ok((value | u64::from(byte) << 56) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(|digits| pair(digits).expect("hex")).collect()
    }

    #[test]
    fn what_opentsdb_writes() {
        let bytes = hex("0002 00000000 3fe00000 0c 3fe00000 40600000 10 02 ac02");
        let read = decode(&bytes).expect("good");
        assert_eq!(read.iter().collect::<Vec<_>>(), [(0.0, 1.75, 12), (1.75, 3.5, 16)]);
        assert_eq!((read.underflow, read.overflow), (2, 300));
        let minus_one = hex("0000 ffffffffffffffffff 00");
        assert_eq!(decode(&minus_one).map(|read| read.underflow), Ok(-1));
        // A bound is the single widened, not the decimal that was meant.
        let tenth = decode(&hex("0001 00000000 3dcccccd 01 00 00")).expect("good");
        assert_eq!(tenth.bounds[1], f64::from(0.1f32));
    }

    #[test]
    fn what_is_none_is_named() {
        for (text, message) in [
            ("0002 00", "Byte array shorter than 6 bytes detected: [0, 2, 0]"),
            ("0002 00000000 3f800000 2a", "Buffer underflow."),
            ("ffff 00000000", "Negative number of buckets: -1"),
            (
                "0001 3f800000 00000000 01 00 00",
                "histogram: the lower bound of bucket 1,0 is not below the upper",
            ),
        ] {
            assert_eq!(decode(&hex(text)).expect_err("bad").to_string(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
