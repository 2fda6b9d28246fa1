//! How merged samples are cut in time: whole UTC days, one file for a full day, many thin days in one.
//!
//! Retention drops whole files, so a day of weight has its own; a point in every day since 1970 must
//! not become a file each, so thin days are packed together until they weigh something.

use std::collections::BTreeMap;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// A day with so many rows gets a file of its own.
const DENSE_ROWS: u64 = 256 << 10;
/// Thin days are packed until they have so many rows.
const PACK_ROWS: u64 = 1 << 20;

/// The day of a timestamp.
pub fn day_of(timestamp_ms: i64) -> i64 {
    timestamp_ms.div_euclid(DAY_MS)
}

/// First and last millisecond of each file, from the rows of each day.
pub fn cut(rows_by_day: &BTreeMap<i64, u64>) -> Vec<(i64, i64)> {
    let mut cuts: Vec<(i64, i64)> = Vec::new();
    // Days and rows of the pack being filled.
    let mut pack: Option<(i64, i64, u64)> = None;
    for (&day, &rows) in rows_by_day {
        let dense = rows >= DENSE_ROWS;
        if let Some((first, last, _)) = pack.take_if(|(_, _, packed)| dense || *packed >= PACK_ROWS)
        {
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
    let ms = |day: i64| day.saturating_mul(DAY_MS);
    cuts.into_iter().map(|(first, last)| (ms(first), ms(last) + (DAY_MS - 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn days(cuts: &[(i64, i64)]) -> Vec<(i64, i64)> {
        cuts.iter().map(|&(from, to)| (day_of(from), day_of(to))).collect()
    }

    #[test]
    fn full_days_stand_alone_and_thin_ones_together() {
        let rows = [(1, 5), (2, 5), (3, DENSE_ROWS), (4, 9), (9, 1), (10, DENSE_ROWS * 9)];
        assert_eq!(days(&cut(&rows.into())), [(1, 2), (3, 3), (4, 9), (10, 10)]);
        let thin: BTreeMap<i64, u64> = (0..115_740).map(|day| (day, 1)).collect();
        assert_eq!(cut(&thin).len(), 1);
        assert_eq!(days(&cut(&[(-1, 1)].into())), [(-1, -1)]);
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_file(
            rows in prop::collection::btree_map(-50..50i64, 1..DENSE_ROWS * 2, 0..40)
        ) {
            let cuts = cut(&rows);
            for &day in rows.keys() {
                let holds = |&(from, to): &(i64, i64)| from <= day * DAY_MS && to >= (day + 1) * DAY_MS - 1;
                prop_assert_eq!(cuts.iter().filter(|cut| holds(cut)).count(), 1);
            }
            prop_assert!(cuts.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
