//! What a snapshot costs: how long it takes however much is stored, and how long it holds up whoever
//! sends meanwhile.
//!
//! `cargo bench --bench snapshot` fills a node as fast as it takes lines, to one size after the other.
//! At each it sends on at a fixed rate, while a connection of its own sends a point at a time and
//! times the answer; first undisturbed, then while snapshots are made. It fails if in the presence of
//! snapshots an answer took 50 ms longer than the slowest without them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures by the real clock and the real disk"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::Parser;
use irontsd::workload::{Kind, Shape};

#[allow(dead_code, reason = "shared by benchmarks that each need a part")]
mod common;

use common::irontsd::IronTsd;
use common::node::{Node, Running};
use common::options::TestOptions;
use common::record::Record;
use common::stream::{Pace, Streams, connect};
use common::{Outcome, disk, http, table};

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
    made: Vec<Duration>,
    /// Answers without and with snapshots, ascending.
    without: Vec<Duration>,
    with: Vec<Duration>,
}

impl Figures {
    fn pause(&self) -> Duration {
        slowest(&self.with).saturating_sub(slowest(&self.without))
    }
}

fn slowest(times: &[Duration]) -> Duration {
    times.last().copied().unwrap_or_default()
}

fn at(times: &[Duration], share: f64) -> Duration {
    times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default()
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("snapshot: {error}");
            ExitCode::FAILURE
        }
    }
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
    record.fact(node.name(), format!("{}; flags `{}`", node.version(), node.flags().join(" ")));
    record.fact("goal", format!("a pause below {} ms", PAUSE_MAX.as_millis()));
    record.notes(&NOTES);
    println!("\n{}", record.text());
    record.write(&options.test)?;
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
    made.sort_unstable();
    Ok(Figures { points, bytes, made, without, with })
}

/// Times answers on a connection of its own for as long as the work takes; ascending.
fn timed(running: &Running, work: impl FnOnce() -> Outcome<()>) -> Outcome<Vec<Duration>> {
    let done = AtomicBool::new(false);
    let mut socket = connect(running.opentsdb, running.timeout)?;
    std::thread::scope(|scope| {
        let done = &done;
        let probe = scope.spawn(move || -> Outcome<Vec<Duration>> {
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
            times.sort_unstable();
            Ok(times)
        });
        let outcome = work();
        done.store(true, Relaxed);
        let times = probe.join().map_err(|_| "the timed connection failed")?;
        outcome.and(times)
    })
}

fn shown(figures: &[Figures]) -> String {
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
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
            ms(at(&run.made, 0.5)),
            ms(slowest(&run.made)),
            ms(at(&run.without, 0.99)),
            ms(slowest(&run.without)),
            ms(at(&run.with, 0.99)),
            ms(slowest(&run.with)),
            ms(run.pause()),
        ]);
    }
    table::plain(&rows)
}
