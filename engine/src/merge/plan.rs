//! What to merge next. Pure: decided from the manifest's entries alone, and the time.
//!
//! Fresh segments (level 0) span whatever came in. Sixteen of them become segments of level 1, cut
//! into days; eight of one level that share days become one of the next. When a day is over and
//! nothing has come for a while, its segments become one of the last level.
//!
//! Where two segments overlap in time their epochs must stay apart, for the later one wins. A merge
//! covers all epochs between those of its inputs, so whatever lies among them in both time and
//! epochs is merged with them.

use super::days::Partition;
use crate::deletes::hits;
use crate::manifest::{DeleteEntry, SegmentEntry};

/// Level of a segment that is merged again only when much came late.
pub const LEVEL_LAST: u32 = 9;
/// So many fresh segments are merged.
const FRESH_MAX: usize = 16;
/// So many segments of one level with common days are merged.
const FAN_IN: usize = 8;
/// The last level is made anew when what came late weighs this share of it.
const LATE_SHARE: u64 = 2;

/// One merge: which entries, and the level of what comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Positions in the list of entries, ascending.
    pub inputs: Vec<usize>,
    /// Level of the output.
    pub level: u32,
}

/// What the plan depends on besides the entries.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The wall clock in milliseconds.
    pub now_ms: i64,
    /// Nothing was flushed for a while.
    pub quiet: bool,
    /// How long a day is.
    pub partition: Partition,
}

/// The next merge that is worth its work, if any.
pub fn next(entries: &[SegmentEntry], moment: Moment) -> Option<Plan> {
    let fresh: Vec<usize> = positions(entries, |entry| entry.level == 0);
    if fresh.len() >= FRESH_MAX || (moment.quiet && !fresh.is_empty()) {
        return Some(closed_under_overlap(entries, fresh, 1, moment.partition));
    }
    let same_level = (1..LEVEL_LAST).find_map(|level| {
        let alike = |entry: &SegmentEntry, other: &SegmentEntry| {
            entry.level == level && share_days(entry, other, moment.partition)
        };
        let of_level = entries.iter().filter(|entry| entry.level == level);
        let sets = of_level.map(|entry| positions(entries, |other| alike(other, entry)));
        let set = sets.into_iter().find(|set| set.len() >= FAN_IN)?;
        Some(closed_under_overlap(entries, set, (level + 1).min(LEVEL_LAST - 1), moment.partition))
    });
    same_level.or_else(|| moment.quiet.then(|| last_of_closed_day(entries, moment))?)
}

/// The next merge on the way to one segment for all that share days.
pub fn forced(
    entries: &[SegmentEntry],
    deletes: &[DeleteEntry],
    partition: Partition,
) -> Option<Plan> {
    let is_hit = |entry: &SegmentEntry| deletes.iter().any(|delete| hits(delete, entry));
    let open = entries.iter().find_map(|entry| {
        let set = connected(entries, entry, partition);
        (set.len() > 1 || entry.level < LEVEL_LAST || is_hit(entry)).then_some(set)
    });
    open.map(|inputs| Plan { inputs, level: LEVEL_LAST })
}

fn positions(entries: &[SegmentEntry], wanted: impl Fn(&SegmentEntry) -> bool) -> Vec<usize> {
    (0..entries.len()).filter(|&at| wanted(&entries[at])).collect()
}

fn days(entry: &SegmentEntry, partition: Partition) -> (i64, i64) {
    (partition.day_of(entry.times.0), partition.day_of(entry.times.1))
}

fn share_days(left: &SegmentEntry, right: &SegmentEntry, partition: Partition) -> bool {
    let (a, b) = (days(left, partition), days(right, partition));
    a.0 <= b.1 && b.0 <= a.1
}

