//! A histogram of latencies in a few numbers.

use super::meter::Latencies;

/// Latencies in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Percentiles {
    /// Half took no longer.
    pub(super) p50: u64,
    /// Nine in ten took no longer.
    pub(super) p90: u64,
    /// All but one in a hundred.
    pub(super) p99: u64,
    /// All but one in a thousand.
    pub(super) p999: u64,
    /// The longest.
    pub(super) max: u64,
}

impl Percentiles {
    /// Of all latencies; `None` if there are none.
    pub(super) fn of(latencies: &Latencies) -> Option<Self> {
        let at = |quantile| latencies.value_at_quantile(quantile);
        (!latencies.is_empty()).then(|| Percentiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: latencies.max(),
        })
    }
}
