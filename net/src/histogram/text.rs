//! The simple text form: `u=0:o=1:0,1.5=42:1.5,5.75=24`. Pure.
//!
//! Entries in any order, separated by `:` (as OpenTSDB's code and examples do) or `;` (as its
//! document says); of a key that comes again the last counts. Bounds are read as doubles.

use super::refuse;
use crate::reject::Reject;
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::types::Value;

use crate::read::number_text::{push_integer, push_value};

/// Whether a word is meant to be a histogram: a number has no `=`, a tag's key no comma.
pub fn looks_like(text: &[u8]) -> bool {
    text.split(|byte| matches!(byte, b':' | b';')).any(|entry| {
        let Some(cut) = memchr::memchr(b'=', entry) else { return false };
        matches!(&entry[..cut], b"u" | b"U" | b"o" | b"O") || entry[..cut].contains(&b',')
    })
}

/// Reads the text; each violation is named with its place.
pub fn parse(text: &[u8]) -> Result<Histogram, Reject> {
    let (mut underflow, mut overflow, mut buckets) = (0, 0, Vec::new());
    let mut at = 0;
    for entry in text.split(|byte| matches!(byte, b':' | b';')) {
        let bad = |what: &str| {
            let entry = String::from_utf8_lossy(entry);
            refuse(format!("histogram entry '{entry}' at byte {at}: {what}"))
        };
        let mut parts = entry.split(|&byte| byte == b'=');
        let (Some(key), Some(count), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("expected key=count"));
        };
        let count = self::count(count).ok_or_else(|| bad("the count is not a 64-bit integer"))?;
        match key {
            b"u" | b"U" => underflow = count,
            b"o" | b"O" => overflow = count,
            key => {
                let (low, high) =
                    bounds(key).ok_or_else(|| bad("expected u, o or lower,upper as key"))?;
                buckets.push((low, high, count));
            }
        }
        at += entry.len() + 1;
    }
    let buckets = Buckets::new(underflow, overflow, last_of_each(buckets));
    Ok(Histogram::Buckets(buckets.map_err(|bad| refuse(format!("histogram: {bad}")))?))
}

/// Of buckets with the same bounds the last counts.
pub fn last_of_each(mut buckets: Vec<(f64, f64, i64)>) -> Vec<(f64, f64, i64)> {
    buckets.reverse();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    buckets.dedup_by(|next, kept| (next.0, next.1) == (kept.0, kept.1));
    buckets
}

/// A signed decimal integer of 64 bits.
pub fn count(text: &[u8]) -> Option<i64> {
    crate::number::integer(text).ok()
}

/// `lower,upper`, exactly one comma.
pub fn bounds(key: &[u8]) -> Option<(f64, f64)> {
    let mut parts = key.split(|&byte| byte == b',');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(low), Some(high), None) => Some((bound(low)?, bound(high)?)),
        _ => None,
    }
}

/// A decimal number; what only a programming language calls one (`1f`, `0x1p3`, `NaN`) is none.
pub fn bound(text: &[u8]) -> Option<f64> {
    let plain = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| plain(&b)))?;
    text.parse().ok().filter(|bound: &f64| bound.is_finite())
}

/// Appends the text of buckets, which [`parse`] reads back to the same bits.
pub fn push(out: &mut Vec<u8>, buckets: &Buckets) {
    out.extend_from_slice(b"u=");
    push_integer(out, buckets.underflow);
    out.extend_from_slice(b":o=");
    push_integer(out, buckets.overflow);
    for (low, high, count) in buckets.iter() {
        out.push(b':');
        push_value(out, Value::float(low));
        out.push(b',');
        push_value(out, Value::float(high));
        out.push(b'=');
        push_integer(out, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        match parse(text.as_bytes()) {
            Ok(Histogram::Buckets(buckets)) => {
                let mut out = Vec::new();
                push(&mut out, &buckets);
                Ok(String::from_utf8(out).expect("ascii"))
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(reject) => Err(reject.message),
        }
    }

    #[test]
    fn any_order_and_either_separator() {
        for (text, expected) in [
            ("u=0:o=1:0,1.5=42:1.5,5.75=24", "u=0:o=1:0,1.5=42:1.5,5.75=24"),
            ("1.5,5.75=24;0,1.5=42;O=1", "u=0:o=1:0,1.5=42:1.5,5.75=24"),
            ("u=-5", "u=-5:o=0"),
            ("u=1:0,1=5:U=2:0,1=3:0,1=4", "u=2:o=0:0,1=4"),
            ("-1e1,-0.5=9223372036854775807", "u=0:o=0:-10,-0.5=9223372036854775807"),
            ("0,0.1=1:0.1,1e300=2", &format!("u=0:o=0:0,0.1=1:0.1,1{}=2", "0".repeat(300))),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn violations_are_named() {
        for (text, message) in [
            ("", "histogram entry '' at byte 0: expected key=count"),
            ("u=0:foo", "histogram entry 'foo' at byte 4: expected key=count"),
            ("0,1=1:", "histogram entry '' at byte 6: expected key=count"),
            ("0,1=1=2", "histogram entry '0,1=1=2' at byte 0: expected key=count"),
            ("0,1=x", "histogram entry '0,1=x' at byte 0: the count is not a 64-bit integer"),
            ("0,1=1.5", "histogram entry '0,1=1.5' at byte 0: the count is not a 64-bit integer"),
            ("1=42", "histogram entry '1=42' at byte 0: expected u, o or lower,upper as key"),
            ("0,1f=1", "histogram entry '0,1f=1' at byte 0: expected u, o or lower,upper as key"),
            ("0,NaN=1", "histogram entry '0,NaN=1' at byte 0: expected u, o or lower,upper as key"),
            ("0,1=1:2,3=1", "histogram: there is a gap between buckets 0,1 and 2,3"),
            ("1,0=1", "histogram: the lower bound of bucket 1,0 is not below the upper"),
        ] {
            assert_eq!(shown(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn words_meant_as_histograms() {
        for text in ["u=0", "O=1", "0,1=2", "0,1=", "u=0:foo", "x:0,1=4"] {
            assert!(looks_like(text.as_bytes()), "{text}");
        }
        for text in ["", "1", "host=web01", "=", "a=b:c", "1,5"] {
            assert!(!looks_like(text.as_bytes()), "{text}");
        }
    }
}
