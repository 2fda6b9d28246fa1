//! Chance without state: a number for every (seed, series, step).
//!
//! A generator with state would give a series other values when it moves to another
//! connection; a hash of where the sample stands does not.

/// Spreads every bit of `x` over the whole word (the finaliser of splitmix64).
#[inline]
pub(super) fn scramble(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The numbers one series draws, one per step.
#[inline]
pub(super) fn draw(seed: u64, series: u64, step: u64) -> u64 {
    let place = series.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ seed;
    scramble(scramble(place).wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// A whole number below `bound`, from the upper half of `random`; `bound` is at most 2^32.
#[inline]
pub(super) fn below(random: u64, bound: u64) -> i64 {
    (((random >> 32) * bound) >> 32) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_by_seed_series_and_step() {
        let base = draw(1, 2, 3);
        assert_eq!(base, draw(1, 2, 3));
        assert!([draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)].iter().all(|other| *other != base));
    }

    #[test]
    fn below_reaches_both_ends_and_no_further() {
        assert_eq!(below(0, 10), 0);
        assert_eq!(below(u64::MAX, 10), 9);
    }
}
