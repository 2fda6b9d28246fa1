//! Requests that come too slowly: whoever has begun one must go on with it, or the connection ends. So
//! nobody holds descriptors and memory with requests that never become whole.

use super::EventLoop;
use crate::conn::{Begun, Speaks};
use crate::http::reply::Reply;
use crate::reject::{Reason, Reject};
use std::time::Duration;

/// What must have come of a request, unless it is whole, each time the patience with it is at its end.
const BYTES_DUE: usize = 64 << 10;

impl EventLoop {
    /// Notes that so many bytes came, if a request has begun and is not whole.
    pub(super) fn note_request(&mut self, place: usize, bytes: usize) {
        let conn = &mut self.conns[place];
        let Speaks::Http(session) = &conn.speaks else { return };
        if conn.carry.is_empty() && !session.awaits_body() {
            conn.begun = None;
            return;
        }
        // The clock is asked only here: most reads bring whole requests, or lines.
        let now = self.node.engine.env().clock.monotonic();
        let begun = conn.begun.get_or_insert(Begun { since: now, bytes: 0 });
        begun.bytes += bytes;
        if begun.bytes >= BYTES_DUE {
            *begun = Begun { since: now, bytes: 0 };
        }
    }

    /// Answers requests that did not bring what was due, and ends their connections.
    pub(super) fn refuse_slow_requests(&mut self, now: Duration) {
        let patience = self.node.policy.request_timeout;
        let mut slow = Vec::new();
        for (place, conn) in &mut self.conns {
            let may_take = conn.may_take();
            let Some(begun) = &mut conn.begun else { continue };
            if !may_take {
                // The node does not read, so the client cannot be late.
                begun.since = now;
            } else if now > begun.since + patience {
                slow.push(place);
            }
        }
        slow.into_iter().for_each(|place| self.refuse_slow_request(place));
    }

    fn refuse_slow_request(&mut self, place: usize) {
        let seconds = self.node.policy.request_timeout.as_secs_f64();
        let text = format!(
            "the request is not whole and less than {} KiB of it came in {seconds} s",
            BYTES_DUE >> 10
        );
        let reject = Reject::new(Reason::BadRequest, &text);
        self.refuse(place, &Reply::error(408, &text, None), &reject, b"");
        let conn = &mut self.conns[place];
        conn.begun = None;
        conn.released = conn.out.len();
        self.touch(place);
    }
}
