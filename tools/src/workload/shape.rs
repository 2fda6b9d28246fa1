//! How large a load is, which kind, and how it is dealt out to connections.

use std::ops::Range;

use super::{AgentLines, Order, TsbsLines, VariedLines, Variety, Workload};

/// The size and place in time of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Two loads with the same seed and sizes are the same bytes.
    pub seed: u64,
    /// Number of distinct series.
    pub series_count: u64,
    /// Samples each series gets.
    pub samples_per_series: u64,
    /// Unix time of the first sample of every series.
    pub start_s: u64,
    /// Seconds from one sample of a series to its next.
    pub interval_s: u64,
}

impl Shape {
    /// How many lines the whole load has.
    pub fn lines_total(&self) -> u64 {
        self.series_count.saturating_mul(self.samples_per_series)
    }
}

impl Default for Shape {
    /// 40,000 series, 20 million samples, one every 15 s from 2023-11-14.
    fn default() -> Self {
        Shape {
            seed: 1,
            series_count: 40_000,
            samples_per_series: 500,
            start_s: 1_700_000_000,
            interval_s: 15,
        }
    }
}

/// The kinds of load there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`AgentLines`]: about 61 bytes, two tags.
    Agent,
    /// [`TsbsLines`]: about 195 bytes, ten tags.
    Tsbs,
    /// [`AgentLines`] with the times of samples in another order.
    Ordered(Order),
    /// [`VariedLines`]: like agent lines, but hard in some way.
    Varied(Variety),
}

impl Kind {
    /// The load of one connection that carries the given series.
    pub fn workload(self, shape: &Shape, series: Range<u64>) -> Box<dyn Workload + Send> {
        match self {
            Kind::Agent => Box::new(AgentLines::new(shape, series)),
            Kind::Tsbs => Box::new(TsbsLines::new(shape, series)),
            Kind::Ordered(order) => Box::new(AgentLines::new(shape, series).ordered(order)),
            Kind::Varied(variety) => Box::new(VariedLines::new(shape, series, variety)),
        }
    }

    /// The whole load dealt out to connections; each series stays on one of them.
    pub fn connections(self, shape: &Shape, count: u64) -> Vec<Box<dyn Workload + Send>> {
        let ranges = split(shape.series_count, count);
        ranges.into_iter().map(|range| self.workload(shape, range)).collect()
    }
}

/// Cuts `0..series_count` into `parts` ranges that differ by at most one in length.
pub fn split(series_count: u64, parts: u64) -> Vec<Range<u64>> {
    let edge = |part: u64| (u128::from(series_count) * u128::from(part) / u128::from(parts)) as u64;
    (0..parts).map(|part| edge(part)..edge(part + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Digest, collect, digest_lines};

    const SHAPE: Shape =
        Shape { seed: 7, series_count: 1001, samples_per_series: 9, start_s: 100, interval_s: 15 };

    const KINDS: [Kind; 6] = [
        Kind::Agent,
        Kind::Tsbs,
        Kind::Varied(Variety::Replaced { lifetime: 4, staggered: true }),
        Kind::Ordered(Order::Shuffled),
        Kind::Varied(Variety::Doubles),
        Kind::Varied(Variety::Histograms),
    ];

    fn digest(kind: Kind, shape: &Shape, connections: u64) -> Digest {
        let mut whole = Digest::default();
        for mut load in kind.connections(shape, connections) {
            let (bytes, lines) = collect(load.as_mut());
            let part = digest_lines(&bytes).expect("generated lines parse");
            assert_eq!(part.count, lines);
            whole.merge(part);
        }
        whole
    }

    #[test]
    fn ranges_cover_everything_once() {
        assert_eq!(split(10, 4), [0..2, 2..5, 5..7, 7..10]);
        assert_eq!(split(1, 3), [0..0, 0..0, 0..1]);
    }

    #[test]
    fn the_samples_do_not_depend_on_the_number_of_connections() {
        for kind in KINDS {
            let whole = digest(kind, &SHAPE, 1);
            assert_eq!(whole.count, SHAPE.lines_total());
            assert_eq!(digest(kind, &SHAPE, 7), whole);
            assert_ne!(digest(kind, &Shape { seed: 8, ..SHAPE }, 1), whole);
        }
    }

    #[test]
    fn filling_in_small_pieces_yields_the_same_bytes() {
        for kind in KINDS {
            let (whole, _) = collect(kind.workload(&SHAPE, 0..1001).as_mut());
            let mut pieces = Vec::new();
            let mut load = kind.workload(&SHAPE, 0..1001);
            while load.fill(&mut pieces, 17) > 0 {}
            assert!(pieces == whole);
        }
    }
}
