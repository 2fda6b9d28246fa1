//! Numbers as OpenTSDB reads them from text: integers of 64 bits, decimals, timestamps; with its
//! messages, byte for byte. Pure.
//!
//! A value with none of `.eE` is an integer, any other a double. What is beyond OpenTSDB here is
//! only exactness: short decimals keep mantissa and scale.

use irontsd_engine::types::{SCALE_MAX, TIMESTAMP_MS_MAX, Value};
use std::borrow::Cow;
use std::fmt;

/// Why a text is not a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadNumber {
    /// OpenTSDB's message.
    Text(String),
    /// A decimal number beyond the range of a double, and whether it is negative.
    Infinite(bool),
}

impl fmt::Display for BadNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            BadNumber::Text(message) => message,
            BadNumber::Infinite(true) => "-Infinity",
            BadNumber::Infinite(false) => "Infinity",
        })
    }
}

fn bad<T>(message: impl Into<String>) -> Result<T, BadNumber> {
    Err(BadNumber::Text(message.into()))
}

fn shown(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

/// A signed 64-bit integer, as OpenTSDB's own parser takes it: a sign, then digits.
pub fn integer(text: &[u8]) -> Result<i64, BadNumber> {
    let (negative, digits) = sign(text);
    if digits.is_empty() {
        return if text.is_empty() {
            bad("Empty string")
        } else {
            bad(format!("Just a sign, no value: {}", shown(text)))
        };
    }
    if digits.len() > 19 {
        return bad(format!("Value too long: {}", shown(text)));
    }
    let mut number = 0u64;
    for (at, byte) in digits.iter().enumerate() {
        if !byte.is_ascii_digit() {
            let odd = shown(&digits[at..]).chars().next().unwrap_or('?');
            return bad(format!("Invalid character '{odd}' in {}", shown(text)));
        }
        // Nineteen digits fit in 64 unsigned bits.
        number = number * 10 + u64::from(byte - b'0');
    }
    let signed = if negative { (number as i64).wrapping_neg() } else { number as i64 };
    let fits = number <= i64::MAX as u64 || (negative && number == 1 << 63);
    if fits { Ok(signed) } else { bad(format!("Overflow in {}", shown(text))) }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// A value: an integer, or a finite double in decimal notation.
pub fn value(text: &[u8]) -> Result<Value, BadNumber> {
    if text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        double(text)
    } else {
        integer(text).map(Value::integer)
    }
}

/// The parts of a decimal number's text.
struct Decimal {
    negative: bool,
    /// All digits as one number, unless there are too many.
    mantissa: Option<i64>,
    scale: usize,
    exponent: bool,
}

fn double(text: &[u8]) -> Result<Value, BadNumber> {
    let Some(decimal) = decimal(text) else {
        return bad(format!("For input string: \"{}\"", shown(text)));
    };
    if let Some(value) = short_decimal(&decimal) {
        return Ok(value);
    }
    // The text is ASCII digits, point, sign and exponent only, so std reads it as Java would.
    let Some(number) = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok())
    else {
        return bad(format!("For input string: \"{}\"", shown(text)));
    };
    if number.is_infinite() {
        return Err(BadNumber::Infinite(decimal.negative));
    }
    Ok(Value::from_f64(number))
}

fn short_decimal(decimal: &Decimal) -> Option<Value> {
    let mantissa = decimal.mantissa?;
    if decimal.exponent || decimal.scale > SCALE_MAX as usize || (mantissa == 0 && decimal.negative)
    {
        return None;
    }
    let signed = if decimal.negative { -mantissa } else { mantissa };
    Value::decimal(signed, decimal.scale as u8)
}

/// Checks the grammar: sign, digits with at most one point and at least one digit, exponent.
fn decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, rest) = sign(text);
    let (mut mantissa, mut digits, mut point) = (Some(0i64), 0usize, None);
    let mut bytes = rest.iter();
    let mut exponent = false;
    for byte in bytes.by_ref() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                let digit = i64::from(byte - b'0');
                mantissa = mantissa.and_then(|m| m.checked_mul(10)?.checked_add(digit));
            }
            b'.' if point.is_none() => point = Some(digits),
            b'e' | b'E' => {
                exponent = true;
                break;
            }
            _ => return None,
        }
    }
    if digits == 0 || (exponent && !is_exponent(bytes.as_slice())) {
        return None;
    }
    Some(Decimal { negative, mantissa, scale: point.map_or(0, |at| digits - at), exponent })
}

fn is_exponent(text: &[u8]) -> bool {
    let digits = sign(text).1;
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// A timestamp as sent: the number for messages, and in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// As read, seconds or milliseconds.
    pub number: i64,
    /// Milliseconds; `None` when out of range.
    pub ms: Option<i64>,
}

/// Seconds up to 32 bits, milliseconds above.
pub fn timestamp_of(number: i64) -> Timestamp {
    let ms = if number >> 32 == 0 { number * 1000 } else { number };
    Timestamp { number, ms: (1..=TIMESTAMP_MS_MAX).contains(&ms).then_some(ms) }
}

/// A timestamp's text as OpenTSDB reads it: all points are removed, whatever that makes of it.
pub fn timestamp_without_points(text: &[u8]) -> Result<Timestamp, BadNumber> {
    let digits: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'.').collect();
    integer(&digits).map(timestamp_of)
}

