//! The engine decodes the examples to the values they state.

use super::document::*;
use irontsd_engine::assigned::{ASSIGNED_FILE, Assigned, NameKind};
use irontsd_engine::batch::Batch;
use irontsd_engine::deletes;
use irontsd_engine::env::{self, Chance, Env};
use irontsd_engine::header::{FileKind, HEADER_BYTES, Header};
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::log::record::{self, Record};
use irontsd_engine::log::rows;
use irontsd_engine::manifest::DeleteEntry;
use irontsd_engine::segment::format::{Block, BlockBuilder};
use irontsd_engine::types::{Kind, SeriesId};
use irontsd_engine::types::{Samples, Value};
use irontsd_engine::witness::Witness;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Series, timestamp, value.
pub type Row = (SeriesId, i64, Value);

/// An example's bytes and the rows it is said to hold. Each line starts at the offset it states.
pub fn example(mark: &str) -> (Vec<u8>, Vec<Row>) {
    let (lines, text) = fenced(mark);
    let mut bytes = Vec::new();
    for line in lines.lines() {
        let (offset, rest) = line.split_once(':').expect("an offset");
        assert_eq!(offset.trim().parse(), Ok(bytes.len()), "{line}");
        bytes.extend(hex(rest.split('#').next().unwrap_or_default()));
    }
    let rows = table(text, "| series | timestamp | kind | number |");
    (bytes, rows.iter().map(|cells| example_row(cells)).collect())
}

pub fn example_row(cells: &[&str]) -> Row {
    let kind = Kind(cells[2].parse().expect("a kind"));
    let bits = match kind {
        Kind::FLOAT => cells[3].parse::<f64>().expect("a double").to_bits(),
        _ => cells[3].parse::<i64>().expect("an integer") as u64,
    };
    let (series, timestamp) = (cells[0].parse(), cells[1].parse());
    (series.expect("an id"), timestamp.expect("a timestamp"), Value { kind, bits })
}

#[test]
fn the_example_record_decodes_to_its_rows() {
    let (bytes, expected) = example("record");
    let mut batch = Batch::default();
    expected.iter().for_each(|&(series, timestamp, value)| batch.push(series, timestamp, value));
    let mut written = Vec::new();
    record::begin(&mut written);
    rows::encode(&batch, &mut written);
    record::finish(&mut written, SALT, 64, 3 << 32, 64);
    assert_eq!(format!("{bytes:02x?}"), format!("{written:02x?}"));

    let file = [vec![0; HEADER_BYTES], bytes].concat();
    let record = Record::read(&file, HEADER_BYTES, SALT).expect("a valid record");
    assert_eq!((record.sequence, record.synced, record.end()), (3 << 32, 64, file.len()));
    let mut back = Batch::default();
    rows::decode(record.payload, &mut back).expect("valid rows");
    assert_eq!(format!("{back:?}"), format!("{batch:?}"));

    let mut back = Batch::default();
    rows::decode(&example("tagged").0, &mut back).expect("valid rows");
    assert_eq!(format!("{back:?}"), format!("{batch:?}"));
}

/// What the example of histograms says it holds.
pub fn example_histograms() -> [Histogram; 2] {
    let of = |underflow, overflow, counts: [i64; 2]| {
        let buckets = vec![(0.0, 1.5, counts[0]), (1.5, 5.75, counts[1])];
        Histogram::Buckets(Buckets::new(underflow, overflow, buckets).expect("they touch"))
    };
    [of(0, 1, [42, 24]), of(3, 0, [-1, 7])]
}

#[test]
fn the_example_of_histograms_is_what_the_log_holds() {
    let (bytes, _) = example("histograms");
    let mut batch = Batch::default();
    for (series, histogram) in (5..).zip(example_histograms()) {
        let mut bytes = Vec::new();
        histogram.encode(&mut bytes).expect("short");
        batch.push_histogram(series, 1_700_000_000_000, &bytes);
    }
    let mut written = Vec::new();
    rows::encode(&batch, &mut written);
    assert_eq!(format!("{bytes:02x?}"), format!("{written:02x?}"));
    for payload in [bytes, example("tagged-histograms").0] {
        let mut back = Batch::default();
        rows::decode(&payload, &mut back).expect("valid rows");
        assert_eq!(format!("{back:?}"), format!("{batch:?}"));
    }
}

