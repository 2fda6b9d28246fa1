//! What OpenTSDB's agents and dashboards ask before or besides writing: names that start with
//! something, aggregators, filters, settings, statistics.

use crate::http::query::Query;
use crate::http::reply::{JSON, Reply};
use crate::node::Node;
use crate::policy::Policy;
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::put::reply::{bad_json, push_json_string};
use crate::status;
use irontsd_engine::assigned::NameKind;
use irontsd_engine::index::{Listing, Texts};
use irontsd_engine::name::METRIC_LABEL;
use std::collections::BTreeSet;

/// Names answered when nothing else is asked for.
const SUGGEST_MAX: usize = 25;

/// OpenTSDB's aggregators, as dashboards list them. Nothing here aggregates yet.
const AGGREGATORS: &[&str] = &[
    "mult",
    "p90",
    "zimsum",
    "mimmax",
    "sum",
    "p50",
    "none",
    "p95",
    "ep99r7",
    "p75",
    "p99",
    "ep99r3",
    "ep95r7",
    "min",
    "avg",
    "ep75r7",
    "dev",
    "ep95r3",
    "ep75r3",
    "ep50r7",
    "ep90r7",
    "mimmin",
    "p999",
    "ep50r3",
    "ep90r3",
    "ep999r7",
    "last",
    "max",
    "count",
    "ep999r3",
    "first",
    "diff",
    "median",
    "pfsum",
    "squareSum",
];

/// OpenTSDB's tag filters with an example each.
const FILTERS: &[(&str, &str, &str)] = &[
    ("literal_or", "host=literal_or(web01|web02)", "One of the values listed."),
    ("iliteral_or", "host=iliteral_or(web01|web02)", "One of the values, whatever their case."),
    ("not_literal_or", "host=not_literal_or(web01)", "None of the values listed."),
    ("not_iliteral_or", "host=not_iliteral_or(web01)", "None of them, whatever their case."),
    ("wildcard", "host=wildcard(web*)", "Any text in place of each asterisk."),
    ("iwildcard", "host=iwildcard(web*)", "The same, whatever the case."),
    ("regexp", "host=regexp(web[0-9]+)", "A regular expression found in the value."),
];

/// `/api/aggregators`
pub fn aggregators() -> Reply {
    list(AGGREGATORS.iter().copied())
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Reply {
    let mut out = b"[".to_vec();
    for (at, text) in texts.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_json_string(&mut out, text);
    }
    out.push(b']');
    Reply::new(200, JSON, out)
}

/// `/api/config/filters`
pub fn filters() -> Reply {
    let filter = |(name, examples, description): &(&str, &str, &str)| {
        format!("\"{name}\":{{\"examples\":\"{examples}\",\"description\":\"{description}\"}}")
    };
    let filters: Vec<String> = FILTERS.iter().map(filter).collect();
    Reply::new(200, JSON, format!("{{{}}}", filters.join(",")))
}

/// `/api/config`: the settings that have a name in OpenTSDB.
pub fn config(policy: &Policy) -> Reply {
    let settings = [
        ("tsd.core.auto_create_metrics", policy.creates.metrics.to_string()),
        ("tsd.core.auto_create_tagks", policy.creates.tagks.to_string()),
        ("tsd.core.auto_create_tagvs", policy.creates.tagvs.to_string()),
        ("tsd.storage.max_tags", policy.tags_max.to_string()),
        ("tsd.storage.fix_duplicates", "true".to_owned()),
        ("tsd.http.request.enable_chunked", "true".to_owned()),
        ("tsd.http.request.cors_domains", policy.origins.to_string()),
        ("tsd.http.request.max_chunk", policy.body_bytes_max.to_string()),
        ("tsd.rpc.telnet.return_errors", policy.telnet_errors.to_string()),
    ];
    let setting = |(name, value): &(&str, String)| format!("\"{name}\":\"{value}\"");
    let settings: Vec<String> = settings.iter().map(setting).collect();
    Reply::new(200, JSON, format!("{{{}}}", settings.join(",")))
}

