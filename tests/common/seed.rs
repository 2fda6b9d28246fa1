//! Chance that can be replayed: every random test prints the seed it ran with.

use std::env;

/// Names the variable that replays a run.
const VARIABLE: &str = "IRONTSD_TEST_SEED";

/// A generator for the test called `name`; the seed shows up in the output of a failed test.
#[expect(clippy::print_stdout, reason = "the harness shows it when the test fails")]
pub fn chance(name: &str) -> fastrand::Rng {
    let seed = env::var(VARIABLE).ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("{name}: replay with {VARIABLE}={seed}");
    fastrand::Rng::with_seed(seed)
}
