//! How merged samples are cut in time: whole UTC days, one file for a full day, many thin days in one.
//!
//! Retention drops whole files, so a day of weight has its own; a point in every day since 1970 must
//! not become a file each, so thin days are packed together until they weigh something.
//!
//! A day is a day unless the data directory was made with another [`Partition`].

use std::collections::BTreeMap;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// A day with so many rows gets a file of its own.
const DENSE_ROWS: u64 = 256 << 10;
/// Thin days are packed until they have so many rows.
const PACK_ROWS: u64 = 1 << 20;

/// How long a day is, in milliseconds. Days are counted from 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition(pub i64);

impl Partition {
    /// The day of a timestamp.
    pub fn day_of(self, timestamp_ms: i64) -> i64 {
        timestamp_ms.div_euclid(self.0)
    }

    /// The first millisecond of a day.
    pub fn start_ms(self, day: i64) -> i64 {
        day.saturating_mul(self.0)
    }

    /// The last millisecond of a day.
    pub fn last_ms(self, day: i64) -> i64 {
        self.start_ms(day).saturating_add(self.0 - 1)
    }
}

/// First and last millisecond of each file, from the rows of each day. No file holds days up to the one
/// of `horizon_ms` and later ones: retention could not drop the former without the latter.
pub fn cut(
    rows_by_day: &BTreeMap<i64, u64>,
    partition: Partition,
    horizon_ms: i64,
) -> Vec<(i64, i64)> {
    let is_ahead = |day: i64| day > partition.day_of(horizon_ms);
    let mut cuts: Vec<(i64, i64)> = Vec::new();
    // Days and rows of the pack being filled.
    let mut pack: Option<(i64, i64, u64)> = None;
    for (&day, &rows) in rows_by_day {
        let dense = rows >= DENSE_ROWS;
        let is_closed = |pack: &mut (i64, i64, u64)| {
            dense || pack.2 >= PACK_ROWS || is_ahead(day) != is_ahead(pack.1)
        };
        if let Some((first, last, _)) = pack.take_if(is_closed) {
            cuts.push((first, last));
        }
        if dense {
            cuts.push((day, day));
        } else {
            let (first, _, packed) = pack.unwrap_or((day, day, 0));
            pack = Some((first, day, packed + rows));
        }
    }
    cuts.extend(pack.map(|(first, last, _)| (first, last)));
    let ms = |(first, last)| (partition.start_ms(first), partition.last_ms(last));
    cuts.into_iter().map(ms).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAYS: Partition = Partition(DAY_MS);

    fn days(cuts: &[(i64, i64)]) -> Vec<(i64, i64)> {
        cuts.iter().map(|&(from, to)| (DAYS.day_of(from), DAYS.day_of(to))).collect()
    }

    #[test]
    fn full_days_stand_alone_and_thin_ones_together() {
        let rows = [(1, 5), (2, 5), (3, DENSE_ROWS), (4, 9), (9, 1), (10, DENSE_ROWS * 9)];
        assert_eq!(days(&cut(&rows.into(), DAYS, i64::MAX)), [(1, 2), (3, 3), (4, 9), (10, 10)]);
        let thin: BTreeMap<i64, u64> = (0..115_740).map(|day| (day, 1)).collect();
        assert_eq!(cut(&thin, DAYS, i64::MAX).len(), 1);
        assert_eq!(days(&cut(&[(-1, 1)].into(), DAYS, i64::MAX)), [(-1, -1)]);
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_file(
            rows in prop::collection::btree_map(-50..50i64, 1..DENSE_ROWS * 2, 0..40)
        ) {
            let horizon = 9 * DAY_MS + 5;
            let cuts = cut(&rows, DAYS, horizon);
            prop_assert!(cuts.iter().all(|&(from, to)| to <= 10 * DAY_MS || from > horizon));
            for &day in rows.keys() {
                let holds = |&(from, to): &(i64, i64)| from <= day * DAY_MS && to >= (day + 1) * DAY_MS - 1;
                prop_assert_eq!(cuts.iter().filter(|cut| holds(cut)).count(), 1);
            }
            prop_assert!(cuts.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
