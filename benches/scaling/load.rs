//! The bytes to send, made before any clock runs.

use irontsd::workload::{Kind, Shape, split};

use super::axis::Place;
use super::lines::Lines;
use crate::common::Outcome;

/// No load takes more memory, about.
const BYTES_MAX: u64 = 1_500_000_000;
/// No load is sent in more writes.
const WRITES_MAX: u64 = 2_000_000;
/// An agent line, about.
const LINE_BYTES: u64 = 61;

/// Lines by connection.
type Connections = Vec<Vec<u8>>;

/// What is sent at a place.
pub struct Load {
    /// A line of each series.
    pub first: Connections,
    /// All others.
    pub later: Connections,
    /// How much there is of it.
    pub sizes: Sizes,
}

/// How much there is of a load.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Series.
    pub series: u64,
    /// Points behind the first of each series.
    pub points: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Load {
    /// Makes about so many points, if neither bytes nor writes become too many, and one of each
    /// series at least.
    pub fn make(place: &Place, points: u64) -> Outcome<Self> {
        let series = place.series;
        let rounds = |points: u64| (points / series).max(1);
        let probe = make(place, 1)?.0;
        let bytes: u64 = probe.iter().map(|lines| lines.len() as u64).sum();
        let lines_per_write = (place.write_bytes as u64 / LINE_BYTES).max(1);
        let points = points.min(BYTES_MAX / bytes.div_ceil(series));
        let rounds = rounds(points.min(WRITES_MAX.saturating_mul(lines_per_write)));
        let (first, later) = make(place, 1 + rounds)?;
        let bytes = later.iter().map(|lines| lines.len() as u64).sum();
        Ok(Load { first, later, sizes: Sizes { series, points: rounds * series, bytes } })
    }
}

/// So many rounds: the first and all others.
fn make(place: &Place, rounds: u64) -> Outcome<(Connections, Connections)> {
    let shape =
        Shape { series_count: place.series, samples_per_series: rounds, ..Shape::default() };
    let ranges = split(place.series, place.connections);
    let threads = std::thread::available_parallelism()?.get();
    let made = std::thread::scope(|scope| {
        let shares = ranges.chunks(ranges.len().div_ceil(threads));
        let makers: Vec<_> = shares
            .map(|share| {
                let one = |range: &std::ops::Range<u64>| {
                    let agent = Kind::Agent.workload(&shape, range.clone());
                    let mut lines = Lines::new(agent, place.names, range.clone());
                    Ok((lines.take(range.end - range.start)?, lines.take(u64::MAX)?))
                };
                scope.spawn(move || share.iter().map(one).collect::<Outcome<Vec<_>>>())
            })
            .collect();
        makers.into_iter().map(|maker| maker.join()).collect::<Vec<_>>()
    });
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for share in made {
        for (one, others) in share.map_err(|_| "a generator failed")?? {
            first.push(one);
            later.push(others);
        }
    }
    Ok((first, later))
}
