//! Which request goes where: paths, methods, ports. Pure.

use super::head::Method;
use super::reply::Reply;
use crate::read::pages::What;
use crate::snapshot::Verb;
use std::borrow::Cow;

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
    /// `/api/dropcaches`
    DropCaches,
    /// `/api/status`
    Status,
    /// `/api/uid/assign`
    Assign,
    /// `/health`, `/-/healthy`
    Health,
    /// `/-/ready`, `/ready`
    Ready,
    /// `/metrics`
    Metrics,
    /// `/api/v1/status/rejected`
    Rejected,
    /// `/api/v1/status/tsdb`
    Cardinality,
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
    /// `/internal/force_merge`
    Merge,
    /// `/api/v1/admin/tsdb/delete_series`
    Delete,
    /// `/snapshot/create` and the others.
    Snapshot(Verb),
    /// KairosDB's `/api/v1/datapoints`
    Datapoints,
    /// KairosDB's `/api/v1/version`
    KairosdbVersion,
}

/// Finds the route, or the answer 404 or 405.
pub fn route(port: Port, method: &Method, path: &str) -> Result<Route, Reply> {
    let Some((route, allowed)) = find(port, path) else {
        version(port, path)?;
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
/// What changes something is not done for a `HEAD`.
const GET_OR_POST: &[&str] = &["GET", "POST"];
const GET_POST: &[&str] = &["GET", "HEAD", "POST"];

/// The path as it is meant: repeated slashes are one, and `%78` is `x`.
fn plain(path: &str) -> Cow<'_, str> {
    if !path.contains("//") && !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let single = path.split('/').filter(|part| !part.is_empty());
    let mut text: String = single.flat_map(|part| ["/", part]).collect();
    if path.ends_with('/') {
        text.push('/');
    }
    Cow::Owned(percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned())
}

fn find(port: Port, path: &str) -> Option<(Route, &'static [&'static str])> {
    let path = &*plain(path);
    if port == Port::Kairosdb {
        return find_kairosdb(path);
    }
    // OpenTSDB looks its routes up in lower case; those of its API have a version, if one is told.
    let lower = path.to_ascii_lowercase();
    let found = match lower.replacen("/api/v1/", "/api/", 1).as_str() {
        "/api/put" => (Route::Put, POST),
        "/api/histogram" => (Route::Histogram, POST),
        "/api/rollup" => (Route::Rollup, POST),
        "/api/version" => (Route::ApiVersion, GET_POST),
        "/version" => (Route::Version, GET),
        "/api/aggregators" | "/aggregators" => (Route::Aggregators, GET_POST),
        "/api/config/filters" => (Route::Filters, GET_POST),
        "/api/config" => (Route::Config, GET_POST),
        "/api/stats" => (Route::ApiStats, GET_POST),
        "/stats" => (Route::Stats, GET),
        "/api/suggest" | "/suggest" => (Route::Suggest, GET_POST),
        "/api/uid/assign" => (Route::Assign, GET_OR_POST),
        "/api/dropcaches" | "/dropcaches" => (Route::DropCaches, GET),
        "/api/status" => (Route::Status, GET),
        _ if port == Port::Http => return find_own(path),
        _ => return None,
    };
    Some(found)
}

