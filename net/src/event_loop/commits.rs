//! Commits, and what they mean for the answers that wait for them.

use super::{EventLoop, spoken};
use crate::conn::Speaks;
use crate::http::reply::{Framing, Reply};
use crate::http::router::Port;
use crate::kairosdb;
use crate::reject::{Protocol, Reason, Reject};
use crate::telnet;

/// Rows after which a turn commits without waiting for its end.
const COMMIT_ROWS: usize = 8192;

impl EventLoop {
    /// Makes everything taken so far durable and visible, and lets the answers to it go. Whether
    /// that went well; if not, the answers say so already.
    pub(crate) fn commit(&mut self) -> bool {
        self.waiting.note_answers(self.requests, self.pending.batch.len());
        self.count_requests();
        let outcome = self.shard.commit(&self.pending.batch).map_err(|error| error.to_string());
        if outcome.is_ok() {
            for (protocol, count) in Protocol::ALL.iter().zip(self.pending.counts) {
                self.node.counters.accept(*protocol, count);
            }
        }
        if let Err(reason) = &outcome {
            self.lose_datagrams(reason);
        }
        self.pending.batch.clear();
        self.pending.counts = Default::default();
        for at in 0..self.turn.len() {
            let place = self.turn[at];
            let Some(conn) = self.conns.get_mut(place) else { continue };
            match &outcome {
                Err(reason) if conn.has_points => {
                    let reason = reason.clone();
                    self.refuse_points(place, &reason);
                }
                _ => self.release(place),
            }
        }
        // Connections behind in this turn must not read more on top of what is too much.
        self.was_full |= self.is_full();
        outcome.is_ok()
    }

    /// Commits before the end of the turn if enough has come together; whether all went well.
    pub(crate) fn commit_if_large(&mut self) -> bool {
        self.pending.batch.weight() < COMMIT_ROWS || self.commit()
    }

    fn refuse_points(&mut self, place: usize, reason: &str) {
        let conn = &mut self.conns[place];
        let protocol = spoken(conn).unwrap_or(Protocol::Telnet);
        if protocol == Protocol::Telnet {
            // Whoever reads an answer to a later command has read this line before.
            conn.precede(telnet::unavailable(reason).as_bytes());
        } else {
            let mut answer = Vec::new();
            let framing = Framing { keep_alive: false, ..conn.framing };
            let reply = match (&conn.speaks, conn.port) {
                // Without answers only the end of the connection can tell.
                (Speaks::Kairosdb(_), _) => None,
                (_, Port::Kairosdb) => Some(kairosdb::serve::unavailable(reason)),
                _ => Some(unavailable(reason)),
            };
            reply.iter().for_each(|reply| reply.write(&mut answer, framing));
            conn.retract(&answer);
            conn.closing = true;
        }
        (conn.has_points, conn.wants_sync) = (false, false);
        let reject = Reject::new(Reason::Unavailable, reason);
        let now_ms = self.node.engine.env().clock.wall_ms();
        self.node.rejections.add(now_ms, protocol, Some(conn.peer), &reject, b"");
    }

    /// Answers of a connection may go, at once or when the commit is synced.
    fn release(&mut self, place: usize) {
        let conn = &mut self.conns[place];
        let had_points = std::mem::take(&mut conn.has_points);
        let committed = self.shard.committed();
        if let Some(hold) = &mut conn.hold {
            // A request behind the answer that waits was committed in pieces: this is a later one.
            if had_points {
                *hold = committed;
                self.shard.request_sync();
            }
            return;
        }
        if conn.released == conn.out.len() {
            return;
        }
        let waits = std::mem::take(&mut conn.wants_sync) || self.node.policy.sync_each;
        if waits && self.shard.synced() < committed {
            conn.hold = Some(committed);
            self.held.push(conn.id);
            self.shard.request_sync();
        } else {
            conn.released = conn.out.len();
        }
    }

    pub(super) fn release_synced(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let synced = self.shard.synced();
        let stopped = self.node.engine.stopped().filter(|_| self.shard.cannot_sync());
        for id in std::mem::take(&mut self.held) {
            let Some(conn) = self.find(id).filter(|conn| conn.hold.is_some()) else { continue };
            if conn.hold.is_some_and(|commit| commit <= synced) {
                (conn.hold, conn.sync_wait) = (None, None);
                conn.released = conn.out.len();
                self.touch(id.place);
            } else if let Some(reason) = &stopped {
                (conn.hold, conn.sync_wait) = (None, None);
                self.refuse_points(id.place, reason);
                self.touch(id.place);
            } else {
                self.held.push(id);
            }
        }
    }
}

/// The answer to points that cannot be stored.
pub(crate) fn unavailable(reason: &str) -> Reply {
    Reply::error(503, "Points cannot be stored", Some(reason))
}
