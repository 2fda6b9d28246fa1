//! Sizes and speeds of the block encodings: what a merge writes, what a flush writes.
//!
//! `cargo bench --bench codecs` prints a table. Blocks are built as segments have them, directory
//! included, names not; each is read back run by run and compared before it is timed. The data are
//! the loads that `irontsd bench` sends, series of one nature each, and the files of `benches/data`.
//! `-- --plain` does it without vectors, `-- WORD` for the data whose names have the word.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark is a program")]

use irontsd_engine::codec::Effort;
use irontsd_engine::instructions::Instructions;
use irontsd_engine::limits::RUN_ROWS_MAX;
use irontsd_engine::segment::block::{Block, BlockBuilder};
use irontsd_engine::types::{Kind, Samples, Value};
use std::hint::black_box;

#[path = "codecs/data.rs"]
mod data;
#[path = "codecs/synthetic.rs"]
mod synthetic;

/// Samples decoded or encoded for one time at least.
const SAMPLES_MIN: usize = 8 << 20;
/// The best of this many times counts.
const TRIES: usize = 3;

fn main() {
    if std::env::args().any(|word| word == "--plain") {
        Instructions::Plain.choose();
    }
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    println!(
        "| data | series | samples | B/sample flush | B/sample merge | times | encode flush M/s | encode merge M/s | decode flush M/s | decode merge M/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, series) in synthetic::all().into_iter().chain(data::all()) {
        if filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            measure(&name, &series);
        }
    }
}

fn measure(name: &str, series: &[Samples]) {
    let samples: usize = series.iter().map(Samples::len).sum();
    let per_sample = |bytes: usize| bytes as f64 / samples as f64;
    let (flush, merge) = (build(series, Effort::Flush), build(series, Effort::Merge));
    check(series, &flush, false);
    check(series, &merge, true);
    let bytes = |blocks: &[Vec<u8>]| blocks.iter().map(Vec::len).sum::<usize>();
    let without_times = bytes(&build(&with_plain_times(series), Effort::Merge));
    let rounds = SAMPLES_MIN.div_ceil(samples);
    let speed = |work: &mut dyn FnMut()| {
        let times = (0..TRIES).map(|_| time(rounds, &mut *work));
        (samples * rounds) as f64 / times.min().unwrap_or_default() as f64 * 1e3
    };
    println!(
        "| {name} | {} | {samples} | {:.3} | {:.3} | {:.3} | {:.0} | {:.0} | {:.0} | {:.0} |",
        series.len(),
        per_sample(bytes(&flush)),
        per_sample(bytes(&merge)),
        per_sample(bytes(&merge).saturating_sub(without_times)),
        speed(&mut || drop(black_box(build(series, Effort::Flush)))),
        speed(&mut || drop(black_box(build(series, Effort::Merge)))),
        speed(&mut || read(&flush)),
        speed(&mut || read(&merge)),
    );
}

/// Nanoseconds of processor time: the machine is shared.
fn time(rounds: usize, work: &mut dyn FnMut()) -> u64 {
    let start = processor_time();
    (0..rounds).for_each(|_| work());
    processor_time() - start
}

fn processor_time() -> u64 {
    // The kernel brings the account up to date where the thread gives way, else each tick of 4 ms.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|word| word.parse().ok()).expect("nanoseconds")
}

/// The same values at times that cost next to nothing.
fn with_plain_times(series: &[Samples]) -> Vec<Samples> {
    let plain = |samples: &Samples| {
        let timestamps = (0..samples.len() as i64).map(|at| at * 15_000).collect();
        Samples { timestamps, ..samples.clone() }
    };
    series.iter().map(plain).collect()
}

fn build(series: &[Samples], effort: Effort) -> Vec<Vec<u8>> {
    let (mut builder, mut blocks) = (BlockBuilder::new(effort), Vec::new());
    for (id, samples) in (0..).zip(series) {
        for from in (0..samples.len()).step_by(RUN_ROWS_MAX) {
            builder.push(id, samples, from, samples.len().min(from + RUN_ROWS_MAX));
            if builder.is_full() {
                blocks.push(Vec::new());
                builder.finish(blocks.last_mut().expect("just pushed"));
            }
        }
    }
    if builder.runs() > 0 {
        blocks.push(Vec::new());
        builder.finish(blocks.last_mut().expect("just pushed"));
    }
    blocks
}

fn read(blocks: &[Vec<u8>]) {
    let mut samples = Samples::default();
    for block in blocks {
        let block = Block::parse(block).expect("own bytes");
        for run in 0..block.runs() {
            samples.clear();
            block.read(run, &mut samples).expect("own bytes");
            black_box(&samples);
        }
    }
}

/// What was put in comes out, bit for bit.
fn check(series: &[Samples], blocks: &[Vec<u8>], merged: bool) {
    let mut back = vec![Samples::default(); series.len()];
    for block in blocks {
        let block = Block::parse(block).expect("own bytes");
        for run in 0..block.runs() {
            block.read(run, &mut back[block.series(run) as usize]).expect("own bytes");
        }
    }
    let meaning =
        |value: Value| (value.kind == Kind::INTEGER, value.as_f64().to_bits(), value.bits);
    for (before, after) in series.iter().zip(&back) {
        assert_eq!(before.timestamps, after.timestamps);
        for at in 0..before.len() {
            let (one, other) = (meaning(before.value(at)), meaning(after.value(at)));
            assert_eq!((one.0, one.1), (other.0, other.1), "merged: {merged}");
            assert!(!one.0 || one.2 == other.2, "an integer keeps its bits");
        }
    }
}
