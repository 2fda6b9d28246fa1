//! Storage engine of IronTSD: no sockets, no flags, no printing.
//!
//! What it promises: when [`shard::Shard::commit`] returns, the batch is visible to every later
//! [`engine::Engine::snapshot`] and survives the death of the process; once
//! [`shard::Shard::synced`] has reached its number it survives a power cut. What is read back is
//! what was written, bit for bit, or an error that names file and offset.
//!
//! ```
//! use irontsd_engine::{batch::Batch, engine::{Config, Engine}, env, scan::Cursor, types::*};
//! # let dir = tempfile::tempdir().unwrap();
//! let engine = Engine::open(Config::new(dir.path()), env::real()).unwrap();
//! let mut shard = engine.shard(0);
//! let series = engine.registry().find_or_reserve(b"cpu.user host=web01").unwrap();
//! let mut batch = Batch::default();
//! batch.push(series, 1_700_000_000_000, Value::decimal(2357, 2).unwrap());
//! shard.commit(&batch).unwrap();
//!
//! let scan = engine.snapshot().scan(None, (TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX));
//! let (mut cursor, mut samples) = (Cursor::default(), Samples::default());
//! cursor.seek(&scan, series).unwrap();
//! cursor.read(&scan, series, 1000, &mut samples).unwrap();
//! assert_eq!(samples.value(0).as_f64(), 23.57);
//! drop(shard);
//! engine.close().unwrap();
//! ```
//!
//! Layers, each using only those before it: `types`, `limits`, `error`; `bytes`, `checksum`, `name`,
//! `header`, `histogram`, `instructions`; `sync`; `arena`, `epochs`; `codec`, `log::record`, `log::rows`, `segment::format` (pure); `env`
//! (the door outside); `log`, `segment`, `names`, `manifest`, `series`, `assigned`, `buffer`; `index`, `rows`,
//! `flush`, `scan`, `merge`, `recover`; `gate`, `witness`, `state`, `shard`, `snapshots`, `keeper`, `merger`, `syncer`,
//! `watcher`; `engine`; `offline` (without a node). Files: `FORMAT.md`.

pub mod arena;
pub mod assigned;
pub mod batch;
pub mod buffer;
pub mod bytes;
pub mod checksum;
pub mod codec;
pub mod deletes;
pub mod engine;
pub mod env;
pub mod epochs;
pub mod error;
pub mod flush;
pub mod gate;
pub mod header;
pub mod histogram;
pub mod index;
pub mod instructions;
mod keeper;
pub mod limits;
pub mod log;
pub mod manifest;
pub mod merge;
pub mod merger;
pub mod name;
pub mod names;
pub mod offline;
pub mod recover;
pub mod retention;
pub mod rows;
pub mod scan;
pub mod segment;
pub mod series;
pub mod shard;
pub mod snapshots;
mod state;
pub mod stats;
pub mod sync;
mod syncer;
mod texts;
pub mod types;
mod watcher;
pub mod witness;
