//! Timestamps as text, kept for the next series: what is scraped together has the same timestamps,
//! and they are two thirds of an export.

use super::number_lists::push_integers;

/// After so many series in a row with other timestamps than the one before, only now and then the
/// text is kept.
const MISSES_MAX: u32 = 4;
/// Now and then: every so many series.
const KEPT_EVERY: u32 = 32;

/// The timestamps printed last and their text.
#[derive(Debug, Default)]
pub struct TimesText {
    timestamps: Vec<i64>,
    text: Vec<u8>,
    misses: u32,
}

impl TimesText {
    /// Appends timestamps, each followed by a comma.
    pub fn push(&mut self, out: &mut Vec<u8>, timestamps: &[i64]) {
        if self.timestamps == timestamps {
            self.misses = 0;
            return out.extend_from_slice(&self.text);
        }
        let start = out.len();
        push_integers(out, timestamps);
        self.misses = self.misses.wrapping_add(1);
        if self.misses <= MISSES_MAX || self.misses.is_multiple_of(KEPT_EVERY) {
            self.timestamps.clear();
            self.timestamps.extend_from_slice(timestamps);
            self.text.clear();
            self.text.extend_from_slice(&out[start..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn kept_text_is_that_of_the_same_timestamps(
            lists in prop::collection::vec(prop::collection::vec(0..3i64, 0..3), 0..99),
        ) {
            let mut times = TimesText::default();
            for list in lists {
                let (mut out, mut plain) = (b"before".to_vec(), b"before".to_vec());
                times.push(&mut out, &list);
                list.iter().for_each(|number| plain.extend_from_slice(format!("{number},").as_bytes()));
                prop_assert_eq!(out, plain);
            }
        }
    }
}
