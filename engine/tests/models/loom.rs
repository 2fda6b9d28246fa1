//! Small pieces of the lock-free parts under every schedule, and every order in which memory may be seen, with
//! up to a few preemptions: `.ci/models`.

#![expect(clippy::print_stdout, reason = "how many schedules were tried is part of the result")]

mod pieces;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Runs a piece under all schedules. More preemptions find more and take much longer.
fn all_schedules(preemptions: usize, piece: impl Fn() + Send + Sync + 'static) {
    let schedules = Arc::new(AtomicU64::new(0));
    let counted = schedules.clone();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(preemptions));
    model.check(move || {
        counted.fetch_add(1, Relaxed);
        piece();
    });
    let schedules = schedules.load(Relaxed);
    println!("{schedules} schedules");
    assert!(schedules > 3, "{schedules} schedules are hardly all");
}

#[test]
fn a_reader_sees_whole_batches() {
    all_schedules(4, || pieces::buffer::publish(&[1, 2, 2]));
}

#[test]
fn a_reader_sees_whole_histograms() {
    all_schedules(3, pieces::buffer::histograms);
}

#[test]
fn chunks_are_used_again_by_the_next_buffer() {
    all_schedules(2, pieces::buffer::chunks_again);
}

#[test]
fn a_shard_moves_while_it_commits() {
    all_schedules(4, || pieces::epochs::rotate(1, 2, 1));
}

#[test]
fn a_shard_is_taken_while_epochs_begin() {
    all_schedules(4, || pieces::epochs::rotate(1, 1, 2));
}

#[test]
fn two_shards_move() {
    all_schedules(2, || pieces::epochs::rotate(2, 1, 1));
}

#[test]
fn what_was_acknowledged_is_seen() {
    all_schedules(3, || pieces::epochs::read_while_flushed(1, 1));
}

#[test]
fn the_synced_mark_is_never_ahead() {
    all_schedules(3, || pieces::files::append_and_sync(2));
}

#[test]
fn a_failed_sync_is_the_last() {
    all_schedules(3, pieces::files::failing_sync);
}

#[test]
fn names_are_written_before_they_are_used() {
    all_schedules(4, pieces::files::names);
}

#[test]
fn the_gate_opens_with_the_last_cause() {
    all_schedules(3, pieces::gate::two_causes);
}
