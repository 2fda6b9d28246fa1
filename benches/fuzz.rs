//! Differential fuzzing for as long as told: `cargo bench --bench fuzz -- --minutes 30`.
//!
//! What is compared, and how a round is made, is in `tests/parsers/fuzz`. The next seed and all
//! counts so far are kept in a file, so that each run goes on where the last one ended; a seed that
//! failed comes first again. `--record FILE` writes what the run did; `--seed N` repeats one round.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program for people")]

#[path = "../tests/parsers/bodies.rs"]
mod bodies;
#[path = "../tests/parsers/cases.rs"]
mod cases;
#[path = "../tests/parsers/event_loop.rs"]
mod event_loop;
#[path = "../tests/parsers/fuzz/mod.rs"]
mod fuzz;
#[path = "../tests/parsers/referee.rs"]
mod referee;

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use fuzz::{Counts, Fuzzer};
use irontsd::bench::machine;

/// What can go wrong stops the program.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Far from the seeds of the normal tests.
const FIRST_SEED: u64 = 1 << 32;

/// How often the state is written.
const SAVE_EVERY: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Options {
    /// How long to run.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Where the next seed and the counts are kept.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/fuzz.state"))]
    state: PathBuf,
    /// Where to write a record of this run.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Run the round of this seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    if let Some(seed) = options.seed {
        println!("{}", Fuzzer::new(false).round(seed)?);
        return Ok(());
    }
    let mut state = State::load(&options.state)?;
    let machine = machine::describe().map_err(|error| error.to_string())?;
    let (first, started) = (state.next, Instant::now());
    let (run, complaint) = run(&options, &mut state)?;
    let result = complaint.as_deref().unwrap_or("every round agreed");
    let seconds = started.elapsed().as_secs_f64();
    let text = record(first, &state, seconds, &run, result, &machine);
    println!("{text}");
    if let Some(path) = &options.record {
        fs::write(path, text)?;
    }
    complaint.map_or(Ok(()), |complaint| Err(complaint.into()))
}

/// Counts of this run, and what ended it before its time.
fn run(options: &Options, state: &mut State) -> Outcome<(Counts, Option<String>)> {
    let (mut fuzzer, mut run) = (Fuzzer::new(false), Counts::default());
    let end = Instant::now() + Duration::from_secs_f64(options.minutes * 60.0);
    let mut saved = Instant::now();
    let mut complaint = None;
    while complaint.is_none() && Instant::now() < end {
        match fuzzer.round(state.next) {
            Ok(counts) => {
                run += counts;
                state.all += counts;
                state.next += 1;
            }
            Err(text) => complaint = Some(text),
        }
        if saved.elapsed() > SAVE_EVERY {
            state.save(&options.state)?;
            saved = Instant::now();
        }
    }
    state.save(&options.state)?;
    Ok((run, complaint))
}

/// What outlives a run.
struct State {
    next: u64,
    all: Counts,
}

impl State {
    fn load(path: &Path) -> Outcome<State> {
        let mut state = State { next: FIRST_SEED, all: Counts::default() };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(state),
            text => text?,
        };
        for line in text.lines() {
            let (name, number) = line.split_once(' ').ok_or(format!("{line:?} in the state"))?;
            let number = number.parse()?;
            match state.all.named().into_iter().find(|(known, _)| *known == name) {
                Some((_, count)) => *count = number,
                None if name == "next_seed" => state.next = number,
                None => return Err(format!("{line:?} in the state").into()),
            }
        }
        Ok(state)
    }

    /// Replaces the file as a whole, so that a kill leaves the old one or the new one.
    fn save(&self, path: &Path) -> Outcome<()> {
        let new = path.with_extension("new");
        fs::write(&new, format!("next_seed {}\n{}", self.next, self.all))?;
        Ok(fs::rename(&new, path)?)
    }
}

fn record(
    first: u64,
    state: &State,
    seconds: f64,
    run: &Counts,
    result: &str,
    machine: &[(&str, String)],
) -> String {
    let mut text = format!("# fuzz: fast readers against plain ones\n\n{result}\n\n");
    text += "| | this run | all runs |\n| --- | ---: | ---: |\n";
    let (mut run, mut all) = (*run, state.all);
    for ((name, run), (_, all)) in run.named().into_iter().zip(all.named()) {
        text += &format!("| {} | {run} | {all} |\n", name.replace('_', " "));
    }
    text += &format!("\n- ran for {seconds:.0} s, one process, one thread\n");
    text += &format!("- seeds: {first} up to {}\n", state.next);
    for (name, fact) in machine {
        text += &format!("- {name}: {fact}\n");
    }
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    text += &format!("- command: `cargo bench --bench fuzz -- {}`\n", arguments.join(" "));
    text
}
