//! How a benchmark begins and ends.

use std::process::ExitCode;

use super::Outcome;
use super::node::Node;
use super::options::{PeerOptions, TestOptions};
use super::record;

const EXIT_PEER_MISSING: u8 = 3;

/// Ends the program: with a failure, too, if something that was to hold does not.
pub fn ended(outcome: Outcome<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", record::bench_name());
            ExitCode::FAILURE
        }
    }
}

/// Runs a comparison with the nodes that take part and ends the program; without the peer's program
/// it says where to get it.
pub fn compared(
    peer: &PeerOptions,
    test: &TestOptions,
    run: impl FnOnce(&[Box<dyn Node>]) -> Outcome<()>,
) -> ExitCode {
    match peer.nodes(test) {
        Ok(nodes) => ended(run(&nodes).map(|()| true)),
        Err(reason) => {
            eprintln!("{}: {reason}", record::bench_name());
            ExitCode::from(EXIT_PEER_MISSING)
        }
    }
}
