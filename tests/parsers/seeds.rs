//! The targets of `tests/fuzz` on the kept seeds and a few changes of them: what the long runs found stays
//! found, and a target that a change of the code broke is noticed at once.

#![expect(clippy::disallowed_methods, reason = "seeds are files")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use fastrand::Rng;

use crate::fuzz::mutate::mutate;
use crate::fuzz::words::{JSON, TELNET};
use crate::targets;

/// Changes tried of each seed.
const CHANGES: u64 = 30;

#[test]
fn kept_seeds_and_changes_of_them() {
    let rounds = std::env::var("IRONTSD_PARSER_ROUNDS");
    let changes = if rounds.is_ok() { CHANGES / 10 } else { CHANGES };
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds");
    for &(name, check) in targets::ALL {
        let mut seen = 0;
        for entry in fs::read_dir(seeds.join(name)).expect("a folder for each target") {
            let path = entry.expect("an entry").path();
            let seed = fs::read(&path).expect("a seed");
            let tried = |bytes: &[u8], what: &str| {
                let outcome = catch_unwind(|| check(bytes));
                assert!(outcome.is_ok(), "{name}, {what} of {}: {bytes:?}", path.display());
            };
            tried(&seed, "the whole");
            for change in 0..changes {
                let (mut chance, mut bytes) = (Rng::with_seed(change), seed.clone());
                mutate(&mut chance, &mut bytes, if change % 2 == 0 { TELNET } else { JSON });
                tried(&bytes, &format!("change {change}"));
            }
            seen += 1;
        }
        assert!(seen > 0, "no seeds for {name}");
    }
}
