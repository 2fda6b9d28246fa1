//! What the `irontsd` binary is made of, and the loads that its tests and benchmarks send.

pub mod assign;
pub mod bench;
pub mod config;
pub mod flags;
pub mod generate;
mod hints;
pub mod logging;
pub mod readiness;
pub mod serve;
pub mod settings;
pub mod workload;
