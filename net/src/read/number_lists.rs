//! Numbers separated by commas, many at once: what `number_text` prints one by one.
//!
//! Eight digits come from one word by three multiplications, and every piece is stored as a whole
//! word of which only the begin counts, so there is neither a loop over digits nor a copy of odd
//! length. Other numbers than integers and decimals of up to sixteen digits take the plain way.

use super::number_text;
use irontsd_engine::types::{Kind, Samples, Value};

/// Text that is collected before it is appended.
const CHUNK: usize = 1024;
/// Room for one number in words that are stored whole.
const NUMBER_BYTES_MAX: usize = 48;
/// The first number of nine digits.
pub const EIGHT_DIGITS: u64 = 100_000_000;
/// Eight digits `0`.
pub const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Text on its way into `out`.
struct Text<'a> {
    out: &'a mut Vec<u8>,
    chunk: [u8; CHUNK],
    len: usize,
}

impl Text<'_> {
    fn new(out: &mut Vec<u8>) -> Text<'_> {
        Text { out, chunk: [0; CHUNK], len: 0 }
    }

    fn spill(&mut self) {
        self.out.extend_from_slice(&self.chunk[..self.len]);
        self.len = 0;
    }

    /// Makes room for a number.
    #[inline(always)]
    fn reserve(&mut self) {
        if self.len > CHUNK - NUMBER_BYTES_MAX {
            self.spill();
        }
    }

    /// Appends the first `bytes` bytes of a word, at most eight.
    #[inline(always)]
    fn push(&mut self, word: u64, bytes: usize) {
        self.chunk[self.len..self.len + 8].copy_from_slice(&word.to_le_bytes());
        self.len += bytes;
    }

    #[inline(always)]
    fn push_if(&mut self, byte: u8, wanted: bool) {
        self.chunk[self.len] = byte;
        self.len += usize::from(wanted);
    }

    /// A number of up to sixteen digits, all behind a point of so many places but zeros at the end.
    #[inline(always)]
    fn push_decimal(&mut self, number: u64, scale: usize) {
        if number < EIGHT_DIGITS && scale < 8 {
            let word = eight_digits(number);
            let skipped = zeros_before(word).min(7 - scale);
            let behind = scale - zeros_behind(word).min(scale);
            let text = word | ZEROS;
            self.push(text >> (8 * skipped), 8 - scale - skipped);
            if scale > 0 {
                self.push_if(b'.', behind > 0);
                self.push(text >> (8 * (8 - scale)), behind);
            }
            return;
        }
        let power = INTEGER_POWERS[scale];
        let (whole, fraction) = (number / power, number % power);
        self.push_integer(whole);
        if fraction > 0 {
            self.push_if(b'.', true);
            self.push_fraction(fraction, scale);
        }
    }

    /// Digits behind a point, without zeros at the end; not zero.
    #[inline(always)]
    fn push_fraction(&mut self, fraction: u64, scale: usize) {
        // To sixteen places: the first eight, then the others.
        let fraction = fraction * INTEGER_POWERS[16 - scale];
        let high = eight_digits(fraction / EIGHT_DIGITS);
        let low = eight_digits(fraction % EIGHT_DIGITS);
        if low == 0 {
            self.push(high | ZEROS, 8 - zeros_behind(high));
        } else {
            self.push(high | ZEROS, 8);
            self.push(low | ZEROS, 8 - zeros_behind(low));
        }
    }

    /// A number of up to sixteen digits.
    #[inline(always)]
    fn push_integer(&mut self, number: u64) {
        let (high, low) = (number / EIGHT_DIGITS, eight_digits(number % EIGHT_DIGITS));
        if high == 0 {
            let skipped = zeros_before(low).min(7);
            return self.push((low | ZEROS) >> (8 * skipped), 8 - skipped);
        }
        let high = eight_digits(high);
        let skipped = zeros_before(high);
        self.push((high | ZEROS) >> (8 * skipped), 8 - skipped);
        self.push(low | ZEROS, 8);
    }
}

/// Powers of ten that a division takes.
const INTEGER_POWERS: [u64; 17] = {
    let mut powers = [1; 17];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = 10 * powers[at - 1];
        at += 1;
    }
    powers
};
/// Numbers with more digits take the plain way.
const SIXTEEN_DIGITS: u64 = INTEGER_POWERS[16];

