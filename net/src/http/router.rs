//! Which request goes where: paths, methods, ports. Pure.

use super::head::Method;
use super::reply::Reply;
use crate::read::labels::What;

/// Which listener a connection came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Telnet and OpenTSDB's HTTP paths.
    Opentsdb,
    /// Every HTTP path.
    Http,
    /// KairosDB's lines and paths.
    Kairosdb,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/api/put`
    Put,
    /// `/api/histogram`
    Histogram,
    /// `/api/rollup`
    Rollup,
    /// `/api/v1/import`
    Import,
    /// `/api/version`
    ApiVersion,
    /// `/version`
    Version,
    /// `/api/aggregators`
    Aggregators,
    /// `/api/config/filters`
    Filters,
    /// `/api/config`
    Config,
    /// `/api/stats`
    ApiStats,
    /// `/stats`
    Stats,
    /// `/api/suggest`
    Suggest,
    /// `/api/uid/assign`
    Assign,
    /// `/health`, `/-/healthy`
    Health,
    /// `/-/ready`
    Ready,
    /// `/metrics`
    Metrics,
    /// `/api/v1/status/rejected`
    Rejected,
    /// `/api/v1/series/count`
    SeriesCount,
    /// Series, labels, values of a label.
    Labels(What),
    /// `/api/v1/export`
    Export,
    /// `/api/v1/export/csv`
    ExportCsv,
    /// `/internal/force_flush`
    Flush,
    /// KairosDB's `/api/v1/datapoints`
    Datapoints,
    /// KairosDB's `/api/v1/version`
    KairosdbVersion,
}

/// Finds the route, or the answer 404 or 405.
pub fn route(port: Port, method: &Method, path: &str) -> Result<Route, Reply> {
    let Some((route, allowed)) = find(port, path) else {
        return Err(Reply::error(
            404,
            "Endpoint not found",
            Some(&format!("no such path: {path}")),
        ));
    };
    if allowed.contains(&method.as_str()) {
        return Ok(route);
    }
    let place = if *method == Method::Options { "" } else { " for this endpoint" };
    let details = format!("The HTTP method [{}] is not permitted{place}", method.as_str());
    let mut reply = Reply::error(405, "Method not allowed", Some(&details));
    reply.headers = format!("Allow: {}\r\n", allowed.join(", "));
    Err(reply)
}

const GET: &[&str] = &["GET", "HEAD"];
const POST: &[&str] = &["POST"];
const ASSIGN: &[&str] = &["GET", "POST"];
const GET_POST: &[&str] = &["GET", "HEAD", "POST"];

fn find(port: Port, path: &str) -> Option<(Route, &'static [&'static str])> {
    if port == Port::Kairosdb {
        return find_kairosdb(path);
    }
    // OpenTSDB looks its routes up in lower case.
    let found = match path.to_ascii_lowercase().as_str() {
        "/api/put" | "/api/v1/put" => (Route::Put, POST),
        "/api/histogram" | "/api/v1/histogram" => (Route::Histogram, POST),
        "/api/rollup" | "/api/v1/rollup" => (Route::Rollup, POST),
        "/api/version" | "/api/v1/version" => (Route::ApiVersion, GET_POST),
        "/version" => (Route::Version, GET),
        "/api/aggregators" | "/aggregators" => (Route::Aggregators, GET_POST),
        "/api/config/filters" => (Route::Filters, GET_POST),
        "/api/config" => (Route::Config, GET_POST),
        "/api/stats" => (Route::ApiStats, GET_POST),
        "/stats" => (Route::Stats, GET),
        "/api/suggest" | "/suggest" => (Route::Suggest, GET_POST),
        "/api/uid/assign" | "/api/v1/uid/assign" => (Route::Assign, ASSIGN),
        _ if port == Port::Http => return find_own(path),
        _ => return None,
    };
    Some(found)
}

fn find_kairosdb(path: &str) -> Option<(Route, &'static [&'static str])> {
    match path {
        "/api/v1/datapoints" => Some((Route::Datapoints, POST)),
        "/api/v1/version" => Some((Route::KairosdbVersion, GET)),
        _ => None,
    }
}

fn find_own(path: &str) -> Option<(Route, &'static [&'static str])> {
    // VictoriaMetrics serves its paths below this one, too.
    let path = path.strip_prefix("/prometheus").unwrap_or(path);
    Some(match path {
        "/api/v1/import" => (Route::Import, POST),
        "/health" | "/-/healthy" => (Route::Health, GET),
        "/-/ready" => (Route::Ready, GET),
        "/metrics" => (Route::Metrics, GET),
        "/api/v1/status/rejected" => (Route::Rejected, GET),
        "/api/v1/series/count" => (Route::SeriesCount, GET_POST),
        "/api/v1/series" => (Route::Labels(What::Series), GET_POST),
        "/api/v1/labels" => (Route::Labels(What::Labels), GET_POST),
        "/api/v1/export" => (Route::Export, GET_POST),
        "/api/v1/export/csv" => (Route::ExportCsv, GET_POST),
        "/internal/force_flush" => (Route::Flush, GET_POST),
        _ => {
            let name = path.strip_prefix("/api/v1/label/")?.strip_suffix("/values")?;
            if name.is_empty() {
                return None;
            }
            let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            (Route::Labels(What::Values(name.into_owned())), GET_POST)
        }
    })
}
