//! Merging: many segments become few, each of whole days, with the samples of a series together.
//!
//! `plan` decides what to merge (pure), `days` how the result is cut in time (pure), `write` does it, `budget`
//! says how long it rests for what it read and wrote (pure).
//! A merge never changes what a reader sees: inputs are whole segments, the output holds the same
//! samples, and where two segments overlap in time their epochs stay apart.

pub mod budget;
pub mod days;
pub mod plan;
pub mod write;
