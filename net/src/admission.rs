//! Whether one more series may be made: a limit on all of them, and a limit on how fast.
//!
//! Existing series are never asked about. Refusing reads an atomic and the clock; taking a place
//! happens under the registry's lock for new series, so event loops cannot overshoot together.

use crate::reject::{Reason, Reject};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;
/// How much of a refused series' name is shown.
const SHOWN_BYTES_MAX: usize = 256;

/// Limits on new series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most series.
    pub series: u32,
    /// Most new ones in a second.
    pub new_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { series: u32::MAX, new_per_second: u32::MAX }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Admission {
    limits: Limits,
    /// When the new series so far would have come to an end at the allowed rate. What lies up to a
    /// second ahead of the clock is the burst.
    busy_until_ns: AtomicU64,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// [`Limits::series`]
    Series,
    /// [`Limits::new_per_second`]
    Rate,
}

impl Admission {
    /// Nothing is taken yet.
    pub fn new(limits: Limits) -> Admission {
        Admission { limits, busy_until_ns: AtomicU64::new(0) }
    }

    /// Whether one more than these many would be refused now.
    pub fn check(&self, series: u32, now: impl FnOnce() -> Duration) -> Result<(), Full> {
        self.next(series, now).map(drop)
    }

    /// Takes a place. Called by one thread at a time.
    pub fn take(&self, series: u32, now: impl FnOnce() -> Duration) -> Result<(), Full> {
        let busy_until_ns = self.next(series, now)?;
        self.busy_until_ns.store(busy_until_ns, Relaxed);
        Ok(())
    }

    /// The clock is not read where there is no limit on the rate.
    fn next(&self, series: u32, now: impl FnOnce() -> Duration) -> Result<u64, Full> {
        if series >= self.limits.series {
            return Err(Full::Series);
        }
        let each_ns = SECOND_NS.checked_div(self.limits.new_per_second.into()).unwrap_or(u64::MAX);
        // At a rate above a thousand million a second: no limit.
        if each_ns == 0 {
            return Ok(0);
        }
        let now_ns = u64::try_from(now().as_nanos()).unwrap_or(u64::MAX);
        let next = self.busy_until_ns.load(Relaxed).max(now_ns).saturating_add(each_ns);
        if next > now_ns.saturating_add(SECOND_NS) { Err(Full::Rate) } else { Ok(next) }
    }

    /// The refusal of a series.
    pub fn refusal(&self, full: Full, name: &[u8]) -> Reject {
        let shown = String::from_utf8_lossy(&name[..name.len().min(SHOWN_BYTES_MAX)]);
        let more = if name.len() > SHOWN_BYTES_MAX { "..." } else { "" };
        let Limits { series, new_per_second } = self.limits;
        match full {
            Full::Series => Reject::new(
                Reason::TooManySeries,
                format!("there are {series} series (--max-series), no room for {shown}{more}"),
            ),
            Full::Rate => Reject::new(
                Reason::NewSeriesRate,
                format!(
                    "more than {new_per_second} new series a second \
                     (--max-new-series-per-second), not now: {shown}{more}"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_may_come_at_once_and_then_the_rate_holds() {
        let admission = Admission::new(Limits { new_per_second: 3, ..Limits::default() });
        let at = |ms| Duration::from_millis(ms);
        let take = |ms| admission.take(7, || at(ms)).is_ok();
        assert_eq!(
            [0, 0, 0, 0, 300, 334, 334].map(take),
            [true, true, true, false, false, true, false]
        );
        // Checking takes nothing; a long rest saves no more than a second's worth.
        assert_eq!(admission.check(7, || at(700)), Ok(()));
        assert_eq!([9000; 4].map(take), [true, true, true, false]);
    }

    #[test]
    fn limits_may_be_zero_or_none() {
        let none = Admission::default();
        assert_eq!((0..9).try_for_each(|n| none.take(n, || Duration::ZERO)), Ok(()));
        assert_eq!(none.check(u32::MAX, || Duration::ZERO), Err(Full::Series));
        let closed = |limits| Admission::new(limits).take(0, || Duration::from_secs(9));
        assert_eq!(closed(Limits { series: 0, ..Limits::default() }), Err(Full::Series));
        assert_eq!(closed(Limits { new_per_second: 0, ..Limits::default() }), Err(Full::Rate));
    }

    #[test]
    fn refusals_name_limit_and_series() {
        let admission = Admission::new(Limits { series: 5, new_per_second: 9 });
        let many = admission.refusal(Full::Series, b"cpu h=a");
        assert_eq!(many.message, "there are 5 series (--max-series), no room for cpu h=a");
        let fast = admission.refusal(Full::Rate, &[b'x'; 1000]).message;
        assert!(fast.starts_with("more than 9 new series a second") && fast.ends_with("x..."));
        assert!(fast.len() < 2 * SHOWN_BYTES_MAX);
    }
}
