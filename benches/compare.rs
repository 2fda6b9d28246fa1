//! Side by side: the same `put` lines into VictoriaMetrics and into IronTSD, in turn.
//!
//! `cargo bench --bench compare -- --victoria-metrics /usr/bin/victoria-metrics` starts each
//! node on an empty directory, sends bytes made beforehand over several connections and stops
//! the clock twice: when every point is accepted and when every point lies in sealed, synced
//! segments. A run counts only if the node's own counters and a checksum of everything it
//! exports say that no point is missing. The table holds medians, extremes and ratios.
//!
//! `--workload` says which lines: agent, tsbs, newseries, or real series (nab, collectd,
//! collectd-hour, statsmodels), of which VictoriaMetrics may change values, which are counted.
//!
//! It installs nothing; without the peer's program it says where to get it and exits with 3.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;

use clap::Parser;

mod common;
mod compare {
    pub mod figures;
    pub mod load;
    pub mod notes;
    pub mod options;
    pub mod real;
    pub mod run;
}

use common::node::Node;
use common::record::Record;
use common::{Outcome, entry, results, table};
use compare::figures::ROWS;
use compare::load::Load;
use compare::notes::{NOTES, NOTES_REAL};
use compare::options::Options;
use compare::run::Run;

fn main() -> ExitCode {
    let options = Options::parse();
    entry::compared(&options.peer, &options.test, |nodes| compare_all(&options, nodes))
}

fn compare_all(options: &Options, nodes: &[Box<dyn Node>]) -> Outcome<()> {
    let title = format!("compare: {} lines", options.workload.word());
    let mut record = Record::begin(title, &options.test)?;
    let load = Load::generate(options)?;
    println!("load: {load}");
    let results = results::in_turn(nodes, options.peer.runs, |number, node| {
        let figures = Run { node, load: &load, options }.measure()?;
        println!("run {number}, {}: {}", node.name(), table::line_of(&ROWS, &figures));
        Ok(figures)
    })?;
    record.tables = table::compare(&ROWS, &results);
    record.fact("load", load.to_string());
    record.fact("runs of each node", format!("{}, in turn", options.peer.runs));
    record.nodes(&results);
    let export = match options.skip_verify {
        true => String::from("the export was not checked"),
        false => load.checked(),
    };
    let counters = "every run's counters say all points stored, none refused";
    record.fact("checked", format!("{counters}; {export}"));
    record.notes(&NOTES);
    if options.workload.kind().is_none() {
        record.notes(&NOTES_REAL);
    }
    record.publish(&options.test)
}
