//! Tests of the engine through its public face, on the real disk.

#![expect(clippy::disallowed_methods, reason = "the tests play the part of the disaster")]

mod common; // An engine with two shards, driven by one thread.
mod model; // Random operations agree with a plain map.
mod offline; // Reading without a node sees what the node serves and changes nothing.
mod recovery; // Odd states of a directory lose nothing durable and are never overwritten.
