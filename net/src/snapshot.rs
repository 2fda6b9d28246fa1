//! `/snapshot/create`, `/snapshot/list`, `/snapshot/delete`, `/snapshot/delete_all`: paths and answers
//! are those of VictoriaMetrics (its documentation, "How to work with snapshots").

use crate::http::query::Query;
use crate::http::reply::{Framing, JSON, Reply};
use crate::node::Node;
use crate::put::reply::push_json_string;
use crate::read::civil::Civil;
use crate::workers::{Step, Task};
use crossbeam::channel::bounded;
use irontsd_engine::engine::Engine;
use std::sync::Arc;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Make a snapshot of everything accepted.
    Create,
    /// Name those there are.
    List,
    /// Remove the one that `snapshot` names.
    Delete,
    /// Remove all.
    DeleteAll,
}

/// A request for snapshots, for a worker: it waits for a flush, or for files to be removed.
pub struct SnapshotTask {
    /// The node.
    pub node: Arc<Node>,
    /// How to answer.
    pub framing: Framing,
    /// Its arguments.
    pub query: Query,
    /// What is to be done.
    pub verb: Verb,
}

impl SnapshotTask {
    fn answer(&self) -> Result<String, Reply> {
        let engine = &self.node.engine;
        match self.verb {
            Verb::Create => create(engine),
            Verb::List => {
                let names = engine.snapshots().map_err(|error| refusal(500, &error.to_string()))?;
                let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                Ok(format!(r#"{{"status":"ok","snapshots":[{}]}}"#, names.join(",")))
            }
            Verb::Delete => {
                let name = self.query.first("snapshot").unwrap_or_default();
                if name.is_empty() {
                    return Err(refusal(400, "the argument `snapshot` is missing"));
                }
                delete(engine, name)
            }
            Verb::DeleteAll => {
                let names = engine.snapshots().map_err(|error| refusal(500, &error.to_string()))?;
                names.iter().try_for_each(|name| delete(engine, name).map(drop))?;
                Ok(ok())
            }
        }
    }
}

fn create(engine: &Engine) -> Result<String, Reply> {
    let now = Civil::of(engine.env().clock.wall_ms());
    let name = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}-{:08X}",
        now.year,
        now.month,
        now.day,
        now.hour,
        now.minute,
        now.second,
        engine.env().chance.number() as u32
    );
    let (sender, answer) = bounded(1);
    engine.create_snapshot(name.clone(), Box::new(move |outcome| drop(sender.send(outcome))));
    let outcome = answer.recv().unwrap_or_else(|_| Err("the node is stopping".into()));
    outcome.map_err(|reason| refusal(503, &format!("no snapshot was made: {reason}")))?;
    Ok(format!(r#"{{"status":"ok","snapshot":{}}}"#, quoted(&name)))
}

fn delete(engine: &Engine, name: &str) -> Result<String, Reply> {
    match engine.remove_snapshot(name) {
        Ok(true) => Ok(ok()),
        Ok(false) => Err(refusal(404, &format!("no such snapshot: {name}"))),
        Err(error) => Err(refusal(500, &error.to_string())),
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    push_json_string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

fn ok() -> String {
    r#"{"status":"ok"}"#.to_owned()
}

fn refusal(status: u16, reason: &str) -> Reply {
    Reply::new(status, JSON, format!(r#"{{"status":"error","msg":{}}}"#, quoted(reason)))
}

impl Task for SnapshotTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        let answer = match self.answer() {
            Ok(body) => Reply::new(200, JSON, body),
            Err(refusal) => refusal,
        };
        answer.write(out, self.framing);
        Step::Done
    }
}
