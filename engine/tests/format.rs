//! `FORMAT.md` is what the engine does: its offset tables fit the bytes the engine writes, its tags
//! are those of the encoders, the engine decodes its examples to the values it states, a data
//! directory made by this version is read sample by sample, and a newer version is refused.

#![expect(clippy::disallowed_methods, reason = "files are copied and patched behind the engine")]

use irontsd_engine::batch::Batch;
use irontsd_engine::bytes::Reader;
use irontsd_engine::codec::Effort;
use irontsd_engine::codec::bits::SLACK_BYTES;
use irontsd_engine::codec::{times, values};
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::error::Error;
use irontsd_engine::header::{FORMAT_VERSION, FileKind, HEADER_BYTES, Header};
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::log::record::{self, RECORD_HEAD_BYTES, Record};
use irontsd_engine::log::rows;
use irontsd_engine::manifest::Manifest;
use irontsd_engine::names::part::Builder;
use irontsd_engine::scan::Cursor;
use irontsd_engine::segment::Segment;
use irontsd_engine::segment::format::{
    BLOCK_ENTRY_BYTES, BLOCK_HEAD_BYTES, Block, BlockBuilder, BlockEntry, FOOTER_BYTES, Footer,
    NAME_ENTRY_BYTES, NameEntry,
};
use irontsd_engine::shard::Shard;
use irontsd_engine::types::{Kind, SeriesId, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN};
use irontsd_engine::types::{Samples, Value};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

const FORMAT: &str = include_str!("../FORMAT.md");
const SALT: u64 = 0x0123_4567_89ab_cdef;

// What the document says.

/// The text below a heading, up to the next one.
fn section(title: &str) -> &'static str {
    let heading = |line: &&str| line.trim_start_matches('#').trim() == title;
    let line = FORMAT.lines().filter(|line| line.starts_with('#')).find(heading);
    let line = line.unwrap_or_else(|| panic!("no section {title}"));
    let start = FORMAT.find(&format!("\n{line}\n")).expect("just found") + line.len() + 2;
    &FORMAT[start..FORMAT[start..].find("\n#").map_or(FORMAT.len(), |len| start + len)]
}

/// The cells of the first table with these columns.
fn table(text: &'static str, columns: &str) -> Vec<Vec<&'static str>> {
    let rows = text.lines().skip_while(|line| *line != columns).skip(2);
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// The lines between the fences with this mark, and the text behind them.
fn fenced(mark: &str) -> (&'static str, &'static str) {
    let open = format!("```{mark}\n");
    let start = FORMAT.find(&open).expect("a fence") + open.len();
    FORMAT[start..].split_once("```").expect("a closed fence")
}

struct Field {
    offset: usize,
    bytes: usize,
    name: &'static str,
    meaning: &'static str,
}

fn fields(title: &str) -> Vec<Field> {
    let number = |cell: &str| cell.parse().expect("a number");
    let field = |row: Vec<&'static str>| Field {
        offset: number(row[0]),
        bytes: number(row[1]),
        name: row[2],
        meaning: row[3],
    };
    let rows = table(section(title), "| offset | bytes | field | meaning |");
    rows.into_iter().map(field).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |digits| u8::from_str_radix(digits, 16).expect("hex digits");
    text.split_whitespace().map(byte).collect()
}

/// CRC-32C bit by bit, as the document defines it.
fn crc(bytes: &[u8]) -> u32 {
    let bit = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| bit(sum));
    !bytes.iter().fold(!0, byte)
}

fn checksum(salt: u64, offset: u64, bytes: &[u8]) -> u32 {
    crc(&[&salt.to_le_bytes()[..], &offset.to_le_bytes(), bytes].concat())
}

// (a) Offset tables.

