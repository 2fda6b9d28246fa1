//! What each connection sends, decided before anything is sent. Pure but for the file of a replay.

use std::ops::Range;
use std::time::Duration;

use super::Outcome;
use super::clock;
use super::flags::{LoadFlags, Protocol, Style, WorkloadName};
use super::pace::Pace;
use crate::workload::{Account, Kind, Order, Replay, Shape, Variety, Workload, split};

/// Runs without an end of their own end after this.
const DURATION: Duration = Duration::from_secs(10);
/// Points of a piece, where nobody asks for another number.
const LINES_PER_PIECE: u64 = 2048;
const POINTS_PER_REQUEST: u64 = 1000;
const LINES_PER_DATAGRAM_TURN: u64 = 128;
/// Pieces of a slow schedule are so small that they come this often.
const PIECES_PER_SECOND: u64 = 200;
const NEW_SERIES_SAMPLES: u64 = 5;
const CHURN_SAMPLES: u64 = 100;

/// What is sent, how much of it and how fast.
pub(super) struct Plan {
    source: Source,
    /// Points of each connection.
    pub(super) budgets: Vec<u64>,
    /// Points of a piece.
    pub(super) batch: u64,
    /// When pieces are due.
    pub(super) pace: Pace,
    /// When the run ends, if not by its number of points.
    pub(super) duration: Option<Duration>,
}

/// Where lines come from.
enum Source {
    Generated { kind: Kind, shape: Shape, ranges: Vec<Range<u64>> },
    Replayed(Replay),
}

impl Plan {
    /// As the flags say.
    pub(super) fn new(load: &LoadFlags, style: &Style, protocol: Protocol) -> Outcome<Self> {
        let batch = style.batch.unwrap_or_else(|| default_batch(protocol, style));
        let pace = Pace::new(style.rate, style.connections, batch);
        let duration =
            if load.points.is_none() { Some(load.duration.unwrap_or(DURATION)) } else { None };
        if let Some(path) = &load.replay {
            let replay = Replay::new(&clock::read_unpacked(path)?, style.connections as usize);
            if replay.lines() == 0 {
                return Err(format!("{}: there are no lines in it", path.display()).into());
            }
            let budgets = share(load.points.unwrap_or(u64::MAX), style.connections);
            // A file ends by itself.
            let duration = load.duration;
            let source = Source::Replayed(replay);
            return Ok(Plan { source, budgets, batch, pace, duration });
        }
        let kind = kind(load.workload);
        let series_count = load.series.unwrap_or(match load.workload {
            WorkloadName::NewSeries => 2_000_000,
            _ => Shape::default().series_count,
        });
        let shape = Shape {
            seed: load.seed,
            series_count,
            samples_per_series: u64::MAX / series_count.max(1),
            start_s: load.start,
            interval_s: load.interval,
        };
        let ranges = split(series_count, style.connections);
        let points = load.points.unwrap_or(u64::MAX);
        let budgets = ranges.iter().map(|range| budget(points, series_count, range)).collect();
        let source = Source::Generated { kind, shape, ranges };
        Ok(Plan { source, budgets, batch, pace, duration })
    }

    /// Number of connections.
    pub(super) fn connections(&self) -> usize {
        self.budgets.len()
    }

    /// Points until the end, where that is known beforehand.
    pub(super) fn points(&self) -> Option<u64> {
        let budgets = self.budgets.iter().fold(0, |sum: u64, budget| sum.saturating_add(*budget));
        let scheduled = self.duration.and_then(|duration| self.pace.points_within(duration));
        let lines = match &self.source {
            Source::Replayed(replay) => replay.lines(),
            Source::Generated { .. } => u64::MAX,
        };
        let points = budgets.min(lines).min(scheduled.unwrap_or(u64::MAX));
        (points < u64::MAX / 2).then_some(points)
    }

    /// The lines of one connection, from the first.
    pub(super) fn workload(&self, connection: usize) -> Box<dyn Workload + Send> {
        match &self.source {
            Source::Generated { kind, shape, ranges } => {
                kind.workload(shape, ranges[connection].clone())
            }
            Source::Replayed(replay) => Box::new(replay.connection(connection)),
        }
    }

    /// An empty account for what is sent.
    pub(super) fn account(&self) -> Account {
        match &self.source {
            Source::Replayed(_)
            | Source::Generated { kind: Kind::Ordered(Order::Repeated), .. } => {
                Account::of_last_writes()
            }
            Source::Generated { .. } => Account::default(),
        }
    }
}

/// How many of the first `points` points, all series taking turns, belong to these series.
fn budget(points: u64, series_count: u64, range: &Range<u64>) -> u64 {
    let (rounds, rest) = (points / series_count, points % series_count);
    let of_rest = rest.clamp(range.start, range.end) - range.start;
    rounds.saturating_mul(range.end - range.start).saturating_add(of_rest)
}

fn share(points: u64, connections: u64) -> Vec<u64> {
    if points == u64::MAX {
        return vec![points; connections as usize];
    }
    split(points, connections).into_iter().map(|range| range.end - range.start).collect()
}

fn default_batch(protocol: Protocol, style: &Style) -> u64 {
    let most = match protocol {
        Protocol::Telnet => LINES_PER_PIECE,
        Protocol::Put => POINTS_PER_REQUEST,
        Protocol::Udp => LINES_PER_DATAGRAM_TURN,
    };
    style.rate.map_or(most, |rate| (rate / style.connections / PIECES_PER_SECOND).clamp(1, most))
}

fn kind(name: WorkloadName) -> Kind {
    let replaced = |lifetime, staggered| Kind::Varied(Variety::Replaced { lifetime, staggered });
    match name {
        WorkloadName::Agent => Kind::Agent,
        WorkloadName::Tsbs => Kind::Tsbs,
        WorkloadName::NewSeries => replaced(NEW_SERIES_SAMPLES, false),
        WorkloadName::Churn => replaced(CHURN_SAMPLES, true),
        WorkloadName::Histograms => Kind::Varied(Variety::Histograms),
        WorkloadName::OutOfOrder => Kind::Ordered(Order::Shuffled),
        WorkloadName::Duplicates => Kind::Ordered(Order::Repeated),
        WorkloadName::Doubles => Kind::Varied(Variety::Doubles),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_add_up_whatever_the_number_of_connections() {
        for (points, series, connections) in [(1000, 7, 3), (5, 40, 4), (41, 40, 4), (80, 40, 1)] {
            let ranges = split(series, connections);
            let budgets = ranges.iter().map(|range| budget(points, series, range));
            assert_eq!(budgets.sum::<u64>(), points);
        }
        assert_eq!(budget(41, 40, &(0..10)), 11);
        assert_eq!(budget(41, 40, &(10..20)), 10);
        assert_eq!(share(10, 3).iter().sum::<u64>(), 10);
    }
}
