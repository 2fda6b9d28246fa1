//! The digest of what was sent: telnet `put` lines.

use super::buckets;
use super::digest::{Digest, DigestError, SeriesHash, Tally, ValueHash};

/// Timestamps of more digits than this are milliseconds already.
const SECOND_DIGITS_MAX: usize = 10;

/// Digests the samples of `put` lines; other lines are an error.
pub fn digest_lines(lines: &[u8]) -> Result<Digest, DigestError> {
    tally_lines(lines)
}

/// Reads `put` lines; other lines are an error.
pub(super) fn tally_lines<T: Tally + Default>(lines: &[u8]) -> Result<T, DigestError> {
    let mut tally = T::default();
    tally_into(&mut tally, lines)?;
    Ok(tally)
}

/// Adds `put` and `histogram` lines to a tally; other lines are an error.
pub(super) fn tally_into(tally: &mut impl Tally, lines: &[u8]) -> Result<(), DigestError> {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        add_line(tally, line).map_err(|reason| DigestError::new(reason, line))?;
    }
    Ok(())
}

fn add_line(tally: &mut impl Tally, line: &[u8]) -> Result<(), &'static str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.next().filter(|word| is_command(word)).ok_or("not a put line")?;
    let mut series = SeriesHash::default().metric(words.next().ok_or("no metric")?);
    let time_ms = words.next().and_then(milliseconds).ok_or("no timestamp")?;
    let value = words.next().and_then(value).ok_or("no number for a value")?;
    for tag in words {
        let split = tag.iter().position(|byte| *byte == b'=').ok_or("a tag without =")?;
        series = series.tag(&tag[..split], &tag[split + 1..]);
    }
    tally.add(series, time_ms, value);
    Ok(())
}

fn is_command(word: &[u8]) -> bool {
    word == b"put" || word == b"histogram"
}

/// A number, or a histogram's text.
fn value(text: &[u8]) -> Option<ValueHash> {
    ValueHash::of(text).or_else(|| buckets::of_text(text))
}

/// `1700000000`, `1700000000.123` and `1700000000123` as milliseconds.
fn milliseconds(text: &[u8]) -> Option<i64> {
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let whole = number(&text[..point])?;
    match text.get(point + 1..) {
        None if point > SECOND_DIGITS_MAX => Some(whole),
        None => whole.checked_mul(1000),
        Some(fraction) if fraction.len() == 3 => {
            whole.checked_mul(1000)?.checked_add(number(fraction)?)
        }
        Some(_) => None,
    }
}

/// Digits as a number.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    let add = |sum: i64, digit: &u8| {
        let unit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(unit)
    };
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, add))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(lines: &str) -> Digest {
        digest_lines(lines.as_bytes()).expect("good lines")
    }

    #[test]
    fn spellings_of_a_sample_agree() {
        let base = digest("put m 1700000000 12.5 a=b c=d\n");
        assert_eq!(base, digest("put m 1700000000000 12.50 c=d a=b\r\n"));
        assert_eq!(base, digest("put  m 1700000000.000 1.25e1 a=b  c=d"));
        assert_ne!(base, digest("put m 1700000000001 12.5 a=b c=d\n"));
        assert_eq!(base.count, 1);
    }

    #[test]
    fn bad_lines_are_named() {
        let bad = ["version", "put", "put m", "put m x 1 a=b", "put m 1 x a=b", "put m 1 2 a"];
        for line in bad {
            let error = digest_lines(line.as_bytes()).expect_err(line).to_string();
            assert!(error.ends_with(&format!("{line:?}")), "{error}");
        }
    }
}
