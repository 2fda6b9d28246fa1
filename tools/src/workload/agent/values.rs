//! The values of agent lines: how each form moves, and how it is written.

use super::LINE_BYTES;
use super::digits::{EIGHT_DIGITS, hundredths, whole};
use super::names::{METRICS, SERIES_PER_HOST};
use crate::workload::chance::{below, draw};

const COUNTER_STEP_MAX: u64 = 2000;
const COUNTER_START_MAX: u64 = 10_000_000;
const GAUGE_CENTS_MAX: i64 = 10_000;
const GAUGE_STEP_CENTS: i64 = 1000;
const WHOLE_MAX: u64 = 100_000;
/// One sample in this many changes a [`Form::Whole`].
const WHOLE_CHANGE_ODDS: u64 = 32;

/// How the values of a series move and are written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A whole number that only grows.
    Counter,
    /// Hundredths between 0 and 100.
    Gauge,
    /// A whole number that seldom changes.
    Whole,
}

/// Forms by metric: they take turns, so that any number of series has a third of each.
pub(super) const FORMS: [Form; 3] = [Form::Counter, Form::Gauge, Form::Whole];

/// A value of a series' form that does not depend on the one before it.
pub(in crate::workload) fn push_value_of(out: &mut Vec<u8>, series: u64, step: u64, random: u64) {
    let value = match form_of(series) {
        Form::Counter => (step * COUNTER_STEP_MAX) as i64 + below(random, COUNTER_STEP_MAX),
        Form::Gauge => below(random, GAUGE_CENTS_MAX as u64 + 1),
        Form::Whole => below(random, WHOLE_MAX) + 1,
    };
    let mut text = [0; LINE_BYTES];
    let end = push_value(&mut text, 0, form_of(series), value);
    out.extend_from_slice(&text[..end]);
}

fn form_of(series: u64) -> Form {
    let metric = (series % SERIES_PER_HOST) as usize % METRICS.len();
    FORMS[metric % FORMS.len()]
}

/// Where a series starts, before its first step.
pub(super) fn value_first(seed: u64, series: u64) -> i64 {
    let random = draw(seed, series, 0);
    match form_of(series) {
        Form::Counter => below(random, COUNTER_START_MAX),
        Form::Gauge => below(random, GAUGE_CENTS_MAX as u64 + 1),
        Form::Whole => below(random, WHOLE_MAX) + 1,
    }
}

#[inline]
pub(super) fn value_next(form: Form, value: i64, random: u64) -> i64 {
    match form {
        Form::Counter => value.wrapping_add(below(random, COUNTER_STEP_MAX)),
        Form::Gauge => {
            let step = below(random, 2 * GAUGE_STEP_CENTS as u64 + 1) - GAUGE_STEP_CENTS;
            reflected(value + step)
        }
        Form::Whole if random.is_multiple_of(WHOLE_CHANGE_ODDS) => below(random, WHOLE_MAX) + 1,
        Form::Whole => value,
    }
}

/// A gauge that left its range by less than the range's width turns back at the end: stopping there
/// would make the ends likelier than all else.
#[inline]
fn reflected(cents: i64) -> i64 {
    GAUGE_CENTS_MAX - (GAUGE_CENTS_MAX - cents.abs()).abs()
}

/// Writes a value, and returns where it ends.
#[inline(always)]
pub(super) fn push_value(line: &mut [u8; LINE_BYTES], at: usize, form: Form, value: i64) -> usize {
    let Some(small) = u32::try_from(value).ok().filter(|value| *value < EIGHT_DIGITS) else {
        return push_large(line, at, value);
    };
    let text = if matches!(form, Form::Gauge) { hundredths(small) } else { whole(small) };
    line[at..at + 8].copy_from_slice(&text.bytes.to_le_bytes());
    at + text.length
}

/// A counter that has run for long.
#[cold]
fn push_large(line: &mut [u8; LINE_BYTES], at: usize, value: i64) -> usize {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value).as_bytes();
    line[at..at + digits.len()].copy_from_slice(digits);
    at + digits.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_to_their_forms() {
        let mut value = 50;
        for random in (0..10_000).map(|step| draw(3, 4, step)) {
            assert!(value_next(Form::Counter, value, random) - value < 2000);
            assert!(value_next(Form::Counter, value, random) >= value);
            value = value_next(Form::Gauge, value, random);
            assert!((0..=10_000).contains(&value));
        }
        let changes = (0..12_800).filter(|s| value_next(Form::Whole, 0, draw(3, 4, *s)) != 0);
        assert!((340..460).contains(&changes.count()));
    }

    #[test]
    fn gauges_turn_back_at_the_ends() {
        let cases = [(-1000, 1000), (-1, 1), (0, 0), (5, 5), (10_000, 10_000), (10_001, 9_999)];
        assert!(cases.iter().all(|(cents, expected)| reflected(*cents) == *expected));
    }

    /// The arithmetic at the top of `mod.rs`, with gauges where they walk.
    #[test]
    fn the_entropy_is_about_0_95_bytes_a_sample() {
        let counter = (COUNTER_STEP_MAX as f64).log2();
        let odds = 1.0 / WHOLE_CHANGE_ODDS as f64;
        let whole = odds * (WHOLE_MAX as f64 / odds).log2() - (1.0 - odds) * (1.0 - odds).log2();
        let mut gauge = Vec::new();
        for series in 0..100 {
            let mut value = below(draw(1, series, 0), GAUGE_CENTS_MAX as u64 + 1);
            for step in 1..=500 {
                gauge.push(gauge_entropy_bits(value));
                value = value_next(Form::Gauge, value, draw(1, series, step));
            }
        }
        let gauge = gauge.iter().sum::<f64>() / gauge.len() as f64;
        let bytes_mean = (counter + gauge + whole) / 24.0;
        assert!((0.93..0.95).contains(&bytes_mean), "{counter} {gauge} {whole} {bytes_mean}");
    }

    /// Of the step behind `value`: all are equally likely, and one that turns back becomes the same as
    /// one that does not, which costs a bit for both.
    fn gauge_entropy_bits(value: i64) -> f64 {
        let steps = (2 * GAUGE_STEP_CENTS + 1) as f64;
        let turned = |room: i64| (GAUGE_STEP_CENTS - room).max(0) as f64;
        steps.log2() - 2.0 * (turned(value) + turned(GAUGE_CENTS_MAX - value)) / steps
    }
}
