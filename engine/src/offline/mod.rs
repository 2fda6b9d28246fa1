//! Reading without a node: a data directory, a snapshot or a single segment, as it lies there.
//!
//! Nothing is written and no lock is taken, so a running node is not disturbed; what it does
//! meanwhile is noticed by reading the manifest again. The rules are those of a start: the same code
//! reads manifest, names, segments, deletes and logs, and leaves out what writes.

pub mod correct;
pub mod damaged;
mod directory;
mod store;

pub use store::{Origin, Store};
