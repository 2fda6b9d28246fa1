//! The loop of one connection: make a piece, wait until it is due, send it, until the end.

use std::time::{Duration, Instant};

use super::Outcome;
use super::clock::now;
use super::meter::Meter;
use super::pace::Pace;
use super::wire::{LOOK_EVERY, Wire};
use crate::workload::Workload;

/// What one connection shall send.
pub(super) struct Task<'a> {
    /// Which connection, from 0.
    pub(super) number: usize,
    /// Where the lines come from.
    pub(super) workload: Box<dyn Workload + Send>,
    /// Points at most.
    pub(super) budget: u64,
    /// Points of a piece.
    pub(super) batch: u64,
    /// When pieces are due.
    pub(super) pace: Pace,
    /// From the start to the end, if time ends it.
    pub(super) duration: Option<Duration>,
    /// Where it is counted.
    pub(super) meter: &'a Meter,
}

impl Task<'_> {
    /// Sends until the budget, the time or the lines end, waits for the answers, and returns how many
    /// points were sent.
    pub(super) fn run(mut self, wire: &mut dyn Wire, start: Instant) -> Outcome<u64> {
        let sent = self.send_all(wire, start)?;
        wire.finish()?;
        Ok(sent)
    }

    fn send_all(&mut self, wire: &mut dyn Wire, start: Instant) -> Outcome<u64> {
        let end = self.duration.map(|duration| start + duration);
        let over = |at: Instant| end.is_some_and(|end| at >= end);
        let (mut lines, mut sent) = (Vec::new(), 0);
        for piece in 0.. {
            let due = self.pace.due(self.number, piece).map(|due| start + due);
            let want = self.batch.min(self.budget - sent);
            if want == 0 || self.meter.stopped() || over(due.unwrap_or_else(now)) {
                break;
            }
            lines.clear();
            let points = self.workload.fill(&mut lines, want);
            if points == 0 {
                break;
            }
            wire.prepare(&lines)?;
            if let Some(due) = due {
                self.wait(wire, due)?;
                let at = now();
                self.meter.behind(at, due);
                if self.meter.stopped() {
                    break;
                }
                if over(at) {
                    self.count_unsent(start, at, piece);
                    break;
                }
            }
            wire.send(&mut lines, points, due.unwrap_or_else(now))?;
            sent += points;
        }
        Ok(sent)
    }

    /// In steps, so that a slow schedule can be interrupted.
    fn wait(&self, wire: &mut dyn Wire, due: Instant) -> Outcome<()> {
        loop {
            let at = now();
            if at >= due || self.meter.stopped() {
                return Ok(());
            }
            wire.wait(due.min(at + LOOK_EVERY))?;
        }
    }

    /// Pieces that were due before the end have waited since then; leaving them out would flatter a
    /// server that stalls.
    fn count_unsent(&self, start: Instant, end: Instant, first: u64) {
        let Some(duration) = self.duration else { return };
        for piece in first.. {
            match self.pace.due(self.number, piece) {
                Some(due) if due < duration => {
                    let waited = end.saturating_duration_since(start + due);
                    self.meter.unsent(self.number, self.batch, waited);
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::meter::latencies;
    use crate::workload::{Kind, Shape};

    /// Takes everything; its first piece takes a while.
    struct Stalls {
        stall: Duration,
        pieces: u64,
    }

    impl Wire for Stalls {
        fn send(&mut self, _: &mut Vec<u8>, _: u64, _: Instant) -> Outcome<()> {
            self.pieces += 1;
            std::thread::sleep(std::mem::take(&mut self.stall));
            Ok(())
        }
    }

    fn task(meter: &Meter, pace: Pace, duration: Option<Duration>) -> Task<'_> {
        let workload = Kind::Agent.workload(&Shape::default(), 0..10);
        Task { number: 0, workload, budget: 1000, batch: 10, pace, duration, meter }
    }

    #[test]
    fn a_budget_is_kept_exactly() {
        let meter = Meter::new(Default::default());
        let mut wire = Stalls { stall: Duration::ZERO, pieces: 0 };
        let task = Task { budget: 95, ..task(&meter, Pace::Closed, None) };
        assert_eq!(task.run(&mut wire, now()).expect("a run"), 95);
        assert_eq!(wire.pieces, 10);
    }

    #[test]
    fn what_a_stall_kept_from_being_sent_counts_with_its_wait() {
        let meter = Meter::new(Default::default());
        let mut wire = Stalls { stall: Duration::from_millis(120), pieces: 0 };
        let pace = Pace::new(Some(1000), 1, 10);
        let task = task(&meter, pace, Some(Duration::from_millis(100)));
        assert_eq!(task.run(&mut wire, now()).expect("a run"), 10);
        assert_eq!(meter.counts().unsent, 90);
        let mut waited = latencies();
        meter.take_latencies(&mut waited);
        assert_eq!(waited.len(), 9);
        assert!(waited.max() >= 105_000_000, "{}", waited.max());
    }
}
