//! What a point costs against number of series, tags, length of lines, connections and bytes of a
//! write.
//!
//! `cargo bench --bench scaling` sends agent lines, or lines made of them, to a new node for each place
//! on each axis, in two parts: the first sample of each series, which creates it, and all others. It
//! prints a table for each axis; `--record FILE.md` writes them, and plots to `FILE.svg`. It fails if a
//! point costs more than 2.5 times as much with most series as with fewest.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real clock and disk")]

use std::process::ExitCode;

use clap::Parser;

mod common;
mod scaling {
    pub mod axis;
    pub mod figures;
    pub mod lines;
    pub mod load;
    pub mod plot;
    pub mod run;
}

use common::irontsd::IronTsd;
use common::options::TestOptions;
use common::record::{self, Record};
use common::verdict::Verdict;
use common::{Outcome, entry};
use scaling::axis::Axis;
use scaling::figures::Measured;
use scaling::load::Load;
use scaling::run::measure;

/// How much more a point may cost with most series than with fewest.
const SERIES_RATIO_MAX: f64 = 2.5;

const NOTES: [&str; 5] = [
    "CPU is the server's alone, user and system, /proc/PID/stat, until everything lies in sealed, synced \
     segments. The clock behind it has hundredths of a second.",
    "A point: of all samples but the first of each series; every series exists, and what came with its \
     creation is sealed and merged before. The first samples are not in it: they are the cost of a new \
     series, told apart in the table of series. Merging is in neither.",
    "Each row of an axis gets as many points, so fewer of each series where there are more of them, but \
     for rows whose lines are so long, or whose writes are so small, that it would take too long. Unless \
     the axis says otherwise: 40,000 series, agent lines with two tags, 4 connections, writes of 256 KiB. \
     A write has whole lines.",
    "One tag: host and instance in one. More than two: agent lines and further tags of 12 bytes, the same \
     for all series. Length: lines with two short tags, the second of them as long as it takes.",
    "The senders run on the same cores as the server, a thread for each connection: points per second are \
     those of both together. Checked in every run: counters say that all series are made and all points \
     stored, none refused.",
];

/// Measures what a point costs against what there may be much or little of.
#[derive(Parser, Debug)]
struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    test: TestOptions,
    /// Only this axis; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Axis>,
    /// Numbers of series on the axis of series, ascending.
    #[arg(long, value_delimiter = ',', default_values_t = [40_000, 100_000, 400_000, 1_000_000, 4_000_000])]
    series: Vec<u64>,
    /// Points of each row, but one of each series at least.
    #[arg(long, default_value_t = 20_000_000)]
    points: u64,
    /// Runs of each row.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
}

fn main() -> ExitCode {
    entry::ended(run(&Options::parse()))
}

fn run(options: &Options) -> Outcome<bool> {
    let mut record = Record::begin("scaling: what a point costs", &options.test)?;
    let node = IronTsd::new(&options.test);
    let (mut panels, mut verdicts) = (Vec::new(), Vec::new());
    for axis in Axis::all().filter(|axis| options.only.is_empty() || options.only.contains(axis)) {
        let measured = measure_axis(options, &node, axis)?;
        record.tables += &format!("\n## {}\n\n{}", axis.title(), measured.table());
        panels.extend(measured.panels());
        if axis == Axis::Series {
            verdicts.push(series_verdict(&measured));
        }
    }
    if !verdicts.is_empty() {
        record.tables += &format!("\n{}", Verdict::table(&verdicts));
    }
    if let Some(path) = &options.test.record {
        let path = path.with_extension("svg");
        record::write(&path, &scaling::plot::svg(&record.title, &panels))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        record.tables = format!("![plots]({name})\n{}", record.tables);
    }
    record.fact("runs of each row", format!("{}, medians (least..most)", options.runs));
    record.node(&node);
    record.notes(&NOTES);
    record.publish(&options.test)?;
    Ok(Verdict::all_hold(&verdicts))
}

fn measure_axis(options: &Options, node: &IronTsd, axis: Axis) -> Outcome<Measured> {
    let mut rows = Vec::new();
    for place in axis.places(&options.series) {
        let load = Load::make(&place, options.points)?;
        let mut runs = Vec::new();
        for number in 1..=options.runs {
            let figures = measure(node, &place, &load)?;
            println!("{}: {}, run {number}: {figures}", axis.title(), place.label);
            runs.push(figures);
        }
        rows.push((place, load.sizes, runs));
    }
    Ok(Measured { axis, rows })
}

fn series_verdict(measured: &Measured) -> Verdict {
    let ratio = measured.last_to_first();
    Verdict {
        what: format!("a point with {} series, to {}", measured.last(), measured.first()),
        found: format!("{ratio:.2} times"),
        bound: format!("at most {SERIES_RATIO_MAX} times"),
        holds: ratio <= SERIES_RATIO_MAX,
    }
}