/// A timestamp's text: an integer, or seconds with a fraction, rounded down to milliseconds.
pub fn timestamp(text: &[u8]) -> Result<Timestamp, BadNumber> {
    let Some(point) = memchr::memchr(b'.', text) else { return integer(text).map(timestamp_of) };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    let seconds = match sign(whole).1 {
        [] if fraction.is_empty() => return bad("Empty string"),
        [] => 0,
        _ => integer(whole)?,
    };
    if let Some(odd) = fraction.iter().position(|byte| !byte.is_ascii_digit()) {
        let odd = shown(&fraction[odd..]).chars().next().unwrap_or('?');
        return bad(format!("Invalid character '{odd}' in {}", shown(text)));
    }
    let digit = |at: usize| i64::from(fraction.get(at).map_or(0, |byte| byte - b'0'));
    let part = digit(0) * 100 + digit(1) * 10 + digit(2);
    if sign(whole).0 {
        // Zero or below either way: the caller refuses it by its number.
        return Ok(Timestamp { number: seconds.min(0), ms: None });
    }
    let ms = seconds.checked_mul(1000).and_then(|ms| ms.checked_add(part));
    let ms = ms.filter(|ms| (1..=TIMESTAMP_MS_MAX).contains(ms));
    Ok(Timestamp { number: seconds.max(i64::from(ms.is_some())), ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::Kind;
    use proptest::prelude::*;

    fn message(text: &str) -> String {
        value(text.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn opentsdbs_messages() {
        for (text, expected) in [
            ("", "Empty string"),
            ("-", "Just a sign, no value: -"),
            ("notanum", "Invalid character 'n' in notanum"),
            ("-Infinity", "Invalid character 'I' in -Infinity"),
            ("9223372036854775808", "Overflow in 9223372036854775808"),
            ("-9223372036854775809", "Overflow in -9223372036854775809"),
            ("18446744073709551616", "Value too long: 18446744073709551616"),
            ("1e", "For input string: \"1e\""),
            (".", "For input string: \".\""),
            ("1.2.3", "For input string: \"1.2.3\""),
            ("1.5f", "For input string: \"1.5f\""),
            ("0x1.8p1", "For input string: \"0x1.8p1\""),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
        ] {
            assert_eq!(message(text), expected, "{text}");
        }
    }

    #[test]
    fn integers_are_exact_to_the_last_bit() {
        for text in ["0", "-0", "+42", "007", "9223372036854775807", "-9223372036854775808"] {
            let number: i64 = text.parse().expect("an integer");
            assert_eq!(value(text.as_bytes()), Ok(Value::integer(number)), "{text}");
        }
    }

    #[test]
    fn minus_zero_keeps_its_sign() {
        for text in ["-0.0", "-.0", "-0e5", "-0.00"] {
            let read = value(text.as_bytes()).expect("a number");
            assert_eq!(read.as_f64().to_bits(), (-0.0f64).to_bits(), "{text}");
        }
    }

    #[test]
    fn strictly_points_are_removed_from_timestamps() {
        for (text, ms) in [
            ("1356998400.500", Some(1356998400500)),
            ("1356998400.5", Some(13569984005)),
            ("1356998400.", Some(1356998400000)),
            ("1356998400.123456", None),
        ] {
            let read = timestamp_without_points(text.as_bytes()).expect("a number");
            assert_eq!(read.ms, ms, "{text}");
        }
    }

    #[test]
    fn timestamps_are_seconds_or_milliseconds() {
        for (text, ms) in [
            ("1", Some(1000)),
            ("4294967295", Some(4294967295000)),
            ("4294967296", Some(4294967296)),
            ("9999999999999", Some(9999999999999)),
            ("10000000000000", None),
            ("1356998400.5", Some(1356998400500)),
            ("1356998400.", Some(1356998400000)),
            ("1356998400.123999", Some(1356998400123)),
            (".5", Some(500)),
            ("-1.5", None),
            ("0", None),
            ("0.0001", None),
        ] {
            assert_eq!(timestamp(text.as_bytes()).expect("a number").ms, ms, "{text}");
        }
        let refused = timestamp(b"1.2.3").expect_err("two points");
        assert_eq!(refused.to_string(), "Invalid character '.' in 1.2.3");
        assert_eq!(timestamp(b".").expect_err("no digit").to_string(), "Empty string");
    }

    proptest! {
        #[test]
        fn doubles_parse_to_the_same_bits_as_std(text in "[+-]?[0-9]{0,20}\\.?[0-9]{0,20}(e[+-]?[0-9]{1,3})?") {
            let std: Option<f64> = text.parse().ok();
            match value(text.as_bytes()) {
                Ok(read) if read.kind != Kind::INTEGER => {
                    prop_assert_eq!(Some(read.as_f64().to_bits()), std.map(f64::to_bits));
                }
                Ok(read) => prop_assert_eq!(text.parse::<i64>().ok(), Some(read.bits as i64)),
                Err(BadNumber::Infinite(_)) => prop_assert!(std.is_some_and(f64::is_infinite)),
                Err(BadNumber::Text(_)) => {
                    let integer = !text.contains(['.', 'e']);
                    prop_assert!(std.is_none() || integer, "{}", text);
                }
            }
        }
    }
}
