//! HTTP requests of an event loop: what is answered at once, what becomes points, what becomes a
//! task for a worker. Here the way to that: `put`, `import`, `read`, `maintain` and
//! `pages` do it.

mod import;
pub(crate) mod known;
mod maintain;
mod pages;
mod put;
mod read;

use crate::conn::Speaks;
use crate::event_loop::{EventLoop, spoken, unavailable};
use crate::http::query::Query;
use crate::http::reply::{Framing, Reply};
use crate::http::router::{Port, Route, route};
use crate::http::session::{Request, Taken};
use crate::intake::Intake;
use crate::kairosdb;
use crate::memory::{Level, SMALL_BODY_BYTES};
use crate::put::What as Points;
use crate::reject::{Protocol, Reason, Reject};
use std::sync::atomic::Ordering::Relaxed;

/// Larger bodies leave no memory for those behind them.
const KEPT_BODY_BYTES_MAX: usize = 1 << 20;

impl EventLoop {
    /// Takes bytes of an HTTP connection; how many, and whether to try again at once.
    pub(crate) fn take_http(&mut self, place: usize, bytes: &[u8]) -> (usize, bool) {
        let scarce = self.node.memory.check(Level::Scarce);
        let most = self.node.policy.body_bytes_max;
        let limit = if scarce.is_err() { most.min(SMALL_BODY_BYTES) } else { most };
        let conn = &mut self.conns[place];
        let Speaks::Http(session) = &mut conn.speaks else { return (0, false) };
        let (taken, found) = session.take(bytes, limit, &mut conn.out, &mut self.spare_body);
        match found {
            Taken::Incomplete => {
                self.refuse_large_body(place);
                (taken, false)
            }
            Taken::Request(request) => {
                conn.begun = None;
                self.request(place, request);
                (taken, true)
            }
            Taken::Refused(mut answer, mut reject) => {
                if let (Reason::BodyTooLarge, Err(refusal)) = (reject.reason, scarce) {
                    answer = Reply::error(503, "Memory is scarce", Some(&refusal.message));
                    reject = refusal;
                }
                self.refuse(place, &answer, &reject, bytes);
                (taken, false)
            }
        }
    }

    /// Refuses a body that is large already and whose rest is still to come, while memory is scarce.
    fn refuse_large_body(&mut self, place: usize) {
        let Speaks::Http(session) = &mut self.conns[place].speaks else { return };
        if session.body_bytes() <= SMALL_BODY_BYTES {
            return;
        }
        if let Err(refusal) = self.node.memory.check(Level::Scarce) {
            **session = Default::default();
            let answer = Reply::error(503, "Memory is scarce", Some(&refusal.message));
            self.refuse(place, &answer, &refusal, b"");
        }
    }

    pub(crate) fn refuse_large_bodies(&mut self) {
        let places: Vec<usize> = self.conns.iter().map(|(place, _)| place).collect();
        for place in places {
            if !self.conns[place].closing && self.conns[place].may_take() {
                self.refuse_large_body(place);
                let conn = &mut self.conns[place];
                if conn.closing {
                    conn.released = conn.out.len();
                    self.touch(place);
                }
            }
        }
    }

    pub(crate) fn refuse(&mut self, place: usize, answer: &Reply, reject: &Reject, input: &[u8]) {
        let conn = &mut self.conns[place];
        let framing = Framing { keep_alive: false, chunked: true, head_only: false, gzip: false };
        if conn.port == Port::Kairosdb {
            let texts = [reject.message.as_str()];
            kairosdb::errors::reply(answer.status, texts).write(&mut conn.out, framing);
        } else {
            answer.write(&mut conn.out, framing);
        }
        conn.closing = true;
        let protocol = spoken(conn).unwrap_or(Protocol::Http);
        self.intake(place).reject(protocol, reject, input);
    }

