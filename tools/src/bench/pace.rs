//! When pieces are due. Pure.

use std::time::Duration;

/// A schedule, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// A connection's next piece is due when it is ready.
    Closed,
    /// By the clock, whatever became of those before.
    Open {
        /// Points a second on all connections.
        points_per_s: f64,
        /// Seconds from one piece of a connection to its next.
        piece_every_s: f64,
        /// Seconds by which a connection begins behind the one before it.
        stagger_s: f64,
    },
}

impl Pace {
    /// For a rate over all connections.
    pub(super) fn new(rate: Option<u64>, connections: u64, batch: u64) -> Self {
        let Some(rate) = rate else { return Pace::Closed };
        let points_per_s = rate as f64;
        let piece_every_s = batch as f64 * connections as f64 / points_per_s;
        Pace::Open { points_per_s, piece_every_s, stagger_s: piece_every_s / connections as f64 }
    }

    /// When a connection's piece is due, counted from the start; `None` for at once.
    pub(super) fn due(self, connection: usize, piece: u64) -> Option<Duration> {
        let Pace::Open { piece_every_s, stagger_s, .. } = self else { return None };
        let due_s = piece as f64 * piece_every_s + connection as f64 * stagger_s;
        Some(Duration::from_secs_f64(due_s.min(1e9)))
    }

    /// How many points are due within a time; `None` without a schedule.
    pub(super) fn points_within(self, duration: Duration) -> Option<u64> {
        let Pace::Open { points_per_s, .. } = self else { return None };
        Some((points_per_s * duration.as_secs_f64()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_all_connections_come_evenly() {
        let pace = Pace::new(Some(1000), 4, 10);
        let due = |connection, piece| pace.due(connection, piece).map(|due| due.as_millis());
        assert_eq!([due(0, 0), due(1, 0), due(3, 0)], [Some(0), Some(10), Some(30)]);
        assert_eq!([due(0, 1), due(3, 24)], [Some(40), Some(990)]);
        assert_eq!(pace.points_within(Duration::from_millis(2500)), Some(2500));
        assert_eq!(Pace::new(None, 4, 10).due(1, 1), None);
    }
}
