//! Exports: of everything, and of one series among two million, from IronTSD and from VictoriaMetrics
//! in turn.
//!
//! `cargo bench --bench export -- --victoria-metrics /usr/bin/victoria-metrics` fills each node with
//! agent lines and exports them to a client that only counts bytes, before and after merging; beside
//! it stands what a server does that sends the same bytes from memory. Another node of each kind gets
//! two million series and is asked for one of them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;

use clap::Parser;
use irontsd::workload::{Digest, Kind, Shape, collect, digest_lines};

mod common;
mod export {
    pub mod everything;
    pub mod one;
}

use ::irontsd::bench::process::AnonWatch;
use common::node::{Node, Running};
use common::options::{PeerOptions, TestOptions};
use common::record::Record;
use common::send::Senders;
use common::{Outcome, entry, results, table};

const CONNECTIONS: u64 = 4;

const NOTES: [&str; 5] = [
    "The client reads into a buffer and counts, over one connection on the same cores as the server; \
     it is the same for both nodes and for the server that sends from memory. Each figure of \
     everything is the mean of three exports behind each other. Sealed: right after the lines were \
     written to segments; merged: after /internal/force_merge.",
    "From memory: a thread of the benchmark sends the bytes that IronTSD has sent, head and framing \
     of chunks included, in pieces of 256 KiB; its rate is the bound for any server here.",
    "CPU is the server's alone, user and system, /proc/PID/stat.",
    "Growth of memory: the largest seen while exports went on less that right before, sampled every \
     10 ms; a tenth is the export of the first tenth of the time, and comes first, so what is made \
     once is in it. Resident memory counts pages of mapped files that the kernel may take back; \
     anonymous memory does not.",
    "One series: from the request on a new connection to the first byte of the body; other series each \
     time. The first request of all, twelve seconds after the last new series, is shown alone, since a \
     node may build something then.",
];

/// Exports from VictoriaMetrics and from IronTSD and compares what it cost them.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// What comparisons take.
    #[command(flatten)]
    peer: PeerOptions,
    /// Samples of each of 40,000 series for the export of everything.
    #[arg(long, default_value_t = 500)]
    samples_per_series: u64,
    /// Number of series among which one is asked for.
    #[arg(long, default_value_t = 2_000_000)]
    series: u64,
    /// Only the export of one of many.
    #[arg(long)]
    only_one: bool,
    /// Only the export of everything.
    #[arg(long)]
    only_everything: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    entry::compared(&options.peer, &options.test, |nodes| run(&options, nodes))
}

fn run(options: &Options, nodes: &[Box<dyn Node>]) -> Outcome<()> {
    let mut record = Record::begin("export: agent lines", &options.test)?;
    if !options.only_one {
        let shape = Shape { samples_per_series: options.samples_per_series, ..Shape::default() };
        let lines = Lines::make(&shape)?;
        let rows = &export::everything::ROWS;
        let results = results::in_turn(nodes, options.peer.runs, |number, node| {
            let figures = export::everything::measure(node, &lines, &shape)?;
            println!("run {number}, {}: {}", node.name(), table::line_of(rows, &figures));
            Ok(figures)
        })?;
        let points = lines.digest.count;
        record.tables += &format!("## Everything, {points} points of 40000 series\n\n");
        record.tables += &table::compare(rows, &results);
        record.nodes(&results);
    }
    if !options.only_everything {
        let series_count = options.series;
        let shape = Shape { series_count, samples_per_series: 1, ..Shape::default() };
        let lines = Lines::make(&shape)?;
        let rows = &export::one::ROWS;
        let results = results::in_turn(nodes, options.peer.runs, |number, node| {
            let figures = export::one::measure(node, &lines, &shape)?;
            println!("run {number}, {}: {}", node.name(), table::line_of(rows, &figures));
            Ok(figures)
        })?;
        record.tables += &format!("\n## One of {series_count} series\n\n");
        record.tables += &table::compare(rows, &results);
        if options.only_one {
            record.nodes(&results);
        }
    }
    record.fact("runs of each node", format!("{}, in turn", options.peer.runs));
    record.fact(
        "checked",
        "counters say all points stored; exports of everything equal what was sent",
    );
    record.notes(&NOTES);
    record.publish(&options.test)
}

/// What a node is filled with.
struct Lines {
    connections: Vec<Vec<u8>>,
    digest: Digest,
}

impl Lines {
    fn make(shape: &Shape) -> Outcome<Self> {
        let (mut connections, mut digest) = (Vec::new(), Digest::default());
        for mut part in Kind::Agent.connections(shape, CONNECTIONS) {
            let (lines, _) = collect(part.as_mut());
            digest.merge(digest_lines(&lines)?);
            connections.push(lines);
        }
        Ok(Lines { connections, digest })
    }

    /// Starts a node, watches its memory and has everything sealed.
    fn fill(&self, node: &dyn Node) -> Outcome<(Running, AnonWatch)> {
        rustix::fs::sync();
        let mut running = node.start()?;
        let anon = AnonWatch::start(running.server.pid());
        let count = self.connections.len();
        Senders::connect(running.opentsdb, count, node.ending(), running.timeout)?
            .send(&self.connections)?;
        node.seal(&mut running, self.digest.count)?;
        node.check_counters(&running, self.digest.count)?;
        Ok((running, anon))
    }
}
