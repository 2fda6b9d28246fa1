//! What the scenarios share: a node in a directory of its own, plain clients, plain parsers.
//!
//! Nothing here uses the product's code: the clients speak bytes over sockets and the parsers
//! are the obvious ones, so that they can referee.

pub mod cgroup;
pub mod descriptors;
pub mod dying_disk;
pub mod export;
pub mod gzip;
pub mod http;
pub mod json;
pub mod ledger;
pub mod metrics;
pub mod mount;
pub mod node;
pub mod process;
pub mod python;
pub mod recorder;
pub mod require;
pub mod seed;
pub mod series;
pub mod shell;
pub mod snapshot;
pub mod stream;
pub mod telnet;
pub mod tool;
pub mod transcript;
pub mod wait;

pub use export::Export;
pub use http::{Http, Response};
pub use json::Json;
pub use node::{Home, Node};
pub use telnet::Telnet;
