//! A node under steady load for minutes, merging and dropping what is old all the while.
//!
//! `cargo bench --bench soak [-- --minutes 10]` measures the highest rate of a few seconds first and
//! then sends a share of it, open loop, with timestamps that run ahead so that days pass. Every
//! second it looks at memory, segments, the directory, what was written to disk and what merges take. It
//! fails unless memory and segments stay what they were, the directory keeps to its limit, merges to their
//! shares of a core and of the disk, and no five seconds are slow.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use irontsd::workload::{Kind, Shape};

mod common;
mod soak {
    pub mod options;
    pub mod samples;
    pub mod verdict;
    pub mod watch;
}

use ::irontsd::bench::metrics::Metrics;
use common::irontsd::IronTsd;
use common::node::{Node, Running};
use common::record::Record;
use common::stream::{Pace, Sent, Streams};
use common::verdict::Verdict;
use common::{Outcome, entry, table};
use soak::options::Options;
use soak::verdict::judge;
use soak::watch::Watch;

/// Rounds of different values; each takes a line of every series.
const ROUNDS: u64 = 50;
/// How long the highest rate is measured.
const HIGHEST_FOR: Duration = Duration::from_secs(10);

const NOTES: [&str; 4] = [
    "Highest: lines as fast as a node on an empty directory takes them for ten seconds, over the same \
     connections, with the same flags. The soak is another node on another empty directory. Senders \
     and server share the cores.",
    "Each round sends every series once with the next timestamp; the values of the rounds repeat. The \
     rate counts what the node has accepted, from its own counter, in windows of five seconds.",
    "Memory is RssAnon, segments are irontsd_segments, the directory is what `du` counts of all of it, \
     all once a second, shown as their largest in each row. Written: write_bytes of /proc/PID/io, what \
     the process caused to be written to disk. Flush and log sync: the mean of one. Cores elsewhere: CPU \
     of anything but server and senders; where it is not near 0, the machine had other work. Merges: CPU of \
     their thread, and irontsd_merge_bytes_total, what it read (mostly from memory) and wrote; they are in server \
     cores and, as far as written, in written.",
    "The first third of the time is warm-up for memory and segments; the last third must not be above \
     the middle one by more than the bound says.",
];

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let mut record = Record::begin("soak: agent lines", &options.test)?;
    let mut node = IronTsd::new(&options.test);
    node.add_flags(&["--retention-bytes", &options.retention_bytes.to_string()]);
    node.add_flags(&["--merge-bytes-per-second", &options.merge_bytes_per_second.to_string()]);
    let shape = options.shape(ROUNDS);
    let highest = highest(&node, &shape, options)?;
    let highest_rate = highest.lines as f64 / highest.seconds;
    let rate = highest_rate * options.share;
    println!("highest {:.2} M/s, soak at {:.2} M/s", highest_rate / 1e6, rate / 1e6);

    let mut running = node.start()?;
    let mut streams = connect(&running, &shape, options)?;
    let watch = Watch::start(&running, options.duration());
    let sent = streams.run(Pace::Open(rate), options.duration())?;
    let samples = watch.finish()?;
    let days = (streams.time_s() - shape.start_s) as f64 / 86_400.0;
    let dropped = check(&node, &running, sent)?;
    running.server.stop(running.timeout)?;

    let verdicts = judge(&samples, options, dropped);
    record.tables = table::plain(&samples.rows()) + "\n" + &Verdict::table(&verdicts);
    record.fact("highest rate", format!("{:.3} M points/s", highest_rate / 1e6));
    let share = options.share * 100.0;
    record.fact(
        "sent",
        format!("{} points at {:.3} M/s, {share:.0} % of it", sent.lines, rate / 1e6),
    );
    record.fact("load", options.describe(&shape, days));
    record.fact("dropped by retention", format!("{:.1} MiB", dropped as f64 / 1048576.0));
    record.node(&node);
    record.fact("checked", "all points accepted, none refused, no damaged block");
    record.notes(&NOTES);
    record.publish(&options.test)?;
    Ok(Verdict::all_hold(&verdicts))
}

fn highest(node: &IronTsd, shape: &Shape, options: &Options) -> Outcome<Sent> {
    let mut running = node.start()?;
    let mut streams = connect(&running, shape, options)?;
    let sent = streams.run(Pace::Closed, HIGHEST_FOR)?;
    running.server.stop(running.timeout)?;
    Ok(sent)
}

fn connect(running: &Running, shape: &Shape, options: &Options) -> Outcome<Streams> {
    Streams::connect(running.opentsdb, Kind::Agent, shape, options.connections, running.timeout)
}

/// Fails unless everything was taken; returns the bytes that retention has dropped.
fn check(node: &IronTsd, running: &Running, sent: Sent) -> Outcome<u64> {
    node.check_counters(running, sent.lines)?;
    let metrics = Metrics::read(running.http, running.timeout)?;
    metrics.count("irontsd_retention_dropped_bytes_total", "")
}
