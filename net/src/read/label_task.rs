//! A list of series, labels or values as a task for a worker: whole where it fits into a piece, else
//! streamed.

use super::labels::{Answer, error_body};
use super::pages::What;
use super::task::Ticket;
use crate::http::query::Query;
use crate::http::reply::{Framing, PLAIN_JSON, Reply};
use crate::http::stream::Stream;
use crate::node::Node;
use crate::workers::{Step, Task};
use irontsd_engine::scan::Snapshot;
use std::sync::Arc;

/// See the module.
pub struct LabelTask {
    node: Arc<Node>,
    framing: Framing,
    state: State,
}

enum State {
    Asked { what: What, query: Query, snapshot: Snapshot, now_ms: i64 },
    Going(Box<(Answer, Stream, Ticket)>),
}

impl LabelTask {
    /// A list of what is stored by now.
    pub fn new(
        node: Arc<Node>,
        framing: Framing,
        what: What,
        query: Query,
        now_ms: i64,
    ) -> LabelTask {
        let snapshot = node.engine.snapshot();
        LabelTask { node, framing, state: State::Asked { what, query, snapshot, now_ms } }
    }

    /// The answer, or its beginning: a stream that goes on.
    fn begin(&self, out: &mut Vec<u8>) -> Result<Option<State>, Reply> {
        let State::Asked { what, query, snapshot, now_ms } = &self.state else { return Ok(None) };
        let bad = |text: String| Reply::new(400, PLAIN_JSON, error_body(&text));
        let mut answer =
            Answer::start(&self.node, what.clone(), query, snapshot, *now_ms).map_err(bad)?;
        let mut piece = Vec::new();
        if !answer.step(&mut piece).map_err(|error| bad(error.to_string()))? {
            Reply::new(200, PLAIN_JSON, piece).packed(self.framing).write(out, self.framing);
            return Ok(None);
        }
        if self.framing.head_only {
            Reply::new(200, PLAIN_JSON, Vec::new()).write(out, self.framing);
            return Ok(None);
        }
        // It holds what an export in progress holds.
        let ticket = Ticket::take(&self.node).map_err(|text| Reply::text(503, text))?;
        let mut stream = Stream::begin(out, PLAIN_JSON, "", self.framing);
        stream.piece(out, |out| out.append(&mut piece));
        Ok(Some(State::Going(Box::new((answer, stream, ticket)))))
    }
}

impl Task for LabelTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        if let State::Going(going) = &mut self.state {
            let (answer, stream, _ticket) = &mut **going;
            return match stream.piece(out, |out| answer.step(out)) {
                Ok(true) => Step::More,
                Ok(false) => {
                    stream.end(out, "");
                    Step::Done
                }
                // Without the final chunk the client sees that it is not all.
                Err(error) => {
                    stream.break_off(out);
                    tracing::debug!("a list ends early: {error}");
                    Step::Broken
                }
            };
        }
        match self.begin(out) {
            Ok(Some(going)) => {
                self.state = going;
                return Step::More;
            }
            Ok(None) => {}
            Err(answer) => answer.packed(self.framing).write(out, self.framing),
        }
        Step::Done
    }
}
