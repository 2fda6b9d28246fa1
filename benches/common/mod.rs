//! What the benchmarks that run whole nodes share: starting and stopping them, what the kernel and
//! their own counters say, tables, records.

pub mod disk;
pub mod entry;
pub mod fetch;
pub mod irontsd;
pub mod node;
pub mod options;
pub mod record;
pub mod results;
pub mod send;
pub mod server;
pub mod stream;
pub mod table;
pub mod times;
pub mod verdict;
pub mod victoria;

#[allow(unused_imports, reason = "shared by benchmarks that each need a part")]
pub use ::irontsd::bench::{http, machine, metrics, process, wait};

pub use ::irontsd::bench::Outcome;
