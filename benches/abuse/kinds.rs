//! All abuses, each with how hard it is pressed.

use super::run::{Pace, Target};
use super::{crowds, lines, requests};
use crate::common::Outcome;

/// One way to be a bad client.
pub struct Abuse {
    /// In the table.
    pub name: &'static str,
    /// The rate it is held to, in words.
    pub rate: &'static str,
    /// Further flags of the node; `SERIES` stands for the number of honest series.
    pub flags: &'static [&'static str],
    /// Descriptors that the node may have, if not as many as the shell allows.
    pub descriptors: Option<u64>,
    /// Threads that do it.
    pub threads: usize,
    /// Goes on until the pace says that it is over; returns how much it did.
    pub work: fn(Target, &mut Pace<'_>) -> Outcome<u64>,
}

const fn abuse(
    name: &'static str,
    rate: &'static str,
    threads: usize,
    work: fn(Target, &mut Pace<'_>) -> Outcome<u64>,
) -> Abuse {
    Abuse { name, rate, flags: &[], descriptors: None, threads, work }
}

/// In the order of the table.
pub const ALL: [Abuse; 16] = [
    abuse("nothing", "", 0, lines::endless),
    abuse("endless line", "128 MiB/s", 1, lines::endless),
    abuse("giant heads", "1000 of 20 KiB a second", 1, requests::giant_heads),
    abuse("gzip bombs", "5 of 1 GiB a second", 1, requests::bombs),
    abuse("deep JSON", "100 bodies of 400 kB a second", 1, requests::deep_json),
    abuse("garbage in pipelines", "2000 of 16 requests a second", 1, requests::garbage),
    abuse("slow senders", "1000, a byte a second each", 1, crowds::slow_senders),
    abuse("slow export readers", "48, 4 KiB a second each", 1, crowds::slow_readers),
    abuse("idle connections", "10000", 1, crowds::idle),
    abuse("flood of connections", "2 times 1000 a second", 2, crowds::flood),
    Abuse {
        descriptors: Some(256),
        ..abuse("descriptors used up", "500 connections for 256 descriptors", 1, crowds::many)
    },
    Abuse {
        flags: &["--max-series", "SERIES"],
        ..abuse("new series, refused", "500000 lines a second", 1, lines::new_series)
    },
    abuse("a sample in every day", "200000 lines a second", 1, lines::every_day),
    abuse("error lines nobody reads", "500000 bad lines a second", 1, lines::unread_errors),
    abuse("answers nobody reads", "as many commands as are taken", 1, lines::unread_answers),
    abuse("other protocols", "1000 connections a second", 1, lines::other_protocols),
];
