//! Each stage of a point's way alone: lines in, log and write buffer, flush, blocks, JSON out and in.
//!
//! `cargo bench --bench stages [-- FILTER]` prints times of a whole piece of work and points (`elem`) a
//! second, and how they differ from the last run, which it keeps in `target/criterion`;
//! `--save-baseline NAME` and `--baseline NAME` compare with an earlier state. What the server as a
//! whole takes is measured by the other benchmarks: here a stage has the caches to itself.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use irontsd::bench::json_points::push_body;
use irontsd::workload::{Kind, Variety};
use irontsd_engine::buffer::WriteBuffer;
use irontsd_engine::codec::Effort;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::limits::FLUSH_ROWS;
use irontsd_engine::log::{record, rows};
use irontsd_engine::rows::{SortMemory, blocks};
use irontsd_engine::segment::block::{Block, BlockBuilder};
use irontsd_engine::types::{Samples, SeriesId};
use irontsd_net::intake::{Intake, Pending};
use irontsd_net::node::Node;
use irontsd_net::number;
use irontsd_net::policy::Policy;
use irontsd_net::put::{self, layout};
use irontsd_net::read::json_line;
use irontsd_net::telnet::lookup::{Lookup, Trail};
use irontsd_net::telnet::scan::{Masks, Scanner};
use irontsd_net::telnet::{Replies, Scratch, Session, fast};

#[path = "stages/data.rs"]
mod data;

/// About as many agent lines as one read of an event loop has.
const SERIES: u64 = 8000;
/// Series of a whole write buffer.
const SERIES_FLUSHED: u64 = 40_000;
/// Bytes of a table that has room for all of them.
const LOOKUP_BYTES: usize = 1 << 26;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    scan(&mut criterion);
    numbers(&mut criterion);
    lookup(&mut criterion);
    take(&mut criterion);
    commit(&mut criterion);
    sort(&mut criterion);
    encode_and_decode(&mut criterion);
    print(&mut criterion);
    put_bodies(&mut criterion);
    criterion.final_summary();
}

fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    points: u64,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(points));
    group
}

/// Finding separators, and splitting lines by them.
fn scan(criterion: &mut Criterion) {
    let lines = data::lines(Kind::Agent, SERIES, 1);
    let mut group = group(criterion, "scan", SERIES);
    let mut masks = Masks::default();
    for (name, scanner) in Scanner::variants() {
        group.bench_function(name.word(), |bencher| {
            bencher.iter(|| scanner.scan(&lines, &mut masks))
        });
    }
    Scanner::chosen().scan(&lines, &mut masks);
    group.bench_function("split", |bencher| {
        bencher.iter(|| {
            let mut start = 0;
            while let Some(end) = masks.newline(start) {
                black_box(fast::split(&lines, &masks, start, end));
                start = end + 1;
            }
        });
    });
}

/// Texts to values and times.
fn numbers(criterion: &mut Criterion) {
    let agent = data::lines(Kind::Agent, SERIES, 1);
    let doubles = data::lines(Kind::Varied(Variety::Doubles), SERIES, 1);
    let (agent, doubles) = (data::all_fields(&agent), data::all_fields(&doubles));
    let mut group = group(criterion, "numbers", SERIES);
    group.bench_function("values", |bencher| {
        bencher.iter(|| each(&agent, |line| fast::value(line.value)));
    });
    group.bench_function("doubles of all digits", |bencher| {
        bencher.iter(|| each(&doubles, |line| number::value(line.value)));
    });
    group.bench_function("times", |bencher| {
        bencher.iter(|| each(&agent, |line| fast::timestamp_ms(line.timestamp)));
    });
}

fn each<T>(lines: &[fast::Fields<'_>], read: impl Fn(&fast::Fields<'_>) -> T) {
    for line in lines {
        black_box(read(line));
    }
}

