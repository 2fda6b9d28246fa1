//! Tests of the engine through its public face, on the real disk and on a simulated one.

#![expect(clippy::disallowed_methods, reason = "the tests play the part of the disaster")]

mod common; // An engine with two shards, driven by one thread.
mod damage; // Whatever becomes of a byte or a file is named, or costs nothing.
mod disk_faults; // Every operation of the disk fails, and nothing is promised that does not hold.
mod merging; // What merges cost is counted and bounded.
mod model; // Random operations agree with a plain map.
mod offline; // Reading without a node sees what the node serves and changes nothing.
mod power_cuts; // Whatever a power cut leaves, nothing durable is lost.
mod recovery; // Odd states of a directory lose nothing durable and are never overwritten.
mod recovery_cuts; // A recovery that is cut again and again ends in the same.
mod segments; // A segment file by itself.
mod simulated; // A disk that records, fails and loses what was not synced.
mod teeth; // A sync that is left out is noticed.
mod visibility; // Snapshots show what each sender sent first.
