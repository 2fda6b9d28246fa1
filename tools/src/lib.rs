//! What the `irontsd` binary is made of, and the loads that its tests and benchmarks send.

pub mod assign;
pub mod bench;
pub mod config;
pub mod export;
mod files;
pub mod flags;
mod format;
pub mod generate;
mod hints;
pub mod import;
pub mod inspect;
pub mod logging;
pub mod readiness;
mod screen;
pub mod serve;
pub mod settings;
mod terminal;
pub mod verify;
pub mod workload;