/// Finding a known series: the one that came next last time, and any other.
fn lookup(criterion: &mut Criterion) {
    let lines = data::lines(Kind::Agent, SERIES_FLUSHED, 1);
    let mut fields = data::all_fields(&lines);
    let mut lookup = Lookup::new(1, LOOKUP_BYTES);
    let mut trail = Trail::default();
    for (series, line) in (0..).zip(&fields) {
        lookup.learn(line.metric, line.tags, series, &mut trail);
    }
    let mut find = |line: &fast::Fields<'_>| {
        lookup.find(line.metric, line.tags, &mut trail).expect("a known series")
    };
    let mut group = group(criterion, "lookup", SERIES_FLUSHED);
    group.bench_function("in the usual order", |bencher| {
        bencher.iter(|| fields.iter().map(&mut find).fold(0, u32::wrapping_add));
    });
    let mut chance = fastrand::Rng::with_seed(1);
    group.bench_function("in a new order", |bencher| {
        let shuffled = || {
            chance.shuffle(&mut fields);
            fields.clone()
        };
        let find_all = |fields: &mut Vec<fast::Fields<'_>>| {
            fields.iter().map(&mut find).fold(0, u32::wrapping_add)
        };
        bencher.iter_batched_ref(shuffled, find_all, BatchSize::LargeInput);
    });
}

/// All that a loop does with the lines of known series before it commits them.
fn take(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("a new directory");
    let (policy, known, memory, admission, rejections, counters) = Default::default();
    let node = Node { engine, policy, known, memory, admission, rejections, counters };
    let (mut lookup, mut pending) = (Lookup::new(1, LOOKUP_BYTES), Pending::default());
    let mut group = group(criterion, "take", SERIES);
    for (name, kind) in [("agent", Kind::Agent), ("tsbs", Kind::Tsbs)] {
        let lines = data::lines(kind, SERIES, 1);
        let (mut session, mut scratch) = (Session::default(), Scratch::default());
        let mut take = || {
            pending.batch.clear();
            let mut intake = Intake {
                node: &node,
                policy: &node.policy,
                lookup: &mut lookup,
                pending: &mut pending,
                peer: None,
                oldest_ms: 0,
            };
            let mut replies = Replies { out: &mut Vec::new(), sent: 0 };
            session.take(&lines, &mut scratch, &mut intake, &mut replies).0
        };
        assert_eq!(take(), lines.len(), "every line is taken");
        group.bench_function(name, |bencher| bencher.iter(&mut take));
    }
    node.engine.close().expect("closed");
}

/// A commit without the write: the log's record, and the rows into the write buffer.
fn commit(criterion: &mut Criterion) {
    let batch = data::batch(SERIES, 1);
    let mut group = group(criterion, "commit", SERIES);
    let mut log = Vec::new();
    group.bench_function("log record", |bencher| {
        bencher.iter(|| {
            record::begin(&mut log);
            rows::encode(&batch, &mut log);
            record::finish(&mut log, 1, 0, 1, 0);
        });
    });
    let pool = Arc::default();
    group.bench_function("write buffer", |bencher| {
        let empty = || WriteBuffer::new(1, SERIES, Arc::clone(&pool));
        let append = |buffer: &mut WriteBuffer| buffer.append(&batch, 1);
        bencher.iter_batched_ref(empty, append, BatchSize::PerIteration);
    });
}

/// The rows of a full write buffer put in order of series and time.
fn sort(criterion: &mut Criterion) {
    let rounds = FLUSH_ROWS / SERIES_FLUSHED;
    let buffer = WriteBuffer::new(1, FLUSH_ROWS, Arc::default());
    buffer.append(&data::batch(SERIES_FLUSHED, rounds), 1);
    let rows = buffer.len();
    let buffers = [(Arc::new(buffer), rows)];
    let mut memory = SortMemory::default();
    let mut group = group(criterion, "flush", rows as u64);
    group.sample_size(20);
    group.bench_function("sort and gather", |bencher| {
        bencher.iter(|| {
            blocks::each_series(&buffers, &mut memory, |series, _, range| {
                black_box((series, range));
                Ok::<_, ()>(())
            })
        });
    });
}

