//! Side by side: the same `put` lines into VictoriaMetrics and into IronTSD, in turn.
//!
//! `cargo bench --bench compare -- --victoria-metrics /usr/bin/victoria-metrics` starts each
//! node on an empty directory, sends bytes made beforehand over several connections and stops
//! the clock twice: when every point is accepted and when every point lies in sealed, synced
//! segments. A run counts only if the node's own counters and a checksum of everything it
//! exports say that no point is missing. The table holds medians, extremes and ratios.
//!
//! It installs nothing; without the peer's program it says where to get it and exits with 3.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures by the real clock and the real disk"
)]

use std::process::ExitCode;

use clap::Parser;

mod compare {
    pub mod disk;
    pub mod figures;
    pub mod http;
    pub mod irontsd;
    pub mod load;
    pub mod machine;
    pub mod metrics;
    pub mod node;
    pub mod options;
    pub mod process;
    pub mod record;
    pub mod run;
    pub mod send;
    pub mod server;
    pub mod table;
    pub mod victoria;
    pub mod wait;
}

use compare::load::Load;
use compare::node::Node;
use compare::options::Options;
use compare::record::Record;
use compare::run::{Results, Run};
use compare::{irontsd, machine, record, table, victoria};

/// What can go wrong here ends the benchmark with its text.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const EXIT_PEER_MISSING: u8 = 3;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.wants_victoria() && !options.victoria_metrics.is_file() {
        eprintln!("{}", options.how_to_get_the_peer());
        return ExitCode::from(EXIT_PEER_MISSING);
    }
    match compare_all(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare_all(options: &Options) -> Outcome<()> {
    let machine = machine::describe(&options.scratch())?;
    let load = Load::generate(options)?;
    println!("load: {load}");
    let results = run_in_turn(options, &load)?;
    let table = table::compare(&results);
    let record = Record { options, machine, load: &load, results: &results, table };
    println!("\n{}", record.text());
    match &options.record {
        Some(path) => record::write(path, &record),
        None => Ok(()),
    }
}

fn run_in_turn(options: &Options, load: &Load) -> Outcome<Vec<Results>> {
    let nodes = nodes(options);
    let mut results: Vec<Results> = nodes.iter().map(|node| Results::of(node.as_ref())).collect();
    for number in 1..=options.runs {
        for (node, results) in nodes.iter().zip(&mut results) {
            let figures = Run { node: node.as_ref(), load, options }.measure()?;
            println!("run {number}, {}: {figures}", node.name());
            results.figures.push(figures);
        }
    }
    Ok(results)
}

fn nodes(options: &Options) -> Vec<Box<dyn Node>> {
    let mut nodes: Vec<Box<dyn Node>> = Vec::new();
    if options.wants_irontsd() {
        nodes.push(Box::new(irontsd::IronTsd::new(options)));
    }
    if options.wants_victoria() {
        nodes.push(Box::new(victoria::Victoria::new(options)));
    }
    nodes
}