/// `/api/stats`: the lines of telnet `stats` as objects; values are strings, as in OpenTSDB.
pub fn stats(node: &Node) -> Reply {
    let mut lines = Vec::new();
    status::telnet_stats(node, &mut lines);
    let object = |line: &str| {
        let mut words = line.split(' ');
        let (name, second) = (words.next()?, words.next()?);
        let value = words.next()?;
        let tags: Vec<String> = words
            .filter_map(|tag| tag.split_once('='))
            .map(|(key, value)| format!("\"{key}\":\"{value}\""))
            .collect();
        let tags = tags.join(",");
        Some(format!(
            "{{\"metric\":\"{name}\",\"timestamp\":{second},\"value\":\"{value}\",\
             \"tags\":{{{tags}}}}}"
        ))
    };
    let text = String::from_utf8_lossy(&lines);
    let objects: Vec<String> = text.lines().filter_map(object).collect();
    Reply::new(200, JSON, format!("[{}]", objects.join(",")))
}

/// `/stats`: the lines of telnet `stats`.
pub fn stats_text(node: &Node) -> Reply {
    let mut lines = Vec::new();
    status::telnet_stats(node, &mut lines);
    Reply::new(200, "text/plain; charset=UTF-8", lines)
}

/// What a request to `/api/suggest` asks for: in the body, if there is a JSON object, else in the query.
pub fn suggest_query(post: bool, query: Query, body: &[u8]) -> Result<Query, Reply> {
    let query = if post && body.trim_ascii_start().starts_with(b"{") {
        fields(body).map_err(bad_json)?
    } else {
        query
    };
    match query.first("type") {
        None if post => Err(Reply::error(400, "Missing 'type' parameter", None)),
        _ => Ok(query),
    }
}

/// The fields of an object of texts and numbers.
fn fields(body: &[u8]) -> Result<Query, Fault> {
    let mut reader = Reader::new(body);
    let at = reader.offset();
    if reader.token()? != Token::Object {
        return Err(Fault { at, what: "expected an object" });
    }
    let mut fields = Vec::new();
    while let Some(key) = reader.key(fields.is_empty())? {
        let at = reader.offset();
        let value = match reader.token()? {
            Token::Text(text) => String::from_utf8_lossy(&text).into_owned(),
            Token::Number(text) => String::from_utf8_lossy(text).into_owned(),
            _ => return Err(Fault { at, what: "expected a text or a number" }),
        };
        fields.push((String::from_utf8_lossy(&key).into_owned(), value));
    }
    Ok(fields.into_iter().collect())
}

/// `/api/suggest`: names that start with `q`, in byte order.
pub fn suggest(node: &Node, query: &Query) -> Reply {
    let (kind, listing) = match query.first("type") {
        Some("metrics") => (NameKind::Metric, Listing::Values(METRIC_LABEL)),
        Some("tagk") => (NameKind::Tagk, Listing::TagKeys),
        Some("tagv") => (NameKind::Tagv, Listing::TagValues),
        Some(other) => {
            return Reply::error(400, &format!("Invalid 'type' parameter:{other}"), None);
        }
        None => return Reply::error(400, "Missing parameter <code>type</code>", None),
    };
    let max = match query.first("max").map(str::parse::<i64>) {
        None => SUGGEST_MAX,
        Some(Ok(max)) => usize::try_from(max).ok().filter(|&max| max > 0).unwrap_or(SUGGEST_MAX),
        Some(Err(_)) => return Reply::error(400, "Unable to parse 'max' as a number", None),
    };
    let start = query.first("q").unwrap_or_default().as_bytes();
    let (registry, index) = (node.engine.registry(), node.engine.index());
    // An empty name is no suggestion.
    let mut found = Texts::new(start, max.saturating_add(1));
    let listed = index.list(registry, None, registry.len(), listing, &mut |_| Ok(true), &mut found);
    if let Err(error) = listed {
        return Reply::error(500, &error.to_string(), None);
    }
    let assigned = node.engine.assigned().starting_with(kind, start, max);
    let mut texts: BTreeSet<_> = found.iter().map(String::from_utf8_lossy).collect();
    texts.extend(assigned.iter().map(|name| String::from_utf8_lossy(name)));
    list(texts.iter().map(|text| &**text).filter(|text| !text.is_empty()).take(max))
}