/// OpenTSDB's answers to another version of its API than the first, where no such path is known.
fn version(port: Port, path: &str) -> Result<(), Reply> {
    if port == Port::Kairosdb {
        return Ok(());
    }
    let path = plain(path).to_ascii_lowercase();
    let told = path.strip_prefix("/api/v").and_then(|rest| rest.split('/').next());
    let Some(told) = told.filter(|told| told.starts_with(|first: char| first.is_ascii_digit()))
    else {
        return Ok(());
    };
    match told.parse::<i32>() {
        Ok(number) if number <= 1 => Ok(()),
        Ok(number) => {
            let details = format!("API version [{number}] is greater than the max [1]");
            let message = "Requested API version is greater than the max implemented";
            Err(Reply::error(501, message, Some(&details)))
        }
        Err(_) => {
            let details = format!("API version [v{told}] is not a number");
            Err(Reply::error(400, "Invalid API version format supplied", Some(&details)))
        }
    }
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
        "/-/ready" | "/ready" => (Route::Ready, GET),
        "/metrics" => (Route::Metrics, GET),
        "/api/v1/status/rejected" => (Route::Rejected, GET),
        "/api/v1/status/tsdb" => (Route::Cardinality, GET_POST),
        "/api/v1/series/count" => (Route::SeriesCount, GET_POST),
        "/api/v1/series" => (Route::Labels(What::Series), GET_POST),
        "/api/v1/labels" => (Route::Labels(What::Labels), GET_POST),
        "/api/v1/export" => (Route::Export, GET_POST),
        "/api/v1/export/csv" => (Route::ExportCsv, GET_POST),
        "/internal/force_flush" => (Route::Flush, GET_POST),
        "/api/v1/admin/tsdb/delete_series" => (Route::Delete, POST),
        "/internal/force_merge" => (Route::Merge, GET_POST),
        "/snapshot/create" => (Route::Snapshot(Verb::Create), GET_OR_POST),
        "/snapshot/list" => (Route::Snapshot(Verb::List), GET_OR_POST),
        "/snapshot/delete" => (Route::Snapshot(Verb::Delete), GET_OR_POST),
        "/snapshot/delete_all" => (Route::Snapshot(Verb::DeleteAll), GET_OR_POST),
        _ => {
            let name = path.strip_prefix("/api/v1/label/")?.strip_suffix("/values")?;
            if name.is_empty() {
                return None;
            }
            (Route::Labels(What::Values(label_name(name))), GET_POST)
        }
    })
}

/// The name of a label in Prometheus' spelling for names that are no words: `U__a_2d_b` is `a-b`,
/// an underscore itself is written twice. Anything else is the name as it is.
fn label_name(text: &str) -> String {
    text.strip_prefix("U__").and_then(unescaped).unwrap_or_else(|| text.to_owned())
}

fn unescaped(text: &str) -> Option<String> {
    let (mut name, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('_') {
        let (code, behind) = behind.split_once('_')?;
        name.push_str(before);
        name.push(match code {
            "" => '_',
            code => char::from_u32(u32::from_str_radix(code, 16).ok()?)?,
        });
        rest = behind;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_be_written_in_several_ways() {
        let get = |path: &str| route(Port::Http, &Method::Get, path);
        for path in ["/api/v1/export", "//api///v1/e%78port", "/prometheus/api/v1/export"] {
            assert_eq!(get(path), Ok(Route::Export), "{path}");
        }
        for path in ["/api/v1/export/", "/api/v1/exp%6frt%2F", "/api/v1/label//values", ""] {
            assert!(get(path).is_err(), "{path}");
        }
        for (path, label) in [("p%2Fq", "p/q"), ("U__a_2d_b__c", "a-b_c"), ("U__a_zz_", "U__a_zz_")]
        {
            let route = get(&format!("/api/v1/label/{path}/values"));
            assert_eq!(route, Ok(Route::Labels(What::Values(label.into()))), "{path}");
        }
    }

    #[test]
    fn the_first_version_of_the_api_is_the_only_one() {
        let post = |path: &str| route(Port::Opentsdb, &Method::Post, path).map_err(|r| r.status);
        assert_eq!(post("/api/v1/put"), Ok(Route::Put));
        assert_eq!(post("/API/V1/suggest"), Ok(Route::Suggest));
        for (path, status) in [
            ("/api/v2/put", 501),
            ("/api/v99", 501),
            ("/api/v1d/put", 400),
            ("/api/v99999999999/put", 400),
            ("/api/v1/nosuch", 404),
            ("/api/v/put", 404),
            ("/api/values", 404),
        ] {
            assert_eq!(post(path), Err(status), "{path}");
        }
        let own = route(Port::Http, &Method::Get, "/api/v1/labels");
        assert_eq!(own, Ok(Route::Labels(What::Labels)));
    }
}
