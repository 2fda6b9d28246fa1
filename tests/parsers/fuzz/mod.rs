//! Seeded differential fuzzing: the fast readers against the plain ones, which are the specification.
//!
//! A round is made from its seed alone: an event loop with a few connections (`telnet`), datagrams, or
//! JSON bodies one after the other (`json`). Bytes come from a grammar, from the cases and from recorded
//! clients (`corpus`), and are then damaged (`mutate`).

mod corpus;
mod datagrams;
mod grammar;
mod json;
pub mod mutate;
mod telnet;
pub mod words;

use std::fmt;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use crate::bodies::Readers;
use crate::event_loop::World;
use corpus::Corpus;

/// What is told when something is wrong.
pub type Verdict = Result<Counts, String>;

/// Series after which a new world begins, to bound memory.
const SERIES_MAX: u32 = 200_000;

/// What was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rounds: u64,
    pub bytes: u64,
    pub reads: u64,
    pub lines: u64,
    pub rows: u64,
    pub refused: u64,
    pub bodies: u64,
    pub bodies_read_fast: u64,
    pub points: u64,
}

/// Runs rounds.
pub struct Fuzzer {
    corpus: Corpus,
    world: World,
    readers: Readers,
    /// Makes the fast side wrong on purpose: a fuzzer that finds nothing then is worth nothing.
    sabotaged: bool,
}

impl Fuzzer {
    pub fn new(sabotaged: bool) -> Fuzzer {
        let (corpus, readers) = (Corpus::load(), Readers::default());
        Fuzzer { corpus, world: World::new(), readers, sabotaged }
    }

    /// Runs the round of a seed; a complaint says what the readers do not agree on.
    pub fn round(&mut self, seed: u64) -> Verdict {
        if self.world.series() > SERIES_MAX {
            self.world = World::new();
        }
        let mut chance = Rng::with_seed(seed);
        let run = AssertUnwindSafe(|| match chance.u8(..16) {
            0 => datagrams::round(&mut chance, &self.corpus, &self.world),
            1..8 => telnet::round(&mut chance, &self.corpus, &self.world, self.sabotaged),
            _ => json::round(&mut chance, &self.corpus, &mut self.readers, self.sabotaged),
        });
        let verdict = catch_unwind(run).unwrap_or_else(|_| Err("a panic".to_owned()));
        verdict.map_err(|complaint| format!("seed {seed}: {complaint}"))
    }
}

impl Counts {
    /// Names and numbers, in the order in which they are kept.
    pub fn named(&mut self) -> [(&'static str, &mut u64); 9] {
        [
            ("rounds", &mut self.rounds),
            ("bytes", &mut self.bytes),
            ("reads", &mut self.reads),
            ("lines", &mut self.lines),
            ("rows", &mut self.rows),
            ("refused", &mut self.refused),
            ("bodies", &mut self.bodies),
            ("bodies_read_fast", &mut self.bodies_read_fast),
            ("points", &mut self.points),
        ]
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, mut other: Counts) {
        for ((_, sum), (_, more)) in self.named().into_iter().zip(other.named()) {
            *sum += *more;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = *self;
        counts.named().iter().try_for_each(|(name, number)| writeln!(out, "{name} {number}"))
    }
}
