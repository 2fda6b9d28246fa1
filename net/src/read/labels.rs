//! The label endpoints: series, labels, values of a label, as Prometheus answers them.

use super::args;
use super::find::{find, first_names, groups};
use super::json_line::{push_labels, push_string};
use crate::http::query::Query;
use crate::node::Node;
use irontsd_engine::index::{Listing, Texts};
use irontsd_engine::rows::SeriesSet;
use irontsd_engine::scan::{Cursor, Scan, Snapshot};
use irontsd_engine::types::{Samples, SeriesId};

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
    let (engine, limit) = (&node.engine, args.limit);
    let (registry, index) = (engine.registry(), engine.index());
    let len = registry.len();
    let listing = match what {
        What::Series => {
            let found = find(engine, &args.selectors, len);
            let wanted = found.iter().copied().collect();
            let mut within = Within::new(snapshot.scan(Some(&wanted), args.range));
            let names = first_names(engine, found, limit, |series| within.has(series));
            let names = names.map_err(|error| error.to_string())?;
            registry.check().map_err(|error| error.to_string())?;
            return Ok(body(&names, |out, name| push_labels(out, name)));
        }
        What::Labels => Listing::Labels,
        What::Values(label) => Listing::Values(label.as_bytes()),
    };
    let mut within = Within::new(snapshot.scan(None, args.range));
    let mut texts = Texts::new(b"", limit);
    let mut counts = |series| within.has(series);
    let groups = groups(&args.selectors);
    let listed = index.list(registry, &groups, len, listing, &mut counts, &mut texts);
    listed.and_then(|()| registry.check()).map_err(|error| error.to_string())?;
    Ok(body(texts.iter(), push_string))
}

fn body<T>(items: impl IntoIterator<Item = T>, mut push: impl FnMut(&mut Vec<u8>, T)) -> Vec<u8> {
    let mut out = b"{\"status\":\"success\",\"data\":[".to_vec();
    for (at, item) in items.into_iter().enumerate() {
        separate(&mut out, at);
        push(&mut out, item);
    }
    out.extend_from_slice(b"]}");
    out
}

fn separate(out: &mut Vec<u8>, before: usize) {
    if before > 0 {
        out.push(b',');
    }
}

/// Whether a series has a sample in the range.
struct Within {
    scan: Scan,
    cursor: Cursor,
    samples: Samples,
    /// Asked about before and found to have none: a series has many labels.
    without: SeriesSet,
}

impl Within {
    fn new(scan: Scan) -> Within {
        let (cursor, samples, without) = Default::default();
        Within { scan, cursor, samples, without }
    }

    fn has(&mut self, series: SeriesId) -> irontsd_engine::error::Result<bool> {
        if self.without.contains(series) {
            return Ok(false);
        }
        self.samples.clear();
        self.cursor.seek(&self.scan, series)?;
        self.cursor.read(&self.scan, series, 1, &mut self.samples)?;
        if self.samples.is_empty() {
            self.without.insert(series);
        }
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
