//! Numbers of up to sixteen characters, eight digits at a time: all digits of a word are added up
//! with three multiplications instead of one for each. `fast` says what they must give.

#[cfg(target_arch = "x86_64")]
pub mod x86;

use irontsd_engine::types::{Kind, MANTISSA_MAX, Value};

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x80 * ONES;

/// A way of reading a value.
#[cfg(test)]
pub type Read = fn(&[u8; 16]) -> Option<(Value, usize)>;

/// The value at the begin of sixteen bytes, which a space ends, and its length. `None` for what
/// [`super::fast::value`] does not take, and for what is longer.
#[inline(always)]
pub fn value(bytes: &[u8; 16]) -> Option<(Value, usize)> {
    value_before::<false>(bytes)
}

/// The same; in JSON a comma or a closing brace ends it, too.
#[inline(always)]
pub fn value_before<const JSON: bool>(bytes: &[u8; 16]) -> Option<(Value, usize)> {
    let word = u128::from_le_bytes(*bytes);
    let negative = word as u8 == b'-';
    let word = if negative { word >> 8 } else { word };
    let short = word as u64;
    let marks = others(short);
    let number = match parse_short::<JSON>(short, marks) {
        Some(number) => number,
        None => parse_long::<JSON>(
            word,
            u128::from(others((word >> 64) as u64)) << 64 | u128::from(marks),
        )?,
    };
    if number.digits == 0 || number.mantissa > MANTISSA_MAX as u64 {
        return None;
    }
    let mantissa = number.mantissa as i64;
    let bits = if negative { -mantissa } else { mantissa } as u64;
    let len = number.len + usize::from(negative);
    match number.scale {
        None => Some((Value { kind: Kind::INTEGER, bits }, len)),
        Some(_) if negative && mantissa == 0 => None,
        Some(scale) => Some((Value { kind: Kind::decimal(scale as u8), bits }, len)),
    }
}

#[inline(always)]
fn is_end<const JSON: bool>(byte: u8) -> bool {
    byte == b' ' || (JSON && matches!(byte, b',' | b'}'))
}

struct Number {
    mantissa: u64,
    digits: usize,
    scale: Option<usize>,
    /// Characters up to the end.
    len: usize,
}

/// Of a number whose end is among the first eight characters.
#[inline(always)]
fn parse_short<const JSON: bool>(word: u64, marks: u64) -> Option<Number> {
    let first = (marks.trailing_zeros() / 8) as usize;
    if marks == 0 {
        return None;
    }
    let end = (word >> (8 * first)) as u8;
    if is_end::<JSON>(end) {
        let digits = left(word, first);
        return Some(Number { mantissa: eight(digits), digits: first, scale: None, len: first });
    }
    let rest = marks & (marks - 1);
    let second = (rest.trailing_zeros() / 8) as usize;
    if end != b'.' || rest == 0 || !is_end::<JSON>((word >> (8 * second)) as u8) {
        return None;
    }
    let below = (1u64 << (8 * first)) - 1;
    let joined = word & below | word >> 8 & !below;
    let digits = second - 1;
    let (mantissa, scale) = (eight(left(joined, digits)), Some(digits - first));
    Some(Number { mantissa, digits, scale, len: second })
}

/// The same among the first sixteen.
#[inline(always)]
fn parse_long<const JSON: bool>(word: u128, marks: u128) -> Option<Number> {
    if marks == 0 {
        return None;
    }
    let first = (marks.trailing_zeros() / 8) as usize;
    let end = (word >> (8 * first)) as u8;
    if is_end::<JSON>(end) {
        let mantissa = sixteen(left_long(word, first));
        return Some(Number { mantissa, digits: first, scale: None, len: first });
    }
    let rest = marks & (marks - 1);
    if end != b'.' || rest == 0 {
        return None;
    }
    let second = (rest.trailing_zeros() / 8) as usize;
    if !is_end::<JSON>((word >> (8 * second)) as u8) {
        return None;
    }
    let below = (1u128 << (8 * first)) - 1;
    let joined = word & below | word >> 8 & !below;
    let digits = second - 1;
    let (mantissa, scale) = (sixteen(left_long(joined, digits)), Some(digits - first));
    Some(Number { mantissa, digits, scale, len: second })
}

/// The top bit of each byte that is no digit. The lowest one is always right; so is the next, if the
/// lowest stands for a point or an end.
#[inline(always)]
fn others(word: u64) -> u64 {
    let digits = word ^ (b'0' as u64 * ONES);
    (digits.wrapping_add(0x76 * ONES) | digits) & TOPS
}

/// The first `count` bytes moved to the top, zeros below; nothing for none of them.
#[inline(always)]
fn left(word: u64, count: usize) -> u64 {
    word.checked_shl(64 - 8 * count as u32).unwrap_or(0)
}

#[inline(always)]
fn left_long(word: u128, count: usize) -> u128 {
    word.checked_shl(128 - 8 * count as u32).unwrap_or(0)
}

/// The number that eight digits are, the first of them lowest; zero bytes are zeros.
#[inline(always)]
fn eight(word: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let word = word & (0x0f * ONES);
    let word = word.wrapping_mul(10).wrapping_add(word >> 8);
    let (low, high) = (word & PAIRS, word >> 16 & PAIRS);
    let low = low.wrapping_mul(100 + (1_000_000 << 32));
    let high = high.wrapping_mul(1 + (10_000 << 32));
    low.wrapping_add(high) >> 32
}

#[inline(always)]
fn sixteen(word: u128) -> u64 {
    eight(word as u64) * 100_000_000 + eight((word >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telnet::fast;
    use proptest::prelude::*;

    fn readers() -> Vec<Read> {
        let mut readers: Vec<Read> = vec![value];
        #[cfg(target_arch = "x86_64")]
        readers.extend(crate::telnet::scan::value_reader());
        readers
    }

    fn window(text: &str) -> [u8; 16] {
        let mut bytes = [b'7'; 16];
        let len = text.len().min(16);
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        bytes
    }

    fn agrees(text: &str, behind: &str) {
        let line = format!("{text} {behind}");
        let expected = fast::value(text.as_bytes()).filter(|_| text.len() < 16);
        let expected = expected.map(|value| (value, text.len()));
        for value in readers() {
            assert_eq!(value(&window(&line)), expected, "{line:?}");
        }
        for end in [" ", ",", "}"] {
            let json = format!("{text}{end}{behind}");
            assert_eq!(value_before::<true>(&window(&json)), expected, "{json:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_reading(
            text in "-?([0-9]{0,16}|[0-9]{0,8}\\.?[0-9]{0,8}|[-+0-9.eE\u{1}/:~é]{0,9})",
            behind in "[0-9. =a]{0,16}",
        ) {
            agrees(&text, &behind);
        }

        #[test]
        fn any_bytes_are_judged_as_plainly(bytes: [u8; 16]) {
            let end = bytes.iter().position(|&byte| byte == b' ');
            let expected = end.and_then(|end| Some((fast::value(&bytes[..end])?, end)));
            for value in readers() {
                prop_assert_eq!(value(&bytes), expected);
            }
        }
    }

    #[test]
    fn every_length_and_point() {
        for digits in 0..=16 {
            for point in 0..=digits + 1 {
                let mut text = "1234567890123456"[..digits].to_owned();
                if point <= text.len() {
                    text.insert(point, '.');
                }
                agrees(&text, "");
                agrees(&format!("-{text}"), "9.9 9");
            }
        }
        agrees("-0.00", "");
        agrees("-0", "");
        agrees("", "1");
        agrees(".", "");
    }
}
