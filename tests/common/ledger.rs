//! What one writer sent and what was acknowledged, and whether an export agrees.
//!
//! A writer's operations are numbered and what operation `n` writes follows from `n` alone, so
//! the ledger of millions of points is two numbers. Every eighth operation writes a point of
//! four operations earlier again, with another value.

use super::Export;
use super::series::same_number;

/// Series a writer spreads its points over.
const SERIES: u64 = 4;

/// The time of key 0, in milliseconds.
const EPOCH_MS: i64 = 1_600_000_000_000;

/// One writer's account.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub metric: String,
    /// Operations handed to the socket, whether or not they arrived.
    pub sent: u64,
    /// Operations acknowledged: all of 0 to this.
    pub acked: u64,
}

impl Ledger {
    /// Nothing sent so far; the metric must be this writer's alone.
    pub fn new(metric: String) -> Ledger {
        Ledger { metric, sent: 0, acked: 0 }
    }

    /// The telnet lines of the next `count` operations.
    pub fn next_lines(&mut self, count: u64) -> String {
        let metric = self.metric.clone();
        let line =
            |n| format!("put {metric} {} {} s=s{}\n", stamp(key(n)), value(n), shard(key(n)));
        self.take(count).map(line).collect()
    }

    /// The JSON body of the next `count` operations.
    pub fn next_json(&mut self, count: u64) -> String {
        let metric = self.metric.clone();
        let point = |n| {
            let (stamp, value, shard) = (stamp(key(n)), value(n), shard(key(n)));
            format!(
                r#"{{"metric":"{metric}","timestamp":{stamp},"value":{value},"tags":{{"s":"s{shard}"}}}}"#
            )
        };
        format!("[{}]", self.take(count).map(point).collect::<Vec<_>>().join(","))
    }

    /// Notes that everything sent is acknowledged.
    pub fn acknowledge(&mut self) {
        self.acked = self.sent;
    }

    /// Panics unless `export` holds everything acknowledged and nothing that was not sent.
    #[track_caller]
    pub fn check(&self, export: &Export) {
        let found: usize = (0..SERIES).map(|shard| self.check_shard(export, shard)).sum();
        let least = (0..self.acked).filter(|&n| key(n) == n).count();
        assert!(found >= least, "{self:?}: {found} samples, {least} were acknowledged");
        (0..self.acked).for_each(|n| self.check_acknowledged(export, n));
    }

    fn take(&mut self, count: u64) -> std::ops::Range<u64> {
        self.sent += count;
        self.sent - count..self.sent
    }

    /// Every exported sample was sent; returns how many there are.
    fn check_shard(&self, export: &Export, shard: u64) -> usize {
        let samples = export.samples(&self.metric, &[("s", &format!("s{shard}"))]);
        for (stamp_ms, text) in samples {
            let key = u64::try_from(stamp_ms - EPOCH_MS).unwrap_or(u64::MAX);
            let sent = self.candidates(key).any(|n| n < self.sent && same_number(text, &value(n)));
            assert!(sent && self::shard(key) == shard, "{self:?}: invented {stamp_ms} {text}");
        }
        samples.len()
    }

    /// The point of an acknowledged operation holds it or a later write.
    fn check_acknowledged(&self, export: &Export, n: u64) {
        let key = key(n);
        let series = super::series::series(&self.metric, &[("s", &format!("s{}", shard(key)))]);
        let text = export.value(&series, stamp(key));
        let holds = |text: &str| {
            let mut since = self.candidates(key).filter(|&other| other >= n && other < self.sent);
            since.any(|other| same_number(text, &value(other)))
        };
        assert!(text.is_some_and(holds), "{self:?}: operation {n} lost, found {text:?}");
    }

    /// The operations that write `key`.
    fn candidates(&self, key: u64) -> impl Iterator<Item = u64> + use<> {
        [key, key.saturating_add(4)].into_iter().filter(move |&n| self::key(n) == key)
    }
}

/// The point that operation `n` writes.
fn key(n: u64) -> u64 {
    if n % 8 == 7 { n - 4 } else { n }
}

fn shard(key: u64) -> u64 {
    key % SERIES
}

fn stamp(key: u64) -> i64 {
    EPOCH_MS + i64::try_from(key).expect("few operations")
}

/// Integers and floats in turn, different for every operation.
fn value(n: u64) -> String {
    if n.is_multiple_of(3) { format!("{n}.25") } else { n.to_string() }
}

#[test]
fn the_ledger_finds_lost_and_invented_points() {
    let mut ledger = Ledger::new("m".into());
    let lines = ledger.next_lines(16);
    ledger.acknowledge();
    let whole = read_lines(&lines);
    ledger.check(&whole);
    for (series, samples) in &whole.series {
        for place in 0..samples.len() {
            let mut lossy = whole.clone();
            lossy.series.get_mut(series).expect("there").remove(place);
            refuses(&ledger, &lossy);
            let mut wrong = whole.clone();
            wrong.series.get_mut(series).expect("there")[place].1 = "7777".into();
            refuses(&ledger, &wrong);
        }
    }
}

#[cfg(test)]
fn read_lines(lines: &str) -> Export {
    let mut export = Export::default();
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let series = super::series::series(words[1], &[("s", &words[4][2..])]);
        export.insert(series, words[2].parse().expect("a timestamp"), words[3]);
    }
    export
}

#[cfg(test)]
fn refuses(ledger: &Ledger, export: &Export) {
    let checked = std::panic::catch_unwind(|| ledger.check(export));
    assert!(checked.is_err(), "not noticed: {export:?}");
}
