//! The readers of telnet lines and JSON bodies without sockets: telnet cases cut at every byte, and
//! a few seconds of the differential fuzzing that `cargo bench --bench fuzz` does for long.

mod bodies;
mod cases;
mod event_loop;
mod fuzz;
mod referee;
mod seeds;
mod splits;
#[path = "../fuzz/targets/mod.rs"]
mod targets;

use fuzz::{Counts, Fuzzer};

/// Rounds of a normal test run; the long runs begin at another seed.
const ROUNDS: u64 = 6000;

#[test]
fn fast_and_plain_readers_agree() {
    let mut fuzzer = Fuzzer::new(false);
    let mut sum = Counts::default();
    let rounds = std::env::var("IRONTSD_PARSER_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    for seed in 0..rounds {
        sum += fuzzer.round(seed).unwrap_or_else(|complaint| panic!("{complaint}"));
    }
    // Enough of everything, or the agreement says little.
    assert!(sum.rows > 15 * rounds && sum.refused > 5 * rounds, "{sum}");
    assert!(sum.bodies_read_fast * 4 > sum.bodies && sum.points > rounds, "{sum}");
}

/// A table that gives a wrong series, and a clock that is a millisecond off.
#[test]
fn a_wrong_fast_reader_is_found() {
    let mut fuzzer = Fuzzer::new(true);
    let complaints: Vec<String> = (0..300).filter_map(|seed| fuzzer.round(seed).err()).collect();
    let found = |what: &str| complaints.iter().filter(|text| text.contains(what)).count();
    assert!(found("row ") > 10 && found("points ") > 10, "{complaints:.3000?}");
}