/// A field's name and the bytes it should hold.
type Expected = (&'static str, Vec<u8>);

fn byte(name: &'static str, value: u8) -> Expected {
    (name, vec![value])
}

fn four(name: &'static str, value: u32) -> Expected {
    (name, value.to_le_bytes().to_vec())
}

fn eight(name: &'static str, value: u64) -> Expected {
    (name, value.to_le_bytes().to_vec())
}

fn reserved(bytes: usize) -> Expected {
    ("reserved", vec![0; bytes])
}

/// The magic as the table states it.
fn magic(title: &str) -> Expected {
    let fields = fields(title);
    let field = fields.iter().find(|field| field.name == "magic").expect("a magic");
    ("magic", hex(field.meaning.split('`').nth(1).expect("hex digits")))
}

/// The table covers exactly `total` bytes, and each field stands where it says.
fn check(title: &str, total: usize, bytes: &[u8], expected: &[Expected]) {
    let mut end = 0;
    for (field, (name, value)) in fields(title).iter().zip(expected) {
        let place = format!("{title}: {}", field.name);
        assert_eq!((field.name, field.offset, field.bytes), (*name, end, value.len()), "{place}");
        end += field.bytes;
        assert_eq!(bytes[field.offset..end], **value, "{place}");
    }
    assert_eq!((end, fields(title).len()), (total, expected.len()), "{title}");
}

#[test]
fn the_file_header_is_as_documented() {
    let header = Header { kind: FileKind::Segment, salt: SALT, epoch: 0x0708_090a_0b0c, shard: 5 };
    let bytes = header.encode();
    let expected = [
        magic("File header"),
        four("kind", 3),
        four("version", 3),
        eight("salt", SALT),
        eight("epoch", 0x0708_090a_0b0c),
        four("shard", 5),
        reserved(24),
        four("checksum", checksum(0, 0, &bytes[..60])),
    ];
    check("File header", HEADER_BYTES, &bytes, &expected);
}

#[test]
fn the_record_head_is_as_documented() {
    let mut bytes = Vec::new();
    record::begin(&mut bytes);
    bytes.extend_from_slice(b"payload");
    record::finish(&mut bytes, SALT, 4096, 0x0102_0304, 0x0506_0708);
    assert_eq!(bytes[RECORD_HEAD_BYTES..], *b"payload\0");
    let expected = [
        magic("Records"),
        four("payload bytes", 7),
        eight("sequence", 0x0102_0304),
        eight("synced", 0x0506_0708),
        four("checksum", checksum(SALT, 4096, &[&bytes[..24], b"payload"].concat())),
        reserved(4),
    ];
    check("Records", RECORD_HEAD_BYTES, &bytes, &expected);
}

/// 17 names: two groups. The texts are m (1 byte), k=0 to k=8 (3 each) and, in the last name, x.
#[test]
fn coded_names_and_slots_are_as_documented() {
    let name = |number: u32| if number == 16 { "x".into() } else { format!("m k={}", number / 2) };
    let dir = tempfile::tempdir().expect("a directory");
    let mut builder = Builder::new(5, 77);
    (0..17).for_each(|number| builder.add(name(number).as_bytes()));
    let part = builder.seal(&env::real(), dir.path(), 1).expect("sealed");
    let bytes = std::fs::read(part.path()).expect("readable");
    let salt = u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes"));
    // First of a group: fields, new texts. The others: fields, bits, what differs.
    let first = vec![2, 0, 0];
    let odd = [2, 0b11].to_vec();
    let even = [2, 0b01, 0].to_vec();
    let of_group = (1..16).map(|number| if number % 2 == 0 { &even } else { &odd });
    let rows: Vec<u8> = std::iter::once(&first).chain(of_group).flatten().copied().collect();
    let (rows_one, rows) = (rows.len(), [rows, vec![1, 0]].concat());
    let texts: String = std::iter::once("m".into())
        .chain((0..8).map(|number| format!("k={number}")))
        .chain(["x".into()])
        .collect();
    let list = &bytes[HEADER_BYTES..];
    let expected = [
        four("names", 17),
        four("texts", 10),
        four("text bytes", texts.len() as u32),
        four("row bytes", rows.len() as u32),
        byte("text end width", 5),
        byte("group row width", 6),
        byte("group text width", 4),
        reserved(5),
    ];
    check("Coded names", 24, list, &expected);
    let ends: u64 = (0..10u64).map(|at| [1 + 3 * at, 26][usize::from(at == 9)] << (5 * at)).sum();
    let columns =
        [&ends.to_le_bytes()[..7], &[(rows_one << 6) as u8, (rows_one >> 2) as u8], &[9 << 4]];
    let pieces = [&columns.concat(), texts.as_bytes(), &rows, &[0; SLACK_BYTES]].concat();
    assert_eq!(list[24..24 + pieces.len()], pieces);
    let slots_at = (HEADER_BYTES + 24 + pieces.len()).next_multiple_of(8);
    let expected = [four("entries", 17), byte("bucket bits", 1), byte("end width", 5), reserved(2)];
    check("Name slots", 8, &bytes[slots_at..], &expected);
    let hash = |name: &str| rapidhash_v3_seeded(name.as_bytes(), &RapidSecrets::seed(77));
    let bucket = |at: &u32| hash(&name(*at)) >> 63;
    let places = (0..17).filter(|at| bucket(at) == 0).chain((0..17).filter(|at| bucket(at) == 1));
    let entry = |at: u32| ((hash(&name(at)) as u32) << 22 | at).to_le_bytes();
    let entries: Vec<u8> = places.flat_map(entry).collect();
    let zeros = (0..17).filter(|at| bucket(at) == 0).count() as u16;
    let ends = (zeros | 17 << 5).to_le_bytes();
    let table = [&entries[..], &ends, &[0; SLACK_BYTES]].concat();
    assert_eq!(bytes[slots_at + 8..][..table.len()], table);
    let checks_at = (slots_at + 8 + table.len()).next_multiple_of(8);
    let sum = checksum(salt, HEADER_BYTES as u64, &bytes[HEADER_BYTES..checks_at]);
    assert_eq!(bytes[checks_at..checks_at + 4], sum.to_le_bytes());
    let footer_at = checks_at + 4;
    let expected = [
        magic("Names part"),
        eight("slots at", slots_at as u64),
        eight("checksums at", checks_at as u64),
        four("first", 5),
        four("names", 17),
        eight("seed", 77),
        eight("probe", hash("irontsd")),
        four("checksums checksum", checksum(salt, checks_at as u64, &sum.to_le_bytes())),
        reserved(8),
        four("checksum", checksum(salt, footer_at as u64, &bytes[footer_at..footer_at + 60])),
    ];
    check("Names part", 64, &bytes[footer_at..], &expected);
}

/// Three runs of 1, 2 and 17 integers. Timestamp columns take 3 bytes each (tag, first, stride),
/// value columns 4, 4 and 6 (constants; then tag, kind, first, smallest step, width, no step bits).
#[test]
fn the_block_head_is_as_documented() {
    let (mut builder, mut bytes) = (BlockBuilder::default(), Vec::new());
    for (series, rows) in [(1000, 1), (1001, 2), (1003, 17)] {
        let mut samples = Samples::default();
        for row in 0..rows {
            let value = if rows == 17 { row * 9 } else { 5000 };
            samples.push(i64::from(series) - 990 + row * rows, Value::integer(value));
        }
        builder.push(series, &samples, 0, samples.len());
    }
    builder.finish(&mut bytes);
    let expected = [
        four("runs", 3),
        four("samples", 20),
        four("first series", 1000),
        byte("series width", 2),
        byte("samples width", 5),
        byte("time end width", 4),
        byte("value end width", 4),
    ];
    check("Block", BLOCK_HEAD_BYTES, &bytes, &expected);
    // Directory, time area, value area, slack, padding.
    let documented = BLOCK_HEAD_BYTES + (1 + 2 + 2 + 2) + 9 + 14 + SLACK_BYTES;
    assert_eq!(bytes.len(), documented.next_multiple_of(8));
}

#[test]
fn the_block_index_entry_is_as_documented() {
    let entry = BlockEntry {
        offset: 0x0101,
        bytes: 0x0202,
        checksum: 0x0303,
        series: (0x0404, 0x0505),
        runs: 0x0606,
        rows: 0x0707,
        timestamps: (-0x0808, 0x0909),
    };
    let mut bytes = Vec::new();
    entry.encode(&mut bytes);
    let expected = [
        eight("offset", 0x0101),
        four("bytes", 0x0202),
        four("checksum", 0x0303),
        four("first series", 0x0404),
        four("last series", 0x0505),
        four("runs", 0x0606),
        four("samples", 0x0707),
        eight("first timestamp", -0x0808i64 as u64),
        eight("last timestamp", 0x0909),
        reserved(8),
    ];
    check("Block index entry", BLOCK_ENTRY_BYTES, &bytes, &expected);
    assert_eq!(bytes.len(), BLOCK_ENTRY_BYTES);
}

#[test]
fn the_name_index_entry_is_as_documented() {
    let entry = NameEntry {
        offset: 0x0101,
        bytes: 0x0202,
        raw_bytes: 0x0303,
        checksum: 0x0404,
        first: 0x0505,
        names: 0x0606,
    };
    let mut bytes = Vec::new();
    entry.encode(&mut bytes);
    let expected = [
        eight("offset", 0x0101),
        four("bytes", 0x0202),
        four("raw bytes", 0x0303),
        four("checksum", 0x0404),
        four("first series", 0x0505),
        four("names", 0x0606),
        reserved(4),
    ];
    check("Name index entry", NAME_ENTRY_BYTES, &bytes, &expected);
    assert_eq!(bytes.len(), NAME_ENTRY_BYTES);
}

#[test]
fn the_footer_is_as_documented() {
    let footer = Footer {
        blocks_at: 0x0101,
        blocks: 0x0202,
        name_groups: 0x0303,
        index_checksum: 0x0404,
        series: 0x0505,
        samples: 0x0606,
        timestamps: (-0x0707, 0x0808),
        epochs: (0x0909, 0x0a0a),
    };
    let bytes = footer.encode(SALT, 4096);
    let expected = [
        magic("Footer"),
        eight("blocks at", 0x0101),
        four("blocks", 0x0202),
        four("name groups", 0x0303),
        four("index checksum", 0x0404),
        four("series", 0x0505),
        eight("samples", 0x0606),
        eight("first timestamp", -0x0707i64 as u64),
        eight("last timestamp", 0x0808),
        four("first epoch", 0x0909),
        four("last epoch", 0x0a0a),
        reserved(20),
        four("checksum", checksum(SALT, 4096, &bytes[..84])),
    ];
    check("Footer", FOOTER_BYTES, &bytes, &expected);
    assert_eq!(bytes.len(), FOOTER_BYTES);
}

/// Name and tag of each column encoding.
fn tags(title: &str) -> Vec<(&'static str, u8)> {
    let rows = table(section(title), "| tag | name | behind the tag |");
    let first = |cell: &str| cell.split(' ').next().and_then(|word| word.parse().ok());
    rows.iter().map(|row| (row[1], first(row[0]).expect("a tag"))).collect()
}

#[test]
fn timestamp_columns_have_the_documented_tags() {
    let tag = |timestamps: &[i64]| {
        let mut bytes = Vec::new();
        times::encode(timestamps, &mut bytes);
        bytes[0]
    };
    // The third tag is that of the second run in the example block.
    let (example, _) = example("block");
    let time_area = BLOCK_HEAD_BYTES + 4;
    let same = example[time_area + usize::from(example[BLOCK_HEAD_BYTES + 2] & 15)];
    let merged = {
        let mut bytes = Vec::new();
        times::plan(&[10, 20, 31]).write(&mut std::iter::empty(), &mut bytes);
        bytes[0] & !7
    };
    let found = [
        ("stride", tag(&[10, 20, 30])),
        ("steps", tag(&[10, 20, 31])),
        ("numbers", merged),
        ("same", same),
    ];
    assert_eq!(tags("Timestamp column"), found);
}

fn value_tag(values: impl IntoIterator<Item = Value>) -> u8 {
    let (mut samples, mut bytes) = (Samples::default(), Vec::new());
    values.into_iter().for_each(|value| samples.push(samples.len() as i64, value));
    values::encode(&samples, 0, samples.len(), &mut values::Scratch::default(), &mut bytes);
    bytes[0]
}

fn histogram_tag() -> u8 {
    let (mut samples, mut bytes) = (Samples::default(), Vec::new());
    samples.push_histogram(1, |out| example_histograms()[0].encode(out).expect("short"));
    values::encode(&samples, 0, 1, &mut values::Scratch::default(), &mut bytes);
    bytes[0]
}

#[test]
fn value_columns_have_the_documented_tags() {
    let odd = |row| Value { kind: Kind::FLOAT, bits: scrambled(row) };
    let found = [
        ("constant", value_tag([Value::integer(1); 3])),
        ("offsets", value_tag([1, 9, 2].map(Value::integer))),
        ("steps", value_tag([10, 20, 30].map(Value::integer))),
        ("planes", value_tag((0..9).map(odd))),
        ("planes lz4", value_tag((0..99).map(|row| odd(row % 2)))),
        ("mixed", value_tag([odd(1), Value::integer(scrambled(2) as i64)])),
        ("mixed lz4", value_tag((0..99).flat_map(|_| [odd(1), Value::integer(7)]))),
        ("histograms", histogram_tag()),
        ("numbers", merged_column((0..9).map(|n| Value::integer(n * n)))[0] & !7),
        ("whole", merged_column((0..9).map(half_or_whole))[0]),
        ("flags", merged_column([Value::integer(1), decimal(20, 1), decimal(5, 1)])[0]),
        (
            "patched",
            merged_column((0..99).map(|n| if n == 50 { odd(1) } else { decimal(n, 1) }))[0],
        ),
        ("split", merged_column((0..999).map(noise))[0]),
        ("changes lz4", merged_column((0..999).map(|n| odd(n / 3 % 5)))[0]),
        ("near", merged_column((0..99).map(|n| Value::float(n as f64 * 0.1)))[0]),
        ("dictionary", merged_column((0..999).map(|n| odd((scrambled(n * n) >> 61) as i64)))[0]),
    ];
    assert_eq!(tags("Value column"), found);
}

/// A value column as a merge writes it, of streams without codes.
fn merged_column(values: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let (mut samples, mut bytes) = (Samples::default(), Vec::new());
    values.into_iter().for_each(|value| samples.push(samples.len() as i64, value));
    let column = values::plan(&samples, 0, samples.len(), &mut values::Scratch::default());
    column.write(&mut std::iter::empty(), &mut bytes);
    bytes
}

fn half_or_whole(halves: i64) -> Value {
    if halves % 2 == 0 { Value::integer(halves / 2) } else { decimal(halves * 5, 1) }
}

/// Between -2 and 2, without an order.
fn noise(row: i64) -> Value {
    Value::float((scrambled(row * row) >> 11) as f64 / (1u64 << 51) as f64 - 2.0)
}

#[test]
fn streams_have_the_documented_forms() {
    let rows = table(section("Streams"), "| form | name | behind the form |");
    let forms: Vec<_> = rows.iter().map(|row| (row[0], row[1])).collect();
    let expected =
        [("0 to 56, 64", "packed"), ("65", "patched"), ("66", "sparse"), ("128 to 255", "coded")];
    assert_eq!(forms, expected);
    let form = |numbers: Vec<i64>| {
        let bytes = merged_column(numbers.into_iter().map(Value::integer));
        let mut reader = Reader::new(&bytes[2..]);
        // Behind tag and kind: the first number; the first step, if the order is 2; the form.
        for _ in 0..=(bytes[0] & 3) / 2 {
            reader.signed().expect("a number");
        }
        reader.u8().expect("a form")
    };
    assert_eq!(form((0..64).map(|n| (scrambled(n * n) >> 60) as i64).collect()), 4);
    let outlier = |n: i64| if n == 77 { 1 << 40 } else { (scrambled(n * n) >> 56) as i64 - 0x9e };
    assert_eq!(form((0..256).map(outlier).collect()), 65);
    assert_eq!(form((0..99).map(|n| i64::from(n > 50)).collect()), 66);
}

#[test]
fn the_merged_example_decodes_to_its_samples() {
    let (bytes, expected) = example("merged");
    let block = Block::parse(&bytes).expect("a valid block");
    let (mut found, mut samples) = (Vec::new(), Samples::default());
    for run in 0..block.runs() {
        samples.clear();
        block.read(run, &mut samples).expect("a valid run");
        let row = |at| (block.series(run), samples.timestamps[at], samples.value(at));
        found.extend((0..samples.len()).map(row));
    }
    assert_eq!(found[..expected.len()], expected);
    assert_eq!(format!("{bytes:02x?}"), format!("{:02x?}", merged_block()));
}

fn merged_block() -> Vec<u8> {
    let (mut builder, mut bytes) = (BlockBuilder::new(Effort::Merge), Vec::new());
    for series in [7, 9] {
        let mut samples = Samples::default();
        let mut number = 50;
        for at in 0..200 {
            number += [0, 1, -1, 0][(scrambled(at * at + i64::from(series)) >> 40) as usize % 4];
            samples.push(1_700_000_000_000 + at * 15_000, Value::integer(number));
        }
        builder.push(series, &samples, 0, samples.len());
    }
    builder.finish(&mut bytes);
    bytes
}

// (b) Examples.

/// Series, timestamp, value.
type Row = (SeriesId, i64, Value);

/// An example's bytes and the rows it is said to hold. Each line starts at the offset it states.
fn example(mark: &str) -> (Vec<u8>, Vec<Row>) {
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

fn example_row(cells: &[&str]) -> Row {
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
fn example_histograms() -> [Histogram; 2] {
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

fn example_block() -> Vec<u8> {
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

// (c) The golden directory.

/// One batch of the golden directory: epoch, then name, timestamp and value of each row.
type Commit = (u32, Vec<(&'static [u8], i64, Value)>);

const START: i64 = 1_700_000_000_000;
const ESCAPED: &[u8] = b"a\xff\x01b k\xff\x021=v\xff\x022";
const COUNTER_ROWS: i64 = 9000;

fn decimal(mantissa: i64, scale: u8) -> Value {
    Value::decimal(mantissa, scale).expect("in range")
}

/// 64 bits that nothing compresses.
fn scrambled(row: i64) -> u64 {
    (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A row each for series whose values need different encodings, `row` by `row`.
fn first_rows(row: i64) -> Vec<(&'static [u8], i64, Value)> {
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

fn extremes() -> Vec<(&'static [u8], i64, Value)> {
    let not_a_number = f64::from_bits(0x7ff8_0000_dead_beef);
    let doubles = [-0.0, f64::INFINITY, f64::MIN_POSITIVE, not_a_number].map(Value::float);
    let mut rows: Vec<_> = (1..).zip(doubles).map(|(at, v)| (&b"odd"[..], at, v)).collect();
    rows.push((b"odd", TIMESTAMP_MS_MAX, decimal(-999_999_999_999_999, 22)));
    rows.push((ESCAPED, TIMESTAMP_MS_MIN, Value::integer(i64::MIN)));
    rows.push((ESCAPED, TIMESTAMP_MS_MAX, Value::integer(i64::MAX)));
    rows
}

/// Everything in the golden directory. Epochs 1 and 2 are flushed, 3 is in the log.
fn commits() -> Vec<Commit> {
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

type Content = BTreeMap<Vec<u8>, BTreeMap<i64, (&'static str, u64)>>;

/// What must come back: an integer, or the bits of the double that is meant.
fn meaning(value: Value) -> (&'static str, u64) {
    match value.kind {
        Kind::INTEGER => ("integer", value.bits),
        Kind::FLOAT => ("double", value.bits),
        _ => ("decimal", value.as_f64().to_bits()),
    }
}

fn expected_content() -> Content {
    let mut content = Content::new();
    for (name, timestamp, value) in commits().into_iter().flat_map(|(_, rows)| rows) {
        content.entry(name.to_vec()).or_default().insert(timestamp, meaning(value));
    }
    content
}

fn content(engine: &Engine) -> Content {
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

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// The files of a data directory that hold data.
fn files(dir: &Path) -> Vec<String> {
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

fn copy(from: &Path, to: &Path) {
    for sub in ["log", "segments"] {
        std::fs::create_dir_all(to.join(sub)).expect("a directory");
    }
    for file in files(from) {
        std::fs::copy(from.join(&file), to.join(&file)).expect("copied");
    }
}

fn golden_copy() -> tempfile::TempDir {
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

fn commit(engine: &Engine, shard: &mut Shard, rows: &[(&[u8], i64, Value)]) {
    let mut batch = Batch::default();
    for &(name, timestamp, value) in rows {
        let series = engine.registry().find_or_reserve(name).expect("room");
        batch.push(series, timestamp, value);
    }
    shard.commit(&batch).expect("commits");
}

fn flush(engine: &Engine, shard: &mut Shard) {
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

// (d) Another version.

/// Raises the version in a file's header, checksum included, where the document says they are.
fn raise_version(path: &Path) {
    let mut bytes = std::fs::read(path).expect("readable");
    let fields = fields("File header");
    let place = |name: &str| {
        let field = fields.iter().find(|field| field.name == name).expect("a field");
        field.offset..field.offset + field.bytes
    };
    bytes[place("version")].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let sum = checksum(0, 0, &bytes[..place("checksum").start]);
    bytes[place("checksum")].copy_from_slice(&sum.to_le_bytes());
    std::fs::write(path, bytes).expect("written");
}

fn raise_manifest_version(path: &Path) {
    let text = std::fs::read_to_string(path).expect("readable");
    let (body, _) = text.split_once("checksum").expect("a checksum");
    let body = body.replacen("manifest 1", "manifest 4", 1);
    let text = format!("{body}checksum {:08x}\n", crc(body.as_bytes()));
    std::fs::write(path, text).expect("written");
}

fn refused(error: &Error, path: &Path) {
    let path = path.to_string_lossy();
    let expected = format!("{path} has format version 4; this build reads versions 1 to 3");
    assert!(matches!(error, Error::Version { .. }), "{error}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_newer_version_is_refused() {
    for file in ["series.names", "log/0000000003-000.log", "MANIFEST"] {
        let dir = golden_copy();
        let path = dir.path().join(file);
        if file == "MANIFEST" {
            raise_manifest_version(&path)
        } else {
            raise_version(&path)
        }
        let before = std::fs::read(&path).expect("readable");
        let error = Engine::open(Config::new(dir.path()), env::real()).expect_err("refused");
        refused(&error, &path);
        assert_eq!(std::fs::read(&path).expect("readable"), before, "{file} was changed");
    }
}

#[test]
fn a_newer_segment_is_refused() {
    let dir = golden_copy();
    let path = dir.path().join("segments/0000000001.seg");
    raise_version(&path);
    refused(&Segment::open(&env::real(), &path).expect_err("refused"), &path);
}
