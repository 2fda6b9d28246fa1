//! Honest load beside each abuse: how much of it is taken.
//!
//! `cargo bench --bench abuse` measures how fast a node takes agent lines of known series, and then, for
//! each abuse on a node of its own, sends half of that, open loop, while the abuse goes on from a few
//! threads. It fails if more than 5 % of the honest points are lost beside any of them, or if any that
//! was taken is not exported.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use irontsd::workload::{Kind, Shape};

mod common;
mod abuse {
    pub mod crowds;
    pub mod figures;
    pub mod kinds;
    pub mod lines;
    pub mod requests;
    pub mod run;
}
#[path = "mixed/count.rs"]
mod count;

use ::irontsd::bench::metrics::Metrics;
use ::irontsd::bench::process::{CpuTime, others_busy_s};
use abuse::figures::{Figures, LOSS_MAX, judge, table};
use abuse::kinds::{ALL, Abuse};
use abuse::run::{Target, beside};
use common::irontsd::IronTsd;
use common::node::{Node, Running, expect_count};
use common::options::TestOptions;
use common::record::Record;
use common::stream::{Pace, Streams};
use common::verdict::Verdict;
use common::{Outcome, entry};

/// The part of the highest rate that honest connections send.
const HONEST_SHARE: f64 = 0.5;
/// Rounds of different values of the honest series.
const ROUNDS: u64 = 20;
/// No series of any abuse.
const HONEST: &str = "{host=~\"web.*\"}";

const NOTES: [&str; 5] = [
    "Honest connections send known series, open loop at half the highest rate; what is due and could \
     not be sent by the end is not sent and counts as lost. Highest: the same lines as fast as the \
     node takes them. The first line has no abuse: what is lost there is lost to the machine.",
    "Each abuse runs from one or two threads and is held to the rate that the table names, for it shares the \
     cores with the node and the honest senders; `done` is what it came to. Where a rate is not \
     reached the node, or a lack of CPU, has slowed the abuse down. Crowds are connected before the honest \
     load begins.",
    "Checked beside each: an export of the honest series has as many samples as were sent, no honest line was \
     refused, no block is damaged, and the node ends in order.",
    "Colliding keys are not in the table: tables of what clients name are seeded by chance, so a client cannot \
     make keys that collide; `net/` has a test with the seed known.",
    "Cores busy elsewhere: CPU of anything but node and benchmark; where it is not near 0, the machine had \
     other work.",
];

/// Abuses a node and measures what becomes of the honest load beside it.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// How long each abuse lasts.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Number of honest series.
    #[arg(long, default_value_t = 40_000)]
    series: u64,
    /// Honest connections.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
    /// Only the abuses whose name has this in it.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let mut record = Record::begin("abuse: honest agent lines beside each abuse", &options.test)?;
    let highest = highest(options)?;
    println!("highest {:.2} M/s", highest / 1e6);
    let mut figures = Vec::new();
    for abuse in ALL.iter().filter(|abuse| abuse.name.contains(&options.only)) {
        let run = honest_beside(options, abuse, highest * HONEST_SHARE);
        let run = run.map_err(|error| format!("beside {}: {error}", abuse.name))?;
        println!("{}: {:.2} % lost, {} done", abuse.name, run.loss() * 100.0, run.done);
        figures.push(run);
    }
    let verdicts = judge(&figures);
    record.tables = table(&figures) + "\n" + &Verdict::table(&verdicts);
    record.fact("highest rate", format!("{:.3} M points/s", highest / 1e6));
    let Options { series, connections, seconds, .. } = options;
    record.fact(
        "load",
        format!("{series} honest series on {connections} connections, {seconds} s each abuse"),
    );
    record.fact("goal", format!("at most {:.0} % of the honest points lost", LOSS_MAX * 100.0));
    record.node(&IronTsd::new(&options.test));
    record.notes(&NOTES);
    record.publish(&options.test)?;
    Ok(Verdict::all_hold(&verdicts))
}

/// Points a second, as fast as a node takes them.
fn highest(options: &Options) -> Outcome<f64> {
    let mut running = IronTsd::new(&options.test).start()?;
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

fn honest_beside(options: &Options, abuse: &Abuse, rate: f64) -> Outcome<Figures> {
    let mut node = IronTsd::new(&options.test);
    let series = options.series.to_string();
    let flags: Vec<&str> =
        abuse.flags.iter().map(|flag| if *flag == "SERIES" { &series } else { *flag }).collect();
    node.add_flags(&flags);
    node.set_descriptors(abuse.descriptors);
    let mut running = node.start()?;
    let mut streams = connect(&running, options)?;
    let first = streams.one_round()?;
    let target = Target { opentsdb: running.opentsdb, http: running.http };
    let pid = running.server.pid();
    let (honest, done, cpu, others) = beside(abuse, target, || {
        let (cpu, others) = (CpuTime::of(pid)?, others_busy_s(pid)?);
        let honest = streams.run(Pace::Open(rate), Duration::from_secs_f64(options.seconds))?;
        let cpu = CpuTime::of(pid)?.since(cpu);
        Ok((honest, cpu, others_busy_s(pid)? - others))
    })
    .map(|((honest, cpu, others), done)| (honest, done, cpu, others))?;
    check(&running, first + honest.lines)?;
    running.server.stop(running.timeout)?;
    Ok(Figures {
        name: abuse.name,
        rate: abuse.rate,
        due: (rate * options.seconds) as u64,
        honest,
        done,
        cpu_s: cpu.total_s(),
        others_s: others,
    })
}

/// Fails unless all honest points are stored.
fn check(running: &Running, sent: u64) -> Outcome<()> {
    let exported = count::count_samples(running, HONEST)?;
    expect_count("the number of honest samples exported", exported, sent)?;
    let metrics = Metrics::read(running.http, running.timeout)?;
    let damaged = metrics.sum("irontsd_damaged_blocks", "").unwrap_or(0.0) as u64;
    expect_count("irontsd_damaged_blocks", damaged, 0)
}
