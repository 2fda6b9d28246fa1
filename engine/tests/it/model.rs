//! Random operations agree with a plain map: commits through two shards, duplicates, flush,
//! clean close, and dropping everything without closing (what `kill -9` leaves behind).

use crate::common::{Model, Node, Sample, open};
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::scan::Cursor;
use irontsd_engine::types::{Samples, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Commit { shard: usize, rows: Vec<(u8, i64, Sample)> },
    Flush,
    Delete { series: Vec<u8>, times: (i64, i64) },
    Merge,
    Close,
    Drop,
}

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
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
    ]
}

/// A series name with what its samples mean.
type Meaning = BTreeMap<Vec<u8>, Vec<(i64, u64, bool, Vec<u8>)>>;

/// Doubles by their bits, integers as integers: what must be the same after any detour.
fn meaning(model: &Model, range: (i64, i64)) -> Meaning {
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
    for range in [(1, i64::MAX), (10, 20), (15, 15), (86_400_000, 3 * 86_400_000)] {
        assert_eq!(meaning(&node.content(range), range), meaning(model, range), "{range:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn agrees_with_a_map(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().expect("a directory");
        let mut node = open(dir.path());
        let mut model = Model::new();
        for step in &steps {
            match step {
                Step::Commit { shard, rows } => node.commit(*shard, rows, &mut model),
                Step::Flush => node.flush(),
                Step::Merge => node.merge(),
                Step::Delete { series, times } => node.delete(series, *times, &mut model),
                Step::Close => {
                    node.close();
                    node = open(dir.path());
                }
                Step::Drop => {
                    drop(node);
                    node = open(dir.path());
                }
            }
            agrees(&node, &model);
        }
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
