//! The engine's vocabulary: what a series id, a timestamp and a value are.
//!
//! A value is stored as it was written, not as a rounded double: an integer of 64 bits, a decimal
//! as mantissa and scale (`23.57` is 2357 and 2), anything else as the 64 bits of a double. The
//! double meant by a decimal is `mantissa / 10^scale`, one correctly rounded division, which for
//! these ranges is exactly what parsing the text gives.

use crate::arena;
use crate::limits::RUN_BYTES_MAX;

/// Dense number of a series within one data directory; never reused there.
pub type SeriesId = u32;

/// Smallest timestamp accepted, in milliseconds since the Unix epoch.
pub const TIMESTAMP_MS_MIN: i64 = 1;
/// Largest timestamp accepted, in milliseconds since the Unix epoch (November 2286).
pub const TIMESTAMP_MS_MAX: i64 = 9_999_999_999_999;

/// Largest magnitude of a decimal's mantissa: fifteen digits, so that its text, cut of trailing
/// zeros, is also the shortest text that reads back as the same double.
pub const MANTISSA_MAX: i64 = 999_999_999_999_999;
/// Largest scale of a decimal: 10^22 is the last power of ten that a double holds exactly.
pub const SCALE_MAX: u8 = 22;

/// How the 64 bits of a value are to be read. One byte, the same in memory, log and segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// Signed 64-bit integer.
    pub const INTEGER: Kind = Kind(0);
    /// Bytes of a [`crate::histogram::Histogram`]; the bits say where they are.
    pub const HISTOGRAM: Kind = Kind(30);
    /// IEEE 754 double, raw bits.
    pub const FLOAT: Kind = Kind(31);

    /// A decimal with this scale: bits are its mantissa.
    pub const fn decimal(scale: u8) -> Kind {
        Kind(scale + 1)
    }

    /// The scale of a decimal kind.
    pub const fn scale(self) -> Option<u8> {
        match self.0 {
            1..=23 => Some(self.0 - 1),
            _ => None,
        }
    }

    /// Whether this byte names a kind of number.
    pub const fn is_number(self) -> bool {
        self.0 <= SCALE_MAX + 1 || self.0 == Kind::FLOAT.0
    }
}

/// One value, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// How to read `bits`.
    pub kind: Kind,
    /// The integer, the mantissa, or the double's bits.
    pub bits: u64,
}

impl Value {
    /// A signed 64-bit integer.
    pub const fn integer(value: i64) -> Value {
        Value { kind: Kind::INTEGER, bits: value as u64 }
    }

    /// `mantissa / 10^scale`, if both lie in range and the result is not a negative zero (which a
    /// mantissa cannot express; the caller knows the sign and uses [`Value::float`]).
    pub const fn decimal(mantissa: i64, scale: u8) -> Option<Value> {
        if scale > SCALE_MAX || mantissa > MANTISSA_MAX || mantissa < -MANTISSA_MAX {
            return None;
        }
        Some(Value { kind: Kind::decimal(scale), bits: mantissa as u64 })
    }

    /// A double, kept bit for bit.
    pub const fn float(value: f64) -> Value {
        Value { kind: Kind::FLOAT, bits: value.to_bits() }
    }

    /// A double, kept bit for bit, as a short decimal where one names exactly this double.
    pub fn from_f64(value: f64) -> Value {
        if value == 0.0 && value.is_sign_negative() {
            return Value::float(value);
        }
        for scale in 0..=7u8 {
            let scaled = (value * POWERS_OF_TEN[scale as usize]).round();
            if scaled.abs() > MANTISSA_MAX as f64 {
                break;
            }
            let candidate = Value { kind: Kind::decimal(scale), bits: scaled as i64 as u64 };
            if candidate.as_f64().to_bits() == value.to_bits() {
                return candidate;
            }
        }
        Value::float(value)
    }

    /// The double nearest to this value; exact for decimals and floats.
    pub fn as_f64(self) -> f64 {
        match self.kind.scale() {
            Some(scale) => self.bits as i64 as f64 / POWERS_OF_TEN[scale as usize],
            None if self.kind == Kind::INTEGER => self.bits as i64 as f64,
            None => f64::from_bits(self.bits),
        }
    }
}

