//! A data directory made by this version is read sample by sample.

use super::document::*;
use irontsd_engine::batch::Batch;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::manifest::Manifest;
use irontsd_engine::scan::Cursor;
use irontsd_engine::segment::Segment;
use irontsd_engine::shard::Shard;
use irontsd_engine::types::{Kind, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN};
use irontsd_engine::types::{Samples, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// One batch of the golden directory: epoch, then name, timestamp and value of each row.
pub type Commit = (u32, Vec<(&'static [u8], i64, Value)>);

pub const START: i64 = 1_700_000_000_000;
pub const ESCAPED: &[u8] = b"a\xff\x01b k\xff\x021=v\xff\x022";
pub const COUNTER_ROWS: i64 = 9000;

pub fn decimal(mantissa: i64, scale: u8) -> Value {
    Value::decimal(mantissa, scale).expect("in range")
}

/// 64 bits that nothing compresses.
pub fn scrambled(row: i64) -> u64 {
    (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A row each for series whose values need different encodings, `row` by `row`.
pub fn first_rows(row: i64) -> Vec<(&'static [u8], i64, Value)> {
    let at = START + row * 15_000;
    let bits = scrambled(row);
    let kinds = [Kind::INTEGER, Kind::FLOAT];
    vec![
        (b"up host=a", at, Value::integer(1)),
        (b"gauge host=a", at + row * row % 7, decimal(row * 37 % 100, 1 + (row % 2) as u8)),
        (b"double host=a", at, Value { kind: Kind::FLOAT, bits }),
        (b"double host=b", at, Value::float(1.0 / (row % 2 + 3) as f64)),
        (b"mixed host=a", at, Value { kind: kinds[row as usize % 2], bits }),
        (b"mixed host=b", at, if row % 9 == 0 { decimal(row, 3) } else { Value::float(0.1 + 0.2) }),
    ]
}

pub fn extremes() -> Vec<(&'static [u8], i64, Value)> {
    let not_a_number = f64::from_bits(0x7ff8_0000_dead_beef);
    let doubles = [-0.0, f64::INFINITY, f64::MIN_POSITIVE, not_a_number].map(Value::float);
    let mut rows: Vec<_> = (1..).zip(doubles).map(|(at, v)| (&b"odd"[..], at, v)).collect();
    rows.push((b"odd", TIMESTAMP_MS_MAX, decimal(-999_999_999_999_999, 22)));
    rows.push((ESCAPED, TIMESTAMP_MS_MIN, Value::integer(i64::MIN)));
    rows.push((ESCAPED, TIMESTAMP_MS_MAX, Value::integer(i64::MAX)));
    rows
}

/// Everything in the golden directory. Epochs 1 and 2 are flushed, 3 is in the log.
pub fn commits() -> Vec<Commit> {
    let counter = |row| (&b"counter"[..], START + row * 1000, Value::integer((1 << 40) + row * 7));
    let again = |number: i64| {
        let rows = (0..5).map(move |row| {
            let at = START + (row + number) * 15_000;
            (&b"up host=a"[..], at, Value::integer(number * 100 + row))
        });
        rows.collect::<Vec<_>>()
    };
    let twice = [1, 2].map(|number| (&b"late host=z"[..], START, decimal(number, 2)));
    vec![
        (1, (0..COUNTER_ROWS).map(counter).collect()),
        (1, (0..60).flat_map(first_rows).collect()),
        (1, extremes()),
        (2, again(2)),
        (2, vec![(b"gauge host=a", START + 1, Value::float(2.5))]),
        (3, again(4)),
        (3, twice.to_vec()),
        (3, again(3)),
    ]
}

pub type Content = BTreeMap<Vec<u8>, BTreeMap<i64, (&'static str, u64)>>;

/// What must come back: an integer, or the bits of the double that is meant.
pub fn meaning(value: Value) -> (&'static str, u64) {
    match value.kind {
        Kind::INTEGER => ("integer", value.bits),
        Kind::FLOAT => ("double", value.bits),
        _ => ("decimal", value.as_f64().to_bits()),
    }
}

pub fn expected_content() -> Content {
    let mut content = Content::new();
    for (name, timestamp, value) in commits().into_iter().flat_map(|(_, rows)| rows) {
        content.entry(name.to_vec()).or_default().insert(timestamp, meaning(value));
    }
    content
}

pub fn content(engine: &Engine) -> Content {
    let scan = engine.snapshot().scan(None, (TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX));
    let names = engine.registry();
    let mut content = Content::new();
    for series in 0..names.len() {
        let (mut cursor, mut samples) = (Cursor::default(), Samples::default());
        cursor.seek(&scan, series).expect("readable");
        while cursor.read(&scan, series, samples.len() + 999, &mut samples).expect("readable") {}
        let rows =
            (0..samples.len()).map(|at| (samples.timestamps[at], meaning(samples.value(at))));
        content.insert(names.name(series), rows.collect());
    }
    content
}

pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// The files of a data directory that hold data.
pub fn files(dir: &Path) -> Vec<String> {
    let mut files = vec!["MANIFEST".to_owned(), "series.names".to_owned()];
    for sub in ["log", "segments"] {
        for entry in std::fs::read_dir(dir.join(sub)).expect("a directory") {
            let name = entry.expect("an entry").file_name();
            files.push(format!("{sub}/{}", name.to_str().expect("an ordinary name")));
        }
    }
    files.sort();
    files
}

pub fn copy(from: &Path, to: &Path) {
    for sub in ["log", "segments"] {
        std::fs::create_dir_all(to.join(sub)).expect("a directory");
    }
    for file in files(from) {
        std::fs::copy(from.join(&file), to.join(&file)).expect("copied");
    }
}

pub fn golden_copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    copy(&golden(), dir.path());
    dir
}

#[test]
fn the_golden_directory_is_read_sample_by_sample() {
    let dir = golden_copy();
    let expected_files = [
        "MANIFEST",
        "log/0000000003-000.log",
        "segments/0000000001.seg",
        "segments/0000000002.seg",
        "series.names",
    ];
    assert_eq!(files(dir.path()), expected_files);
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("opens");
    let found = engine.recovery();
    assert_eq!((&found.faults, &found.cuts), (&Vec::new(), &Vec::new()));
    assert_eq!((found.segments, found.logs, found.log_rows), (2, 1, 12));
    assert_eq!(content(&engine), expected_content());
}

#[test]
fn golden_segments_know_their_names() {
    let mut names = Vec::new();
    for file in ["0000000001.seg", "0000000002.seg"] {
        let path = golden().join("segments").join(file);
        let segment = Segment::open(&env::real(), &path).expect("opens");
        let collect = |id, name: &[u8]| names.push((id, name.to_vec()));
        segment.each_name(collect).expect("readable");
    }
    // Ids are given out in the order in which names first come.
    let first = ["counter", "up host=a", "gauge host=a", "double host=a", "double host=b"];
    let first = first.iter().chain(&["mixed host=a", "mixed host=b", "odd"]).map(|n| n.as_bytes());
    let mut expected: Vec<_> = (0..).zip(first.chain([ESCAPED]).map(<[u8]>::to_vec)).collect();
    expected.extend([(1, b"up host=a".to_vec()), (2, b"gauge host=a".to_vec())]);
    assert_eq!(names, expected);
}

#[test]
fn the_example_manifest_is_the_golden_one() {
    let text = std::fs::read_to_string(golden().join("MANIFEST")).expect("readable");
    assert_eq!(fenced("manifest").0, text);
    let manifest = Manifest::read(&env::real(), &golden()).expect("valid").expect("there");
    let entries = manifest.segments.iter().map(|entry| (&*entry.name, entry.level));
    let expected = [("0000000001.seg", 0), ("0000000002.seg", 0)];
    assert_eq!((manifest.flushed_epoch, entries.collect::<Vec<_>>()), (2, expected.to_vec()));
    for entry in &manifest.segments {
        let file = golden().join("segments").join(&entry.name);
        assert_eq!(std::fs::metadata(file).expect("there").len(), entry.bytes);
    }
}

/// Made `golden/v1`. A later version gets a directory of its own and leaves this one alone.
#[test]
#[ignore = "writes the golden directory; once for each version of the format"]
fn make_golden() {
    assert!(!golden().exists(), "a golden directory is never made anew");
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("opens");
    let mut shard = engine.shard(0);
    let mut epoch = 1;
    for (wanted, rows) in commits() {
        if epoch < wanted {
            flush(&engine, &mut shard);
            epoch = wanted;
        }
        commit(&engine, &mut shard, &rows);
    }
    drop((shard, engine));
    copy(dir.path(), &golden());
}

pub fn commit(engine: &Engine, shard: &mut Shard, rows: &[(&[u8], i64, Value)]) {
    let mut batch = Batch::default();
    for &(name, timestamp, value) in rows {
        let series = engine.registry().find_or_reserve(name).expect("room");
        batch.push(series, timestamp, value);
    }
    shard.commit(&batch).expect("commits");
}

pub fn flush(engine: &Engine, shard: &mut Shard) {
    let (sender, done) = mpsc::channel();
    engine.flush(Box::new(move |outcome| drop(sender.send(outcome))));
    let outcome = loop {
        shard.poll();
        if let Ok(outcome) = done.recv_timeout(Duration::from_millis(1)) {
            break outcome;
        }
    };
    assert_eq!(outcome, Ok(()));
}
