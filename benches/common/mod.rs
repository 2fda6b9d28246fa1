//! What the benchmarks that run whole nodes share: starting and stopping them, what the kernel and
//! their own counters say, tables, records.

#![allow(dead_code, reason = "each benchmark compiles these and needs a part of them")]

pub mod disk;
pub mod entry;
pub mod fetch;
pub mod irontsd;
pub mod node;
pub mod options;
pub mod peaks;
pub mod record;
pub mod results;
pub mod send;
pub mod server;
pub mod stream;
pub mod table;
pub mod times;
pub mod verdict;
pub mod victoria;

pub use ::irontsd::bench::Outcome;
