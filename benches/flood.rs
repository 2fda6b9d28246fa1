//! A flood of new series beside honest load: how much of the honest load is taken.
//!
//! `cargo bench --bench flood` fills a node with series, measures how fast it takes lines of them,
//! and sends half of that, open loop, while one connection sends lines of series that nobody knows,
//! as fast as it can. Once with `--max-series` reached, once with `--max-new-series-per-second`. It
//! fails unless 95 % of the honest points are taken, and all that are taken are exported.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use irontsd::workload::{Kind, Shape, digest_export};

mod common;
mod flood {
    pub mod sender;
    pub mod table;
}

use ::irontsd::bench::http;
use ::irontsd::bench::metrics::Metrics;
use ::irontsd::bench::process::CpuTime;
use common::irontsd::IronTsd;
use common::node::{Node, Running, expect_count};
use common::options::TestOptions;
use common::record::Record;
use common::stream::{Pace, Sent, Streams};
use common::{Outcome, entry};
use flood::sender::Flood;
use flood::table::{Figures, table};

/// The share of honest points that must be taken.
const TAKEN_MIN: f64 = 0.95;
/// The part of the highest rate that honest connections send.
const HONEST_SHARE: f64 = 0.5;
/// Rounds of different values of the honest series.
const ROUNDS: u64 = 20;
/// `match[]={host=~"web.*"}`: no series of the flood.
const EXPORT_HONEST: &str = "/api/v1/export?match%5B%5D=%7Bhost%3D~%22web.*%22%7D";

const NOTES: [&str; 3] = [
    "Honest connections send known series, open loop at half the highest rate; what is due and could \
     not be sent by the end is not sent and counts as lost. Highest: the same lines as fast as the \
     node takes them, without a flood. The flood is one connection that sends lines of a new series \
     each and reads the answers. Senders and server share the cores.",
    "The node is filled without limits and started again with one on the same directory.",
    "Checked in each run: points accepted are those sent honestly and those of the flood that made a \
     series; lines refused are the rest of the flood; an export of the honest series has as many \
     samples as were sent.",
];

/// Floods a node with new series and measures what becomes of the load beside it.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// How long each flood lasts.
    #[arg(long, default_value_t = 15.0)]
    seconds: f64,
    /// Number of honest series.
    #[arg(long, default_value_t = 40_000)]
    series: u64,
    /// Honest connections.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// The limit on the rate of new series.
    #[arg(long, default_value_t = 1000)]
    new_series_per_second: u64,
}

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let mut record = Record::begin("flood: new series beside agent lines", &options.test)?;
    let highest = highest(options)?;
    println!("highest {:.2} M/s", highest / 1e6);
    let limits = [
        ("--max-series", options.series),
        ("--max-new-series-per-second", options.new_series_per_second),
    ];
    let mut figures = Vec::new();
    for (flag, limit) in limits {
        let run = flood_beside(options, highest * HONEST_SHARE, flag, limit)?;
        println!("{flag} {limit}: {:.2} % taken", run.taken() * 100.0);
        figures.push(run);
    }
    record.tables = table(&figures);
    let node = IronTsd::new(&options.test);
    record.fact("highest rate", format!("{:.3} M points/s", highest / 1e6));
    let Options { series, connections, seconds, .. } = options;
    record.fact(
        "load",
        format!("{series} honest series on {connections} connections, {seconds} s each flood"),
    );
    record.node(&node);
    record.fact("goal", format!("at least {:.0} % of the honest points taken", TAKEN_MIN * 100.0));
    record.notes(&NOTES);
    record.publish(&options.test)?;
    Ok(figures.iter().all(|run| run.taken() >= TAKEN_MIN))
}

/// Points a second, as fast as a node takes them.
fn highest(options: &Options) -> Outcome<f64> {
    let node = IronTsd::new(&options.test);
    let mut running = node.start()?;
    let mut streams = connect(&running, options)?;
    streams.one_round()?;
    let sent = streams.run(Pace::Closed, Duration::from_secs(5))?;
    running.server.stop(running.timeout)?;
    Ok(sent.lines as f64 / sent.seconds)
}

fn connect(running: &Running, options: &Options) -> Outcome<Streams> {
    let shape =
        Shape { series_count: options.series, samples_per_series: ROUNDS, ..Shape::default() };
    Streams::connect(running.opentsdb, Kind::Agent, &shape, options.connections, running.timeout)
}

fn flood_beside(options: &Options, rate: f64, flag: &str, limit: u64) -> Outcome<Figures> {
    let mut filled = IronTsd::new(&options.test).start()?;
    let mut streams = connect(&filled, options)?;
    let first = streams.one_round()?;
    filled.server.stop(filled.timeout)?;

    let mut node = IronTsd::new(&options.test);
    node.add_flags(&[flag, &limit.to_string()]);
    let mut running = node.start_on(filled.server.dir())?;
    streams.reconnect(running.opentsdb, running.timeout)?;
    let duration = Duration::from_secs_f64(options.seconds);
    let cpu = CpuTime::of(running.server.pid())?;
    let flood = Flood::start(running.opentsdb, running.timeout)?;
    let honest = streams.run(Pace::Open(rate), duration)?;
    let flooded = flood.finish()?;
    let cpu = CpuTime::of(running.server.pid())?.since(cpu);
    let made = check(&running, options.series, first, honest, flooded)?;
    running.server.stop(running.timeout)?;
    Ok(Figures {
        limit: format!("{flag} {limit}"),
        due: (rate * options.seconds) as u64,
        honest,
        flooded,
        made,
        cpu_s: cpu.total_s(),
    })
}

/// Fails unless honest points are all stored and what was refused is the flood's; returns how many
/// series the flood has made.
fn check(running: &Running, honest: u64, first: u64, sent: Sent, flooded: u64) -> Outcome<u64> {
    let metrics = Metrics::read(running.http, running.timeout)?;
    let series = metrics.count("irontsd_series", "")?;
    let made = series - honest;
    let accepted = metrics.count("irontsd_points_accepted_total", "")?;
    expect_count("irontsd_points_accepted_total", accepted, sent.lines + made)?;
    let refused = metrics.sum("irontsd_points_rejected_total", "").unwrap_or(0.0) as u64;
    expect_count("irontsd_points_rejected_total", refused, flooded - made)?;
    let export = http::stream(running.http, EXPORT_HONEST, running.timeout)?;
    expect_count(
        "the number of samples exported",
        digest_export(export)?.count,
        first + sent.lines,
    )?;
    Ok(made)
}
