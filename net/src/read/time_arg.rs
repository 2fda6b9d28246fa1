//! Reads the `start` and `end` arguments of the read endpoints into milliseconds since 1970.
//!
//! One argument may be a number whose unit is guessed from its size, a calendar time cut off
//! anywhere, or a distance back from now. The forms overlap (`2023` is a year, `20231` a number of
//! seconds, `-3600` a distance), so the order of the tests in [`parse`] is part of the contract.
//! All arithmetic is on integers: a float would move nanosecond arguments by hundreds of them.

use super::civil::days_from_civil;
use std::fmt;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The smallest and the largest time Prometheus clients send when they mean "no limit".
const UNLIMITED_PAST: &str = "-292273086-05-16T16:47:06Z";
const UNLIMITED_FUTURE: &str = "292277025-08-18T07:12:54.999999999Z";

/// Largest number of seconds whose nanoseconds fit 64 bits; what is above is read in the next
/// smaller unit, for which a thousand times as much is allowed.
const SECONDS_MAX: i64 = i64::MAX / 1_000_000_000;
const MILLIS_MAX: i64 = i64::MAX / 1_000_000;
const MICROS_MAX: i64 = i64::MAX / 1000;
/// Decimal digits of the largest 64-bit integer.
const INTEGER_DIGITS_MAX: i32 = 19;

/// Why a time argument was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a time: {}", self.text, self.reason)
    }
}

impl std::error::Error for TimeError {}

/// Parses a time argument; `now_ms` is the clock.
///
/// Times before 1970 become 0. The result rounds to the nearest millisecond and reaches
/// `i64::MAX`, which is Prometheus's way to say "no end".
///
/// # Errors
/// When the text is none of the forms or a number does not fit 64 bits.
pub fn parse(text: &str, now_ms: i64) -> Result<i64, TimeError> {
    let ms = match text {
        "now" => Ok(now_ms),
        UNLIMITED_PAST => Ok(0),
        UNLIMITED_FUTURE => Ok(i64::MAX),
        _ => by_form(text, now_ms),
    };
    let ms = ms.map_err(|reason| TimeError { text: text.to_owned(), reason })?;
    Ok(ms.max(0))
}

type Parsed<T> = Result<T, &'static str>;

fn by_form(text: &str, now_ms: i64) -> Parsed<i64> {
    let (body, zone) = split_zone(text)?;
    if zone.is_none() && is_relative(text) {
        let back = match text.strip_prefix('-').and_then(Decimal::parse) {
            Some(seconds) => seconds.times(SECOND_MS).ok_or("duration too long")?,
            None => duration(text.strip_prefix("now").unwrap_or(text))?.saturating_abs(),
        };
        return Ok(now_ms.saturating_sub(back));
    }
    if body.len() == 4 || body.get(4..5) == Some("-") {
        if zone.is_none() && body.contains('.') {
            return Err("a fraction of a second needs a zone behind it");
        }
        return Ok(calendar(body)? - zone.unwrap_or(0));
    }
    if zone.is_some() {
        return Err("zone without a date");
    }
    number(text.strip_prefix('+').unwrap_or(text))
}

/// Distances start with a minus sign or `now`, or end in a unit.
fn is_relative(text: &str) -> bool {
    text.starts_with('-')
        || text.starts_with("now")
        || text.bytes().last().is_some_and(|byte| byte.is_ascii_alphabetic())
}

/// Cuts `Z` or `+hh:mm` off the end; the zone is its offset in milliseconds, east positive.
fn split_zone(text: &str) -> Parsed<(&str, Option<i64>)> {
    if let Some(body) = text.strip_suffix('Z') {
        return Ok((body, Some(0)));
    }
    let Some((body, zone)) = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at))
    else {
        return Ok((text, None));
    };
    match zone.as_bytes() {
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let hours = digits(&zone[1..3], 0, 23, "bad hour of the zone")?;
            let minutes = digits(&zone[4..], 0, 59, "bad minute of the zone")?;
            let offset = hours * HOUR_MS + minutes * MINUTE_MS;
            Ok((body, Some(if *sign == b'-' { -offset } else { offset })))
        }
        _ => Ok((text, None)),
    }
}

