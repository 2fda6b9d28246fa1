//! Every case of `tests/cases/` against the real binary, compared as the files' legends say.
//!
//! The wire cases run on a node without further flags (`default`) and on one with `--strict`
//! (`strict`). Each telnet case that passes is also sent in two pieces, cut at 16 seeded places,
//! the second only after the node consumed the first (`split`). The export cases (`export`) run
//! on nodes that hold the data sets of their legend.
//!
//! `tests/cases/pending.txt` names the cases that do not pass yet, one a line: `file mode id
//! reason`. A failure outside the list fails the test, and so does a success inside it, so the
//! list can only shrink. `IRONTSD_WRITE_PENDING=1` rewrites it from the run;
//! `IRONTSD_SHOW_CASES=part-of-an-id` prints what these cases found, pending or not.

mod case;
mod compare;
mod export;
mod http;
mod lines;
mod pending;
mod run;
mod split;
mod stored;
mod telnet;

use case::Case;
use pending::{Outcome, judge};
use run::in_parallel;

#[test]
fn wire_telnet() {
    let cases = case::load("wire-telnet.jsonl");
    let default = in_parallel(&cases, |case| telnet::whole(case, "default"));
    let passing = default.iter().zip(&cases).filter(|(verdict, _)| verdict.is_ok());
    let passing: Vec<Case> = passing.map(|(_, case)| case.clone()).collect();
    let split = in_parallel(&passing, split::at_seeded_places);
    let strict = in_parallel(&cases, |case| telnet::whole(case, "strict"));
    let outcomes = [
        Outcome::new("default", &cases, default),
        Outcome::new("split", &passing, split),
        Outcome::new("strict", &cases, strict),
    ];
    judge("wire-telnet", &outcomes);
}

#[test]
fn wire_http() {
    let cases = case::load("wire-http.jsonl");
    let outcomes = ["default", "strict"].map(|mode| {
        let verdicts = in_parallel(&cases, |case| http::run(case, mode));
        Outcome::new(mode, &cases, verdicts)
    });
    judge("wire-http", &outcomes);
}

#[test]
fn export() {
    let (_nodes, sets) = export::load();
    let cases = case::load("export.jsonl");
    let verdicts = in_parallel(&cases, |case| export::run(case, &sets));
    judge("export", &[Outcome::new("export", &cases, verdicts)]);
}
