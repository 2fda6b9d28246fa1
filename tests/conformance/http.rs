//! An HTTP case on the OpenTSDB port: a request, its answer, what is stored afterwards.

use std::io::Write;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::common::gzip::gzip;
use crate::common::{Http, Json, Response};

use super::case::{Case, ensure};
use super::compare::{self, Rules};
use super::run::Verdict;
use super::stored;

/// Runs the case on a node of its own.
pub fn run(case: &Case, mode: &str) -> Verdict {
    let node = case.node(mode)?;
    let setup = case.json.find("setup").map(Json::items).unwrap_or_default();
    node.put_lines(&setup.iter().map(line).collect::<String>());
    let before = stored::exported(&node)?;
    let started_ms = stored::now_ms();
    let answer = request(node.opentsdb(), &case.json);
    let expected = case.json.get(mode);
    check_answer(&answer, expected)?;
    stored::check(&node, expected.get("stored"), &before, started_ms)
}

/// The telnet line of a point of the setup.
fn line(point: &Json) -> String {
    let word = |name: &str| point.get(name).str();
    let tags = point.get("tags").members().iter();
    let tags: String = tags.map(|(name, value)| format!(" {name}={}", value.str())).collect();
    format!("put {} {} {}{tags}\n", word("metric"), word("timestamp"), word("value"))
}

/// Sends the request that `method`, `path`, `headers`, `body` and the like describe.
pub fn request(addr: SocketAddr, case: &Json) -> Response {
    let method = case.get("method").str();
    let mut http = Http::connect(addr);
    http.send(bytes(method, case));
    if method == "HEAD" { http.head() } else { http.response() }
}

fn bytes(method: &str, case: &Json) -> Vec<u8> {
    let mut head = format!("{method} {} HTTP/1.1\r\nHost: test\r\n", case.get("path").str());
    let headers = case.find("headers").map(Json::members).unwrap_or_default();
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {}\r\n", value.str()));
    let has_length = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let has_body = method == "POST" || case.find("body").is_some();
    let mut body = body(case);
    if case.find("transfer").is_some() {
        head += "Transfer-Encoding: chunked\r\n";
        body = chunked(&body);
    } else if has_body && !has_length {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", &body].concat()
}

/// The body in its `body_encoding`.
fn body(case: &Json) -> Vec<u8> {
    let body = case.find("body").map(Json::str).unwrap_or_default().as_bytes();
    match case.find("body_encoding").map(Json::str) {
        None => body.to_vec(),
        Some("gzip") => gzip(body),
        Some("deflate") => deflate(body),
        Some(other) => panic!("body_encoding {other}"),
    }
}

/// What HTTP calls deflate: zlib's format.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}

/// Two chunks and the end.
fn chunked(body: &[u8]) -> Vec<u8> {
    let (one, other) = body.split_at(body.len() / 2);
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    [chunk(one), chunk(other), b"0\r\n\r\n".to_vec()].concat()
}

fn check_answer(answer: &Response, expected: &Json) -> Verdict {
    check_status(answer, expected)?;
    check_body(&String::from_utf8_lossy(&answer.body), expected)?;
    check_headers(answer, expected.find("expect_headers"))?;
    if let Some(subset) = expected.find("json_subset") {
        compare::check(subset, &answer.json(), &Rules { subset: true, unordered: &[] })?;
    }
    let absent = expected.find("json_absent").map(Json::items).unwrap_or_default();
    let present = absent.iter().find(|key| answer.json().find(key.str()).is_some());
    ensure(present.is_none(), || format!("{present:?} is in {:?}", answer.text()))
}

/// `status` must be equal.
pub fn check_status(answer: &Response, expected: &Json) -> Verdict {
    let (found, wanted) = (answer.status.to_string(), expected.get("status").str());
    let body = || String::from_utf8_lossy(&answer.body);
    ensure(found == wanted, || format!("status {found}, not {wanted}: {:?}", body()))
}

/// The body must be as `expect_body`, `expect_body_prefix` and `expect_body_contains` say.
pub fn check_body(body: &str, expected: &Json) -> Verdict {
    let check = |name: &str, holds: fn(&str, &str) -> bool| {
        let wanted = expected.find(name).map(Json::str).unwrap_or_default();
        let is_asked = expected.find(name).is_some();
        ensure(!is_asked || holds(body, wanted), || format!("body {body:?}, {name} {wanted:?}"))
    };
    check("expect_body", |body, wanted| body == wanted)?;
    check("expect_body_prefix", |body, wanted| body.starts_with(wanted))?;
    check("expect_body_contains", |body, wanted| body.contains(wanted))
}

/// Headers must be equal; one of null must be absent.
pub fn check_headers(answer: &Response, expected: Option<&Json>) -> Verdict {
    let headers = expected.map(Json::members).unwrap_or_default();
    headers.iter().try_for_each(|(name, wanted)| {
        let wanted = if *wanted == Json::Null { None } else { Some(wanted.str()) };
        let found = answer.header(name);
        ensure(found == wanted, || format!("header {name} is {found:?}, not {wanted:?}"))
    })
}
