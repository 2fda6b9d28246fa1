//! What a snapshot costs: how long it takes however much is stored, and how long it holds up whoever
//! sends meanwhile.
//!
//! `cargo bench --bench snapshot` fills a node as fast as it takes lines, to one size after the other.
//! At each it sends on at a fixed rate, while a connection of its own sends a point at a time and
//! times the answer; first undisturbed, then while snapshots are made. It fails if in the presence of
//! snapshots an answer took 50 ms longer than the slowest without them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::io::{BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::Parser;
use irontsd::workload::{Kind, Shape};

mod common;

use ::irontsd::bench::http;
use common::irontsd::IronTsd;
use common::node::{Node, Running};
use common::options::TestOptions;
use common::record::Record;
use common::stream::{Pace, Streams, connect};
use common::times::{self, Times};
use common::{Outcome, disk, entry, table};

/// The longest that a snapshot may hold up ingestion.
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// Between two points of the connection that times answers.
const PROBE_EVERY: Duration = Duration::from_millis(2);

const NOTES: [&str; 2] = [
    "Made: from the request for a snapshot to its answer; it includes a flush of what is buffered. \
     Answer: from a put line and `version` on a connection of its own to the answer, which means logged \
     and visible; every 2 ms, beside the load. Slowest: of all in that phase. Pause: how much slower the \
     slowest is with snapshots than without.",
    "Senders, the timed connection and the server share the cores.",
];

/// Makes snapshots of a node under load and measures.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// Millions of points stored at which snapshots are made, ascending.
    #[arg(long, value_delimiter = ',', default_values_t = [5, 40, 160])]
    millions: Vec<u64>,
    /// Snapshots at each.
    #[arg(long, default_value_t = 8)]
    snapshots: u64,
    /// Points a second meanwhile.
    #[arg(long, default_value_t = 2_000_000.0)]
    rate: f64,
}

struct Figures {
    points: u64,
    bytes: u64,
    made: Times,
    /// Answers without and with snapshots.
    without: Times,
    with: Times,
}

impl Figures {
    fn pause(&self) -> Duration {
        self.with.most().saturating_sub(self.without.most())
    }
}

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let mut record = Record::begin("snapshot: time and pause", &options.test)?;
    let node = IronTsd::new(&options.test);
    let mut running = node.start()?;
    let shape = Shape { series_count: 40_000, samples_per_series: 20, ..Shape::default() };
    let mut streams = Streams::connect(running.opentsdb, Kind::Agent, &shape, 4, running.timeout)?;
    let (mut stored, mut figures) = (0, Vec::new());
    for &millions in &options.millions {
        while stored < millions * 1_000_000 {
            stored += streams.run(Pace::Closed, Duration::from_millis(300))?.lines;
        }
        let measured = measure(options, &running, &mut streams, stored)?;
        println!("{millions} M points: pause {:?}", measured.pause());
        figures.push(measured);
    }
    running.server.stop(running.timeout)?;
    record.tables = shown(&figures);
    record.fact("load", format!("agent lines of 40000 series, {:.1} M/s", options.rate / 1e6));
    record.node(&node);
    record.fact("goal", format!("a pause below {} ms", PAUSE_MAX.as_millis()));
    record.notes(&NOTES);
    record.publish(&options.test)?;
    Ok(figures.iter().all(|measured| measured.pause() < PAUSE_MAX))
}

fn measure(
    options: &Options,
    running: &Running,
    streams: &mut Streams,
    points: u64,
) -> Outcome<Figures> {
    let (pace, half) = (Pace::Open(options.rate), Duration::from_secs(1));
    let phase = half * options.snapshots as u32;
    let without = timed(running, || streams.run(pace, phase).map(drop))?;
    let mut made = Vec::new();
    let with = timed(running, || {
        std::thread::scope(|scope| {
            let load = scope.spawn(|| streams.run(pace, phase));
            for _ in 0..options.snapshots {
                std::thread::sleep(half * 3 / 4);
                let start = Instant::now();
                http::get(running.http, "/snapshot/create", running.timeout)?;
                made.push(start.elapsed());
            }
            load.join().map_err(|_| "the load failed")??;
            Ok(())
        })
    })?;
    let bytes = disk::usage(&running.server.data_dir())?.allocated_bytes;
    http::get(running.http, "/snapshot/delete_all", running.timeout)?;
    Ok(Figures { points, bytes, made: made.into(), without, with })
}

/// Times answers on a connection of its own for as long as the work takes.
fn timed(running: &Running, work: impl FnOnce() -> Outcome<()>) -> Outcome<Times> {
    let done = AtomicBool::new(false);
    let mut socket = connect(running.opentsdb, running.timeout)?;
    std::thread::scope(|scope| {
        let done = &done;
        let probe = scope.spawn(move || -> Outcome<Times> {
            let mut answers = BufReader::new(socket.try_clone()?);
            let (mut times, mut line) = (Vec::new(), String::new());
            while !done.load(Relaxed) {
                let start = Instant::now();
                socket.write_all(b"put probe 1700000000 1 host=probe\nversion\n")?;
                line.clear();
                answers.read_line(&mut line)?;
                times.push(start.elapsed());
                std::thread::sleep(PROBE_EVERY);
            }
            Ok(times.into())
        });
        let outcome = work();
        done.store(true, Relaxed);
        let times = probe.join().map_err(|_| "the timed connection failed")?;
        outcome.and(times)
    })
}

fn shown(figures: &[Figures]) -> String {
    let ms = |time| format!("{:.1}", times::ms(time));
    let head = [
        "M points stored",
        "MiB on disk",
        "made, median ms",
        "made, most ms",
        "answer without, p99 ms",
        "slowest ms",
        "answer with, p99 ms",
        "slowest ms",
        "pause ms",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for run in figures {
        rows.push(vec![
            format!("{:.0}", run.points as f64 / 1e6),
            format!("{:.0}", run.bytes as f64 / 1024.0 / 1024.0),
            ms(run.made.at(0.5)),
            ms(run.made.most()),
            ms(run.without.at(0.99)),
            ms(run.without.most()),
            ms(run.with.at(0.99)),
            ms(run.with.most()),
            ms(run.pause()),
        ]);
    }
    table::plain(&rows)
}
