//! The end of a loop: what is still coming in is read for a while, then answers in progress are sent.

use super::EventLoop;
use std::time::Duration;

/// How long a stopping node reads what is still coming in.
const LAST_READS: Duration = Duration::from_secs(1);
/// How long a stopping node waits for answers in progress.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

impl EventLoop {
    pub(super) fn begin_stop(&mut self) {
        self.listeners = None;
        self.handle.whereabouts.leave();
        self.stopping_since = Some(self.now());
        self.udp.iter_mut().for_each(|udp| udp.readable = true);
        for (_, conn) in &mut self.conns {
            conn.readable = true;
        }
        self.queue_all();
    }

    /// Once the last reads are over, connections end as soon as their answers are sent.
    pub(super) fn tick_stop(&mut self, now: Duration) {
        let Some(since) = self.stopping_since else { return };
        for (_, conn) in &mut self.conns {
            let idle = !conn.readable && !conn.busy;
            conn.closing |= idle || now > since + LAST_READS;
        }
        if now > since + LAST_READS {
            self.udp = None;
        }
        self.queue_all();
    }

    pub(super) fn is_done(&self) -> bool {
        let Some(since) = self.stopping_since else { return false };
        let idle = self.conns.is_empty() && !self.udp_waits();
        idle || self.now() > since + LAST_ANSWERS
    }
}