/// A day that is over gets one last merge, and another when much came late.
fn last_of_closed_day(entries: &[SegmentEntry], moment: Moment) -> Option<Plan> {
    let Moment { now_ms, partition, .. } = moment;
    let is_over = |entry: &SegmentEntry| partition.last_ms(days(entry, partition).1) < now_ms;
    let open = entries.iter().filter(|entry| entry.level < LEVEL_LAST && is_over(entry));
    let worth = |entry: &SegmentEntry| {
        let set =
            positions(entries, |other| other.level > 0 && share_days(entry, other, partition));
        let bytes = |last: bool| {
            let of = |&&at: &&usize| (entries[at].level == LEVEL_LAST) == last;
            set.iter().filter(of).map(|&at| entries[at].bytes).sum::<u64>()
        };
        (bytes(false) * LATE_SHARE >= bytes(true)).then(|| set.clone())
    };
    let set = open.filter(|entry| entry.level > 0).find_map(worth)?;
    Some(closed_under_overlap(entries, set, LEVEL_LAST, partition))
}

/// Adds what lies between the inputs in both days and epochs.
pub fn closed_under_overlap(
    entries: &[SegmentEntry],
    mut inputs: Vec<usize>,
    level: u32,
    partition: Partition,
) -> Plan {
    loop {
        let of = |at: &usize| &entries[*at];
        let from = inputs.iter().map(|at| days(of(at), partition).0).min().unwrap_or(0);
        let to = inputs.iter().map(|at| days(of(at), partition).1).max().unwrap_or(0);
        let first = inputs.iter().map(|at| of(at).epochs.0).min().unwrap_or(0);
        let last = inputs.iter().map(|at| of(at).epochs.1).max().unwrap_or(0);
        let between = positions(entries, |entry| {
            let (a, b) = days(entry, partition);
            a <= to && from <= b && entry.epochs.0 <= last && first <= entry.epochs.1
        });
        if between.len() == inputs.len() {
            let highest = inputs.iter().map(|at| of(at).level).max().unwrap_or(0);
            return Plan { inputs, level: level.max(highest) };
        }
        inputs = between;
    }
}

/// All entries that a chain of common days connects with this one.
fn connected(entries: &[SegmentEntry], start: &SegmentEntry, partition: Partition) -> Vec<usize> {
    let (mut from, mut to) = days(start, partition);
    loop {
        let set = positions(entries, |entry| {
            let (a, b) = days(entry, partition);
            a <= to && from <= b
        });
        let low = set.iter().map(|&at| days(&entries[at], partition).0).min().unwrap_or(from);
        let high = set.iter().map(|&at| days(&entries[at], partition).1).max().unwrap_or(to);
        if (low, high) == (from, to) {
            return set;
        }
        (from, to) = (low, high);
    }
}

#[cfg(test)]
mod tests {
    use super::super::days::DAY_MS;
    use super::*;
    use proptest::prelude::*;

    /// Level, epochs, days, bytes.
    fn entry(level: u32, epochs: (u32, u32), days: (i64, i64), bytes: u64) -> SegmentEntry {
        let times = (days.0 * DAY_MS, days.1 * DAY_MS + 5);
        SegmentEntry { name: String::new(), bytes, level, epochs, times, deletes: 0 }
    }

    const DAYS: Partition = Partition(DAY_MS);
    const BUSY: Moment = Moment { now_ms: 100 * DAY_MS, quiet: false, partition: DAYS };
    const QUIET: Moment = Moment { now_ms: 100 * DAY_MS, quiet: true, partition: DAYS };

    #[test]
    fn fresh_ones_are_merged_when_there_are_many_or_time() {
        let mut entries: Vec<_> = (1..16).map(|e| entry(0, (e, e), (7, 7), 1)).collect();
        assert_eq!(next(&entries, BUSY), None);
        assert_eq!(next(&entries, QUIET), Some(Plan { inputs: (0..15).collect(), level: 1 }));
        entries.push(entry(0, (16, 16), (8, 8), 1));
        assert_eq!(next(&entries, BUSY), Some(Plan { inputs: (0..16).collect(), level: 1 }));
    }

    #[test]
    fn eight_of_a_level_make_one_of_the_next() {
        let mut entries: Vec<_> = (1..8).map(|e| entry(1, (e, e), (7, 7), 1)).collect();
        entries.push(entry(1, (8, 8), (9, 9), 1));
        assert_eq!(next(&entries, BUSY), None);
        entries.push(entry(1, (9, 9), (6, 8), 1));
        let expected = vec![0, 1, 2, 3, 4, 5, 6, 8];
        assert_eq!(next(&entries, BUSY), Some(Plan { inputs: expected, level: 2 }));
    }

