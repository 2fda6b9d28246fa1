//! `/api/put?sync&sync_timeout=MS`: an answer that waits for a sync no longer than the client asked.
//!
//! The points are committed and visible either way. What timed out is only the wait, and the answer
//! says so: nobody knows whether they would survive a power cut now.

use crate::event_loop::EventLoop;
use crate::http::query::Query;
use crate::http::reply::{JSON, Reply};
use crate::put::{self, Outcome, reply::Flags};
use crate::reject::{Reason, Reject};
use std::time::Duration;

/// An answer that waits, and what to say instead when it has waited enough.
#[derive(Debug)]
pub struct SyncWait {
    /// Until when.
    pub until: Duration,
    /// The answer's bytes; they are the last ones to send.
    pub answer_bytes: usize,
    /// The header lines it got beside its own.
    pub headers: String,
    /// What the client asked to be told.
    pub flags: Flags,
    /// What became of the points.
    pub outcome: Outcome,
    /// Where the points can be read again, if all are to be listed.
    pub listed: Option<Listed>,
}

/// A body and the labels set on its points.
#[derive(Debug)]
pub struct Listed {
    /// The body.
    pub body: Vec<u8>,
    /// The labels.
    pub extra: Vec<(String, String)>,
}

/// `sync_timeout` in milliseconds; `None` if waiting has no limit.
pub fn timeout(query: &Query) -> Result<Option<Duration>, Reply> {
    let Some(text) = query.last("sync_timeout") else { return Ok(None) };
    let ms: i32 = text.parse().map_err(|_| {
        let details = "sync_timeout is not a number of milliseconds";
        Reply::error(500, &format!("For input string: \"{text}\""), Some(details))
    })?;
    Ok(u64::try_from(ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis))
}

impl EventLoop {
    /// Commits what the connection brought and bounds the wait of its last answer.
    pub(crate) fn bound_wait(&mut self, place: usize, wait: SyncWait) {
        self.commit();
        let conn = &mut self.conns[place];
        // Without a hold there was nothing to wait for.
        conn.sync_wait = conn.hold.is_some().then(|| Box::new(wait));
    }

    /// How long the loop may sleep.
    pub(crate) fn patience(&self, tick: Duration) -> Duration {
        let waits = self.held.iter().filter_map(|id| self.conns.get(id.place)?.sync_wait.as_ref());
        match waits.map(|wait| wait.until).min() {
            None => tick,
            Some(until) => tick.min(until.saturating_sub(self.now())),
        }
    }

    /// Answers those that have waited enough.
    pub(crate) fn expire_waits(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let now = self.now();
        for id in self.held.clone() {
            let Some(conn) = self.find(id) else { continue };
            if let Some(wait) = conn.sync_wait.take_if(|wait| wait.until <= now) {
                let kept = conn.out.len() - wait.answer_bytes;
                conn.out.truncate(kept);
                conn.further_headers = wait.headers;
                conn.hold = None;
                let answer = self.timed_out(wait.flags, &wait.outcome, wait.listed);
                self.answer(id.place, &answer);
                self.conns[id.place].released = self.conns[id.place].out.len();
                self.touch(id.place);
            }
        }
    }

    fn timed_out(&mut self, flags: Flags, outcome: &Outcome, listed: Option<Listed>) -> Reply {
        let mut failures = Vec::new();
        if let Some(Listed { body, extra }) = listed {
            // Judged once more, with every good point refused for having timed out.
            let mut late = |_: &[u8], _, _| Err(Reject::new(Reason::Unavailable, "Write timedout"));
            let now_ms = self.node.engine.env().clock.wall_ms();
            let policy = &self.node.policy;
            let again = put::judge(&body, now_ms, policy, &extra, &mut self.put, &mut late);
            failures = again.map(|again| again.failures).unwrap_or_default();
        }
        let (status, body) = put::reply::timed_out(flags, outcome, &failures);
        Reply::new(status, JSON, body)
    }
}
