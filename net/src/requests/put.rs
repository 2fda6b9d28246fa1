//! `/api/put`, `/api/histogram` and `/api/rollup`: bodies of points.

use super::extra_labels;
use crate::event_loop::{EventLoop, unavailable};
use crate::http::reply::{JSON, Reply};
use crate::http::session::Request;
use crate::intake::Content;
use crate::put::{self, What as Points};
use crate::reject::{Protocol, Reason, Reject};
use crate::sync_wait::{self, Listed, SyncWait};

impl EventLoop {
    pub(super) fn put(&mut self, place: usize, request: &Request, what: Points) {
        let query = request.url_query();
        let serializer = query.last("serializer").filter(|name| *name != "json");
        if let Some(name) = serializer {
            let details = format!("Could not find a serializer with the name: {name}");
            let message = "Requested serializer was not found";
            return self.answer(place, &Reply::error(400, message, Some(&details)));
        }
        let extra = match extra_labels(&query, self.node.policy.strict) {
            Ok(extra) => extra,
            Err(text) => return self.answer(place, &Reply::error(400, &text, None)),
        };
        let timeout = match sync_wait::timeout(&query) {
            Ok(timeout) => timeout.filter(|_| query.has("sync")),
            Err(answer) => return self.answer(place, &answer),
        };
        let mut wait = None;
        let now_ms = self.node.engine.env().clock.wall_ms();
        let known = match what {
            Points::Numbers if extra.is_empty() => self.put_known(place, &request.body, now_ms),
            _ => None,
        };
        if known.is_some() && query.is_empty() {
            self.conns[place].has_points = true;
            return self.answer(place, &Reply::empty(204));
        }
        let mut scratch = std::mem::take(&mut self.put);
        let node = self.node.clone();
        let mut lost = false;
        let mut sink = |name: &[u8], timestamp_ms, value: Content<'_>| {
            self.intake(place).admit(timestamp_ms)?;
            let series = self.intake(place).series(name).map_err(|reject| match reject.reason {
                Reason::UnknownName => Reject::new(reject.reason, "Unknown metric"),
                _ => reject,
            })?;
            if lost {
                return Ok(());
            }
            self.intake(place).push_content(Protocol::Http, series, timestamp_ms, value);
            if what == Points::Histograms {
                lost = !self.commit_if_many(place);
            }
            Ok(())
        };
        let (body, policy) = (&request.body, &node.policy);
        let outcome = match (what, known) {
            (_, Some(outcome)) => Ok(outcome),
            (Points::Numbers, None) => {
                let mut out = |name: &[u8], ms, value| sink(name, ms, Content::Number(value));
                put::judge(body, now_ms, policy, &extra, &mut scratch, &mut out)
            }
            (Points::Histograms, None) => {
                let mut out =
                    |name: &[u8], ms, bytes: &[u8]| sink(name, ms, Content::Histogram(bytes));
                put::judge_histograms(body, now_ms, policy, &extra, &mut scratch, &mut out)
            }
            (Points::Rollups, None) => {
                put::rollup::judge(body, now_ms, policy, &extra, &mut scratch)
            }
        };
        let is_late = |failure: &put::Failure| failure.reject.reason == Reason::Unavailable;
        let closed = outcome.as_ref().is_ok_and(|outcome| outcome.failures.iter().any(is_late));
        let mut intake = self.intake(place);
        let answer = match outcome {
            Ok(outcome) => {
                for failure in &outcome.failures {
                    let input = failure.datapoint.as_bytes();
                    intake.reject(Protocol::Http, &failure.reject, input);
                }
                let flags = put::reply::Flags {
                    summary: query.has("summary"),
                    details: query.has("details"),
                    timeouts: query.has("sync_timeout"),
                };
                let (status, body) = put::reply::answer(flags, &outcome);
                wait = timeout.map(|timeout| (timeout, flags, outcome));
                if status == 204 { Reply::empty(204) } else { Reply::new(status, JSON, body) }
            }
            Err(error) => {
                // An empty array is answered as OpenTSDB does, but nothing was refused.
                if error.message != put::NO_DATAPOINTS {
                    intake.reject(Protocol::Http, &error.reject, &request.body);
                }
                let (status, body) = put::reply::refusal(&error);
                Reply::new(status, JSON, body)
            }
        };
        self.put = scratch;
        // The node closed in the midst of the body: none of it may pass for taken.
        if closed {
            self.conns[place].has_points = true;
            let reason = node.engine.stopped().unwrap_or_default();
            return self.answer(place, &unavailable(&reason));
        }
        // What was lost is answered already, and the connection ends.
        if lost {
            return;
        }
        let conn = &mut self.conns[place];
        let (start, headers) = (conn.out.len(), conn.further_headers.clone());
        // An answer in front that waits for the same sync, without a limit, is waited for.
        let first = conn.released == start || !(conn.wants_sync || self.node.policy.sync_each);
        conn.has_points = true;
        conn.wants_sync |= query.has("sync");
        self.answer(place, &answer);
        if let Some((timeout, flags, outcome)) = wait.filter(|_| first) {
            let until = self.now() + timeout;
            let answer_bytes = self.conns[place].out.len() - start;
            let listed = flags.details.then(|| Listed { body: request.body.clone(), extra });
            let wait = SyncWait { until, answer_bytes, headers, flags, outcome, listed };
            self.bound_wait(place, wait);
        }
    }
}
