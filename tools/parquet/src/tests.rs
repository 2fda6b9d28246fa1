//! What is written is read back, bit for bit.

use crate::{Days, Error, Name, Taker, Which, read};
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::name;
use irontsd_engine::types::{Kind, Samples, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;

/// Everything read: name and histograms or not, with time and bits or bytes.
#[derive(Debug, Default, PartialEq)]
struct Read(Vec<(Vec<u8>, i64, Bits)>);

#[derive(Debug, PartialEq, Clone)]
enum Bits {
    Integer(i64),
    Double(u64),
    Histogram(Vec<u8>),
}

fn bits(samples: &Samples, at: usize) -> Bits {
    match (samples.histogram(at), samples.value(at)) {
        (Some(bytes), _) => Bits::Histogram(bytes.to_vec()),
        (None, value) if value.kind == Kind::INTEGER => Bits::Integer(value.bits as i64),
        (None, value) => Bits::Double(value.as_f64().to_bits()),
    }
}

fn encoded(name: &Name) -> Vec<u8> {
    let mut out = Vec::new();
    let tags = name.tags.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
    name::encode(&mut out, name.metric.as_bytes(), tags);
    if name.histograms {
        out.extend_from_slice(&name::HISTOGRAM_MARK);
    }
    out
}

impl Taker for Read {
    fn take(&mut self, _row: u64, name: &Name, samples: &Samples) -> Result<(), String> {
        let rows = (0..samples.len()).map(|at| (samples.timestamps[at], bits(samples, at)));
        self.0.extend(rows.map(|(ms, bits)| (encoded(name), ms, bits)));
        Ok(())
    }

    fn refuse(&mut self, row: u64, why: String) -> Result<(), String> {
        Err(format!("row {row}: {why}"))
    }
}

/// A file that can be looked at when it is done.
#[derive(Debug, Default)]
struct Memory(Vec<u8>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(series: &[(Vec<u8>, Samples)]) -> BTreeMap<i64, Vec<u8>> {
    let mut days = Days::new(Which::First, |_| Ok(Memory::default()));
    for (name, samples) in series {
        days.push(name, samples).expect("memory takes all");
    }
    let mut files = Vec::new();
    let ended = days.finish(|memory| {
        files.push(memory.0);
        Ok(0)
    });
    let (ended, left) = ended.expect("memory takes all");
    assert!(left.is_empty());
    ended.iter().map(|written| written.day).zip(files).collect()
}

/// The files of all days, read one after the other.
fn read_back(files: BTreeMap<i64, Vec<u8>>) -> Read {
    let mut found = Read::default();
    for bytes in files.into_values() {
        read(bytes::Bytes::from(bytes), &mut found).expect("own file");
    }
    found
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let bounds = prop::collection::btree_set(-1000i32..1000, 0..6);
    let simple =
        (any::<i64>(), any::<i64>(), bounds, any::<i64>()).prop_map(|(u, o, bounds, n)| {
            let bounds: Vec<f64> = bounds.into_iter().map(|bound| f64::from(bound) / 8.0).collect();
            let pairs = bounds.windows(2).zip(0..);
            let list = pairs.map(|(pair, i)| (pair[0], pair[1], n.wrapping_mul(i))).collect();
            Histogram::Buckets(Buckets::new(u, o, list).expect("they touch"))
        });
    let opaque = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..9))
        .prop_map(|(id, bytes)| Histogram::Opaque { id, bytes });
    prop_oneof![simple, opaque]
}

fn value() -> impl Strategy<Value = Value> {
    let decimal = (any::<i64>(), 0..=22u8).prop_map(|(mantissa, scale)| {
        Value::decimal(mantissa % 1_000_000_000_000_000, scale).expect("in range")
    });
    let number = any::<u64>().prop_map(f64::from_bits).prop_filter("no NaN", |f| !f.is_nan());
    let edges = prop::sample::select(vec![-0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY, 5e-324]);
    prop_oneof![
        any::<i64>().prop_map(Value::integer),
        decimal,
        number.prop_map(Value::float),
        edges.prop_map(Value::float)
    ]
}

const DAY_MS: i64 = 86_400_000;

/// Series in name order with samples over a few days.
fn series() -> impl Strategy<Value = Vec<(Vec<u8>, Samples)>> {
    let word = "[a-c =\"\u{1}\u{e9}\u{1f600}]{1,4}";
    let labels = (word, prop::collection::btree_map(word, word, 0..4));
    let times = prop::collection::btree_set(DAY_MS - 5..3 * DAY_MS + 5, 1..20);
    let numbers = prop::collection::vec(value(), 20);
    let histograms = prop::option::of(prop::collection::vec(histogram(), 20));
    let one =
        (labels, times, numbers, histograms).prop_map(|(labels, times, values, histograms)| {
            let (metric, tags) = labels;
            let name =
                Name { metric, tags: tags.into_iter().collect(), histograms: histograms.is_some() };
            let mut samples = Samples::default();
            for (at, ms) in times.into_iter().enumerate() {
                match &histograms {
                    None => samples.push(ms, values[at]),
                    Some(list) => {
                        samples.push_histogram(ms, |out| list[at].encode(out).expect("short"))
                    }
                }
            }
            (encoded(&name), samples)
        });
    prop::collection::vec(one, 0..8).prop_map(|mut list| {
        list.sort_by(|a, b| name::compare(&a.0, &b.0));
        list.dedup_by(|a, b| a.0 == b.0);
        list
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read(list in series()) {
        let mut expected = Vec::new();
        for (name, samples) in &list {
            for at in 0..samples.len() {
                expected.push((name.clone(), samples.timestamps[at], bits(samples, at)));
            }
        }
        // Files follow the days, series within them the names.
        expected.sort_by_key(|(_, ms, _)| ms.div_euclid(DAY_MS));
        prop_assert_eq!(read_back(written(&list)).0, expected);
    }
}

#[test]
fn more_rows_than_a_batch_holds() {
    let mut samples = Samples::default();
    (0..100_000).for_each(|n| samples.push(DAY_MS + n, Value::integer(n * n)));
    let list: Vec<_> = [&b"a"[..], b"b k=v"].map(|name| (name.to_vec(), samples.clone())).into();
    let found = read_back(written(&list)).0;
    assert_eq!(found.len(), 200_000);
    let last = (b"b k=v".to_vec(), DAY_MS + 99_999, Bits::Integer(99_999 * 99_999));
    assert_eq!(found.last(), Some(&last));
}

#[test]
fn what_is_no_file_of_samples_is_named() {
    let mut found = Read::default();
    let text = bytes::Bytes::from_static(b"PAR1 and nothing else");
    let error = read(text, &mut found).expect_err("no footer");
    assert!(matches!(error, Error::Unreadable(_)), "{error}");
    assert_eq!(found, Read::default());
}
