//! Every operation of the disk fails: once or from then on, with an error, for want of space, interrupted,
//! with a read or write that ends early, or after a part of a write. Nothing panics, nothing is promised that does not hold, no file is synced again after
//! a failed sync, and on a healthy disk everything is back.
//!
//! `IRONTSD_DISK_FAULTS=FIRST..END` says which workloads are tried.

use crate::common::Sample;
use crate::power_cuts::{for_each, numbers};
use crate::simulated::driver::Driver;
use crate::simulated::fault::{CONTINUED, EINTR, EIO, ENOSPC, Fault, Hits, SHORT};
use crate::simulated::history::End;
use crate::simulated::reopen::{images, judge_thoroughly};
use crate::simulated::tree::Tree;
use fastrand::Rng;
use irontsd_engine::types::Value;

/// Which operations, whether from then on, and the error.
const FAULTS: [(Hits, bool, i32); 13] = [
    (Hits::Every, false, EIO),
    (Hits::Every, true, EIO),
    (Hits::Space, false, ENOSPC),
    (Hits::Space, true, ENOSPC),
    (Hits::Writes, false, EIO),
    (Hits::Syncs, false, EIO),
    (Hits::Syncs, true, EIO),
    (Hits::Every, false, EINTR),
    (Hits::Reads, false, SHORT),
    (Hits::Reads, true, SHORT),
    (Hits::Writes, false, SHORT),
    (Hits::Writes, true, SHORT),
    (Hits::Writes, false, CONTINUED),
];

/// What is there when the process has died, and what a power cut leaves of it all.
fn end(mut driver: Driver, what: &str, cuts: u64) {
    driver.kill();
    driver.disk.set_fault(None);
    assert_eq!(driver.disk.broken_rules(), Vec::<String>::new(), "{what}");
    let (history, record) = (&driver.history, driver.disk.record());
    let judged = judge_thoroughly(history, &driver.disk.tree(), End::Death, 1);
    judged.unwrap_or_else(|complaint| panic!("{what}, then the process died: {complaint}"));
    let mut rng = Rng::with_seed(record.len() as u64);
    let early = (1..cuts).map(|number| (rng.usize(..=record.len()), number));
    let cuts = early.chain([(record.len(), 0)]).collect();
    images(&record, &Tree::new(), cuts, |cut, number, image| {
        let judged = judge_thoroughly(history, image, End::PowerCut(cut), number + 2);
        judged.map_err(|complaint| format!("{what}, then a power cut: {complaint}"))
    });
}

#[test]
fn every_operation_of_the_disk_fails() {
    for_each(numbers("IRONTSD_DISK_FAULTS", 0..3), |seed| {
        for (hits, forever, error) in FAULTS {
            for after in 0.. {
                let mut driver = Driver::new(seed, false);
                let prefix = Rng::with_seed(after).usize(..200);
                driver.disk.set_fault(Some(Fault { hits, after, forever, error, prefix }));
                driver.open();
                for _ in 0..20 {
                    if driver.is_open() {
                        driver.step();
                    }
                }
                if driver.disk.hit() == 0 {
                    break;
                }
                let often = if forever { "from" } else { "at" };
                let what = format!("workload {seed}, error {error} {often} {hits:?} {after}");
                end(driver, &what, 3);
            }
        }
    });
}

fn rows(count: usize, from: usize) -> Vec<(u8, i64, Sample)> {
    let row = |at: usize| {
        let number = Sample::Number(Value::integer((from + at) as i64));
        ((at % 6) as u8, 1 + (at / 6) as i64, number)
    };
    (0..count).map(row).collect()
}

/// A record of which only so many bytes were written: what is accepted after it must not be lost
/// behind it.
#[test]
fn nothing_is_lost_behind_a_record_written_in_part() {
    for (rows_of_record, step) in [(1, 1), (20, 3), (400, 61)] {
        for prefix in (0..).step_by(step) {
            let mut driver = Driver::new(4, false);
            assert!(driver.open() && driver.commit_rows(0, rows(6, 0)));
            driver.sync();
            let error = if prefix % 2 == 0 { EIO } else { ENOSPC };
            let (hits, after, forever) = (Hits::Writes, 0, false);
            driver.disk.set_fault(Some(Fault { hits, after, forever, error, prefix }));
            let before = driver.disk.tree();
            assert!(!driver.commit_rows(0, rows(rows_of_record, 100)));
            let written = |tree: &Tree| tree.files.values().map(|bytes| bytes.len()).sum::<usize>();
            let grown = written(&driver.disk.tree()) - written(&before);
            for (shard, from) in [(0, 1000), (1, 2000), (0, 3000)] {
                driver.commit_rows(shard, rows(3, from));
                driver.sync();
            }
            driver.flush();
            driver.commit_rows(0, rows(3, 4000));
            driver.sync();
            end(driver, &format!("{prefix} bytes of {rows_of_record} rows written"), 2);
            if grown < prefix {
                break;
            }
        }
    }
}

/// Found by a sweep: names that found the disk full were cut from a log that was done with, and a power cut
/// brought them back beside those that had got their ids since.
#[test]
fn names_that_were_cut_do_not_come_back_in_the_place_of_others() {
    for prefix in [0, 40, 104, usize::MAX] {
        let mut driver = Driver::new(4, false);
        assert!(driver.open());
        let (hits, after, forever, error) = (Hits::Writes, 0, false, ENOSPC);
        driver.disk.set_fault(Some(Fault { hits, after, forever, error, prefix }));
        assert!(!driver.commit_rows(0, rows(6, 0)));
        // Begins another names log: what the first holds is to be sealed.
        driver.snapshot();
        driver.kill();
        assert!(driver.open() && driver.commit_rows(1, rows(3, 3000)));
        driver.sync();
        driver.kill();
        let (history, record) = (&driver.history, driver.disk.record());
        let cuts = (0..64).map(|number| (record.len(), number)).collect();
        images(&record, &Tree::new(), cuts, |cut, number, image| {
            judge_thoroughly(history, image, End::PowerCut(cut), number + 2)
        });
    }
}

/// A sync of the log in use says nothing about the log before it whose sync failed.
#[test]
fn a_log_whose_sync_failed_is_not_made_good_by_the_next_one() {
    let mut driver = Driver::new(4, false);
    assert!(driver.open() && driver.commit_rows(0, rows(6, 0)));
    driver.sync();
    assert!(driver.commit_rows(0, rows(6, 100)));
    let fail = |hits, after, forever, error| Some(Fault { hits, after, forever, error, prefix: 0 });
    // The flush begins new logs, two names and two headers, and then there is no room for a segment.
    driver.disk.set_fault(fail(Hits::Space, 4, true, ENOSPC));
    driver.flush();
    assert!(driver.disk.hit() > 0);
    driver.disk.set_fault(fail(Hits::Syncs, 0, false, EIO));
    (0..3).for_each(|_| driver.sync());
    assert_eq!(driver.disk.hit(), 1);
    end(driver, "a sync failed", 5);
}

/// Nothing is promised in a directory whose own name may be lost.
#[test]
fn a_data_directory_whose_name_cannot_be_made_durable_is_not_served() {
    let mut driver = Driver::new(4, false);
    let (hits, after, forever, error, prefix) = (Hits::Syncs, 0, false, EIO, 0);
    driver.disk.set_fault(Some(Fault { hits, after, forever, error, prefix }));
    assert!(!driver.open());
    assert!(driver.open());
}
