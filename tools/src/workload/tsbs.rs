//! The cpu-only case of the Time Series Benchmark Suite, written as `put` lines.
//!
//! A host has ten metrics and ten tags, so a line is about 195 bytes; values are whole numbers
//! from 0 to 100 that move by at most one a step. The names are those the suite draws from.

use std::ops::Range;

use super::chance::{below, draw};
use super::rotation::Rotation;
use super::texts::Texts;
use super::{Shape, Workload};

const VALUE_MAX: i64 = 100;
const SERIES_PER_HOST: u64 = METRICS.len() as u64;
/// Room to set aside for a line; more than almost every line takes.
const LINE_BYTES: usize = 212;

const METRICS: [&str; 10] = [
    "cpu.usage_user",
    "cpu.usage_system",
    "cpu.usage_idle",
    "cpu.usage_nice",
    "cpu.usage_iowait",
    "cpu.usage_irq",
    "cpu.usage_softirq",
    "cpu.usage_steal",
    "cpu.usage_guest",
    "cpu.usage_guest_nice",
];

/// Regions and the letters of their data centers.
const REGIONS: [(&str, &str); 9] = [
    ("us-east-1", "abce"),
    ("us-west-1", "ab"),
    ("us-west-2", "abc"),
    ("eu-west-1", "abc"),
    ("eu-central-1", "ab"),
    ("ap-southeast-1", "ab"),
    ("ap-southeast-2", "ab"),
    ("ap-northeast-1", "ac"),
    ("sa-east-1", "abc"),
];
const SYSTEMS: [&str; 3] = ["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"];
const ARCHITECTURES: [&str; 2] = ["x64", "x86"];
const TEAMS: [&str; 4] = ["SF", "NYC", "LON", "CHI"];
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "test"];
const RACKS: u64 = 100;
const SERVICES: u64 = 20;
const VERSIONS: u64 = 2;

/// The TSBS cpu-only load of one connection.
pub struct TsbsLines {
    seed: u64,
    rotation: Rotation,
    host_first: u64,
    /// `put METRIC` by metric.
    heads: Texts,
    /// The ten tags and the line end, by host of this connection.
    tails: Texts,
    /// The last value of each series.
    values: Vec<u8>,
    digits: itoa::Buffer,
}

impl TsbsLines {
    /// The lines of the given series of a load.
    pub fn new(shape: &Shape, series: Range<u64>) -> Self {
        let hosts = series.start / SERIES_PER_HOST..series.end.div_ceil(SERIES_PER_HOST);
        TsbsLines {
            seed: shape.seed,
            rotation: Rotation::new(shape, series.clone()),
            host_first: hosts.start,
            heads: METRICS.iter().map(|name| format!("put {name}")).collect(),
            tails: hosts.map(|host| tags(shape.seed, host)).collect(),
            values: series.map(|series| value_first(shape.seed, series)).collect(),
            digits: itoa::Buffer::new(),
        }
    }

    #[inline]
    fn push_line(&mut self, out: &mut Vec<u8>) {
        let place = self.rotation.place();
        let value = &mut self.values[place.index];
        *value = value_next(*value, draw(self.seed, place.series, place.step + 1));
        out.extend_from_slice(self.heads.get((place.series % SERIES_PER_HOST) as usize));
        out.extend_from_slice(self.rotation.stamp());
        out.extend_from_slice(self.digits.format(*value).as_bytes());
        let host = (place.series / SERIES_PER_HOST - self.host_first) as usize;
        out.extend_from_slice(self.tails.get(host));
        self.rotation.advance();
    }
}

impl Workload for TsbsLines {
    fn fill(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64 {
        let lines = lines_max.min(self.rotation.left());
        out.reserve(lines as usize * LINE_BYTES);
        for _ in 0..lines {
            self.push_line(out);
        }
        lines
    }
}

/// The ten tags of a host, a space before each, and the line end.
fn tags(seed: u64, host: u64) -> String {
    let pick = |what: u64, count: u64| below(draw(!seed, host, what), count);
    let one = |what: u64, names: &[&'static str]| names[pick(what, names.len() as u64) as usize];
    let (region, letters) = REGIONS[pick(0, REGIONS.len() as u64) as usize];
    let letter = pick(1, letters.len() as u64) as usize;
    format!(
        " hostname=host_{host} region={region} datacenter={region}{} rack={} os={} arch={} \
         team={} service={} service_version={} service_environment={}\n",
        &letters[letter..=letter],
        pick(2, RACKS),
        one(3, &SYSTEMS),
        one(4, &ARCHITECTURES),
        one(5, &TEAMS),
        pick(6, SERVICES),
        pick(7, VERSIONS),
        one(8, &ENVIRONMENTS),
    )
}

fn value_first(seed: u64, series: u64) -> u8 {
    below(draw(seed, series, 0), VALUE_MAX as u64 + 1) as u8
}

#[inline]
fn value_next(value: u8, random: u64) -> u8 {
    (i64::from(value) + below(random, 3) - 1).clamp(0, VALUE_MAX) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::collect;

    const SHAPE: Shape = Shape {
        seed: 1,
        series_count: 40_000,
        samples_per_series: 2,
        start_s: 1_700_000_000,
        interval_s: 10,
    };

    #[test]
    fn lines_are_about_195_bytes() {
        let (bytes, lines) = collect(&mut TsbsLines::new(&SHAPE, 0..40_000));
        let bytes_mean = bytes.len() as f64 / lines as f64;
        assert!((190.0..200.0).contains(&bytes_mean), "{bytes_mean}");
    }

    #[test]
    fn a_host_sends_ten_metrics_with_the_same_ten_tags() {
        let (bytes, _) = collect(&mut TsbsLines::new(&SHAPE, 10..20));
        let text = String::from_utf8(bytes).expect("ASCII");
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
        assert_eq!(lines.len(), 20);
        assert!(lines.iter().all(|words| words.len() == 14 && words[4..] == lines[0][4..]));
        assert_eq!((lines[0][1], lines[0][2]), ("cpu.usage_user", "1700000000"));
        assert_eq!((lines[19][1], lines[19][2]), ("cpu.usage_guest_nice", "1700000010"));
        assert_eq!(lines[0][4], "hostname=host_1");
    }

    #[test]
    fn values_wander_by_at_most_one() {
        let mut value = 1;
        for random in (0..10_000).map(|step| draw(3, 4, step)) {
            let next = value_next(value, random);
            assert!(next.abs_diff(value) <= 1 && next <= 100);
            value = next;
        }
    }
}
