//! A node's counters, read from its `/metrics` page.

use std::net::SocketAddr;
use std::time::Duration;

use super::Outcome;
use super::http;

/// One reading of the page.
pub struct Metrics {
    page: String,
}

impl Metrics {
    /// Asks the node for the page.
    pub fn read(node: SocketAddr, timeout: Duration) -> Outcome<Self> {
        let page = http::get(node, "/metrics", timeout)?;
        Ok(Metrics { page })
    }

    /// The sum over all series of a metric whose labels contain `labels`, such as
    /// `type="opentsdb"`; `None` when there is no such series.
    pub fn sum(&self, name: &str, labels: &str) -> Option<f64> {
        let values = self.page.lines().filter_map(|line| value(line, name, labels));
        values.reduce(|sum, value| sum + value)
    }

    /// Like [`Metrics::sum`], for a count that must be there.
    pub fn count(&self, name: &str, labels: &str) -> Outcome<u64> {
        let sum = self.sum(name, labels);
        let sum = sum.ok_or_else(|| format!("/metrics has no {name}{{{labels}}}"))?;
        Ok(sum as u64)
    }
}

/// The value of a line if it is a sample of `name` with `labels`.
fn value(line: &str, name: &str, labels: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let (own_labels, value) = match rest.strip_prefix('{') {
        Some(rest) => rest.rsplit_once('}')?,
        None if rest.starts_with(' ') => ("", rest),
        None => return None,
    };
    if !own_labels.contains(labels) {
        return None;
    }
    value.split_whitespace().next()?.parse().ok()
}
