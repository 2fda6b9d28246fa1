//! Retention: whole segments go, oldest first, by age and by size on disk.
//!
//! What goes takes everything before it along: the manifest keeps the first timestamp that is still
//! served, its floor, which only rises. So a dropped segment can never bring back what it had
//! overwritten in an older one, and a clock that is set back brings nothing back either. By size nothing
//! goes that ends beyond tomorrow: a floor up there would take the present along.

use crate::manifest::SegmentEntry;
use crate::state::Shared;
use std::sync::atomic::Ordering::*;
use std::time::Duration;

/// A clock that runs ahead must not empty the node: age counts from the newest sample then, and a day.
const AHEAD_MS: i64 = 86_400_000;

/// What is later was sent by a clock that is wrong, or this one is.
pub fn horizon_ms(now_ms: i64) -> i64 {
    now_ms.saturating_add(AHEAD_MS)
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Samples up to this age; all, if `None`.
    pub age: Option<Duration>,
    /// Bytes of segments; any number, if `None`.
    pub bytes_max: Option<u64>,
}

impl Keep {
    /// The age in milliseconds.
    pub fn age_ms(self) -> Option<i64> {
        self.age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The floor that the segments should have.
pub fn floor_ms(entries: &[SegmentEntry], keep: Keep, floor_ms: i64, now_ms: i64) -> i64 {
    let newest = entries.iter().map(|entry| entry.times.1).max().unwrap_or(i64::MIN);
    let mut floor = floor_ms;
    if let Some(age) = keep.age_ms() {
        floor = floor.max(now_ms.min(newest.saturating_add(AHEAD_MS)).saturating_sub(age));
    }
    let Some(bytes_max) = keep.bytes_max else { return floor };
    let mut ends: Vec<(i64, u64)> =
        entries.iter().map(|entry| (entry.times.1, entry.bytes)).collect();
    ends.sort_unstable();
    let mut bytes: u64 = ends.iter().filter(|end| end.0 >= floor).map(|end| end.1).sum();
    let horizon = horizon_ms(now_ms);
    let present = ends.iter().map(|end| end.0).filter(|&end| end <= horizon).max();
    // The newest stays whatever it weighs.
    for (end, freed) in ends {
        if bytes <= bytes_max || present.is_none_or(|newest| end >= newest) {
            break;
        }
        if end < floor {
            continue;
        }
        bytes -= freed;
        floor = end + 1;
    }
    floor
}

/// Drops what is not to be kept any more, after flushes and merges. What cannot be done now is tried
/// again later. A merge in progress may lose inputs to it: what comes out of them lies below the floor.
pub fn enforce(shared: &Shared) {
    let keep = shared.config.keep;
    if keep == Keep::default() {
        return;
    }
    let _one_at_a_time = shared.retaining.lock();
    let manifest = shared.manifest.lock().clone();
    let floor = floor_ms(&manifest.segments, keep, manifest.floor_ms, shared.env.clock.wall_ms());
    let is_gone = |entry: &&SegmentEntry| entry.times.1 < floor;
    let gone: Vec<SegmentEntry> = manifest.segments.iter().filter(is_gone).cloned().collect();
    if gone.is_empty() {
        return;
    }
    let names: Vec<&str> = gone.iter().map(|entry| entry.name.as_str()).collect();
    let changed = shared.change_manifest(|manifest| {
        manifest.segments.retain(|entry| !names.contains(&entry.name.as_str()));
        manifest.floor_ms = manifest.floor_ms.max(floor);
        manifest.forget_deletes();
    });
    if let Err(error) = changed {
        return tracing::error!("retention: {error}");
    }
    shared.floor_ms.fetch_max(floor, Release);
    shared.change_view(|view| {
        view.segments.retain(|segment| !names.contains(&segment.file_name().as_str()));
        view.aside.retain(|aside| !names.contains(&aside.entry.name.as_str()));
        view.floor_ms = view.floor_ms.max(floor);
    });
    shared.drop_deletes();
    shared.remove_segments(&names);
    let bytes: u64 = gone.iter().map(|entry| entry.bytes).sum();
    shared.stats.dropped_bytes.fetch_add(bytes, Relaxed);
    tracing::info!("retention dropped {} segments, {bytes} bytes, up to {floor}", names.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn entries(ends: &[(i64, u64)]) -> Vec<SegmentEntry> {
        let entry = |&(day, bytes): &(i64, u64)| SegmentEntry {
            name: String::new(),
            bytes,
            level: 9,
            epochs: (1, 1),
            times: (day * DAY, day * DAY + 5),
            deletes: 0,
        };
        ends.iter().map(entry).collect()
    }

    #[test]
    fn age_counts_from_now_or_from_the_newest_sample() {
        let entries = entries(&[(10, 1), (20, 1)]);
        let keep = Keep { age: Some(Duration::from_secs(5 * 86_400)), bytes_max: None };
        assert_eq!(floor_ms(&entries, keep, 0, 21 * DAY), 16 * DAY);
        assert_eq!(floor_ms(&entries, keep, 0, 9999 * DAY), 16 * DAY + 5, "a clock gone mad");
        assert_eq!(floor_ms(&entries, keep, 17 * DAY, 21 * DAY), 17 * DAY, "it never sinks");
        assert_eq!(floor_ms(&[], keep, 3, 21 * DAY), 3);
    }

    #[test]
    fn bytes_go_oldest_first_and_the_newest_stays() {
        let entries = entries(&[(3, 40), (1, 40), (2, 40)]);
        let keep = |bytes| Keep { age: None, bytes_max: Some(bytes) };
        assert_eq!(floor_ms(&entries, keep(120), 0, 3 * DAY), 0);
        assert_eq!(floor_ms(&entries, keep(119), 0, 3 * DAY), DAY + 6);
        assert_eq!(floor_ms(&entries, keep(50), 0, 3 * DAY), 2 * DAY + 6);
        assert_eq!(floor_ms(&entries, keep(1), 0, 3 * DAY), 2 * DAY + 6);
    }

    #[test]
    fn samples_from_the_far_future_take_nothing_along() {
        let entries = entries(&[(1, 40), (2, 40), (3, 40), (40_000, 40), (50_000, 40)]);
        let keep = |bytes| Keep { age: None, bytes_max: Some(bytes) };
        assert_eq!(floor_ms(&entries, keep(160), 0, 3 * DAY), DAY + 6);
        assert_eq!(floor_ms(&entries, keep(1), 0, 3 * DAY), 2 * DAY + 6);
        assert_eq!(floor_ms(&entries[3..], keep(1), 0, 3 * DAY), 0);
    }
}
