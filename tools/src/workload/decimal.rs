//! One spelling for every number, so that `12.50` sent and `12.5` exported are the same sample.
//!
//! Whole numbers that fit an `i64` and decimals of up to 15 digits are compared as text. What is
//! longer or has an exponent is compared as the double it stands for, since no node keeps more.

use std::borrow::Cow;

/// Decimals of so many digits are told apart by every double.
const DECIMAL_DIGITS_MAX: usize = 15;
/// Whole numbers of so many digits fit an `i64`.
const WHOLE_DIGITS_MAX: usize = 18;

/// The shortest usual spelling of a number, or `None` when `text` is not a finite number.
#[inline]
pub(super) fn canonical(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    plain(text).map(Cow::Borrowed).or_else(|| respelled(text).map(Cow::Owned))
}

/// The usual case: an optional minus, digits without a needless zero, perhaps a point and digits.
#[inline]
fn plain(text: &[u8]) -> Option<&[u8]> {
    let sign = usize::from(text.first() == Some(&b'-'));
    let point = text[sign..].iter().position(|byte| !byte.is_ascii_digit());
    let Some(whole_len) = point else {
        let digits = text.len() - sign;
        return (leads_well(&text[sign..]) && digits <= WHOLE_DIGITS_MAX).then_some(text);
    };
    let (whole, fraction) = (&text[sign..sign + whole_len], &text[sign + whole_len..]);
    let digits = fraction.strip_prefix(b".")?;
    let fits = whole.len() + digits.len() <= DECIMAL_DIGITS_MAX;
    if !fits || digits.is_empty() || !leads_well(whole) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    let dropped = if zeros == digits.len() { zeros + 1 } else { zeros };
    Some(&text[..text.len() - dropped])
}

/// True for digits that need no zero taken away in front.
#[inline]
fn leads_well(digits: &[u8]) -> bool {
    match digits.first() {
        Some(b'0') => digits.len() == 1,
        first => first.is_some(),
    }
}

/// The rare case: read the number and print it again.
#[cold]
fn respelled(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.to_string().into_bytes());
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    Some(number.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(text: &str) -> String {
        let spelled = canonical(text.as_bytes()).map(Cow::into_owned).unwrap_or_default();
        String::from_utf8(spelled).expect("ASCII")
    }

    #[test]
    fn equal_numbers_are_spelled_alike() {
        let cases = [
            ("0", "0"),
            ("-17", "-17"),
            ("+17", "17"),
            ("007", "7"),
            ("12.50", "12.5"),
            ("12.00", "12"),
            ("-0.50", "-0.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("0.1000000000000000055", "0.1"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("100000000000000000000", "100000000000000000000"),
            ("1e20", "100000000000000000000"),
        ];
        for (text, expected) in cases {
            assert_eq!(spelling(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_finite_number_has_no_spelling() {
        for text in ["", "-", ".", "x", "1x", "nan", "inf", "1e999", "null", "\"NaN\""] {
            assert_eq!(spelling(text), "", "{text}");
        }
    }
}
