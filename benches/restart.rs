//! How long a node needs after `kill -9` until it serves again, with two million series.
//!
//! `cargo bench --bench restart -- --victoria-metrics /usr/bin/victoria-metrics` fills each node with
//! series and has them sealed, sends as many more lines as logs may hold before they are flushed (those that take most room),
//! kills it and starts it again on the same directory. Then it does the same once more while lines
//! come in as fast as they are taken.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;

use clap::Parser;
use irontsd::workload::Shape;

mod common;
mod restart {
    pub mod figures;
    pub mod run;
}

use common::node::Node;
use common::options::{PeerOptions, TestOptions};
use common::record::Record;
use common::{Outcome, entry, results, table};
use restart::figures::ROWS;
use restart::run::measure;

const NOTES: [&str; 4] = [
    "Ready: from the start of the process to its line `ready`, which it prints when it serves \
     (IronTSD), or to the first answer of /health (VictoriaMetrics), looked for every few \
     milliseconds. The page cache is warm.",
    "Full log: two million series are sealed, then lines of most of them come again, one sample each, \
     just fewer than are flushed by themselves: doubles of all their digits, in an order of no kind, \
     each at a millisecond of its own, which is what logs store worst; all accepted when the node is \
     killed. In the flood: \
     killed two seconds into lines that come as fast as they are taken, whatever lies in logs then.",
    "Log bytes: lengths of the files `*.log` when the node was dead. VictoriaMetrics has no log; what \
     it holds in memory is lost, and its figures stand here for the time alone.",
    "Checked: IronTSD knows all series again and exports all points that were accepted before the kill \
     with a full log.",
];

/// Kills VictoriaMetrics and IronTSD and measures how long they need to serve again.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// What comparisons take.
    #[command(flatten)]
    peer: PeerOptions,
    /// Number of series.
    #[arg(long, default_value_t = 2_000_000)]
    series: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    entry::compared(&options.peer, &options.test, |nodes| run(&options, nodes))
}

fn run(options: &Options, nodes: &[Box<dyn Node>]) -> Outcome<()> {
    let mut record = Record::begin("restart: after kill -9", &options.test)?;
    let shape = Shape { series_count: options.series, samples_per_series: 2, ..Shape::default() };
    let results = results::in_turn(nodes, options.peer.runs, |number, node| {
        let figures = measure(node, &shape)?;
        println!("run {number}, {}: {}", node.name(), table::line_of(&ROWS, &figures));
        Ok(figures)
    })?;
    record.tables = table::compare(&ROWS, &results);
    record.fact("load", format!("agent lines, {} series", options.series));
    record.nodes(&results);
    record.fact("runs of each node", format!("{}, in turn", options.peer.runs));
    record.notes(&NOTES);
    record.publish(&options.test)
}
