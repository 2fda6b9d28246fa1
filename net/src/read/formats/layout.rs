//! Go's time layouts, which CSV's `custom:` takes: the layout is the moment `Mon Jan 2 15:04:05
//! 2006` as it should look, and each part of it stands for the same part of another moment. UTC.

use crate::read::civil::Civil;
use crate::read::number_text::push_integer;

/// A layout taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Text(char),
    /// A row of [`PARTS`].
    Part(usize),
    /// `.000`: so many digits of the second's fraction behind this character.
    Fraction(char, usize),
    /// `.999`: the same without trailing zeros, and without the character if nothing is left.
    ShortFraction(char, usize),
}

/// Appends a part of a moment.
type Show = fn(&mut Vec<u8>, &Civil);

/// What stands for something, the longer text first where one begins with another.
const PARTS: [(&str, Show); 30] = [
    ("January", |out, t| out.extend_from_slice(MONTHS[t.month as usize - 1].as_bytes())),
    ("Jan", |out, t| out.extend_from_slice(&MONTHS[t.month as usize - 1].as_bytes()[..3])),
    ("Monday", |out, t| out.extend_from_slice(DAYS[t.weekday as usize].as_bytes())),
    ("Mon", |out, t| out.extend_from_slice(&DAYS[t.weekday as usize].as_bytes()[..3])),
    ("MST", |out, _| out.extend_from_slice(b"UTC")),
    ("002", |out, t| push_padded(out, t.year_day, 3, b'0')),
    ("01", |out, t| push_padded(out, t.month, 2, b'0')),
    ("02", |out, t| push_padded(out, t.day, 2, b'0')),
    ("03", |out, t| push_padded(out, hour_of_12(t), 2, b'0')),
    ("04", |out, t| push_padded(out, t.minute, 2, b'0')),
    ("05", |out, t| push_padded(out, t.second, 2, b'0')),
    ("06", |out, t| push_padded(out, t.year % 100, 2, b'0')),
    ("15", |out, t| push_padded(out, t.hour, 2, b'0')),
    ("2006", |out, t| push_padded(out, t.year, 4, b'0')),
    ("__2", |out, t| push_padded(out, t.year_day, 3, b' ')),
    ("_2006", |out, t| push_padded(out, t.year, 5, b'_')),
    ("_2", |out, t| push_padded(out, t.day, 2, b' ')),
    ("1", |out, t| push_integer(out, t.month)),
    ("2", |out, t| push_integer(out, t.day)),
    ("3", |out, t| push_integer(out, hour_of_12(t))),
    ("4", |out, t| push_integer(out, t.minute)),
    ("5", |out, t| push_integer(out, t.second)),
    ("PM", |out, t| out.extend_from_slice(if t.hour < 12 { b"AM" } else { b"PM" })),
    ("pm", |out, t| out.extend_from_slice(if t.hour < 12 { b"am" } else { b"pm" })),
    ("-07:00", |out, _| out.extend_from_slice(b"+00:00")),
    ("-0700", |out, _| out.extend_from_slice(b"+0000")),
    ("-07", |out, _| out.extend_from_slice(b"+00")),
    ("Z07:00", |out, _| out.push(b'Z')),
    ("Z0700", |out, _| out.push(b'Z')),
    ("Z07", |out, _| out.push(b'Z')),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Layout {
    /// Takes a layout apart; what is no part of the moment is text, so every text is a layout.
    pub fn parse(text: &str) -> Layout {
        let (mut items, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let (item, len) = part(rest)
                .or_else(|| fraction(rest))
                .unwrap_or((Item::Text(first), first.len_utf8()));
            items.push(item);
            rest = &rest[len..];
        }
        Layout(items)
    }

    /// RFC 3339 with as many of three decimals as are needed.
    pub fn rfc3339() -> Layout {
        Layout::parse("2006-01-02T15:04:05.999Z07:00")
    }

    /// Appends a moment.
    pub fn push(&self, out: &mut Vec<u8>, ms: i64) {
        let civil = Civil::of(ms);
        for item in &self.0 {
            match *item {
                Item::Text(text) => out.extend_from_slice(text.encode_utf8(&mut [0; 4]).as_bytes()),
                Item::Part(at) => PARTS[at].1(out, &civil),
                Item::Fraction(point, digits) => {
                    push_fraction(out, point, &decimals(&civil, digits));
                }
                Item::ShortFraction(point, digits) => {
                    let digits = decimals(&civil, digits);
                    push_fraction(out, point, digits.trim_end_matches('0'));
                }
            }
        }
    }
}

fn part(text: &str) -> Option<(Item, usize)> {
    let at = PARTS.iter().position(|(part, _)| {
        // `Month` is a word, not a day and two letters.
        let word = matches!(*part, "Jan" | "Mon");
        let rest = text.strip_prefix(part);
        rest.is_some_and(|rest| !word || !rest.starts_with(|c: char| c.is_ascii_lowercase()))
    })?;
    Some((Item::Part(at), PARTS[at].0.len()))
}

fn fraction(text: &str) -> Option<(Item, usize)> {
    let point = text.chars().next().filter(|point| matches!(point, '.' | ','))?;
    let digits = &text[1..];
    let digit = digits.chars().next().filter(|digit| matches!(digit, '0' | '9'))?;
    let rest = digits.trim_start_matches(digit);
    let len = digits.len() - rest.len();
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let item = if digit == '0' { Item::Fraction } else { Item::ShortFraction };
    Some((item(point, len), 1 + len))
}

fn decimals(civil: &Civil, digits: usize) -> String {
    let mut text = format!("{:03}", civil.millisecond);
    text.extend(std::iter::repeat_n('0', digits.saturating_sub(3)));
    text.truncate(digits);
    text
}

fn push_fraction(out: &mut Vec<u8>, point: char, digits: &str) {
    if !digits.is_empty() {
        out.push(point as u8);
        out.extend_from_slice(digits.as_bytes());
    }
}

fn hour_of_12(civil: &Civil) -> i64 {
    (civil.hour + 11) % 12 + 1
}

fn push_padded(out: &mut Vec<u8>, number: i64, width: usize, fill: u8) {
    let start = out.len();
    push_integer(out, number);
    let missing = width.saturating_sub(out.len() - start);
    out.splice(start..start, std::iter::repeat_n(fill, missing));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(layout: &str, ms: i64) -> String {
        let mut out = Vec::new();
        Layout::parse(layout).push(&mut out, ms);
        String::from_utf8(out).expect("utf-8")
    }

    #[test]
    fn every_part_stands_for_itself() {
        // Sunday, 6 July 2003, 08:09:07.050
        let ms = 1_057_478_947_050;
        for (layout, expected) in [
            ("Mon Jan _2 15:04:05 2006", "Sun Jul  6 08:09:07 2003"),
            ("Monday, 02-January-06 3:4:5 PM MST", "Sunday, 06-July-03 8:9:7 AM UTC"),
            ("2006-01-02T15:04:05.000Z07:00", "2003-07-06T08:09:07.050Z"),
            ("15:04:05,999999 -0700 -07:00 -07", "08:09:07,05 +0000 +00:00 +00"),
            ("1/2 03pm .9 .00 002 __2", "7/6 08am  .05 187 187"),
            ("Z0700 Z07 Month Janus \u{e9}", "Z Z Month Janus \u{e9}"),
            (".05 x_2006", ".07 x_2003"),
        ] {
            assert_eq!(shown(layout, ms), expected, "{layout}");
        }
        assert_eq!(shown("3:04PM 3", 12 * 3_600_000), "12:00PM 12");
    }

    #[test]
    fn rfc3339_has_the_decimals_it_needs() {
        let shown = |ms| {
            let mut out = Vec::new();
            Layout::rfc3339().push(&mut out, ms);
            String::from_utf8(out).expect("utf-8")
        };
        assert_eq!(shown(1_700_000_000_500), "2023-11-14T22:13:20.5Z");
        assert_eq!(shown(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(shown(951_782_400_001), "2000-02-29T00:00:00.001Z");
    }
}
