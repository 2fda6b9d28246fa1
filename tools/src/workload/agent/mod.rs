//! Lines as a monitoring agent sends them: about 61 bytes, a host and one other tag.
//!
//! A host has 30 metrics on 4 instances each. A third are counters that grow by less than 2000
//! a step, a third gauges with two decimals that wander, a third whole numbers that seldom
//! change: `put sys.cpu.user 1700000000 37.25 host=web0001 cpu=3`.
//!
//! What no code can go below is the entropy of the steps, in bits a sample:
//!
//! | form | entropy | why |
//! |---|---|---|
//! | counter | 10.97 | one of 2000 steps, log2 2000 |
//! | gauge | 10.87 | one of 2001 steps, log2 2001, less 0.1 for steps made equal by turning back at 0 and 100 |
//! | whole | 0.72 | whether it changes, H(1/32) = 0.20, and 1/32 of log2 100,000 for the new value |
//!
//! The mean is 7.52 bits, 0.94 bytes; timestamps have none. Where each series begins adds 0.004
//! bytes a sample at 500 samples.

mod digits;
mod names;
mod values;

pub(super) use names::{push_metric, push_tags};
pub(super) use values::push_value_of;

use std::ops::Range;

use super::chance::draw;
use super::rotation::{Order, Rotation};
use super::{Shape, Workload};
use names::{METRICS, SERIES_PER_HOST};
use values::{FORMS, push_value, value_first, value_next};

/// Room for the longest line: texts are copied whole, with what stands behind their ends.
const LINE_BYTES: usize = 128;
const HEAD_BYTES: usize = 48;
const HOST_BYTES: usize = 24;
const TAIL_BYTES: usize = 16;

/// A short text in a place of fixed size: copying all of it is a few moves, and no loop.
#[derive(Clone, Copy)]
struct Text<const BYTES: usize> {
    bytes: [u8; BYTES],
    length: u8,
}

impl<const BYTES: usize> Text<BYTES> {
    /// The text must fit.
    fn new(text: &[u8]) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..text.len()].copy_from_slice(text);
        Text { bytes, length: text.len() as u8 }
    }

    /// Writes the text and returns where it ends.
    #[inline(always)]
    fn copy(&self, line: &mut [u8; LINE_BYTES], at: usize) -> usize {
        line[at..at + BYTES].copy_from_slice(&self.bytes);
        at + usize::from(self.length)
    }
}

/// The agent load of one connection.
pub struct AgentLines {
    seed: u64,
    rotation: Rotation,
    host_first: u64,
    /// `put METRIC TIME ` by metric, with the time of `heads_step`.
    heads: Vec<Text<HEAD_BYTES>>,
    heads_step: Option<u64>,
    /// Where the time begins in each head.
    stamps: Vec<usize>,
    /// ` host=NAME` by host of this connection.
    hosts: Vec<Text<HOST_BYTES>>,
    /// ` key=value\n` by slot.
    tails: Vec<Text<TAIL_BYTES>>,
    /// The last value of each series; gauges in hundredths.
    values: Vec<i64>,
}

impl AgentLines {
    /// The lines of the given series of a load.
    pub fn new(shape: &Shape, series: Range<u64>) -> Self {
        let hosts = series.start / SERIES_PER_HOST..series.end.div_ceil(SERIES_PER_HOST);
        AgentLines {
            seed: shape.seed,
            rotation: Rotation::new(shape, series.clone()),
            host_first: hosts.start,
            heads: Vec::new(),
            heads_step: None,
            stamps: METRICS.iter().map(|(name, ..)| "put  ".len() + name.len()).collect(),
            hosts: hosts.map(|host| Text::new(names::host(host).as_bytes())).collect(),
            tails: (0..SERIES_PER_HOST as usize)
                .map(|slot| Text::new(names::tail(slot).as_bytes()))
                .collect(),
            values: series.map(|series| value_first(shape.seed, series)).collect(),
        }
    }

    /// The same with the times of samples in another order.
    pub fn ordered(self, order: Order) -> Self {
        AgentLines { rotation: self.rotation.ordered(order), ..self }
    }

    fn make_heads(&mut self, step: u64) {
        if self.heads_step != Some(step) {
            let stamp = self.rotation.stamp();
            let head = |name: &str| Text::new(&[b"put ", name.as_bytes(), stamp].concat());
            self.heads = METRICS.iter().map(|(name, ..)| head(name)).collect();
            self.heads_step = Some(step);
        }
    }

