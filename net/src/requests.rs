//! HTTP requests of an event loop: what is answered at once, what becomes points, what becomes a
//! task for a worker.

use crate::agents;
use crate::assign::{self, AssignTask};
use crate::conn::Speaks;
use crate::event_loop::{EventLoop, spoken};
use crate::http::head::Method;
use crate::http::query::Query;
use crate::http::reply::{Framing, JSON, PLAIN_JSON, Reply, TEXT};
use crate::http::router::{Port, Route, route};
use crate::http::session::{Request, Taken};
use crate::http::stream::Stream;
use crate::import;
use crate::inbox::{ConnId, Message};
use crate::intake::{Content, Intake};
use crate::kairosdb;
use crate::node::Node;
use crate::put::{self, What as Points};
use crate::read::args::{self, ExportArgs};
use crate::read::formats::{Columns, Format};
use crate::read::labels::{self, What};
use crate::read::task::{ExportTask, Ticket};
use crate::reject::{Protocol, Reason, Reject};
use crate::status;
use crate::sync_wait::{self, Listed, SyncWait};
use crate::telnet;
use crate::workers::{Step, Task};
use irontsd_engine::merger::Progress;
use irontsd_engine::scan::Snapshot;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl EventLoop {
    /// Takes bytes of an HTTP connection; how many, and whether to try again at once.
    pub(crate) fn take_http(&mut self, place: usize, bytes: &[u8]) -> (usize, bool) {
        let limit = self.node.policy.body_bytes_max;
        let conn = &mut self.conns[place];
        let Speaks::Http(session) = &mut conn.speaks else { return (0, false) };
        let (taken, found) = session.take(bytes, limit, &mut conn.out);
        match found {
            Taken::Incomplete => (taken, false),
            Taken::Request(request) => {
                self.request(place, request);
                (taken, true)
            }
            Taken::Refused(answer, reject) => {
                self.refuse(place, &answer, &reject, bytes);
                (taken, false)
            }
        }
    }

    fn refuse(&mut self, place: usize, answer: &Reply, reject: &Reject, input: &[u8]) {
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
        }
    }

    fn request(&mut self, place: usize, request: Box<Request>) {
        self.node.counters.requests_total.fetch_add(1, Relaxed);
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
                if self.shard.is_full() =>
            {
                // Taken up again when a flush has made room; nothing else is read meanwhile.
                self.conns[place].deferred = Some(request);
                self.wait_for_room();
            }
            Ok(Route::Put) => self.put(place, &request, Points::Numbers),
            Ok(Route::Histogram) => self.put(place, &request, Points::Histograms),
            Ok(Route::Rollup) => self.put(place, &request, Points::Rollups),
            Ok(Route::Import) => self.import(place, &request),
            Ok(Route::Datapoints) => self.datapoints(place, &request),
            Ok(route) => self.read_request(place, route, &request),
        }
    }

    pub(crate) fn take_deferred(&mut self, place: usize) {
        if let Some(request) = self.conns[place].deferred.take() {
            match route(self.conns[place].port, &request.head.method, request.head.path()) {
                Ok(Route::Import) => self.import(place, &request),
                Ok(Route::Histogram) => self.put(place, &request, Points::Histograms),
                Ok(Route::Datapoints) => self.datapoints(place, &request),
                _ => self.put(place, &request, Points::Numbers),
            }
        }
    }

    pub(crate) fn answer(&mut self, place: usize, answer: &Reply) {
        let conn = &mut self.conns[place];
        let mut out = std::mem::take(&mut conn.out);
        let start = out.len();
        answer.write(&mut out, conn.framing);
        conn.add_headers(&mut out, start);
        conn.out = out;
    }

    fn put(&mut self, place: usize, request: &Request, what: Points) {
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
        let mut scratch = std::mem::take(&mut self.put);
        let node = self.node.clone();
        let mut lost = false;
        let mut sink = |name: &[u8], timestamp_ms, value: Content<'_>| {
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
        let outcome = match what {
            Points::Numbers => {
                let mut out = |name: &[u8], ms, value| sink(name, ms, Content::Number(value));
                put::judge(body, now_ms, policy, &extra, &mut scratch, &mut out)
            }
            Points::Histograms => {
                let mut out =
                    |name: &[u8], ms, bytes: &[u8]| sink(name, ms, Content::Histogram(bytes));
                put::judge_histograms(body, now_ms, policy, &extra, &mut scratch, &mut out)
            }
            Points::Rollups => put::rollup::judge(body, now_ms, policy, &extra, &mut scratch),
        };
        let intake = self.intake(place);
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

    fn import(&mut self, place: usize, request: &Request) {
        let extra = match extra_labels(&request.url_query(), false) {
            Ok(extra) => extra,
            Err(text) => return self.answer(place, &Reply::text(400, text)),
        };
        let node = self.node.clone();
        let mut lost = false;
        let outcome = import::judge(&request.body, &node.policy, &extra, |name, samples| {
            let points = samples.iter().map(|(ms, sample)| (*ms, sample.content()));
            lost = lost || !self.take_series(place, Protocol::Import, name, points)?;
            Ok(())
        });
        for (line, reject) in &outcome.errors {
            let input = format!("line {line}");
            self.intake(place).reject(Protocol::Import, reject, input.as_bytes());
        }
        for (reason, count) in outcome.more() {
            node.rejections.count_more(Protocol::Import, reason, count);
        }
        // What was lost is answered already, and the connection ends.
        if !lost {
            let (status, body) = import::answer(&outcome);
            let content_type = if status == 204 { "" } else { PLAIN_JSON };
            self.answer(place, &Reply::new(status, content_type, body));
        }
    }

    /// Takes samples of one series, in commits of a bounded size; whether all went well so far.
    pub(crate) fn take_series<'a>(
        &mut self,
        place: usize,
        protocol: Protocol,
        name: &[u8],
        samples: impl IntoIterator<Item = (i64, Content<'a>)>,
    ) -> Result<bool, Reject> {
        let series = self.intake(place).series(name)?;
        for (timestamp_ms, content) in samples {
            self.intake(place).push_content(protocol, series, timestamp_ms, content);
            if !self.commit_if_many(place) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Commits in the middle of a request when enough has come together; whether all went well.
    fn commit_if_many(&mut self, place: usize) -> bool {
        self.conns[place].has_points = true;
        self.commit_if_large()
    }

    /// Requests that read: everything taken so far is committed first, so that they see it.
    fn read_request(&mut self, place: usize, route: Route, request: &Request) {
        self.commit();
        let node = self.node.clone();
        let query = request.form_query();
        let now_ms = node.engine.env().clock.wall_ms();
        match route {
            Route::Export => {
                let format = Format::named(query.first("format"));
                self.export(place, args::export(&query, now_ms, format));
            }
            Route::ExportCsv => {
                let format = Columns::parse(query.first("format")).map(Format::Csv);
                let args = format.and_then(|format| args::export(&query, now_ms, format));
                self.export(place, args);
            }
            Route::Labels(what) => self.start_labels(place, what, query, now_ms),
            Route::Flush => self.start_flush(place),
            Route::Merge => self.start_merge(place),
            Route::Suggest => {
                let framing = self.conns[place].framing;
                self.begin_task(place, Box::new(SuggestTask { node, framing, query }));
            }
            Route::Assign => {
                let post = request.head.method == Method::Post;
                match assign::wanted(post, &request.url_query(), &request.body) {
                    Ok(wanted) => {
                        let framing = self.conns[place].framing;
                        self.begin_task(place, Box::new(AssignTask { node, framing, wanted }));
                    }
                    Err(answer) => self.answer(place, &answer),
                }
            }
            route => self.answer(place, &page(&node, &route)),
        }
    }

    fn export(&mut self, place: usize, args: Result<ExportArgs, String>) {
        match args {
            Ok(args) => self.start_export(place, args),
            Err(text) => self.answer(place, &Reply::text(400, text)),
        }
    }

    fn start_export(&mut self, place: usize, args: ExportArgs) {
        let framing = self.conns[place].framing;
        if framing.head_only {
            return self.answer(place, &Reply::new(200, args.format.content_type(), Vec::new()));
        }
        // Without chunks the end of the answer is the end of the connection.
        self.conns[place].framing.keep_alive &= framing.chunked;
        match Ticket::take(&self.node) {
            Ok(ticket) => self.begin_task(place, Box::new(ExportTask::new(ticket, args, framing))),
            Err(text) => self.answer(place, &Reply::text(503, text)),
        }
    }

    fn start_labels(&mut self, place: usize, what: What, query: Query, now_ms: i64) {
        let framing = self.conns[place].framing;
        let (node, snapshot) = (self.node.clone(), self.node.engine.snapshot());
        self.begin_task(
            place,
            Box::new(LabelsTask { node, framing, what, query, snapshot, now_ms }),
        );
    }

    fn begin_task(&mut self, place: usize, task: Box<dyn Task>) {
        let conn = &mut self.conns[place];
        conn.busy = true;
        let id = conn.id;
        self.submit(id, task);
    }

    fn start_flush(&mut self, place: usize) {
        let conn = &mut self.conns[place];
        conn.busy = true;
        let (id, handle) = (conn.id, self.handle.clone());
        let done = move |outcome| handle.send(Message::Flushed(id, outcome));
        self.node.engine.flush(Box::new(done));
    }

    /// A line for each piece of progress, then one that says that all is merged. Without it, and
    /// without the final chunk, it is not.
    fn start_merge(&mut self, place: usize) {
        let conn = &mut self.conns[place];
        conn.busy = true;
        conn.framing.keep_alive &= conn.framing.chunked;
        let (id, handle, mut bytes) = (conn.id, self.handle.clone(), Vec::new());
        let framing = Framing { gzip: false, ..conn.framing };
        let mut stream = Stream::begin(&mut bytes, TEXT, "", framing);
        conn.add_headers(&mut bytes, 0);
        conn.append(bytes);
        self.node.engine.merge(Box::new(move |progress| {
            let (text, step) = match progress {
                Progress::Going { segments, rows, of } => {
                    (format!("merging {segments} segments: {rows} of {of} samples\n"), None)
                }
                Progress::Done(Ok(())) => ("merged\n".to_owned(), Some(Step::Done)),
                Progress::Done(Err(reason)) => (format!("failed: {reason}\n"), Some(Step::Broken)),
            };
            let mut bytes = Vec::new();
            stream.piece(&mut bytes, |out| out.extend_from_slice(text.as_bytes()));
            match step {
                None => handle.send(Message::Progressed(id, bytes)),
                Some(step) => {
                    if step == Step::Done {
                        stream.end(&mut bytes, "");
                    }
                    handle.send(Message::Stepped { id, bytes, step, task: None });
                }
            }
        }));
    }

    pub(crate) fn flushed(&mut self, id: ConnId, outcome: Result<(), String>) {
        let Some(conn) = self.find(id) else { return };
        conn.busy = false;
        let answer = match outcome {
            Ok(()) => Reply::empty(200),
            Err(reason) => Reply::error(503, "The flush failed", Some(&reason)),
        };
        let mut bytes = Vec::new();
        answer.write(&mut bytes, conn.framing);
        conn.add_headers(&mut bytes, 0);
        conn.append(bytes);
        self.resume(id.place);
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

/// The small pages that are made at once.
fn page(node: &Node, route: &Route) -> Reply {
    match route {
        Route::Aggregators => agents::aggregators(),
        Route::Filters => agents::filters(),
        Route::Config => agents::config(&node.policy),
        Route::ApiStats => agents::stats(node),
        Route::Stats => agents::stats_text(node),
        Route::Health => Reply::new(200, TEXT, "OK"),
        Route::Ready => match node.engine.stopped() {
            None => Reply::new(200, TEXT, "OK"),
            Some(reason) => Reply::text(503, reason),
        },
        Route::Metrics => Reply::new(200, "text/plain; version=0.0.4", status::metrics(node)),
        Route::Rejected => Reply::new(200, JSON, status::rejected(node)),
        Route::SeriesCount => {
            let count = node.engine.registry().len();
            let body = format!("{{\"status\":\"success\",\"data\":[{count}]}}");
            Reply::new(200, PLAIN_JSON, body)
        }
        Route::Version => Reply::new(200, "text/plain; charset=UTF-8", telnet::version()),
        Route::KairosdbVersion => {
            let body = format!("{{\"version\": \"{}\"}}", kairosdb::version());
            Reply::new(200, PLAIN_JSON, body)
        }
        Route::ApiVersion => {
            let version = env!("CARGO_PKG_VERSION");
            Reply::new(
                200,
                JSON,
                format!(
                    "{{\"version\":\"{version}\",\"short_revision\":\"\",\"full_revision\":\"\",\
                 \"timestamp\":\"0\",\"repo_status\":\"MINT\",\"user\":\"\",\"host\":\"\",\
                 \"repo\":\"irontsd\",\"branch\":\"\"}}"
                ),
            )
        }
        _ => Reply::error(404, "Endpoint not found", None),
    }
}

struct SuggestTask {
    node: Arc<Node>,
    framing: Framing,
    query: Query,
}

impl Task for SuggestTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        agents::suggest(&self.node, &self.query).packed(self.framing).write(out, self.framing);
        Step::Done
    }
}

struct LabelsTask {
    node: Arc<Node>,
    framing: Framing,
    what: What,
    query: Query,
    snapshot: Snapshot,
    now_ms: i64,
}

impl Task for LabelsTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        let body = labels::answer(&self.node, &self.what, &self.query, &self.snapshot, self.now_ms);
        let answer = match body {
            Ok(body) => Reply::new(200, PLAIN_JSON, body),
            Err(text) => Reply::new(400, PLAIN_JSON, labels::error_body(&text)),
        };
        answer.packed(self.framing).write(out, self.framing);
        Step::Done
    }
}
