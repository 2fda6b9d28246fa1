//! Random operations agree with a plain map: commits through two shards, duplicates, flush, merge,
//! deletes, retention by age, snapshots, clean close, and dropping everything without closing (what
//! `kill -9` leaves behind).
//!
//! A seed is one such sequence. `IRONTSD_MODEL_SEEDS=FIRST..END` says which are tried.

use crate::common::{Model, Node, Sample, Wall, open, open_with};
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::{self, Env};
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::scan::Cursor;
use irontsd_engine::types::{Samples, Value};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    Commit {
        shard: usize,
        rows: Vec<(u8, i64, Sample)>,
    },
    Flush,
    Delete {
        series: Vec<u8>,
        times: (i64, i64),
    },
    Merge,
    Snapshot,
    /// So many days pass.
    Pass(i64),
    Close,
    Drop,
}

const DAY_MS: i64 = 86_400_000;
/// Samples are kept for so long, and the clock begins where all that are written are kept.
const AGE_MS: i64 = 30 * DAY_MS;

fn sample() -> impl Strategy<Value = Sample> {
    prop_oneof![4 => value().prop_map(Sample::Number), 1 => histogram().prop_map(Sample::Histogram)]
}

fn histogram() -> impl Strategy<Value = Vec<u8>> {
    let opaque = prop::collection::vec(any::<u8>(), 0..20);
    let opaque = opaque.prop_map(|bytes| Histogram::Opaque { id: 7, bytes });
    let buckets = (0..5u8, any::<i64>(), -9..9i64).prop_map(|(buckets, underflow, count)| {
        let list = (0..buckets).map(|i| (f64::from(i), f64::from(i) + 1.0, count)).collect();
        Histogram::Buckets(Buckets::new(underflow, count, list).expect("they touch"))
    });
    prop_oneof![opaque, buckets].prop_map(|histogram| {
        let mut bytes = Vec::new();
        histogram.encode(&mut bytes).expect("short");
        bytes
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::integer),
        (-99999i64..99999, 0..4u8).prop_map(|(m, s)| Value::decimal(m, s).expect("in range")),
        any::<f64>().prop_map(Value::float),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // Most of it on one day, some on others.
    let time = (1..40i64, prop_oneof![6 => Just(0), 1 => 1..9i64, 1 => Just(60_000)]);
    let time = time.prop_map(|(time, day)| time + day * 86_400_000);
    let rows = prop::collection::vec((0..6u8, time, sample()), 1..30);
    let delete = (prop::collection::vec(0..6u8, 0..4), 1..40i64, 0..200_000_000i64)
        .prop_map(|(series, from, len)| Step::Delete { series, times: (from, from + len) });
    prop_oneof![
        8 => (0..2usize, rows).prop_map(|(shard, rows)| Step::Commit { shard, rows }),
        2 => Just(Step::Flush),
        1 => Just(Step::Merge),
        1 => delete,
        1 => Just(Step::Snapshot),
        1 => (0..5i64).prop_map(Step::Pass),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
    ]
}

/// A series name with what its samples mean.
pub type Meaning = BTreeMap<Vec<u8>, Vec<(i64, u64, bool, Vec<u8>)>>;

/// Doubles by their bits, integers as integers: what must be the same after any detour.
pub fn meaning(model: &Model, range: (i64, i64)) -> Meaning {
    let exact = |(&timestamp, sample): (&i64, &Sample)| {
        let value = match sample {
            Sample::Number(value) => value,
            Sample::Histogram(bytes) => return (timestamp, 0, false, bytes.clone()),
        };
        let integer = value.kind == irontsd_engine::types::Kind::INTEGER;
        let bits = if integer { value.bits } else { value.as_f64().to_bits() };
        (timestamp, bits, integer, Vec::new())
    };
    let rows = |samples: &BTreeMap<i64, Sample>| {
        samples.range(range.0..=range.1).map(exact).collect::<Vec<_>>()
    };
    let all = model.iter().map(|(name, samples)| (name.clone(), rows(samples)));
    all.filter(|(_, rows)| !rows.is_empty()).collect()
}

fn agrees(node: &Node, model: &Model) {
    agrees_since(1, node, model);
}

fn agrees_since(oldest: i64, node: &Node, model: &Model) {
    for range in [(1, i64::MAX), (10, 20), (15, 15), (86_400_000, 3 * 86_400_000)] {
        let range = (range.0.max(oldest), range.1);
        if range.0 > range.1 {
            continue;
        }
        assert_eq!(meaning(&node.content(range), range), meaning(model, range), "{range:?}");
    }
}

/// The node under test, the map it is held against, and the snapshots made of both.
struct Bench {
    dir: tempfile::TempDir,
    wall: Arc<Wall>,
    node: Option<Node>,
    model: Model,
    /// With the oldest time that was served then: what only age hid may be in them.
    snapshots: Vec<(String, Model, i64)>,
}

impl Bench {
    fn new() -> Bench {
        // No power is cut here: where syncs cost nothing there is time for more seeds.
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let (dir, wall) = (memory.expect("a directory"), Wall::new(AGE_MS));
        let node = Some(kept(dir.path(), &wall));
        Bench { dir, wall, node, model: Model::new(), snapshots: Vec::new() }
    }

    fn step(&mut self, step: &Step) {
        let node = self.node.as_mut().expect("open between steps");
        match step {
            Step::Commit { shard, rows } => node.commit(*shard, rows, &mut self.model),
            Step::Flush => node.flush(),
            Step::Merge => node.merge(),
            Step::Delete { series, times } => node.delete(series, *times, &mut self.model),
            Step::Snapshot => {
                let name = format!("n{}", self.snapshots.len());
                node.snapshot(&name);
                let oldest = self.wall.ms.load(Relaxed) - AGE_MS;
                self.snapshots.push((name, self.model.clone(), oldest));
            }
            Step::Pass(days) => _ = self.wall.ms.fetch_add(days * DAY_MS, Relaxed),
            Step::Close => {
                self.node.take().expect("open").close();
                self.node = Some(kept(self.dir.path(), &self.wall));
            }
            Step::Drop => {
                drop(self.node.take());
                self.node = Some(kept(self.dir.path(), &self.wall));
            }
        }
        // What is too old is not served, whether it was there before or came late.
        let oldest = self.wall.ms.load(Relaxed) - AGE_MS;
        self.model.values_mut().for_each(|samples| samples.retain(|&time, _| time >= oldest));
        agrees(self.node.as_ref().expect("open"), &self.model);
    }

    /// Every snapshot is a directory on which a node serves what there was, and whatever that node
    /// does, the files that the first one shares with it do not change.
    fn end(mut self) {
        for (name, mut model, oldest) in std::mem::take(&mut self.snapshots) {
            let mut node = open(&self.dir.path().join("snapshots").join(name));
            agrees_since(oldest, &node, &model);
            node.commit(0, &[(0, 70_000 * DAY_MS, Value::integer(77))], &mut model);
            node.merge();
            agrees_since(oldest, &node, &model);
            node.close();
        }
        agrees(self.node.as_ref().expect("open"), &self.model);
        drop(self.node.take());
        agrees(&kept(self.dir.path(), &self.wall), &self.model);
    }
}

/// Opens a directory without fault, with retention by the test's clock.
fn kept(dir: &Path, wall: &Arc<Wall>) -> Node {
    let env = Env { clock: wall.clone(), ..env::real() };
    let age = Duration::from_millis(AGE_MS as u64);
    let node = open_with(dir, |config| config.keep.age = Some(age), env).expect("opens");
    assert_eq!(node.engine.recovery().faults, Vec::<String>::new());
    node
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("IRONTSD_MODEL_SEEDS") else { return 0..2000 };
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.expect("IRONTSD_MODEL_SEEDS is FIRST..END")
}

/// Two threads, as there are cores.
#[test]
fn agrees_with_a_map() {
    let halves =
        [0, 1].map(|half| std::thread::spawn(move || try_seeds(seeds().skip(half).step_by(2))));
    halves.into_iter().for_each(|half| half.join().expect("a seed failed"));
}

fn try_seeds(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = ProptestConfig { cases: 1, failure_persistence: None, ..Default::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let outcome = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
            let mut bench = Bench::new();
            steps.iter().for_each(|step| bench.step(step));
            bench.end();
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

#[test]
fn a_snapshot_does_not_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = open(dir.path());
    let mut model = Model::new();
    node.commit(0, &[(0, 1, Value::integer(1))], &mut model);
    let snapshot = node.engine.snapshot();
    node.commit(1, &[(0, 1, Value::integer(2)), (0, 2, Value::integer(3))], &mut model);
    node.flush();
    let scan = snapshot.scan(None, (1, i64::MAX));
    let (mut cursor, mut samples) = (Cursor::default(), Samples::default());
    cursor.seek(&scan, 0).expect("readable");
    cursor.read(&scan, 0, 100, &mut samples).expect("readable");
    assert_eq!((samples.timestamps, samples.bits), (vec![1], vec![1]));
    agrees(&node, &model);
}

#[test]
fn a_second_engine_is_told_who_holds_the_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let _node = open(dir.path());
    let error = Engine::open(Config::new(dir.path()), env::real()).expect_err("in use");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
}
