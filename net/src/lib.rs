//! Network side of IronTSD: event loops, OpenTSDB over telnet and HTTP, export. Opens no files.
//!
//! `server` starts what runs; `event_loop` is one loop and its turn; `conn` one connection; `listener`
//! accepts; `inbox` and `workers` connect threads; `indexer` is one; `cores` says
//! where they run. Pure, without sockets: `following` (which loop serves a local
//! sender), `telnet` (lines), `http`
//! (requests), `put` (JSON bodies), `kairosdb`, `number`, `point`, `policy`, `reject`,
//! `admission`. Reading: `read`,
//! `status`. `udp` takes datagrams.

pub mod admission;
pub mod agents;
mod assign;
pub mod conn;
pub mod cores;
pub mod delete;
pub mod event_loop;
pub mod following;
pub mod histogram;
pub mod http;
pub mod import;
pub mod inbox;
pub mod indexer;
pub mod intake;
pub mod kairosdb;
pub mod known;
pub mod listener;
pub mod memory;
pub mod node;
pub mod number;
pub mod point;
pub mod policy;
pub mod put;
pub mod read;
pub mod reject;
mod requests;
pub mod server;
mod snapshot;
pub mod status;
pub mod sync_wait;
pub mod telnet;
pub mod udp;
pub mod workers;
