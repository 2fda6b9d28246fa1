//! The disk's share of merges: bytes are spent and then rested for. Pure.
//!
//! Nothing is saved up while there is nothing to merge, so over any stretch of time no more is spent than the
//! rate allows, and what was spent at once.

use std::num::NonZeroU64;
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub struct Budget {
    /// `None`: no bound.
    bytes_per_second: Option<NonZeroU64>,
    /// Rest that is owed, at a moment.
    owed: Duration,
    at: Duration,
}

impl Budget {
    /// So many bytes a second; as many as one likes, if 0.
    pub fn new(bytes_per_second: u64) -> Budget {
        let bytes_per_second = NonZeroU64::new(bytes_per_second);
        Budget { bytes_per_second, owed: Duration::ZERO, at: Duration::ZERO }
    }

    /// Spends bytes; returns how long to rest before more are spent.
    pub fn spend(&mut self, bytes: u64, now: Duration) -> Duration {
        let Some(bytes_per_second) = self.bytes_per_second else { return Duration::ZERO };
        let passed = now.saturating_sub(std::mem::replace(&mut self.at, now));
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_second.get());
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.owed = self.owed.saturating_sub(passed).saturating_add(cost);
        self.owed
    }

    /// Nothing is owed any more: it was rested as long as was said, or nobody shall wait for it.
    pub fn settle(&mut self, now: Duration) {
        (self.owed, self.at) = (Duration::ZERO, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever work takes, and whether a rest is told at once or not.
        #[test]
        fn over_any_stretch_no_more_is_spent_than_the_rate_allows_and_one_piece(
            pieces in prop::collection::vec((0..9_000u64, 0..5_000u64, any::<bool>()), 1..60),
            rate in 1..3_000u64,
        ) {
            let (mut budget, mut now) = (Budget::new(rate), Duration::from_secs(7));
            let mut spent = Vec::new();
            for &(bytes, work_ms, settles) in &pieces {
                now += Duration::from_millis(work_ms);
                spent.push((now, bytes));
                now += budget.spend(bytes, now);
                if settles {
                    budget.settle(now);
                }
            }
            for (first, &(from, _)) in spent.iter().enumerate() {
                let mut bytes = 0;
                for &(to, piece) in &spent[first..] {
                    let allowed = (to - from).as_secs_f64() * rate as f64;
                    prop_assert!(bytes as f64 <= allowed + 1.0, "{bytes} of {allowed}");
                    bytes += piece;
                }
            }
        }
    }

    #[test]
    fn rest_is_what_the_bytes_take_less_what_has_passed() {
        let mut budget = Budget::new(1000);
        let at = Duration::from_millis;
        assert_eq!(budget.spend(500, at(10_000)), at(500), "nothing was saved up");
        assert_eq!(budget.spend(500, at(10_100)), at(900));
        budget.settle(at(11_000));
        assert_eq!(budget.spend(100, at(11_000)), at(100));
        assert_eq!(budget.spend(0, at(12_000)), at(0));
        assert_eq!(Budget::new(0).spend(u64::MAX, at(1)), at(0), "no bound");
        assert!(Budget::new(1).spend(u64::MAX, at(1)) > at(1 << 30), "no overflow");
    }
}
