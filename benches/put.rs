//! `/api/put`: bodies of 1,000 and of 50 points, and requests of one point on connections that stay
//! open, into IronTSD and into VictoriaMetrics in turn.
//!
//! `cargo bench --bench put -- --victoria-metrics /usr/bin/victoria-metrics` sends requests made
//! beforehand, each connection its next when the last is answered. A run counts only if every request
//! is answered with success and an export has every point.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;

use clap::Parser;

mod common;
mod put {
    pub mod client;
    pub mod figures;
    pub mod floor;
    pub mod load;
    pub mod run;
}

use common::node::Node;
use common::options::{PeerOptions, TestOptions};
use common::record::Record;
use common::{Outcome, entry, results, table};
use put::figures::{FLOOR_ROWS, ROWS};
use put::floor::{self, Floor};
use put::load::{Load, SIZES, Size};
use put::run::measure;

const NOTES: [&str; 5] = [
    "The same requests, made beforehand, go to each node in turn, each time on an empty directory; a \
     connection sends its next request when the last one is answered. A sender each: a thread for each \
     connection, which sleeps until its answer is there. One sender: one thread that waits for answers \
     on all of them, as proxies and load generators do. Points are agent lines as JSON, 40,000 series, \
     each on one connection.",
    "CPU is the server's alone, user and system, /proc/PID/stat. Answered: until the last answer. \
     Sealed: until every point lies in synced files, as in the comparison of lines. IronTSD has \
     logged what it answers; VictoriaMetrics has no log.",
    "The senders run on the same cores as the server: requests and points per second are those of both \
     together. Cores busy elsewhere should be near 0.",
    "Checked in every run: each request was answered with 200 or 204, counters say all points stored, \
     an export equals what was sent.",
    "Receive and answer: a server of two loops that looks at nothing but the length of a request, run \
     right after the others, that sleeps until there is something. What it costs is the kernel's, with \
     the waking of senders.",
];

/// Sends the same /api/put requests to VictoriaMetrics and to IronTSD and compares what it cost.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// What comparisons take.
    #[command(flatten)]
    peer: PeerOptions,
    /// Only requests of so many points: 1000, 50 or 1.
    #[arg(long)]
    points: Option<usize>,
    /// Becomes the server that only receives and answers.
    #[arg(long, hide = true)]
    be_floor: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.be_floor {
        return entry::ended(floor::serve().map(|()| true));
    }
    entry::compared(&options.peer, &options.test, |nodes| run(&options, nodes))
}

fn run(options: &Options, nodes: &[Box<dyn Node>]) -> Outcome<()> {
    let mut record = Record::begin("put: /api/put requests", &options.test)?;
    let wanted =
        |size: &&Size| options.points.is_none_or(|points| points == size.points_per_request);
    let mut versions = true;
    let floor: [Box<dyn Node>; 1] =
        [Box::new(Floor::new(options.test.scratch(), options.test.timeout()))];
    for size in SIZES.iter().filter(wanted) {
        let load = Load::make(size)?;
        println!("load: {load}");
        let measure = |number: u64, node: &dyn Node| {
            let figures = measure(node, &load)?;
            println!("run {number}, {}: {}", node.name(), table::line_of(&ROWS, &figures));
            Ok(figures)
        };
        let results = results::in_turn(nodes, options.peer.runs, measure)?;
        let least = results::in_turn(&floor, options.peer.runs, measure)?;
        let (table, least) = (table::compare(&ROWS, &results), table::compare(&FLOOR_ROWS, &least));
        record.tables += &format!("## {load}\n\n{table}\n{least}\n");
        if std::mem::take(&mut versions) {
            record.nodes(&results);
        }
    }
    record.fact("runs of each node", format!("{}, in turn", options.peer.runs));
    record.notes(&NOTES);
    record.publish(&options.test)
}