    /// Lines of neighbouring series of one host at one step; returns how many.
    fn push_run(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64 {
        let place = self.rotation.place();
        self.make_heads(place.step);
        let slot = (place.series % SERIES_PER_HOST) as usize;
        let run = (SERIES_PER_HOST - slot as u64).min(self.rotation.left_in_step()).min(lines_max);
        let host = self.hosts[(place.series / SERIES_PER_HOST - self.host_first) as usize];
        let start = out.len();
        out.resize(start + run as usize * LINE_BYTES, 0);
        let mut end = start;
        let mut metric = slot % METRICS.len();
        let values = &mut self.values[place.index..place.index + run as usize];
        for ((at, value), tail) in values.iter_mut().enumerate().zip(&self.tails[slot..]) {
            let form = FORMS[metric % FORMS.len()];
            *value =
                value_next(form, *value, draw(self.seed, place.series + at as u64, place.step + 1));
            let line: &mut [u8; LINE_BYTES] =
                out[end..].first_chunk_mut().expect("room was made for every line");
            let mut length = self.heads[metric].copy(line, 0);
            if let Some(time_s) = self.rotation.own_time_s(place.series + at as u64) {
                length = push_time(line, self.stamps[metric], time_s);
            }
            length = push_value(line, length, form, *value);
            length = host.copy(line, length);
            end += tail.copy(line, length);
            metric = if metric + 1 == METRICS.len() { 0 } else { metric + 1 };
        }
        out.truncate(end);
        self.rotation.advance_by(run);
        run
    }
}

/// Writes a time and the space behind it over what is there, and returns where it ends.
fn push_time(line: &mut [u8; LINE_BYTES], at: usize, time_s: u64) -> usize {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(time_s).as_bytes();
    line[at..at + digits.len()].copy_from_slice(digits);
    line[at + digits.len()] = b' ';
    at + digits.len() + 1
}

impl Workload for AgentLines {
    fn fill(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64 {
        let mut lines = 0;
        while lines < lines_max && self.rotation.left() > 0 {
            lines += self.push_run(out, lines_max - lines);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::values::Form;
    use super::*;
    use crate::workload::collect;
    use std::collections::{BTreeMap, BTreeSet};

    const SHAPE: Shape = Shape {
        seed: 1,
        series_count: 40_000,
        samples_per_series: 3,
        start_s: 1_700_000_000,
        interval_s: 15,
    };

    fn text(series: Range<u64>) -> String {
        let (bytes, _) = collect(&mut AgentLines::new(&SHAPE, series));
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn lines_are_about_61_bytes() {
        let bytes_mean = text(0..40_000).len() as f64 / 120_000.0;
        assert!((60.0..62.0).contains(&bytes_mean), "{bytes_mean}");
    }

    #[test]
    fn series_take_turns_and_time_moves_on_by_the_interval() {
        let text = text(119..121);
        let heads: Vec<&str> = text.lines().map(|line| &line[..27]).collect();
        let expected = [
            "put sys.cpu.mhz_max 1700000000",
            "put proc.net.rx_bytes 1700000000",
            "put sys.cpu.mhz_max 1700000015",
        ];
        assert!(heads.iter().zip(expected).all(|(head, want)| want.starts_with(head)), "{text}");
        assert!(
            text.contains(" host=web0001 cpu=3\n") && text.contains(" host=web0002 iface=eth0\n")
        );
    }

    #[test]
    fn every_series_has_its_own_name() {
        let text = text(0..2400);
        let keys: std::collections::HashSet<String> = text.lines().map(key).collect();
        assert_eq!(keys.len(), 2400);
    }

    fn key(line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        [words[1], words[4], words[5]].join(" ")
    }

    /// Times by series, in the order sent.
    fn times(order: Order) -> BTreeMap<String, Vec<u64>> {
        let shape = Shape { series_count: 240, samples_per_series: 32, ..SHAPE };
        let (bytes, _) = collect(&mut AgentLines::new(&shape, 0..240).ordered(order));
        let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for line in String::from_utf8(bytes).expect("ASCII").lines() {
            times
                .entry(key(line))
                .or_default()
                .push(line.split(' ').nth(2).and_then(|time| time.parse().ok()).expect("a time"));
        }
        times
    }

    #[test]
    fn shuffled_samples_are_all_there_and_out_of_order_in_a_quarter() {
        let times = times(Order::Shuffled);
        let expected: Vec<u64> = (0..32).map(|step| SHAPE.start_s + step * 15).collect();
        let mut out_of_order = 0;
        for sent in times.values() {
            out_of_order += usize::from(!sent.is_sorted());
            let set: BTreeSet<u64> = sent.iter().copied().collect();
            assert!(set.iter().eq(&expected) && sent.len() == 32);
        }
        assert!((50..=60).contains(&out_of_order), "{out_of_order} of {}", times.len());
    }

    #[test]
    fn every_eighth_step_is_repeated() {
        for sent in times(Order::Repeated).values() {
            let repeated = sent.windows(2).filter(|pair| pair[0] == pair[1]).count();
            assert_eq!((repeated, sent.is_sorted()), (4, true));
        }
    }

    #[test]
    fn the_longest_texts_fit() {
        let names = METRICS.iter().map(|(name, ..)| name.len()).max().expect("metrics");
        assert!("put ".len() + names + u64::MAX.to_string().len() + 2 <= HEAD_BYTES);
        assert!((0..120).all(|slot| names::tail(slot).len() <= TAIL_BYTES));
        assert!(names::host(1_000_000_000_000_000 / SERIES_PER_HOST).len() <= HOST_BYTES);
        let value = i64::MIN.to_string().len() + 1;
        assert!(HEAD_BYTES + value + HOST_BYTES + TAIL_BYTES <= LINE_BYTES);
    }

    #[test]
    fn values_are_written_as_they_are() {
        let mut line = [0; LINE_BYTES];
        let cases: [(Form, i64, &str); 9] = [
            (Form::Counter, 0, "0"),
            (Form::Counter, 7, "7"),
            (Form::Counter, 12_345_678, "12345678"),
            (Form::Counter, 99_999_999, "99999999"),
            (Form::Counter, 100_000_000, "100000000"),
            (Form::Whole, i64::MAX, "9223372036854775807"),
            (Form::Gauge, 0, "0.00"),
            (Form::Gauge, 1205, "12.05"),
            (Form::Gauge, 10_000, "100.00"),
        ];
        for (form, value, text) in cases {
            let end = push_value(&mut line, 3, form, value);
            assert_eq!(&line[3..end], text.as_bytes());
        }
        for value in (0..10_000_000).step_by(997) {
            let end = push_value(&mut line, 0, Form::Whole, value);
            assert_eq!(&line[..end], value.to_string().as_bytes());
        }
    }
}