/// `YYYY[-MM[-DD[Thh[:mm[:ss[.fraction]]]]]]`, each part with all its digits.
fn calendar(text: &str) -> Parsed<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    if text.len() > date.len() && date.len() != 10 {
        return Err("time of day without a full date");
    }
    let days = date_days(date)?;
    let time_ms = if text.len() > date.len() { time_of_day(time)? } else { 0 };
    Ok(days * DAY_MS + time_ms)
}

fn date_days(date: &str) -> Parsed<i64> {
    let mut parts = date.splitn(3, '-');
    let year = digits4(parts.next().unwrap_or(""))?;
    let month = optional(parts.next(), 1, 12, "bad month")?;
    let day = optional(parts.next(), 1, 31, "bad day")?;
    if day > month_days(year, month) {
        return Err("day not in this month");
    }
    Ok(days_from_civil(year, month, day))
}

fn time_of_day(time: &str) -> Parsed<i64> {
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) if clock.len() == 8 => (clock, fraction_ms(fraction)?),
        Some(_) => return Err("fraction of something other than seconds"),
        None => (time, 0),
    };
    let mut parts = clock.splitn(3, ':');
    let hour = digits(parts.next().unwrap_or(""), 0, 23, "bad hour")?;
    let minute = optional(parts.next(), 0, 59, "bad minute")?;
    let second = optional(parts.next(), 0, 59, "bad second")?;
    Ok(hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fraction)
}

fn fraction_ms(fraction: &str) -> Parsed<i64> {
    if fraction.is_empty() || !is_digits(fraction) {
        return Err("bad fraction of a second");
    }
    Ok(Decimal { digits: fraction.bytes().collect(), point: 0 }.rounded(3))
}

fn digits4(text: &str) -> Parsed<i64> {
    let year = "year is not four digits";
    if text.len() != 4 || !is_digits(text) {
        return Err(year);
    }
    text.parse().map_err(|_| year)
}

/// A part that may be cut off, with everything behind it.
fn optional(part: Option<&str>, min: i64, max: i64, reason: &'static str) -> Parsed<i64> {
    part.map_or(Ok(min), |part| digits(part, min, max, reason))
}

