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

use std::ops::Range;

use super::chance::{below, draw};
use super::rotation::Rotation;
use super::texts::Texts;
use super::{Shape, Workload};

const INSTANCES: u64 = 4;
const SERIES_PER_HOST: u64 = METRICS.len() as u64 * INSTANCES;
const COUNTER_STEP_MAX: u64 = 2000;
const COUNTER_START_MAX: u64 = 10_000_000;
const GAUGE_CENTS_MAX: i64 = 10_000;
const GAUGE_STEP_CENTS: i64 = 1000;
const WHOLE_MAX: u64 = 100_000;
/// One sample in this many changes a [`Form::Whole`].
const WHOLE_CHANGE_ODDS: u64 = 32;
/// Room to set aside for a line; more than almost every line takes.
const LINE_BYTES: usize = 72;

/// How the values of a series move and are written.
#[derive(Clone, Copy)]
enum Form {
    /// A whole number that only grows.
    Counter,
    /// Hundredths between 0 and 100.
    Gauge,
    /// A whole number that seldom changes.
    Whole,
}

/// Forms by metric: they take turns, so that any number of series has a third of each.
const FORMS: [Form; 3] = [Form::Counter, Form::Gauge, Form::Whole];

/// Metric name and the key and values of its second tag; its form is its position modulo 3.
const METRICS: [(&str, &str, [&str; INSTANCES as usize]); 30] = [
    ("proc.net.rx_bytes", "iface", ETHERNET),
    ("sys.cpu.user", "cpu", DIGITS),
    ("df.inodes.total", "mount", MOUNTS),
    ("proc.net.tx_bytes", "iface", ETHERNET),
    ("sys.cpu.system", "cpu", DIGITS),
    ("df.kbytes.total", "mount", MOUNTS),
    ("proc.net.rx_packets", "iface", ETHERNET),
    ("sys.cpu.iowait", "cpu", DIGITS),
    ("proc.net.mtu", "iface", ETHERNET),
    ("proc.net.tx_packets", "iface", ETHERNET),
    ("sys.cpu.idle", "cpu", DIGITS),
    ("proc.net.speed_mbit", "iface", ETHERNET),
    ("iostat.disk.reads", "dev", DISKS),
    ("iostat.disk.util", "dev", DISKS),
    ("iostat.disk.queue_max", "dev", DISKS),
    ("iostat.disk.writes", "dev", DISKS),
    ("iostat.disk.await_ms", "dev", DISKS),
    ("iostat.disk.sectors", "dev", DISKS),
    ("http.requests.count", "code", CODES),
    ("http.latency.p99_ms", "code", CODES),
    ("http.limit.rate", "code", CODES),
    ("jvm.gc.collections", "pool", POOLS),
    ("jvm.heap.used_pct", "pool", POOLS),
    ("jvm.heap.max_kb", "pool", POOLS),
    ("mysql.queries.count", "db", DATABASES),
    ("mysql.cache.hit_pct", "db", DATABASES),
    ("mysql.connections", "db", DATABASES),
    ("sys.irq.count", "cpu", DIGITS),
    ("sys.temperature", "cpu", DIGITS),
    ("sys.cpu.mhz_max", "cpu", DIGITS),
];

const DIGITS: [&str; 4] = ["0", "1", "2", "3"];
const ETHERNET: [&str; 4] = ["eth0", "eth1", "eth2", "lo"];
const DISKS: [&str; 4] = ["sda", "sdb", "nvme0n1", "nvme1n1"];
const MOUNTS: [&str; 4] = ["/", "/var", "/home", "/boot"];
const CODES: [&str; 4] = ["200", "304", "404", "500"];
const POOLS: [&str; 4] = ["eden", "old", "survivor", "meta"];
const DATABASES: [&str; 4] = ["users", "orders", "stock", "audit"];