    pub(crate) fn intake(&mut self, place: usize) -> Intake<'_> {
        Intake {
            node: &self.node,
            policy: &self.node.policy,
            lookup: &mut self.lookup,
            pending: &mut self.pending,
            peer: Some(self.conns[place].peer),
            oldest_ms: self.node.engine.oldest_ms(),
        }
    }

    fn request(&mut self, place: usize, mut request: Box<Request>) {
        self.requests += 1;
        self.note_sender(place, request.body.len());
        let conn = &mut self.conns[place];
        conn.framing = request.framing();
        conn.closing |= !conn.framing.keep_alive;
        match self.node.policy.origins.judge(&request.head) {
            Ok(headers) => conn.further_headers = headers,
            Err(answer) => return self.answer(place, &answer),
        }
        let conn = &mut self.conns[place];
        match route(conn.port, &request.head.method, request.head.path()) {
            Err(answer) => self.answer(place, &answer),
            Ok(Route::Put | Route::Histogram | Route::Import | Route::Datapoints)
                if !self.node.engine.gate().is_open() =>
            {
                self.refuse_closed(place);
            }
            Ok(Route::Put | Route::Histogram | Route::Import | Route::Datapoints)
                if self.is_full()
                    && (request.body.len() <= SMALL_BODY_BYTES
                        || self.node.memory.level() < Level::Scarce) =>
            {
                // Taken up again when a flush has made room; nothing else is read meanwhile.
                self.conns[place].deferred = Some(request);
                return self.wait_for_room();
            }
            Ok(Route::Put | Route::Histogram | Route::Import | Route::Datapoints)
                if self.is_full() =>
            {
                let refused = self.node.memory.check(Level::Scarce);
                let reason = refused.err().map_or(String::new(), |refusal| refusal.message);
                self.refuse_for(place, Reason::Memory, reason);
            }
            Ok(Route::Put) => self.put(place, &request, Points::Numbers),
            Ok(Route::Histogram) => self.put(place, &request, Points::Histograms),
            Ok(Route::Rollup) => self.put(place, &request, Points::Rollups),
            Ok(Route::Import) => self.import(place, &request),
            Ok(Route::Datapoints) => self.datapoints(place, &request),
            Ok(route) => {
                self.count_requests();
                self.read_request(place, route, &request);
            }
        }
        if request.body.capacity() <= KEPT_BODY_BYTES_MAX {
            self.spare_body = std::mem::take(&mut request.body);
        }
    }

    /// Counts the requests of this turn so far where all can see them.
    pub(crate) fn count_requests(&mut self) {
        match std::mem::take(&mut self.requests) {
            0 => {}
            count => _ = self.node.counters.requests_total.fetch_add(count, Relaxed),
        }
    }

    pub(crate) fn take_deferred(&mut self, place: usize) {
        if let Some(request) = self.conns[place].deferred.take() {
            if !self.node.engine.gate().is_open() {
                return self.refuse_closed(place);
            }
            match route(self.conns[place].port, &request.head.method, request.head.path()) {
                Ok(Route::Import) => self.import(place, &request),
                Ok(Route::Histogram) => self.put(place, &request, Points::Histograms),
                Ok(Route::Datapoints) => self.datapoints(place, &request),
                _ => self.put(place, &request, Points::Numbers),
            }
        }
    }

    /// Answers a request with points while none are taken; the connection goes on.
    fn refuse_closed(&mut self, place: usize) {
        let reason = self.node.engine.stopped().unwrap_or_default();
        self.refuse_for(place, Reason::Unavailable, reason);
    }

    fn refuse_for(&mut self, place: usize, why: Reason, reason: String) {
        let (protocol, answer) = match self.conns[place].port {
            Port::Kairosdb => (Protocol::Kairosdb, kairosdb::serve::unavailable(&reason)),
            _ => (Protocol::Http, unavailable(&reason)),
        };
        self.intake(place).reject(protocol, &Reject::new(why, reason), b"");
        self.answer(place, &answer);
    }

    pub(crate) fn answer(&mut self, place: usize, answer: &Reply) {
        let conn = &mut self.conns[place];
        let mut out = std::mem::take(&mut conn.out);
        let start = out.len();
        answer.write(&mut out, conn.framing);
        conn.add_headers(&mut out, start);
        conn.out = out;
    }

    /// Commits in the middle of a request when enough has come together; whether all went well.
    fn commit_if_many(&mut self, place: usize) -> bool {
        self.conns[place].has_points = true;
        self.commit_if_large()
    }
}

fn extra_labels(query: &Query, strict: bool) -> Result<Vec<(String, String)>, String> {
    if strict {
        return Ok(Vec::new());
    }
    let pair = |text: &str| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name != "__name__" => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(format!("Invalid extra_label: {text} (expected name=value)")),
    };
    query.all(&["extra_label"]).map(pair).collect()
}
