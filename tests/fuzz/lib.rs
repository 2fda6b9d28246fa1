//! Targets for coverage-guided fuzzing; each takes any bytes and panics if something is wrong.

#[path = "../parsers/bodies.rs"]
mod bodies;
#[allow(dead_code, reason = "datagrams are for others")]
#[path = "../parsers/event_loop.rs"]
mod event_loop;
#[path = "../parsers/referee.rs"]
mod referee;
pub mod targets;
