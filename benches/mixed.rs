//! Everything at once: lines at half the highest rate, exports without a pause, and requests of a
//! point each whose answers are timed.
//!
//! `cargo bench --bench mixed` measures the highest rate of agent lines on one node and, on another
//! that holds a fixed data set, how fast that is exported when nothing else happens. Then it runs all
//! three on the second node for a while. It fails unless 95 % of the lines are taken, 99 of 100
//! requests are answered within 5 ms and the exports keep a quarter of their speed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use irontsd::workload::{Kind, Shape};

mod common;
mod mixed {
    pub mod count;
    pub mod exports;
    pub mod figures;
    pub mod fixed;
    pub mod puts;
}

use ::irontsd::bench::process::{AnonWatch, CpuTime, others_busy_s};
use common::irontsd::IronTsd;
use common::node::{Node, Running, expect_count};
use common::options::TestOptions;
use common::peaks::Peaks;
use common::record::Record;
use common::stream::{Pace, Streams};
use common::verdict::Verdict;
use common::{Outcome, entry};
use mixed::count::count_samples;
use mixed::exports::Exports;
use mixed::figures::{Figures, judge};
use mixed::fixed::FixedSet;
use mixed::puts::Puts;

/// Rounds of different values of the lines.
const ROUNDS: u64 = 20;
/// The part of the highest rate that is sent.
const SHARE: f64 = 0.5;

const NOTES: [&str; 5] = [
    "Highest: agent lines of known series as fast as a node on an empty directory takes them. The \
     mixed load is half of that, open loop: what is due and could not be sent by the end is not sent \
     and counts as lost.",
    "Exports: one client that counts bytes gets the fixed data set again and again, each time on a new \
     connection. Speed counts the bytes that arrived within the time, alone as well as mixed. The \
     fixed data set is merged before; the lines that come meanwhile belong to the same series at later \
     times.",
    "Requests: one point each on one connection that stays open, at fixed times; if the last answer is \
     late the next request waits, and its latency counts from when it was due all the same. Woken late: \
     the part of it that the client needed to begin although it could.",
    "Lines, exports and requests come from threads of one process, on the cores of the server. Cores \
     busy elsewhere: CPU of anything but these; where it is not near 0, the machine had other work.",
    "Checked: all lines and points are accepted, none refused, no block damaged; each export has as many \
     bytes as the one before it, and the checksum of the fixed data set is the same before and after; an \
     export of everything has all samples, and one of the requests' series has all of theirs.",
];

/// Ingests, exports and answers at the same time and judges how well.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// How long everything runs at once.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// How long the highest rate and the exports alone are measured.
    #[arg(long, default_value_t = 5.0)]
    alone_seconds: f64,
    /// Number of series.
    #[arg(long, default_value_t = 40_000)]
    series: u64,
    /// Samples of each series in the fixed data set.
    #[arg(long, default_value_t = 125)]
    samples_per_series: u64,
    /// Connections that send lines.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// Requests a second.
    #[arg(long, default_value_t = 200.0)]
    puts_per_second: f64,
}

impl Options {
    fn alone(&self) -> Duration {
        Duration::from_secs_f64(self.alone_seconds)
    }

    fn mixed(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let mut record = Record::begin("mixed: lines, exports and requests at once", &options.test)?;
    let node = IronTsd::new(&options.test);
    let (mut streams, highest) = highest(&node, options)?;
    println!("highest {:.2} M lines/s", highest / 1e6);
    let mut running = node.start()?;
    let anon = AnonWatch::start(running.server.pid());
    let fixed = FixedSet::fill(&node, &mut running, options.series, options.samples_per_series)?;
    let alone = Exports::alone(&running, &fixed, options.alone())?;
    println!("exports alone {:.2} M points/s", alone.rate(&fixed) / 1e6);
    streams.reconnect(running.opentsdb, running.timeout)?;
    let mut figures = all_at_once(options, &running, &fixed, &mut streams, highest * SHARE, alone)?;
    figures.peaks = Peaks::of(&running, anon)?;
    check(&node, &running, &fixed, &figures)?;
    running.server.stop(running.timeout)?;

    let verdicts = judge(&figures, &fixed);
    record.tables = figures.table(&fixed) + "\n" + &Verdict::table(&verdicts);
    record.fact("highest rate", format!("{:.3} M lines/s", highest / 1e6));
    record.fact("load", describe(options, &fixed));
    record.node(&node);
    record.notes(&NOTES);
    record.publish(&options.test)?;
    Ok(Verdict::all_hold(&verdicts))
}

/// Lines a second, as fast as a node takes them, and what sends them.
fn highest(node: &IronTsd, options: &Options) -> Outcome<(Streams, f64)> {
    let mut running = node.start()?;
    let shape = Shape {
        series_count: options.series,
        samples_per_series: ROUNDS,
        start_s: mixed::fixed::later_s(),
        ..Shape::default()
    };
    let connections = options.connections;
    let mut streams =
        Streams::connect(running.opentsdb, Kind::Agent, &shape, connections, running.timeout)?;
    streams.one_round()?;
    let sent = streams.run(Pace::Closed, options.alone())?;
    running.server.stop(running.timeout)?;
    Ok((streams, sent.lines as f64 / sent.seconds))
}

fn all_at_once(
    options: &Options,
    running: &Running,
    fixed: &FixedSet,
    streams: &mut Streams,
    lines_per_s: f64,
    alone: Exports,
) -> Outcome<Figures> {
    let (pid, duration) = (running.server.pid(), options.mixed());
    let (cpu, others) = (CpuTime::of(pid)?, others_busy_s(pid)?);
    let (lines, exports, puts) = std::thread::scope(|scope| {
        let exports = scope.spawn(|| Exports::run(running, fixed, duration));
        let puts = scope.spawn(|| Puts::run(running, options.puts_per_second, duration));
        let lines = streams.run(Pace::Open(lines_per_s), duration);
        (lines, exports.join(), puts.join())
    });
    Ok(Figures {
        due: (lines_per_s * options.seconds) as u64,
        lines: lines?,
        alone,
        exports: exports.map_err(|_| "the exports failed")??,
        puts: puts.map_err(|_| "the requests failed")??,
        cpu_s: CpuTime::of(pid)?.since(cpu).total_s(),
        others_s: others_busy_s(pid)? - others,
        peaks: Peaks::default(),
    })
}

fn check(node: &IronTsd, running: &Running, fixed: &FixedSet, figures: &Figures) -> Outcome<()> {
    let puts = figures.puts.latencies.count() as u64;
    let points = fixed.digest.count + figures.lines.lines + puts;
    node.check_counters(running, points)?;
    fixed.check(running)?;
    let exported = count_samples(running, "{__name__!=\"\"}")?;
    expect_count("the number of samples exported", exported, points)?;
    let exported = count_samples(running, mixed::puts::SELECTOR)?;
    expect_count("the number of the requests' samples exported", exported, puts)
}

fn describe(options: &Options, fixed: &FixedSet) -> String {
    let Options { series, connections, puts_per_second, seconds, .. } = options;
    format!(
        "agent lines of {series} series on {connections} connections; {} points of them exported again \
         and again; {puts_per_second} requests a second; {seconds} s",
        fixed.digest.count
    )
}
