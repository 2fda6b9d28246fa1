//! What the `irontsd` binary is made of, and the loads that its tests and benchmarks send.

pub mod assign;
pub mod flags;
pub mod serve;
pub mod workload;