/// A block as a flush and as a merge writes it, there and back.
fn encode_and_decode(criterion: &mut Criterion) {
    for (name, effort, series, rounds) in
        [("flush", Effort::Flush, 320, 50), ("merge", Effort::Merge, 128, 500)]
    {
        let all = data::samples(series, rounds);
        let mut builder = BlockBuilder::new(effort);
        let mut encode = |out: &mut Vec<u8>| {
            out.clear();
            (0..).zip(&all).for_each(|(id, one)| builder.push(id, one, 0, one.len()));
            builder.finish(out);
        };
        let mut bytes = Vec::new();
        let mut group = group(criterion, "block", series * rounds);
        group.bench_function(format!("encode, {name}"), |bencher| {
            bencher.iter(|| encode(&mut bytes));
        });
        encode(&mut bytes);
        let mut samples = Samples::default();
        group.bench_function(format!("decode, {name}"), |bencher| {
            bencher.iter(|| {
                let block = Block::parse(&bytes).expect("own bytes");
                for run in 0..block.runs() {
                    samples.clear();
                    block.read(run, &mut samples).expect("own bytes");
                }
            });
        });
    }
}

/// Lines of an export.
fn print(criterion: &mut Criterion) {
    let (series, rounds) = (120, 500);
    let all = data::samples(series, rounds);
    let mut group = group(criterion, "export", series * rounds);
    let (mut out, mut times) = (Vec::new(), Default::default());
    group.bench_function("JSON lines", |bencher| {
        bencher.iter(|| {
            out.clear();
            for samples in &all {
                json_line::push(&mut out, b"sys.cpu.user cpu=3 host=web0001", samples, &mut times);
            }
        });
    });
}

/// The series of a body, numbered as they come.
struct Numbered<'a> {
    body: &'a [u8],
    lookup: Lookup,
    next: SeriesId,
}

impl layout::Known for Numbered<'_> {
    fn guesser(&mut self) -> &mut Lookup {
        &mut self.lookup
    }

    fn find(&mut self, raw: &mut layout::Raw, trail: &mut Trail) -> Option<SeriesId> {
        let (metric, tags) = (&self.body[raw.metric.clone()], &self.body[raw.tags.clone()]);
        self.lookup.find(metric, tags, trail).or_else(|| {
            self.lookup.learn(metric, tags, self.next, trail);
            self.next += 1;
            Some(self.next - 1)
        })
    }
}

/// Bodies of `/api/put`: compared where the series are known, else read as JSON and judged.
fn put_bodies(criterion: &mut Criterion) {
    let policy = Policy::default();
    let (mut rows, mut scratch) = (Vec::new(), put::Scratch::default());
    for points in [1, 50, 1000] {
        let mut body = Vec::new();
        push_body(&mut body, &data::lines(Kind::Agent, points, 1)).expect("put lines");
        let mut group = group(criterion, "put", points);
        let mut known = Numbered { body: &body, lookup: Lookup::new(1, 64 << 20), next: 0 };
        let mut trail = Trail::default();
        group.bench_function(format!("known, {points}"), |bencher| {
            bencher.iter(|| {
                rows.clear();
                layout::take(&body, 0, &mut known, &mut trail, &mut rows)
                    .expect("a body as agents send it");
                assert_eq!(rows.len() as u64, points);
            });
        });
        group.bench_function(format!("read and judge, {points}"), |bencher| {
            bencher.iter(|| {
                let judged =
                    put::judge(&body, 0, &policy, &[], &mut scratch, &mut |name, ms, value| {
                        black_box((name, ms, value));
                        Ok(())
                    });
                assert_eq!(judged.expect("good JSON").success, points);
            });
        });
    }
}
