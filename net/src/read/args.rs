//! Arguments of the read endpoints: selectors, time range, limits. Pure.

use super::select::{self, Matcher, Op, Selector};
use super::time_arg;
use crate::http::query::Query;

/// Arguments of `/api/v1/export`.
#[derive(Debug)]
pub struct ExportArgs {
    /// What to read; a series is wanted if any of them matches.
    pub selectors: Vec<Selector>,
    /// First timestamp, included.
    pub start_ms: i64,
    /// Last timestamp, included.
    pub end_ms: i64,
    /// Most samples of one line.
    pub rows_per_line_max: Option<usize>,
}

/// Reads the arguments of an export; an error is the answer's text.
pub fn export(query: &Query, now_ms: i64) -> Result<ExportArgs, String> {
    let selectors = selectors(query)?;
    if selectors.is_empty() {
        return Err("missing `match[]` arg".into());
    }
    let (start_ms, end_ms) = range(query, now_ms)?;
    let rows = query.last("max_rows_per_line").and_then(|text| text.parse().ok());
    Ok(ExportArgs { selectors, start_ms, end_ms, rows_per_line_max: rows.filter(|&rows| rows > 0) })
}

/// Both ends included; by default everything there is, future samples too.
pub fn range(query: &Query, now_ms: i64) -> Result<(i64, i64), String> {
    let time = |name: &str, default: i64| match query.last(name) {
        None | Some("") => Ok(default),
        Some(text) => time_arg::parse(text, now_ms)
            .map_err(|error| format!("cannot parse {name}={text}: {error}")),
    };
    let (start_ms, end_ms) = (time("start", 0)?, time("end", i64::MAX)?);
    if end_ms < start_ms {
        return Err(format!("end={end_ms} lies before start={start_ms} (milliseconds)"));
    }
    Ok((start_ms, end_ms))
}

/// The `match` and `match[]` arguments, each with `extra_label` and `extra_filters` added.
pub fn selectors(query: &Query) -> Result<Vec<Selector>, String> {
    let mut selectors = Vec::new();
    for text in query.all(&["match", "match[]"]) {
        selectors.push(parse(text)?);
    }
    for text in query.all(&["extra_label"]) {
        let (label, value) = text
            .split_once('=')
            .ok_or_else(|| format!("cannot parse extra_label={text}: expected name=value"))?;
        let matcher = Matcher { label: label.to_owned(), op: Op::Equal(value.to_owned()) };
        selectors.iter_mut().for_each(|selector| selector.and(&matcher));
    }
    for text in query.all(&["extra_filters", "extra_filters[]"]) {
        let extra = parse(text)?;
        selectors = selectors.iter().map(|selector| both(selector, &extra)).collect();
    }
    Ok(selectors)
}

fn parse(text: &str) -> Result<Selector, String> {
    select::parse(text).map_err(|error| format!("cannot parse matches[]={text}: {error}"))
}

fn both(left: &Selector, right: &Selector) -> Selector {
    let join = |a: &Vec<Matcher>, b: &Vec<Matcher>| a.iter().chain(b).cloned().collect();
    let groups = left.groups.iter();
    Selector { groups: groups.flat_map(|a| right.groups.iter().map(move |b| join(a, b))).collect() }
}
