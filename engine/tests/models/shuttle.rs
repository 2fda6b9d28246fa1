//! Larger pieces of the same under random schedules: `.ci/models`. `IRONTSD_SCHEDULES=FIRST..END` says which;
//! the checker tells what to repeat where one fails.

mod pieces;

use std::ops::Range;

use shuttle::Runner;
use shuttle::scheduler::{PctScheduler, RandomScheduler};

/// At so many places threads are preempted where few are: what one of many random schedules has.
const PREEMPTIONS: usize = 3;

fn schedules() -> Range<u64> {
    let range = std::env::var("IRONTSD_SCHEDULES").ok();
    let range = range.as_deref().unwrap_or("0..3000");
    let (first, end) = range.split_once("..").expect("FIRST..END");
    first.parse().expect("FIRST")..end.parse().expect("END")
}

fn random_schedules(piece: impl Fn() + Send + Sync + Copy + 'static) {
    let Range { start, end } = schedules();
    let count = (end - start) as usize;
    Runner::new(RandomScheduler::new_from_seed(start, count), shuttle::Config::new()).run(piece);
    let few = PctScheduler::new_from_seed(start, PREEMPTIONS, count);
    Runner::new(few, shuttle::Config::new()).run(piece);
}

#[test]
fn readers_see_whole_batches() {
    random_schedules(|| pieces::buffer::publish(&[1, 2, 3, 5, 1, 4]));
}

#[test]
fn shards_come_move_and_go_while_epochs_begin() {
    random_schedules(|| pieces::epochs::rotate(3, 4, 4));
}

#[test]
fn what_was_acknowledged_is_seen_while_flushed() {
    random_schedules(|| pieces::epochs::read_while_flushed(3, 4));
}

#[test]
fn the_synced_mark_is_never_ahead() {
    random_schedules(|| pieces::files::append_and_sync(6));
}

#[test]
fn names_are_written_before_they_are_used() {
    random_schedules(pieces::files::names);
}

#[test]
fn readers_see_whole_histograms() {
    random_schedules(pieces::buffer::histograms);
}

#[test]
fn chunks_are_used_again_by_the_next_buffer() {
    random_schedules(pieces::buffer::chunks_again);
}

#[test]
fn a_sync_that_fails_is_told() {
    random_schedules(pieces::files::failing_sync);
}

#[test]
fn causes_close_and_open_apart() {
    random_schedules(pieces::gate::two_causes);
}