#[test]
fn the_example_block_decodes_to_its_samples() {
    let (bytes, expected) = example("block");
    let block = Block::parse(&bytes).expect("a valid block");
    let (mut found, mut samples) = (Vec::new(), Samples::default());
    for run in 0..block.runs() {
        samples.clear();
        block.read(run, &mut samples).expect("a valid run");
        let row = |at| (block.series(run), samples.timestamps[at], samples.value(at));
        found.extend((0..samples.len()).map(row));
    }
    assert_eq!(found, expected);
    assert_eq!(format!("{bytes:02x?}"), format!("{:02x?}", example_block()));
}

pub fn example_block() -> Vec<u8> {
    let decimal = |mantissa, scale| Value::decimal(mantissa, scale).expect("in range");
    let runs = [
        (7, [10, 12, 11].map(Value::integer)),
        (9, [decimal(25, 1), decimal(257, 2), decimal(25, 1)]),
    ];
    let (mut builder, mut bytes) = (BlockBuilder::default(), Vec::new());
    for (series, values) in runs {
        let mut samples = Samples::default();
        for (at, value) in values.into_iter().enumerate() {
            samples.push(1_700_000_000_000 + at as i64 * 15_000, value);
        }
        builder.push(series, &samples, 0, samples.len());
    }
    builder.finish(&mut bytes);
    bytes
}

#[test]
fn the_example_witness_says_what_it_is_said_to() {
    let (text, _) = fenced("witness");
    let expected = Witness {
        flushed_epoch: 3,
        last_file: 9,
        floor_ms: 0,
        names: 12,
        names_log: "names/0000000001.names".into(),
        assigned_bytes: 128,
        logs: BTreeMap::from([((4, 0), 64), ((4, 1), 4096)]),
    };
    assert_eq!(Witness::parse(text.as_bytes()).as_ref(), Some(&expected));
    assert_eq!(expected.encode(), text);
}

/// Every file gets the salt of the examples.
#[derive(Debug)]
struct OneSalt;

impl Chance for OneSalt {
    fn number(&self) -> u64 {
        SALT
    }
}

fn with_one_salt() -> Env {
    Env { chance: Arc::new(OneSalt), ..env::real() }
}

/// A file of this kind whose only record is the example.
fn file_of(kind: FileKind, mark: &str) -> Vec<u8> {
    let header = Header { kind, salt: SALT, epoch: 0, shard: 0 };
    [&header.encode()[..], &example(mark).0].concat()
}

#[test]
fn the_example_of_a_delete_is_what_the_engine_writes_and_reads() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = file_of(FileKind::Delete, "delete");
    let path = dir.path().join(deletes::file_name(7));
    std::fs::write(&path, &file).expect("written");
    let entry = DeleteEntry { number: 7, times: (1, 2) };
    let found = deletes::read(&env::real(), dir.path(), &entry).expect("readable");
    let series: Vec<u32> = (0..1000).filter(|&id| found.series.contains(id)).collect();
    assert_eq!(series, [3, 4, 300]);
    deletes::write(&with_one_salt(), dir.path(), 7, &series).expect("written");
    assert_eq!(format!("{file:02x?}"), format!("{:02x?}", std::fs::read(&path).expect("there")));
}

#[test]
fn the_example_of_assigned_names_is_what_the_engine_writes_and_reads() {
    let names: [(NameKind, &[u8]); 2] = [(NameKind::Metric, b"sys.cpu"), (NameKind::Tagk, b"host")];
    let file = file_of(FileKind::Assigned, "assigned");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(ASSIGNED_FILE);
    let (assigned, _) = Assigned::open(&with_one_salt(), dir.path()).expect("opens");
    assert_eq!(assigned.assign(&names).expect("assigned"), [(0, true), (1, true)]);
    assert_eq!(format!("{file:02x?}"), format!("{:02x?}", std::fs::read(&path).expect("there")));
    std::fs::write(&path, &file).expect("written");
    let (assigned, _) = Assigned::open(&env::real(), dir.path()).expect("opens");
    for (number, (kind, name)) in (0..).zip(names) {
        assert_eq!(assigned.find(kind, name), Some(number));
    }
}
