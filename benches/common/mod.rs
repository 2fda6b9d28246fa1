//! What the benchmarks that run whole nodes share: starting and stopping them, what the kernel and
//! their own counters say, tables, records.

pub mod disk;
pub mod fetch;
pub mod http;
pub mod irontsd;
pub mod machine;
pub mod metrics;
pub mod node;
pub mod options;
pub mod process;
pub mod record;
pub mod results;
pub mod send;
pub mod server;
pub mod stream;
pub mod table;
pub mod victoria;
pub mod wait;

/// What can go wrong here ends the benchmark with its text.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