    #[test]
    fn a_day_that_is_over_is_merged_for_the_last_time() {
        let today = [entry(1, (1, 1), (100, 100), 1), entry(1, (2, 2), (100, 100), 1)];
        assert_eq!(next(&today, QUIET), None);
        let over = [entry(1, (1, 1), (7, 7), 1), entry(2, (2, 3), (7, 7), 1)];
        assert_eq!(next(&over, QUIET), Some(Plan { inputs: vec![0, 1], level: LEVEL_LAST }));
        assert_eq!(next(&over, BUSY), None);
        let late =
            |bytes| [entry(LEVEL_LAST, (1, 3), (7, 7), 100), entry(1, (4, 4), (7, 7), bytes)];
        assert_eq!(next(&late(49), QUIET), None);
        assert_eq!(next(&late(50), QUIET).map(|plan| plan.inputs), Some(vec![0, 1]));
    }

    #[test]
    fn force_ends_with_one_for_days_that_belong_together() {
        let entries = [
            entry(LEVEL_LAST, (1, 3), (1, 1), 9),
            entry(LEVEL_LAST, (1, 3), (2, 4), 9),
            entry(0, (4, 4), (3, 6), 1),
            entry(1, (1, 3), (6, 6), 1),
        ];
        assert_eq!(
            forced(&entries, &[], DAYS),
            Some(Plan { inputs: vec![1, 2, 3], level: LEVEL_LAST })
        );
        assert_eq!(forced(&entries[..2], &[], DAYS), None);
    }

    proptest! {
        /// Whatever is merged, segments that share days keep their epochs apart, and it ends.
        #[test]
        fn epochs_stay_apart(
            flushes in prop::collection::vec((0..20i64, 0..4i64), 1..120), force in any::<bool>()
        ) {
            let mut entries: Vec<SegmentEntry> = Vec::new();
            for (epoch, (day, len)) in (1..).zip(flushes) {
                entries.push(entry(0, (epoch, epoch), (day, day + len), 10));
                merge_all(&mut entries, |entries| next(entries, BUSY))?;
            }
            if force {
                merge_all(&mut entries, |entries| forced(entries, &[], DAYS))?;
                prop_assert!(entries.iter().all(|entry| entry.level == LEVEL_LAST));
            } else {
                merge_all(&mut entries, |entries| next(entries, QUIET))?;
                prop_assert!(entries.iter().all(|entry| entry.level > 0));
            }
        }
    }

    /// Carries plans out; each input day becomes an output.
    fn merge_all(
        entries: &mut Vec<SegmentEntry>,
        plan: impl Fn(&[SegmentEntry]) -> Option<Plan>,
    ) -> Result<(), TestCaseError> {
        for _ in 0..1000 {
            let Some(Plan { inputs, level }) = plan(entries) else { return Ok(()) };
            let merged: Vec<_> = inputs.iter().map(|&at| entries[at].clone()).collect();
            let first = merged.iter().map(|entry| entry.epochs.0).min().expect("inputs");
            let last = merged.iter().map(|entry| entry.epochs.1).max().expect("inputs");
            let covered =
                |day| merged.iter().any(|e| days(e, DAYS).0 <= day && day <= days(e, DAYS).1);
            let outputs = (0..30).filter(|&day| covered(day));
            let outputs: Vec<_> =
                outputs.map(|day| entry(level, (first, last), (day, day), 10)).collect();
            let mut at = 0;
            entries.retain(|_| {
                at += 1;
                !inputs.contains(&(at - 1))
            });
            entries.extend(outputs);
            for (at, left) in entries.iter().enumerate() {
                for right in &entries[..at] {
                    let apart = left.epochs.1 < right.epochs.0 || right.epochs.1 < left.epochs.0;
                    prop_assert!(apart || !share_days(left, right, DAYS), "{left:?} {right:?}");
                }
            }
        }
        prop_assert!(false, "it never ends");
        Ok(())
    }
}
