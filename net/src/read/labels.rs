//! The label endpoints: series, labels, values of a label, as Prometheus answers them.

use super::args;
use super::find::{Found, label};
use super::json_line::{push_labels, push_string};
use crate::http::query::Query;
use crate::node::Node;
use irontsd_engine::name;
use irontsd_engine::scan::{Cursor, Scan, Snapshot};
use irontsd_engine::types::{Samples, SeriesId};
use std::collections::BTreeSet;

/// Which of the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// `/api/v1/series`
    Series,
    /// `/api/v1/labels`
    Labels,
    /// `/api/v1/label/<name>/values`
    Values(String),
}

/// The whole body, or the text of an error.
pub fn answer(
    node: &Node,
    what: &What,
    query: &Query,
    snapshot: &Snapshot,
    now_ms: i64,
) -> Result<Vec<u8>, String> {
    let args = args::labels(query, now_ms)?;
    if *what == What::Series && query.all(&["match", "match[]"]).next().is_none() {
        return Err(args::MISSING_MATCH.into());
    }
    let limit = args.limit;
    let registry = node.engine.registry();
    let found = Found::search(registry, &args.selectors, registry.len());
    let mut within = Within::new(snapshot.scan(None, args.range));
    let mut out = b"{\"status\":\"success\",\"data\":[".to_vec();
    let mut texts = BTreeSet::new();
    let mut count = 0;
    for at in 0..found.len() {
        let (series, name) = found.get(at);
        if !within.has(series).map_err(|error| error.to_string())? {
            continue;
        }
        match what {
            What::Series if count < limit => {
                separate(&mut out, count);
                push_labels(&mut out, name);
                count += 1;
            }
            What::Series => break,
            What::Labels => add_labels(name, &mut texts),
            What::Values(key) => texts.extend(label(name, key).map(|v| v.into_owned())),
        }
    }
    for (at, text) in texts.iter().take(limit).enumerate() {
        separate(&mut out, at);
        push_string(&mut out, text.as_bytes());
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}

fn separate(out: &mut Vec<u8>, before: usize) {
    if before > 0 {
        out.push(b',');
    }
}

fn add_labels(name: &[u8], texts: &mut BTreeSet<String>) {
    texts.insert("__name__".into());
    texts.extend(name::tags(name).map(|(key, _)| String::from_utf8_lossy(&key).into_owned()));
}

/// Whether a series has a sample in the range.
struct Within {
    scan: Scan,
    cursor: Cursor,
    samples: Samples,
}

impl Within {
    fn new(scan: Scan) -> Within {
        Within { scan, cursor: Cursor::default(), samples: Samples::default() }
    }

    fn has(&mut self, series: SeriesId) -> irontsd_engine::error::Result<bool> {
        self.samples.clear();
        self.cursor.seek(&self.scan, series)?;
        self.cursor.read(&self.scan, series, 1, &mut self.samples)?;
        Ok(!self.samples.is_empty())
    }
}

/// The answer to a bad argument, as Prometheus gives it.
pub fn error_body(text: &str) -> Vec<u8> {
    let mut out = b"{\"status\":\"error\",\"errorType\":\"400\",\"error\":".to_vec();
    crate::put::reply::push_json_string(&mut out, text);
    out.push(b'}');
    out
}
