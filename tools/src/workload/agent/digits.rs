//! Decimal digits eight at a time, as exports print them: without a loop and without a branch for their
//! number.

use irontsd_net::read::number_lists::{ZEROS, eight_digits, zeros_before};

/// Numbers below this have at most eight digits.
pub(super) const EIGHT_DIGITS: u32 = irontsd_net::read::number_lists::EIGHT_DIGITS as u32;

/// Up to eight bytes, the first of them the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Eight {
    /// What is behind the length does not count.
    pub(super) bytes: u64,
    /// How many bytes count.
    pub(super) length: usize,
}

/// A number below [`EIGHT_DIGITS`].
#[inline(always)]
pub(super) fn whole(number: u32) -> Eight {
    let digits = eight_digits(number.into());
    let zeros = zeros_before(digits).min(7);
    Eight { bytes: (digits | ZEROS) >> (zeros * 8), length: 8 - zeros }
}

/// Hundredths with a point before the last two digits; below 100,000.
#[inline(always)]
pub(super) fn hundredths(number: u32) -> Eight {
    let digits = eight_digits(number.into());
    let whole = digits >> 24 & 0xff_ffff;
    let zeros = zeros_before(whole).min(2);
    let fraction = digits >> 48 | 0x3030;
    let bytes = (whole | 0x30_3030) | u64::from(b'.') << 24 | fraction << 32;
    Eight { bytes: bytes >> (zeros * 8), length: 6 - zeros }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(eight: Eight) -> String {
        String::from_utf8(eight.bytes.to_le_bytes()[..eight.length].to_vec()).expect("ASCII")
    }

    #[test]
    fn digits_are_those_of_the_number() {
        let ends = (0..20_000).chain(EIGHT_DIGITS - 20_000..EIGHT_DIGITS);
        for number in ends.chain((0..EIGHT_DIGITS).step_by(7919)) {
            assert_eq!(text(whole(number)), number.to_string());
        }
        for number in 0..100_000 {
            assert_eq!(text(hundredths(number)), format!("{}.{:02}", number / 100, number % 100));
        }
    }
}
