//! The power is cut at any operation of the disk: what was said to survive it is there, each other batch
//! is there as a whole or not at all, nothing is there that nobody sent, and no damage is reported.
//!
//! A run of a random workload is recorded once; from its record come many images, each with its own luck: one
//! for a cut at each operation, and the others cut by chance. `IRONTSD_POWER_CUTS=FIRST..END` says which images are tried; each has its number.
//! Threads of the engine may take another turn in the next run, so an image that fails is copied out.

use crate::simulated::driver::Driver;
use crate::simulated::history::{End, History};
use crate::simulated::record::Op;
use crate::simulated::reopen::{images, judge, judge_thoroughly};
use crate::simulated::tree::Tree;
use fastrand::Rng;
use std::ops::Range;

/// Images of one recorded run, more than it has operations.
const IMAGES: u64 = 625;

/// The numbers that a variable says, or else these.
pub fn numbers(variable: &str, otherwise: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var(variable) else { return otherwise };
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.unwrap_or_else(|| panic!("{variable} is FIRST..END"))
}

/// Does something for all of these, in two threads, as there are cores.
pub fn for_each(numbers: Range<u64>, work: fn(u64)) {
    let half = |half: u64| {
        let numbers = numbers.clone();
        move || numbers.filter(|number| number % 2 == half).for_each(work)
    };
    let halves = [0, 1].map(|at| std::thread::spawn(half(at)));
    halves.into_iter().for_each(|half| half.join().expect("one of them failed"));
}

/// A recorded run without faults.
pub struct Run {
    pub history: History,
    pub record: Vec<Op>,
}

impl Run {
    pub fn new(seed: u64, steps: usize) -> Run {
        Run::of(Driver::new(seed, true), steps)
    }

    pub fn of(mut driver: Driver, steps: usize) -> Run {
        driver.open();
        (0..steps).for_each(|_| driver.step());
        driver.kill();
        assert_eq!(driver.disk.broken_rules(), Vec::<String>::new());
        Run { record: driver.disk.record(), history: driver.history }
    }
}

fn all() -> Range<u64> {
    numbers("IRONTSD_POWER_CUTS", 0..20_000)
}

#[test]
fn nothing_durable_is_lost_by_a_power_cut() {
    for_each(all().start / IMAGES..all().end.div_ceil(IMAGES), |seed| {
        let first = seed * IMAGES;
        let run = Run::new(seed, 40);
        // Behind each operation in turn, and then by chance. Of a run that has more operations than images
        // evenly spread ones are taken.
        let len = run.record.len();
        let cut = |number: u64| {
            let at = (number - first) as usize;
            let cut = match at * (len + 1).div_ceil(IMAGES as usize) {
                cut if cut <= len => cut,
                _ => Rng::with_seed(!number).usize(..=len),
            };
            (cut, number)
        };
        let cuts = (first.max(all().start)..(first + IMAGES).min(all().end)).map(cut).collect();
        images(&run.record, &Tree::new(), cuts, |cut, number, image| {
            let judge = if number % 4 == 0 { judge_thoroughly } else { judge };
            judge(&run.history, image, End::PowerCut(cut), number)
        });
    });
}
