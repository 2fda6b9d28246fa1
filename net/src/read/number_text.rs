//! Values as JSON numbers: the shortest decimal that reads back as the same bits, never with an
//! exponent; whole numbers without a point; `-0.0` as `-0.0`.

use irontsd_engine::types::{Kind, Value};
use std::io::Write;

/// Appends a value.
pub fn push_value(out: &mut Vec<u8>, value: Value) {
    match value.kind.scale() {
        Some(scale) => push_decimal(out, value.bits as i64, scale as usize),
        None if value.kind == Kind::INTEGER => push_integer(out, value.bits as i64),
        None => push_double(out, f64::from_bits(value.bits)),
    }
}

/// Appends a value as text outside JSON: the infinities are `+Inf` and `-Inf`.
pub fn push_word(out: &mut Vec<u8>, value: Value) {
    match value.as_f64() {
        f64::INFINITY => out.extend_from_slice(b"+Inf"),
        f64::NEG_INFINITY => out.extend_from_slice(b"-Inf"),
        _ => push_value(out, value),
    }
}

/// Appends an integer.
pub fn push_integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a decimal without the zeros at its end.
fn push_decimal(out: &mut Vec<u8>, mantissa: i64, scale: usize) {
    let start = out.len();
    push_fixed(out, mantissa, scale);
    let zeros = out[start..].iter().rev().take(scale).take_while(|&&digit| digit == b'0').count();
    out.truncate(out.len() - zeros);
    if zeros == scale {
        out.pop();
    }
}

/// Appends a decimal with all its digits and always a point: `12.00`, `5.`.
pub fn push_fixed(out: &mut Vec<u8>, mantissa: i64, scale: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(mantissa.unsigned_abs()).as_bytes();
    if mantissa < 0 {
        out.push(b'-');
    }
    let whole = digits.len().saturating_sub(scale);
    if whole == 0 {
        out.push(b'0');
    }
    out.extend_from_slice(&digits[..whole]);
    out.push(b'.');
    out.resize(out.len() + scale - (digits.len() - whole), b'0');
    out.extend_from_slice(&digits[whole..]);
}

/// std prints the shortest digits that read back exactly, without exponent.
fn push_double(out: &mut Vec<u8>, number: f64) {
    let text: &[u8] = match number {
        number if number == 0.0 && number.is_sign_negative() => b"-0.0",
        number if number.is_nan() => b"null",
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        number => {
            // Writing to memory cannot fail.
            let _ = write!(out, "{number}");
            return;
        }
    };
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: Value) -> String {
        let mut out = Vec::new();
        push_value(&mut out, value);
        String::from_utf8(out).expect("ascii")
    }

    fn decimal(mantissa: i64, scale: u8) -> String {
        text(Value::decimal(mantissa, scale).expect("in range"))
    }

    #[test]
    fn texts_are_the_shortest() {
        assert_eq!(decimal(2357, 2), "23.57");
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(1200, 2), "12");
        assert_eq!(decimal(1250, 3), "1.25");
        assert_eq!(decimal(0, 5), "0");
        assert_eq!(text(Value::float(1e21)), "1000000000000000000000");
        assert_eq!(text(Value::float(1e-7)), "0.0000001");
        assert_eq!(text(Value::float(-0.0)), "-0.0");
        assert_eq!(text(Value::integer(i64::MIN)), "-9223372036854775808");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_bits(bits: u64, mantissa in any::<i64>(), scale in 0..23u8) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let back: f64 = text(Value::float(number)).parse().expect("a number");
                prop_assert_eq!(back.to_bits(), bits);
            }
            let value = Value::decimal(mantissa % 1_000_000_000_000_000, scale).expect("in range");
            let back: f64 = text(value).parse().expect("a number");
            prop_assert_eq!(back.to_bits(), value.as_f64().to_bits());
            prop_assert_eq!(text(value), text(Value::float(value.as_f64())));
        }
    }
}
