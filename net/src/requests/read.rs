//! Requests that read or that a worker answers: exports, series, labels, suggestions.

use super::pages::page;
use crate::agents;
use crate::assign::{self, AssignTask};
use crate::delete::DeleteTask;
use crate::event_loop::EventLoop;
use crate::http::head::Method;
use crate::http::query::Query;
use crate::http::reply::{Framing, PLAIN_JSON, Reply};
use crate::http::router::Route;
use crate::http::session::Request;
use crate::memory::Level;
use crate::node::Node;
use crate::read::args::{self, ExportArgs};
use crate::read::cardinality;
use crate::read::formats::{Columns, Format};
use crate::read::label_task::LabelTask;
use crate::read::labels;
use crate::read::pages::What;
use crate::read::task::{ExportTask, Ticket};
use crate::snapshot::SnapshotTask;
use crate::workers::{Step, Task};
use std::sync::Arc;

impl EventLoop {
    /// Requests that read: everything taken so far is committed first, so that they see it.
    pub(super) fn read_request(&mut self, place: usize, route: Route, request: &Request) {
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
            Route::Delete => {
                let framing = self.conns[place].framing;
                self.begin_task(place, Box::new(DeleteTask::new(node, framing, query, now_ms)));
            }
            Route::Snapshot(verb) => {
                let framing = self.conns[place].framing;
                self.begin_task(place, Box::new(SnapshotTask { node, framing, query, verb }));
            }
            Route::Suggest => {
                let post = request.head.method == Method::Post;
                match agents::suggest_query(post, query, &request.body) {
                    Ok(query) => {
                        let framing = self.conns[place].framing;
                        self.begin_task(place, Box::new(SuggestTask { node, framing, query }));
                    }
                    Err(answer) => self.answer(place, &answer),
                }
            }
            Route::Cardinality => {
                let framing = self.conns[place].framing;
                self.begin_task(place, Box::new(CardinalityTask { node, framing, query }));
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
        if let Err(refusal) = self.node.memory.check(Level::Scarce) {
            return self.answer(place, &Reply::text(503, refusal.message));
        }
        match Ticket::take(&self.node) {
            Ok(ticket) => self.begin_task(place, Box::new(ExportTask::new(ticket, args, framing))),
            Err(text) => self.answer(place, &Reply::text(503, text)),
        }
    }

    fn start_labels(&mut self, place: usize, what: What, query: Query, now_ms: i64) {
        let framing = self.conns[place].framing;
        if let Err(refusal) = self.node.memory.check(Level::Scarce) {
            return self.answer(place, &Reply::text(503, refusal.message));
        }
        // Without chunks the end of a long answer is the end of the connection.
        self.conns[place].framing.keep_alive &= framing.chunked;
        let framing = self.conns[place].framing;
        let node = self.node.clone();
        self.begin_task(place, Box::new(LabelTask::new(node, framing, what, query, now_ms)));
    }

    fn begin_task(&mut self, place: usize, task: Box<dyn Task>) {
        let conn = &mut self.conns[place];
        conn.busy = true;
        let id = conn.id;
        self.submit(id, task);
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

struct CardinalityTask {
    node: Arc<Node>,
    framing: Framing,
    query: Query,
}

impl Task for CardinalityTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        whole(cardinality::answer(&self.node, &self.query), self.framing, out)
    }
}

/// An answer that was made in one step, or the error.
fn whole(body: Result<Vec<u8>, String>, framing: Framing, out: &mut Vec<u8>) -> Step {
    let answer = match body {
        Ok(body) => Reply::new(200, PLAIN_JSON, body),
        Err(text) => Reply::new(400, PLAIN_JSON, labels::error_body(&text)),
    };
    answer.packed(framing).write(out, framing);
    Step::Done
}