/// The agent load of one connection.
pub struct AgentLines {
    seed: u64,
    rotation: Rotation,
    host_first: u64,
    /// `put METRIC` by metric.
    heads: Texts,
    /// ` host=NAME` by host of this connection.
    hosts: Texts,
    /// ` key=value\n` by slot.
    tails: Texts,
    /// The last value of each series; gauges in hundredths.
    values: Vec<i64>,
    digits: itoa::Buffer,
}

impl AgentLines {
    /// The lines of the given series of a load.
    pub fn new(shape: &Shape, series: Range<u64>) -> Self {
        let hosts = series.start / SERIES_PER_HOST..series.end.div_ceil(SERIES_PER_HOST);
        AgentLines {
            seed: shape.seed,
            rotation: Rotation::new(shape, series.clone()),
            host_first: hosts.start,
            heads: METRICS.iter().map(|(name, ..)| format!("put {name}")).collect(),
            hosts: hosts.map(|host| format!(" host=web{:04}", host + 1)).collect(),
            tails: (0..SERIES_PER_HOST as usize).map(tail).collect(),
            values: series.map(|series| value_first(shape.seed, series)).collect(),
            digits: itoa::Buffer::new(),
        }
    }

    #[inline]
    fn push_line(&mut self, out: &mut Vec<u8>) {
        let place = self.rotation.place();
        let slot = (place.series % SERIES_PER_HOST) as usize;
        let metric = slot % METRICS.len();
        let form = FORMS[metric % FORMS.len()];
        let value = &mut self.values[place.index];
        *value = value_next(form, *value, draw(self.seed, place.series, place.step + 1));
        out.extend_from_slice(self.heads.get(metric));
        out.extend_from_slice(self.rotation.stamp());
        push_value(out, form, *value, &mut self.digits);
        let host = (place.series / SERIES_PER_HOST - self.host_first) as usize;
        out.extend_from_slice(self.hosts.get(host));
        out.extend_from_slice(self.tails.get(slot));
        self.rotation.advance();
    }
}

impl Workload for AgentLines {
    fn fill(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64 {
        let lines = lines_max.min(self.rotation.left());
        out.reserve(lines as usize * LINE_BYTES);
        for _ in 0..lines {
            self.push_line(out);
        }
        lines
    }
}

/// The second tag of a slot: metrics follow each other, then the next instance of all of them.
fn tail(slot: usize) -> String {
    let (_, key, values) = METRICS[slot % METRICS.len()];
    format!(" {key}={}\n", values[slot / METRICS.len()])
}

fn form_of(series: u64) -> Form {
    let metric = (series % SERIES_PER_HOST) as usize % METRICS.len();
    FORMS[metric % FORMS.len()]
}

/// Where a series starts, before its first step.
fn value_first(seed: u64, series: u64) -> i64 {
    let random = draw(seed, series, 0);
    match form_of(series) {
        Form::Counter => below(random, COUNTER_START_MAX),
        Form::Gauge => below(random, GAUGE_CENTS_MAX as u64 + 1),
        Form::Whole => below(random, WHOLE_MAX) + 1,
    }
}

#[inline]
fn value_next(form: Form, value: i64, random: u64) -> i64 {
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

#[inline]
fn push_value(out: &mut Vec<u8>, form: Form, value: i64, digits: &mut itoa::Buffer) {
    if !matches!(form, Form::Gauge) {
        return out.extend_from_slice(digits.format(value).as_bytes());
    }
    let cents = (value % 100) as u8;
    out.extend_from_slice(digits.format(value / 100).as_bytes());
    out.extend_from_slice(&[b'.', b'0' + cents / 10, b'0' + cents % 10]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::collect;

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

    /// The arithmetic at the top of this file, with gauges where they walk.
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

    #[test]
    fn gauges_have_two_decimals() {
        let mut out = Vec::new();
        push_value(&mut out, Form::Gauge, 1205, &mut itoa::Buffer::new());
        assert_eq!(out, b"12.05");
    }
}
