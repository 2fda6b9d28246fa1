//! How long a node takes to be itself again when what hindered it is over: a disk that was full has room, clients
//! that held all descriptors leave, it is started again after `kill -9`.
//!
//! `cargo bench --bench recover`, as root, for it mounts small disks. Each of these is done again and again on the
//! real binary, and the time is taken from the end of the cause to the first answer that tells of none. It fails
//! if any took longer than its bound.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

mod common;
mod recover {
    pub mod descriptors;
    pub mod disk;
    pub mod kills;
    pub mod line;
}

use common::irontsd::IronTsd;
use common::options::TestOptions;
use common::record::Record;
use common::table::Spread;
use common::times::{Times, ms};
use common::verdict::Verdict;
use common::{Outcome, entry, table};
use recover::{descriptors, disk, kills};

const ROOM_BOUND: Duration = Duration::from_secs(1);
const DESCRIPTORS_BOUND: Duration = Duration::from_secs(1);
const READY_BOUND: Duration = Duration::from_secs(2);

const NOTES: [&str; 4] = [
    "Full disk: a tmpfs as data directory is filled to the last byte, or below the default of \
     `--min-free-disk-bytes`, until a put line is refused and /-/ready is 503. Then the ballast is removed; the \
     time runs from there until a put line is taken and until /-/ready is 200, each asked for every 2 ms. The \
     moment of the removal moves through the steps in which the node looks.",
    "Descriptors: a node that may have 128 has them taken by 256 clients, and a connection made behind them is \
     not answered. Then all but that one leave; the time runs from there until it is answered, which is when those \
     who came before it have been let in and found gone, and until one made afterwards is.",
    "Kills: all lives on one directory, as in the test of kills. Each has 4 connections that send 1 to 20 put lines and \
     wait for the acknowledgement, again and again, in every third life with flushes asked for one after the other, \
     and ends by `kill -9` after up to 120 ms of that. The time runs from the start of the process to its line `ready`, by \
     the time stamp of the file that it prints to, and until the benchmark, which looks for that line every 5 ms, has \
     asked /-/ready and got 200. Figures of starts are medians, with the least and the most.",
    "Senders, whoever asks and the node share the cores.",
];

/// Measures how soon a node is well again.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// Rounds of full disks, and of descriptors.
    #[arg(long, default_value_t = 30)]
    rounds: u32,
    /// Lives that end by `kill -9`.
    #[arg(long, default_value_t = 200)]
    kills: u32,
}

/// One kind of recovery: what it is, how long it took each time, how long it may take.
struct Row {
    what: &'static str,
    times: Times,
    bound: Duration,
}

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let test = &options.test;
    let mut record = Record::begin("recover: how soon a node is well again", test)?;
    let mut rows = Vec::new();
    let mut add = |what, times: Vec<Duration>, bound| {
        let row = Row { what, times: times.into(), bound };
        println!("{what}: at the most {:.1} ms", ms(row.times.most()));
        rows.push(row);
    };
    let full = disk::measure(test, &disk::FULL, options.rounds)?;
    add("full disk has room: a put line is taken", full.taken, ROOM_BOUND);
    add("full disk has room: /-/ready is 200", full.ready, ROOM_BOUND);
    let low = disk::measure(test, &disk::LOW, options.rounds)?;
    add("more than the minimum is free: a put line is taken", low.taken, ROOM_BOUND);
    add("more than the minimum is free: /-/ready is 200", low.ready, ROOM_BOUND);
    let descriptors = descriptors::measure(test, options.rounds)?;
    add("clients leave: who waited is answered", descriptors.waited, DESCRIPTORS_BOUND);
    add("clients leave: who comes then is answered", descriptors.came, DESCRIPTORS_BOUND);
    let starts = kills::measure(test, options.kills)?;
    let ready = starts.iter().map(|start| start.ready).collect();
    add("kill -9 and start: the line `ready`", ready, READY_BOUND);
    let seen = starts.iter().map(|start| start.seen).collect();
    add("kill -9 and start: /-/ready is seen to be 200", seen, READY_BOUND);

    let verdicts: Vec<Verdict> = rows.iter().map(verdict).collect();
    record.tables = shown(&rows) + "\n" + &Verdict::table(&verdicts);
    let thousands = |start: &kills::Start| start.rows as f64 / 1e3;
    record.fact("thousand rows found in logs by a start", spread(&starts, thousands));
    record.fact("CPU seconds of a start", spread(&starts, |start| start.cpu_s));
    record.node(&IronTsd::new(test));
    record.notes(&NOTES);
    record.publish(test)?;
    Ok(Verdict::all_hold(&verdicts))
}

fn spread(starts: &[kills::Start], figure: impl Fn(&kills::Start) -> f64) -> String {
    Spread::of(starts.iter().map(figure).collect()).text(2)
}

fn verdict(row: &Row) -> Verdict {
    let most = row.times.most();
    Verdict {
        what: row.what.to_owned(),
        found: format!("{:.1} ms", ms(most)),
        bound: format!("within {} s", row.bound.as_secs()),
        holds: row.times.count() > 0 && most <= row.bound,
    }
}

fn shown(rows: &[Row]) -> String {
    let head = ["from, until", "times", "median ms", "p90 ms", "most ms"];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|Row { what, times, .. }| {
        let at = |share| format!("{:.1}", ms(times.at(share)));
        vec![(*what).to_owned(), times.count().to_string(), at(0.5), at(0.9), at(1.0)]
    }));
    table::plain(&cells)
}
