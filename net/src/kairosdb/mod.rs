//! KairosDB's ways in, on a port of their own: telnet lines (`put`, `putm`, `version`) and
//! `POST /api/v1/datapoints`. Pure but for `serve`, which ties them to an event loop.
//!
//! Rules and answers are KairosDB's: errors of lines are never answered, only counted and kept to
//! be looked at. Different on purpose, so that nothing is stored that nobody sent: values are finite
//! decimal numbers, a tag has one `=`, texts are no values; times to live are read and ignored. As
//! on the other ports, points without tags are taken unless the node is strict.

pub mod body;
pub mod errors;
pub mod line;
pub mod metric;
mod point;
pub(crate) mod serve;
pub mod session;
pub mod words;

/// What asks for a version is told: clients look for the first word, some for the second.
pub fn version() -> String {
    format!("KairosDB 1.3.0 (irontsd {})", env!("CARGO_PKG_VERSION"))
}
