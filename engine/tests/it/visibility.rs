//! What a snapshot shows of a sender is what it sent first, without a gap, also of one whose rows go
//! through several shards.

use crate::common::{content, name};
use irontsd_engine::batch::Batch;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::limits::SHARDS_MAX;
use irontsd_engine::shard::Shard;
use irontsd_engine::types::Value;
use std::thread;

/// Many, so that looking at all of them takes longer than a commit.
const SHARDS: usize = SHARDS_MAX;
const ROWS: i64 = 50_000;
/// Taken one after the other before their rows are looked at.
const SNAPSHOTS: usize = 64;

#[test]
fn a_sender_that_goes_from_shard_to_shard_is_seen_without_a_gap() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::new(dir.path());
    config.shards = SHARDS;
    config.flush_rows = 20_000;
    let engine = Engine::open(config, env::real()).expect("opens");
    let shards = (0..SHARDS).map(|index| engine.shard(index)).collect();
    thread::scope(|scope| {
        let sender = scope.spawn(|| send(&engine, shards));
        while !sender.is_finished() {
            let snapshots: Vec<_> = (0..SNAPSHOTS).map(|_| engine.snapshot()).collect();
            for snapshot in snapshots {
                let seen = content(&snapshot.scan(None, (0, ROWS)), engine.registry());
                let seen = seen.expect("readable").remove(&name(0)).unwrap_or_default();
                let last = seen.last_key_value().map_or(-1, |(&row, _)| row);
                assert_eq!(seen.len() as i64, last + 1, "up to row {last}");
            }
        }
    });
    let all = content(&engine.snapshot().scan(None, (0, ROWS)), engine.registry());
    assert_eq!(all.expect("readable")[&name(0)].len() as i64, ROWS);
    engine.close().expect("closes");
}

/// Commits row after row, each when the one before is visible, to the first and the last shard in turn.
fn send(engine: &Engine, mut shards: Vec<Shard>) {
    let series = engine.registry().find_or_reserve(&name(0)).expect("room");
    for row in 0..ROWS {
        while shards[0].is_full() {
            shards.iter_mut().for_each(Shard::poll);
            thread::yield_now();
        }
        let mut batch = Batch::default();
        batch.push(series, row, Value::integer(row));
        let shard = if row % 2 == 0 { 0 } else { SHARDS - 1 };
        shards[shard].commit(&batch).expect("commits");
        if row % 500 == 0 {
            shards.iter_mut().for_each(Shard::poll);
        }
    }
}
