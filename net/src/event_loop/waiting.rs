//! How a loop waits for events.
//!
//! Who got an answer mostly sends the next request at once. A loop that sleeps meanwhile is woken for
//! it; one that gives the core to the sender instead, and looks again, finds several requests
//! together and nobody had to wake it. Only while that pays: what gets the core may be something else
//! that works, and keep it.

use super::EventLoop;
use mio::Events;
use std::io;
use std::time::Duration;

/// How often a loop gives its core away before it sleeps.
const YIELDS: u32 = 4;
/// Yields that took longer gave the core to others than the senders.
const YIELDS_MOST: Duration = Duration::from_micros(500);
/// Rows of a request whose sender is expected to be back at once.
const ROWS_FEW: u64 = 8;
const PAUSE_LEAST: Duration = Duration::from_micros(100);
/// Yields in vain cost a few microseconds; those that gave the core to other work a part of a second.
const PAUSE_IN_VAIN_MOST: Duration = Duration::from_millis(1);
const PAUSE_MOST: Duration = Duration::from_secs(1);

/// Whether yielding pays, as the last time told.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Small requests were answered since the last wait.
    answered: bool,
    again_at: Duration,
    pause: Duration,
}

impl Waiting {
    /// So many requests with so many rows together are answered in this turn.
    pub(super) fn note_answers(&mut self, requests: u64, rows: usize) {
        self.answered |= requests > 0 && rows as u64 <= requests * ROWS_FEW;
    }

    /// When to begin, if this is a time to yield; the clock is asked only behind small requests.
    fn begins(&mut self, now: impl FnOnce() -> Duration) -> Option<Duration> {
        std::mem::take(&mut self.answered).then(now).filter(|&now| now >= self.again_at)
    }

    /// Each time it was in vain or took too long, the next pause is twice as long.
    fn yielded(&mut self, start: Duration, end: Duration, found: bool) {
        let long = end - start > YIELDS_MOST;
        let most = if long { PAUSE_MOST } else { PAUSE_IN_VAIN_MOST };
        let longer = (self.pause * 2).clamp(PAUSE_LEAST, most);
        self.pause = if found && !long { Duration::ZERO } else { longer };
        self.again_at = end + self.pause;
    }
}

impl EventLoop {
    /// Waits for events, `timeout` at most.
    pub(super) fn wait(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        if !timeout.is_zero() {
            let clock = &self.node.engine.env().clock;
            if let Some(start) = self.waiting.begins(|| clock.monotonic())
                && self.find_without_sleep(events, start)?
            {
                return Ok(());
            }
        }
        self.poll(events, timeout)
    }

    fn find_without_sleep(&mut self, events: &mut Events, start: Duration) -> io::Result<bool> {
        self.poll(events, Duration::ZERO)?;
        if !events.is_empty() {
            return Ok(true);
        }
        let (mut end, mut found) = (start, false);
        for _ in 0..YIELDS {
            std::thread::yield_now();
            self.poll(events, Duration::ZERO)?;
            (end, found) = (self.now(), !events.is_empty());
            if found || end - start > YIELDS_MOST {
                break;
            }
        }
        self.waiting.yielded(start, end, found);
        Ok(found)
    }

    fn poll(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a loop yields within three seconds in which it answers a request every 50 us.
    fn times(waiting: &mut Waiting, took: Duration, found: bool) -> usize {
        let mut times = 0;
        for turn in 0..60_000 {
            let now = Duration::from_micros(50) * turn;
            waiting.note_answers(1, 1);
            if waiting.begins(|| now).is_some() {
                times += 1;
                waiting.yielded(now, now + took, found);
            }
        }
        times
    }

    #[test]
    fn yields_that_do_not_pay_become_rare() {
        let (short, long) = (Duration::from_micros(3), Duration::from_millis(3));
        assert_eq!(times(&mut Waiting::default(), short, true), 60_000);
        let in_vain = times(&mut Waiting::default(), short, false);
        assert!((2_800..3_000).contains(&in_vain), "one each millisecond: {in_vain}");
        let disturbed = times(&mut Waiting::default(), long, true);
        assert_eq!(disturbed, 16, "pauses of 0.1, 0.2, 0.4 ... 819.2 ms, then of a second each");
    }

    #[test]
    fn a_loop_yields_behind_small_requests() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.begins(|| Duration::ZERO), None, "nothing was answered");
        waiting.note_answers(2, 16);
        assert_eq!(waiting.begins(|| Duration::ZERO), Some(Duration::ZERO));
        assert_eq!(waiting.begins(|| Duration::ZERO), None, "nothing was answered since");
        waiting.note_answers(2, 17);
        assert_eq!(waiting.begins(|| Duration::ZERO), None, "these are large");
    }
}
