//! Arguments of the read endpoints: selectors, time range, limits. Pure.

use super::formats::Format;
use super::pages::What;
use super::select::{self, Matcher, Op, Selector};
use super::time_arg;
use crate::http::query::Query;
use crate::import;

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
    /// The shape.
    pub format: Format,
    /// Whether histograms are shown as buckets even where they can be shown as they are.
    pub buckets: bool,
    /// Whether damage is left out instead of ending the answer early.
    pub allow_damaged: bool,
}

/// Reads the arguments of an export; an error is the answer's text.
pub fn export(query: &Query, now_ms: i64, format: Format) -> Result<ExportArgs, String> {
    let (start_ms, end_ms) = range(query, now_ms, 0, i64::MAX)?;
    if query.all(&MATCHES).next().is_none() {
        return Err(MISSING_MATCH.into());
    }
    let selectors = selectors(query)?;
    let rows = query.first("max_rows_per_line").and_then(|text| text.parse().ok());
    let buckets = match query.first("histograms") {
        None | Some("") => false,
        Some("buckets") => true,
        Some(other) => return Err(format!("unknown histograms={other}: the only form is buckets")),
    };
    let allow_damaged = match query.first("allow_damaged") {
        None | Some("" | "0" | "false") => false,
        Some("1" | "true") => true,
        Some(other) => return Err(format!("unknown allow_damaged={other}: expected 0 or 1")),
    };
    Ok(ExportArgs {
        allow_damaged,
        buckets,
        selectors,
        start_ms,
        end_ms,
        rows_per_line_max: rows.filter(|&rows| rows > 0),
        format,
    })
}

/// Reads the arguments of a delete: which series, first and last timestamp; an error is the
/// answer's text.
pub fn delete(query: &Query, now_ms: i64) -> Result<(Vec<Selector>, (i64, i64)), String> {
    let times = range(query, now_ms, 0, i64::MAX)?;
    if query.all(&MATCHES).next().is_none() {
        return Err(MISSING_MATCH.into());
    }
    Ok((selectors(query)?, times))
}

/// The answer to a request that names no series.
pub const MISSING_MATCH: &str = "missing `match[]` arg";

const MATCHES: [&str; 2] = ["match", "match[]"];

/// Groups of conditions that `match[]` and `extra_filters` may make together: each is a copy.
const GROUPS_MAX: usize = 1 << 16;

/// How far back the label endpoints look when they are not told: five minutes.
const LABELS_RANGE_MS: i64 = 300_000;

/// Arguments of the label endpoints.
#[derive(Debug)]
pub struct LabelArgs {
    /// What to look at; everything, if there is none.
    pub selectors: Vec<Selector>,
    /// First and last timestamp, included.
    pub range: (i64, i64),
    /// Most entries of the answer.
    pub limit: usize,
    /// Only what stands behind it: a text, or a canonical name.
    pub after: Option<Vec<u8>>,
}

/// Reads the arguments of a label endpoint; an error is the answer's text.
pub fn labels(query: &Query, what: &What, now_ms: i64) -> Result<LabelArgs, String> {
    let end = range(query, now_ms, 0, now_ms).map_or(now_ms, |(_, end)| end);
    // A start of zero is taken for absent.
    let (start_ms, end_ms) = range(query, now_ms, end - LABELS_RANGE_MS, now_ms)?;
    let start_ms = if start_ms == 0 { end - LABELS_RANGE_MS } else { start_ms };
    let selectors = selectors(query)?;
    let limit = match query.first("limit") {
        None | Some("") => 0,
        Some(text) => text
            .parse::<i64>()
            .map_err(|error| format!("cannot parse integer \"limit\"=\"{text}\": {error}"))?,
    };
    let limit = usize::try_from(limit).ok().filter(|&limit| limit > 0).unwrap_or(usize::MAX);
    let after = match (query.first("after"), what) {
        (None, _) => None,
        (Some(text), What::Series) => Some(
            import::labels_name(text.as_bytes())
                .map_err(|error| format!("cannot parse after={text}: {error}"))?,
        ),
        (Some(text), _) => Some(text.as_bytes().to_vec()),
    };
    Ok(LabelArgs { selectors, range: (start_ms, end_ms), limit, after })
}

/// Both ends included.
fn range(query: &Query, now_ms: i64, start: i64, end: i64) -> Result<(i64, i64), String> {
    let time = |name: &str, default: i64| match query.first(name) {
        None | Some("") => Ok(default),
        Some(text) => time_arg::parse(text, now_ms)
            .map_err(|error| format!("cannot parse {name}={text}: {error}")),
    };
    let (start_ms, end_ms) = (time("start", start)?, time("end", end)?);
    if end_ms < start_ms && query.has("start") && query.has("end") {
        return Err(format!("end={end_ms} lies before start={start_ms} (milliseconds)"));
    }
    Ok((start_ms.min(end_ms), end_ms))
}

/// The `match` and `match[]` arguments, any of which may match, each with `extra_label` (all must
/// match) and `extra_filters` (one must match) added.
pub fn selectors(query: &Query) -> Result<Vec<Selector>, String> {
    let parse_all = |names: &[&str], shown: &str| -> Result<Vec<Selector>, String> {
        query.all(names).map(|text| parse(shown, text)).collect()
    };
    let mut selectors = parse_all(&MATCHES, "matches[]")?;
    let extra = parse_all(&["extra_filters", "extra_filters[]"], "extra_filters")?;
    let labels = query.all(&["extra_label"]).map(extra_label).collect::<Result<Vec<_>, _>>()?;
    if selectors.is_empty() && (!extra.is_empty() || !labels.is_empty()) {
        // Nothing named: the extras alone decide.
        selectors.push(Selector { groups: vec![Vec::new()] });
    }
    if !extra.is_empty() {
        let either = Selector { groups: extra.into_iter().flat_map(|one| one.groups).collect() };
        let groups: usize = selectors.iter().map(|selector| selector.groups.len()).sum();
        if groups.saturating_mul(either.groups.len()) > GROUPS_MAX {
            let (extra, max) = (either.groups.len(), GROUPS_MAX);
            return Err(format!(
                "{groups} selectors of match[] with {extra} of extra_filters are too many: \
                 their product may be {max}"
            ));
        }
        selectors = selectors.iter().map(|selector| both(selector, &either)).collect();
    }
    for matcher in &labels {
        selectors.iter_mut().for_each(|selector| selector.and(matcher));
    }
    Ok(selectors)
}

fn extra_label(text: &str) -> Result<Matcher, String> {
    let (label, value) = text.split_once('=').ok_or_else(|| {
        format!("`extra_label` query arg must have the format `name=value`; got \"{text}\"")
    })?;
    Ok(Matcher { label: label.to_owned(), op: Op::Equal(value.to_owned()) })
}

fn parse(shown: &str, text: &str) -> Result<Selector, String> {
    select::parse(text).map_err(|error| format!("cannot parse {shown}={text}: {error}"))
}

fn both(left: &Selector, right: &Selector) -> Selector {
    let join = |a: &Vec<Matcher>, b: &Vec<Matcher>| a.iter().chain(b).cloned().collect();
    let groups = left.groups.iter();
    Selector { groups: groups.flat_map(|a| right.groups.iter().map(move |b| join(a, b))).collect() }
}