/// The digits of a number below [`EIGHT_DIGITS`], each in a byte, the first in the lowest.
#[inline(always)]
pub fn eight_digits(number: u64) -> u64 {
    // Halves of four digits, then pairs, then single ones; x / 100 and x / 10 by multiplication,
    // which is exact for numbers this small.
    let halves = (number / 10_000) | (number % 10_000) << 32;
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | (halves - 100 * hundreds) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (pairs - 10 * tens) << 8
}

/// Zeros before the first other digit; eight if there is none.
#[inline(always)]
pub fn zeros_before(digits: u64) -> usize {
    digits.trailing_zeros() as usize / 8
}

/// Zeros behind the last other digit; eight if there is none.
#[inline(always)]
fn zeros_behind(digits: u64) -> usize {
    digits.leading_zeros() as usize / 8
}

/// Appends values as JSON numbers, each followed by a comma. There are no histograms among them.
pub fn push_values(out: &mut Vec<u8>, samples: &Samples) {
    let mut text = Text::new(out);
    for (&kind, &bits) in samples.kinds.iter().zip(&samples.bits) {
        let number = bits as i64;
        let scale = if kind == Kind::INTEGER { 0 } else { usize::from(kind.scale().unwrap_or(99)) };
        text.reserve();
        if number.unsigned_abs() < SIXTEEN_DIGITS && scale <= 16 {
            text.push_if(b'-', number < 0);
            text.push_decimal(number.unsigned_abs(), scale);
        } else {
            text.spill();
            number_text::push_value(text.out, Value { kind, bits });
        }
        text.push_if(b',', true);
    }
    text.spill();
}

/// Appends integers, each followed by a comma.
pub fn push_integers(out: &mut Vec<u8>, numbers: &[i64]) {
    let mut text = Text::new(out);
    for &number in numbers {
        text.reserve();
        if number.unsigned_abs() < SIXTEEN_DIGITS {
            text.push_if(b'-', number < 0);
            text.push_integer(number.unsigned_abs());
        } else {
            text.spill();
            number_text::push_integer(text.out, number);
        }
        text.push_if(b',', true);
    }
    text.spill();
}

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::MANTISSA_MAX;
    use proptest::prelude::*;

    /// One by one.
    fn plain(samples: &Samples) -> Vec<u8> {
        let mut out = Vec::new();
        for at in 0..samples.len() {
            number_text::push_value(&mut out, samples.value(at));
            out.push(b',');
        }
        out
    }

    fn check(values: impl IntoIterator<Item = Value>) {
        let mut samples = Samples::default();
        values.into_iter().for_each(|value| samples.push(0, value));
        let mut out = b"before".to_vec();
        push_values(&mut out, &samples);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&out[6..]), text(&plain(&samples)));
    }

    fn value() -> impl Strategy<Value = Value> {
        let integer = (0..64u32, any::<i64>()).prop_map(|(shift, n)| Value::integer(n >> shift));
        let decimal = (0..50u32, -MANTISSA_MAX..=MANTISSA_MAX, 0..23u8)
            .prop_map(|(shift, n, scale)| Value::decimal(n >> shift, scale).expect("in range"));
        prop_oneof![integer, decimal, any::<f64>().prop_map(Value::float)]
    }

    proptest! {
        #[test]
        fn values_are_printed_as_one_by_one(values in prop::collection::vec(value(), 0..99)) {
            check(values);
        }

        #[test]
        fn integers_are_printed_as_one_by_one(shift in 0..64u32, numbers: Vec<i64>) {
            let (mut out, mut plain) = (Vec::new(), Vec::new());
            let numbers: Vec<i64> = numbers.iter().map(|number| number >> shift).collect();
            push_integers(&mut out, &numbers);
            for &number in &numbers {
                number_text::push_integer(&mut plain, number);
                plain.push(b',');
            }
            prop_assert_eq!(out, plain);
        }
    }

    #[test]
    fn the_edges_of_every_length_and_scale() {
        let edges =
            (0..17).map(|digits| 10i64.pow(digits)).flat_map(|p| [p - 1, p, p + 1, p / 10 * 12]);
        let edges: Vec<i64> = edges.chain([0, MANTISSA_MAX]).flat_map(|n| [n, -n]).collect();
        check(edges.iter().map(|&number| Value::integer(number)));
        check([i64::MIN, i64::MAX].map(Value::integer));
        for scale in 0..23 {
            check(edges.iter().filter_map(|&number| Value::decimal(number, scale)));
        }
        for ones in (0..=9).flat_map(|a| (0..=9).map(move |b| (a, b))) {
            check((0..8).map(|at| Value::integer(ones.0 * 10i64.pow(at) + ones.1)));
        }
    }
}
