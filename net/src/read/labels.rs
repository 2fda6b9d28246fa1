//! The label endpoints: series, labels, values of a label, as Prometheus answers them, in pieces.

use super::args;
use super::find::{find_set, groups};
use super::pages::{Pages, What};
use super::within::Within;
use crate::http::query::Query;
use crate::node::Node;
use irontsd_engine::error::Result;
use irontsd_engine::rows::SeriesSet;
use irontsd_engine::scan::Snapshot;
use std::sync::Arc;

/// A piece ends when it has this many bytes.
const PIECE_BYTES: usize = 256 << 10;

/// An answer in the making.
pub struct Answer {
    node: Arc<Node>,
    pages: Pages,
    /// Entries that may still be shown.
    left: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Whether an entry was shown.
    Entries(bool),
}

impl Answer {
    /// Finds the series; an error is the answer's text.
    pub fn start(
        node: &Arc<Node>,
        what: What,
        query: &Query,
        snapshot: &Snapshot,
        now_ms: i64,
    ) -> std::result::Result<Answer, String> {
        let args = args::labels(query, &what, now_ms)?;
        if what == What::Series && query.all(&["match", "match[]"]).next().is_none() {
            return Err(args::MISSING_MATCH.into());
        }
        let engine = &node.engine;
        let len = engine.registry().len();
        let all = groups(&args.selectors).iter().any(Vec::is_empty) || args.selectors.is_empty();
        let among = (!all).then(|| find_set(engine, &args.selectors, len));
        engine.registry().check().map_err(|error| error.to_string())?;
        let wanted: Option<SeriesSet> = among.as_ref().map(|among| among.iter().collect());
        let within = Within::new(snapshot.scan(wanted.as_ref(), args.range));
        let pages = Pages::new(what, among, len, within, args.after);
        Ok(Answer { node: node.clone(), pages, left: args.limit, stage: Stage::Begin })
    }

    /// Appends the next piece; whether there is more.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        if self.stage == Stage::Begin {
            out.extend_from_slice(b"{\"status\":\"success\",\"data\":[");
            self.stage = Stage::Entries(false);
        }
        let end = out.len() + PIECE_BYTES;
        let mut turned = false;
        loop {
            while let Some(entry) = self.pages.take_next() {
                if self.left == 0 {
                    out.extend_from_slice(TRUNCATED);
                    return Ok(false);
                }
                self.left -= 1;
                if self.stage == Stage::Entries(true) {
                    out.push(b',');
                }
                self.stage = Stage::Entries(true);
                self.pages.push(out, &entry);
                if out.len() >= end {
                    return Ok(true);
                }
            }
            // To find a page may take a while: whoever asked may be gone after the first.
            if turned && self.pages.may_go_on() {
                return Ok(true);
            }
            turned = true;
            // One more than may be shown tells whether something is left out.
            let found = self.pages.turn(&self.node.engine, self.left.saturating_add(1))?;
            self.node.engine.registry().check()?;
            if !found {
                out.extend_from_slice(b"]}");
                return Ok(false);
            }
        }
    }
}

/// The end of an answer that leaves something out, as Prometheus says it.
const TRUNCATED: &[u8] = b"],\"warnings\":[\"results truncated due to limit\"]}";

/// The answer to a bad argument, as Prometheus gives it.
pub fn error_body(text: &str) -> Vec<u8> {
    let mut out = b"{\"status\":\"error\",\"errorType\":\"400\",\"error\":".to_vec();
    crate::put::reply::push_json_string(&mut out, text);
    out.push(b'}');
    out
}
