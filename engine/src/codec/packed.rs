//! What a flush writes where kinds are mixed or all are doubles: packed numbers, which take no code and
//! no search, beside what says which of them are integers and which are exceptions.
//!
//! Byte planes through LZ4 are the other way; they are read at a fifth of the speed.
//! Layout: `FORMAT.md`, section "Numbers".

use super::numbers::{self, NUMBERS, UNIT};
use super::vectors::twice;
use super::{bits, floats, fractions, mixed};
use crate::bytes::{put_signed, put_varint};
use crate::types::{Kind, MANTISSA_MAX, Value};

/// Bytes of tag, kind, first number, width and smallest number, at the most.
const TOLD_BYTES: usize = 23;

/// A column measured, not yet packed.
pub struct Packed {
    /// What stands before the numbers.
    head: Vec<u8>,
    kind: Kind,
    numbers: Vec<i64>,
    spans: Spans,
}

/// The column, if its values can be told by number and nothing else needs to be said of many.
pub fn plan(kinds: &[Kind], values: &[u64]) -> Option<Packed> {
    let mut head = Vec::new();
    let (kind, numbers) = if kinds.iter().all(|&kind| kind == Kind::FLOAT) {
        (Kind::FLOAT, floats::in_order(values))
    } else {
        let scale = fractions::usual_scale(kinds)?;
        let (numbers, exceptions) = mantissas(kinds, values, scale)?;
        if kinds.contains(&Kind::INTEGER) {
            head.push(mixed::WHOLE);
        }
        if !exceptions.is_empty() {
            head.extend_from_slice(&mixed::plan_patches(&exceptions).bytes);
        }
        (Kind::decimal(scale), numbers)
    };
    let spans = spans(&numbers);
    Some(Packed { head, kind, numbers, spans })
}

/// Places and values.
type Exceptions = Vec<(usize, Value)>;

/// Mantissas of a scale, and what is an exception; `None` if some are whole and no integers, or integers
/// that no double is.
fn mantissas(kinds: &[Kind], values: &[u64], scale: u8) -> Option<(Vec<i64>, Exceptions)> {
    let ten = *mixed::TENS.get(usize::from(scale))?;
    let mut scales = [(0i64, 0u64); 256];
    for kind in 0..=scale + 1 {
        let factor = mixed::TENS[usize::from(scale - kind.saturating_sub(1))];
        scales[usize::from(kind)] = (factor, MANTISSA_MAX as u64 / factor as u64 + 1);
    }
    let whole = numbers::Multiples::of(ten);
    let with_integers = kinds.contains(&Kind::INTEGER);
    let (mut list, mut exceptions) = (vec![0; values.len()], Vec::new());
    let (mut last, mut all_told) = (0, true);
    for (at, (&kind, &bits)) in kinds.iter().zip(values).enumerate() {
        let (factor, limit) = scales[usize::from(kind.0)];
        let mut number = (bits as i64).wrapping_mul(factor);
        if (bits as i64).unsigned_abs() >= limit {
            exceptions.push((at, exception(kind, bits, with_integers)?));
            number = last;
        } else {
            // No branch: which are integers cannot be predicted.
            all_told &= (kind == Kind::INTEGER) | !with_integers | !whole.contain(number);
        }
        list[at] = number;
        last = number;
    }
    if !all_told || !fractions::are_few(exceptions.len(), kinds.len()) {
        return None;
    }
    fractions::lead(&mut list, &exceptions);
    Some((list, exceptions))
}

/// A value as an exception; `None` if it would come back as another.
fn exception(kind: Kind, bits: u64, with_integers: bool) -> Option<Value> {
    let value = Value { kind, bits };
    if kind != Kind::INTEGER {
        return (!with_integers || mixed::whole(value).is_none()).then_some(value);
    }
    let integer = bits as i64;
    mixed::fits_double(integer).then(|| Value::float(integer as f64))
}

impl Packed {
    /// Bytes it takes, or a few more or less.
    pub fn bytes(&self) -> usize {
        let numbers = bits::packed_bytes(self.numbers.len() - 1, self.spans.width());
        self.head.len() + TOLD_BYTES + numbers
    }

    /// Appends the column.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Spans { zeros, .. } = self.spans;
        let (order, width) = (self.spans.order(), self.spans.width());
        let unit = if zeros > 0 { UNIT } else { 0 };
        let first = self.numbers[0];
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&[NUMBERS + order + unit, self.kind.0]);
        put_signed(out, first);
        if zeros > 0 {
            put_varint(out, 1 << zeros);
        }
        out.push(width);
        let low = if order == 0 { self.spans.offsets.0 } else { self.spans.steps.0 } >> zeros;
        put_signed(out, low);
        let above = |number: i64| (number >> zeros).wrapping_sub(low) as u64;
        if order == 0 {
            let offsets = self.numbers[1..].iter().map(|number| number.wrapping_sub(first));
            bits::pack(offsets.map(above), width, out);
        } else {
            let steps = self.numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
            bits::pack(steps.map(above), width, out);
        }
    }
}

/// Smallest and largest difference from the first number, and from the one before.
struct Spans {
    offsets: (i64, i64),
    steps: (i64, i64),
    /// Doubles that had single precision once end in zeros.
    zeros: u32,
}

impl Spans {
    fn widths(&self) -> [u8; 2] {
        let width = |(low, high): (i64, i64)| {
            bits::width_for((high >> self.zeros).wrapping_sub(low >> self.zeros) as u64)
        };
        [width(self.offsets), width(self.steps)]
    }

    /// Whatever takes fewer bits.
    fn order(&self) -> u8 {
        let [offsets, steps] = self.widths();
        u8::from(steps < offsets)
    }

    fn width(&self) -> u8 {
        self.widths()[usize::from(self.order())]
    }
}

twice! {
    fn spans(numbers: &[i64]) -> Spans {
        let first = numbers[0];
        let (mut low, mut high, mut step_low, mut step_high, mut all) = match numbers {
            [_] => (0, 0, 0, 0, 0),
            _ => (i64::MAX, i64::MIN, i64::MAX, i64::MIN, 0),
        };
        for (&before, &number) in numbers.iter().zip(&numbers[1..]) {
            let (offset, step) = (number.wrapping_sub(first), number.wrapping_sub(before));
            (low, high) = (low.min(offset), high.max(offset));
            (step_low, step_high) = (step_low.min(step), step_high.max(step));
            all |= offset;
        }
        let zeros = all.trailing_zeros() % 64;
        Spans { offsets: (low, high), steps: (step_low, step_high), zeros }
    }
}