/// Two digits within bounds.
fn digits(text: &str, min: i64, max: i64, reason: &'static str) -> Parsed<i64> {
    if text.len() != 2 || !is_digits(text) {
        return Err(reason);
    }
    text.parse().ok().filter(|value| (min..=max).contains(value)).ok_or(reason)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn month_days(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Sum of `1h5m` and the like. A minus sign holds for its part and all behind it; a number
/// without a unit is seconds, and stands alone.
fn duration(text: &str) -> Parsed<i64> {
    let mut rest = text;
    let mut sign = 1;
    let mut sum = 0_i64;
    let mut is_first = true;
    if rest.is_empty() {
        return Err("no duration");
    }
    while !rest.is_empty() {
        if let Some(positive) = rest.strip_prefix('-') {
            (sign, rest) = (-1, positive);
        }
        let (part_ms, behind) = duration_part(rest)?;
        let has_unit = rest.ends_with(|last: char| last.is_ascii_alphabetic());
        if behind.is_empty() && !has_unit && !is_first {
            return Err("a number without a unit behind others");
        }
        is_first = false;
        sum = sum.saturating_add(sign * part_ms);
        rest = behind;
    }
    Ok(sum)
}

fn duration_part(text: &str) -> Parsed<(i64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (count, rest) = text.split_at(end);
    let count = Decimal::parse(count).ok_or("neither a number, a date nor a duration")?;
    let (unit_ms, rest) = unit(rest)?;
    Ok((count.times(unit_ms).ok_or("duration too long")?, rest))
}

/// Milliseconds of the unit at the start of `text`. `i` is the query's step, which raw reads do
/// not have.
fn unit(text: &str) -> Parsed<(i64, &str)> {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return Ok((SECOND_MS, ""));
    };
    let rest = chars.as_str();
    let unit_ms = match first.to_ascii_lowercase() {
        'm' if rest.starts_with(['s', 'S']) => return Ok((1, &rest[1..])),
        's' => SECOND_MS,
        // Elsewhere it would be a month, or a million.
        'm' if first == 'M' => return Err("unknown unit of a duration"),
        'm' => MINUTE_MS,
        'h' => HOUR_MS,
        'd' => DAY_MS,
        'w' => 7 * DAY_MS,
        'y' => 365 * DAY_MS,
        'i' => 0,
        _ => return Err("unknown unit of a duration"),
    };
    Ok((unit_ms, rest))
}

fn number(text: &str) -> Parsed<i64> {
    let value = Decimal::parse(text).filter(|_| !text.starts_with('.')).ok_or("not a number")?;
    let whole = value.whole().ok_or("number out of range")?;
    let shift = match whole {
        _ if whole <= SECONDS_MAX => 3,
        _ if whole <= MILLIS_MAX => 0,
        _ if whole <= MICROS_MAX => -3,
        _ => -6,
    };
    Ok(value.rounded(shift))
}

/// A decimal number taken apart: `0.d1d2d3... * 10^point`.
struct Decimal {
    /// ASCII digits.
    digits: Vec<u8>,
    point: i32,
}

impl Decimal {
    /// `12`, `1.`, `.5`, `1.7e9`; no sign.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !is_digits(whole) || !is_digits(fraction) || whole.len() + fraction.len() == 0 {
            return None;
        }
        let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
        Some(Self { digits: whole.bytes().chain(fraction.bytes()).collect(), point }.trimmed())
    }

    /// Without leading zeros, so that `point` tells the size.
    fn trimmed(mut self) -> Self {
        let zeros = self.digits.iter().take_while(|&&digit| digit == b'0').count();
        self.digits.drain(..zeros);
        self.point = match self.digits.is_empty() {
            true => 0,
            false => self.point.saturating_sub_unsigned(u32::try_from(zeros).unwrap_or(u32::MAX)),
        };
        self
    }

    /// Digit at a place behind the start; there are zeros without end on both sides.
    fn digit(&self, place: i32) -> i64 {
        let digit = usize::try_from(place).ok().and_then(|place| self.digits.get(place));
        digit.map_or(0, |&digit| i64::from(digit - b'0'))
    }

    fn first_digits(&self, count: i32) -> Option<i64> {
        (0..count)
            .try_fold(0_i64, |value, place| value.checked_mul(10)?.checked_add(self.digit(place)))
    }

    /// The number without its fraction, unless it is too large.
    fn whole(&self) -> Option<i64> {
        if self.point > INTEGER_DIGITS_MAX {
            return None;
        }
        self.first_digits(self.point)
    }

    /// The number times `10^shift`, rounded to the nearest; the caller knows that it fits.
    fn rounded(&self, shift: i32) -> i64 {
        let end = self.point.saturating_add(shift);
        let whole = self.first_digits(end).unwrap_or(i64::MAX);
        whole.saturating_add(i64::from(self.digit(end) >= 5))
    }

    /// The number times a number of milliseconds, to a precision of a millionth.
    fn times(&self, factor: i64) -> Option<i64> {
        const SCALE: i128 = 1_000_000;
        self.whole()?;
        let millionths = self.point.checked_add(6)?;
        let millionths =
            (0..millionths).fold(0_i128, |value, place| value * 10 + i128::from(self.digit(place)));
        i64::try_from((millionths * i128::from(factor) + SCALE / 2) / SCALE).ok()
    }
}

#[cfg(test)]
mod tests;