/// Powers of ten that a double holds exactly.
pub const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Samples as columns: the shape in which runs are encoded, decoded and printed.
/// All columns but the last have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// Milliseconds since the Unix epoch, strictly ascending within one series.
    pub timestamps: Vec<i64>,
    /// Kind of each value.
    pub kinds: Vec<Kind>,
    /// Bits of each value.
    pub bits: Vec<u64>,
    /// The bytes of histograms, at the places their bits say.
    pub bytes: Vec<u8>,
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Drops all samples, keeps the memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.kinds.clear();
        self.bits.clear();
        self.bytes.clear();
    }

    /// Appends one sample.
    pub fn push(&mut self, timestamp: i64, value: Value) {
        self.timestamps.push(timestamp);
        self.kinds.push(value.kind);
        self.bits.push(value.bits);
    }

    /// Appends one histogram, whose bytes `write` appends.
    pub fn push_histogram(&mut self, timestamp: i64, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let bits = arena::place(start, self.bytes.len() - start);
        self.push(timestamp, Value { kind: Kind::HISTOGRAM, bits });
    }

    /// The bytes of the histogram at a position; `None` if a number is there.
    pub fn histogram(&self, at: usize) -> Option<&[u8]> {
        let (offset, bytes) = arena::offset_and_bytes(self.bits[at]);
        (self.kinds[at] == Kind::HISTOGRAM).then(|| &self.bytes[offset..offset + bytes])
    }

    /// How many of the samples from `from` to `to` are as many as should be held at a time.
    pub fn handful(&self, from: usize, to: usize) -> usize {
        if self.bytes.is_empty() {
            return to - from;
        }
        let mut left = RUN_BYTES_MAX;
        let fits = |at: &usize| {
            let bytes = self.histogram(*at).map_or(0, <[u8]>::len);
            let fits = left > 0;
            left = left.saturating_sub(bytes);
            fits
        };
        (from..to).take_while(fits).count()
    }

    /// Drops the samples behind the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        let places =
            self.bits[rows.min(self.len())..].iter().zip(&self.kinds[rows.min(self.len())..]);
        let offsets = places.filter(|(_, kind)| **kind == Kind::HISTOGRAM);
        if let Some(first) = offsets.map(|(&bits, _)| arena::offset_and_bytes(bits).0).min() {
            self.bytes.truncate(first);
        }
        self.timestamps.truncate(rows);
        self.kinds.truncate(rows);
        self.bits.truncate(rows);
    }

    /// The value at a position.
    pub fn value(&self, at: usize) -> Value {
        Value { kind: self.kinds[at], bits: self.bits[at] }
    }

    /// Appends the samples `from..to` of another set.
    pub fn extend(&mut self, other: &Samples, from: usize, to: usize) {
        if !other.bytes.is_empty() {
            return self.extend_each(other, from, to);
        }
        self.timestamps.extend_from_slice(&other.timestamps[from..to]);
        self.kinds.extend_from_slice(&other.kinds[from..to]);
        self.bits.extend_from_slice(&other.bits[from..to]);
    }

    fn extend_each(&mut self, other: &Samples, from: usize, to: usize) {
        for at in from..to {
            let timestamp = other.timestamps[at];
            match other.histogram(at) {
                Some(bytes) => self.push_histogram(timestamp, |out| out.extend_from_slice(bytes)),
                None => self.push(timestamp, other.value(at)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_the_double_its_text_means() {
        for text in ["23.57", "0.1", "-3.25", "99999.9999999999", "0.000000000000001", "7.0"] {
            let scale = text.split('.').nth(1).map_or(0, str::len) as u8;
            let mantissa: i64 = text.replace('.', "").parse().expect("digits");
            let value = Value::decimal(mantissa, scale).expect("in range");
            let parsed: f64 = text.parse().expect("a number");
            assert_eq!(value.as_f64().to_bits(), parsed.to_bits(), "{text}");
        }
    }

    #[test]
    fn from_f64_keeps_every_bit() {
        let odd = [0.0, -0.0, 0.1 + 0.2, f64::MAX, 5e-324, 1e15, 1e21, 1.0 / 3.0, -12.5, 1e-7];
        for value in odd {
            assert_eq!(Value::from_f64(value).as_f64().to_bits(), value.to_bits(), "{value}");
        }
        assert_eq!(Value::from_f64(12.5).kind, Kind::decimal(1));
        assert_eq!(Value::from_f64(-0.0).kind, Kind::FLOAT);
    }
}
