//! Lines and bodies that are mostly right: a sender walks its few series in order, and now and then
//! something is spelled oddly.

use std::io::Write;

use fastrand::Rng;

use super::words::{
    COMMANDS, JSON_TIMES, JSON_VALUES, METRICS, NAMES, SPACES, TAGS, TIMES, VALUES,
};

/// One of a few texts.
fn one<'a>(chance: &mut Rng, texts: &[&'a str]) -> &'a str {
    texts[chance.usize(..texts.len())]
}

/// Ordinary nineteen times in twenty, else one of the odd ones.
fn mostly(chance: &mut Rng, odd: &[&str], ordinary: impl FnOnce(&mut Rng) -> String) -> String {
    if chance.u8(..20) > 0 { ordinary(chance) } else { one(chance, odd).to_owned() }
}

fn time(chance: &mut Rng) -> String {
    let seconds = chance.u32(1_700_000_000..1_700_000_100);
    if chance.bool() { seconds.to_string() } else { format!("{seconds}{:03}", chance.u16(..1000)) }
}

/// Of any number of digits up to twenty, with or without sign and point.
fn value(chance: &mut Rng) -> String {
    let digits = |chance: &mut Rng, most| -> String {
        (0..chance.usize(0..=most)).map(|_| chance.digit(10)).collect()
    };
    let most = if chance.u8(..4) == 0 { 19 } else { 5 };
    let sign = if chance.u8(..5) == 0 { "-" } else { "" };
    let (whole, point) = (chance.digit(10), chance.bool());
    let tail = digits(chance, most);
    let fraction = if point { format!(".{}", digits(chance, most)) } else { String::new() };
    format!("{sign}{whole}{tail}{fraction}")
}

/// The series of a sender, as metric and tags are spelled in its lines.
pub struct Sender {
    pub series: Vec<(&'static str, &'static str)>,
    next: usize,
}

impl Sender {
    pub fn new(chance: &mut Rng) -> Sender {
        // Of the first ones, which are good, or of all.
        let (metrics, tags) = if chance.bool() { (7, 6) } else { (METRICS.len(), TAGS.len()) };
        let series = |_| (one(chance, &METRICS[..metrics]), one(chance, &TAGS[..tags]));
        Sender { series: (0..8).map(series).collect(), next: 0 }
    }

    /// Appends one line.
    pub fn line(&mut self, chance: &mut Rng, out: &mut Vec<u8>) {
        match chance.u8(..100) {
            0..78 => self.put(chance, out),
            78..86 => histogram(chance, out),
            86..94 => out.extend_from_slice(one(chance, COMMANDS).as_bytes()),
            94 => out.extend_from_slice(b"exit"),
            95 => out.extend(std::iter::repeat_n(b'x', chance.usize(..200))),
            _ => out.extend((0..chance.usize(..20)).map(|_| chance.u8(..))),
        }
        let end: &[u8] = match chance.u8(..20) {
            0 => b"\r\n",
            1 => b" \n",
            _ => b"\n",
        };
        out.extend_from_slice(end);
    }

    fn put(&mut self, chance: &mut Rng, out: &mut Vec<u8>) {
        // The next one mostly, so that guesses hold; any other now and then.
        let jump = if chance.u8(..6) == 0 { chance.usize(..8) } else { 1 };
        self.next = (self.next + jump) % self.series.len();
        let (metric, tags) = self.series[self.next];
        let (time, value) = (mostly(chance, TIMES, time), mostly(chance, VALUES, value));
        let gap = if tags.is_empty() && chance.bool() { "" } else { " " };
        out.extend_from_slice(format!("put {metric} {time} {value}{gap}{tags}").as_bytes());
    }
}

fn histogram(chance: &mut Rng, out: &mut Vec<u8>) {
    let command = one(chance, &["put", "histogram", "histogram"]);
    let (metric, tags) = (one(chance, METRICS), one(chance, TAGS));
    let mut fields = vec![];
    let mut bound = 0.5;
    for _ in 0..chance.usize(..4) {
        fields.push(format!("{bound},{}={}", bound * 2.0, mostly(chance, VALUES, value)));
        bound *= 2.0;
    }
    if chance.bool() {
        fields.push(format!("u={}", chance.u8(..)));
    }
    chance.shuffle(&mut fields);
    let (time, fields) = (mostly(chance, TIMES, time), fields.join(":"));
    out.extend_from_slice(format!("{command} {metric} {time} {fields} {tags}").as_bytes());
}

/// A body of a few points.
pub fn body(chance: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    let elements = chance.usize(0..4);
    if elements == 1 && chance.bool() {
        element(chance, &mut out);
        return out;
    }
    out.push(b'[');
    for at in 0..elements {
        out.extend_from_slice(if at > 0 { b"," } else { b"" });
        out.extend_from_slice(one(chance, SPACES).as_bytes());
        match chance.u8(..40) {
            0 => out.extend_from_slice(one(chance, JSON_VALUES).as_bytes()),
            _ => element(chance, &mut out),
        }
    }
    out.push(b']');
    out
}

fn element(chance: &mut Rng, out: &mut Vec<u8>) {
    let name = |chance: &mut Rng| mostly(chance, NAMES, |chance| chance.lowercase().to_string());
    let mut fields = vec![
        format!("\"metric\":\"{}\"", name(chance)),
        format!("\"timestamp\":{}", mostly(chance, JSON_TIMES, time)),
        format!("\"value\":{}", mostly(chance, JSON_VALUES, value)),
    ];
    let tag = |chance: &mut Rng| format!("\"{}\":\"{}\"", name(chance), name(chance));
    let tags: Vec<String> = (0..chance.usize(..4)).map(|_| tag(chance)).collect();
    fields.push(format!("\"tags\":{{{}}}", tags.join(",")));
    match chance.u8(..12) {
        0 => fields.push(format!("\"other\":{}", one(chance, JSON_VALUES))),
        1 => fields.push(fields[chance.usize(..4)].clone()),
        2 => drop(fields.remove(chance.usize(..4))),
        3 => chance.shuffle(&mut fields),
        _ => {}
    }
    let space = one(chance, SPACES);
    let separator = format!("{space},{space}");
    // Writing to memory does not fail.
    let _ = write!(out, "{{{space}{}{space}}}", fields.join(&separator));
}
