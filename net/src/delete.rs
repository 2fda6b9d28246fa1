//! `/api/v1/admin/tsdb/delete_series`: the samples of the matching series in a range of time are gone
//! once it has answered, and stay gone. What is accepted later stays.

use crate::http::query::Query;
use crate::http::reply::{Framing, Reply};
use crate::node::Node;
use crate::read::args;
use crate::read::find::Found;
use crate::workers::{Step, Task};
use crossbeam::channel::bounded;
use std::sync::Arc;

/// What is to be deleted; the arguments are those of an export.
pub struct DeleteTask {
    node: Arc<Node>,
    framing: Framing,
    query: Query,
    now_ms: i64,
}

impl DeleteTask {
    /// A delete of everything accepted so far.
    pub fn new(node: Arc<Node>, framing: Framing, query: Query, now_ms: i64) -> DeleteTask {
        DeleteTask { node, framing, query, now_ms }
    }

    fn delete(&self) -> Result<(), Reply> {
        let args = args::delete(&self.query, self.now_ms);
        let (selectors, times) = args.map_err(|text| Reply::text(400, text))?;
        let engine = &self.node.engine;
        let found = Found::search(engine, &selectors, engine.registry().len());
        if let Err(error) = engine.registry().check() {
            return Err(Reply::error(503, "Nothing was deleted", Some(&error.to_string())));
        }
        if found.is_empty() {
            return Ok(());
        }
        let series = (0..found.len()).map(|at| found.get(at).0).collect();
        // It waits for a flush and a few syncs; workers may.
        let (sender, answer) = bounded(1);
        engine.delete(series, times, Box::new(move |outcome| drop(sender.send(outcome))));
        let outcome = answer.recv().unwrap_or_else(|_| Err("the node is stopping".into()));
        outcome.map_err(|reason| Reply::error(503, "Nothing was deleted", Some(&reason)))
    }
}

impl Task for DeleteTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        let answer = self.delete().err().unwrap_or_else(|| Reply::empty(204));
        answer.write(out, self.framing);
        Step::Done
    }
}
