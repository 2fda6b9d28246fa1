//! `/api/v1/status/tsdb`: which metrics and labels the series come from, as VictoriaMetrics answers.

use super::args;
use super::find::find;
use super::json_line::push_string;
use crate::http::query::Query;
use crate::node::Node;
use irontsd_engine::index::Counted;

/// Items of each list: by default, and at the most.
const ITEMS: usize = 10;
const ITEMS_MAX: usize = 1000;

/// The whole body, or the text of an error. `date` makes no difference: series have no day.
pub fn answer(node: &Node, query: &Query) -> Result<Vec<u8>, String> {
    let selectors = args::selectors(query)?;
    let most = match query.first("topN") {
        None | Some("") => ITEMS,
        Some(text) => text
            .parse::<i64>()
            .map_err(|error| format!("cannot parse `topN` arg \"{text}\": {error}"))?
            .clamp(1, ITEMS_MAX as i64) as usize,
    };
    let focus = query.first("focusLabel").filter(|label| !label.is_empty()).map(str::as_bytes);
    let (engine, registry) = (&node.engine, node.engine.registry());
    let among = (!selectors.is_empty()).then(|| find(engine, &selectors, registry.len()));
    let found = engine.index().cardinality(registry, among.as_deref(), most, focus);
    let mut out = b"{\"status\":\"success\",\"data\":{".to_vec();
    let (series, pairs) = (found.series, found.pairs);
    let totals = format!("\"totalSeries\":{series},\"totalLabelValuePairs\":{pairs}");
    out.extend_from_slice(totals.as_bytes());
    push_list(&mut out, "seriesCountByMetricName", &found.metrics);
    push_list(&mut out, "seriesCountByLabelName", &found.labels);
    push_list(&mut out, "seriesCountByFocusLabelValue", &found.focus);
    push_list(&mut out, "seriesCountByLabelValuePair", &found.label_values);
    push_list(&mut out, "labelValueCountByLabelName", &found.values_of_labels);
    out.extend_from_slice(b"}}");
    Ok(out)
}

fn push_list(out: &mut Vec<u8>, name: &str, items: &[Counted]) {
    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
    for (at, (text, count)) in items.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"{\"name\":" } else { b",{\"name\":" });
        push_string(out, text);
        out.extend_from_slice(format!(",\"value\":{count}}}").as_bytes());
    }
    out.push(b']');
}
