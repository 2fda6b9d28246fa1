//! Proves HTTP framing on both ports: keep-alive, pipelines, splits at every byte, chunked and
//! compressed bodies, `Expect`, limits, and that ambiguous framing ends the connection.

use std::io::Read;

use flate2::Compression;
use flate2::read::{DeflateEncoder, ZlibEncoder};

use crate::common::gzip::gzip;
use crate::common::http::request;
use crate::common::{Http, Node};

const JSON: &str = "Content-Type: application/json";

fn point(stamp: usize) -> String {
    format!(r#"{{"metric":"m","timestamp":{stamp},"value":{stamp},"tags":{{"h":"a"}}}}"#)
}

#[test]
fn a_connection_serves_many_requests() {
    let node = Node::start();
    for addr in [node.opentsdb(), node.http()] {
        let mut http = Http::connect(addr);
        for n in 1..=100 {
            assert_eq!(http.post("/api/put", point(n).as_bytes()).status, 204);
            assert_eq!(http.get("/nosuch").status, 404);
        }
    }
    assert_eq!(node.export("m").count(), 100);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let node = Node::start();
    for addr in [node.opentsdb(), node.http()] {
        let mut http = Http::connect(addr);
        let mut sent = Vec::new();
        for n in 1..=200 {
            sent.extend(request("POST", "/api/put", &[JSON], point(n).as_bytes()));
            sent.extend(request("GET", "/api/version", &[], b""));
            sent.extend(request("POST", "/api/put?summary", &[JSON], b"[]"));
        }
        http.send(&sent);
        for n in 1..=200 {
            let statuses = [http.response().status, http.response().status, http.response().status];
            assert_eq!(statuses, [204, 200, 400], "round {n}");
        }
    }
    assert_eq!(node.export("m").count(), 200);
}

#[test]
fn a_request_may_be_split_at_any_byte() {
    let node = Node::start();
    let mut sent = 0;
    let plain = |n| request("POST", "/api/put", &[JSON], point(n).as_bytes());
    let chunked =
        |n| chunked_request(&["Transfer-Encoding: chunked"], &chunks(point(n).as_bytes(), 20));
    for (addr, start, bytes) in [
        (node.opentsdb(), 1000, &plain as &dyn Fn(usize) -> Vec<u8>),
        (node.http(), 3000, &plain),
        (node.http(), 5000, &chunked),
    ] {
        let length = bytes(start).len();
        for place in 1..length {
            let bytes = bytes(start + place);
            let mut http = Http::connect(addr);
            http.send(&bytes[..place]);
            std::thread::yield_now();
            assert_eq!(http.send(&bytes[place..]).response().status, 204, "split at {place}");
        }
        sent += length - 1;
        assert_eq!(node.export("m").count(), sent);
    }
}

#[test]
fn requests_may_arrive_byte_by_byte() {
    let node = Node::start();
    let chunked = chunked_request(&["Transfer-Encoding: chunked"], &chunks(point(2).as_bytes(), 7));
    for (addr, bytes) in [
        (node.opentsdb(), request("POST", "/api/put", &[JSON], point(1).as_bytes())),
        (node.opentsdb(), chunked.clone()),
        (node.http(), request("POST", "/api/put", &[JSON], point(3).as_bytes())),
        (node.http(), chunked),
    ] {
        let mut http = Http::connect(addr);
        bytes.iter().for_each(|&byte| {
            http.send([byte]);
        });
        assert_eq!(http.response().status, 204);
    }
    assert_eq!(node.export("m").count(), 3);
}

#[test]
fn chunked_bodies_with_extensions_and_trailers_are_taken() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let text = point(1);
    let body = format!("{:X};name=\"v\"\r\n{text}\r\n000\r\nTrailer: x\r\n\r\n", text.len());
    http.send(chunked_request(&["Transfer-Encoding: chunked"], body.as_bytes()));
    assert_eq!(http.response().status, 204);
    assert_eq!(http.post("/api/put", point(2).as_bytes()).status, 204);
    assert_eq!(node.export("m").count(), 2);
}

#[test]
fn an_expecting_client_is_told_to_go_on() {
    let node = Node::start();
    let mut http = Http::connect(node.opentsdb());
    for n in 1..=3 {
        let whole = request("POST", "/api/put", &["Expect: 100-continue"], point(n).as_bytes());
        let (head, body) = whole.split_at(whole.len() - point(n).len());
        assert_eq!(http.send(head).head().status, 100);
        assert_eq!(http.send(body).response().status, 204);
    }
    assert_eq!(node.export("m").count(), 3);
}

#[test]
fn compressed_bodies_are_taken() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let many: Vec<String> = (1..=10_000).map(point).collect();
    let body = gzip(format!("[{}]", many.join(",")).as_bytes());
    let lines = ["Content-Encoding: gzip", JSON];
    assert_eq!(http.request("POST", "/api/put", &lines, &body).status, 204);
    assert_eq!(node.export("m").count(), 10_000);
    let split = chunked_request(
        &["Content-Encoding: gzip", "Transfer-Encoding: chunked"],
        &chunks(&gzip(point(10_001).as_bytes()), 3),
    );
    assert_eq!(http.send(split).response().status, 204);
    assert_eq!(node.export("m").count(), 10_001);
}

#[test]
fn deflated_bodies_are_taken_with_and_without_zlib_head() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let many: Vec<String> = (1..=10_000).map(point).collect();
    let text = format!("[{}]", many.join(","));
    let level = Compression::default();
    let (mut zlib, mut bare) = (Vec::new(), Vec::new());
    ZlibEncoder::new(text.as_bytes(), level).read_to_end(&mut zlib).expect("compressed");
    DeflateEncoder::new(text.as_bytes(), level).read_to_end(&mut bare).expect("compressed");
    for (name, body) in [("deflate", &zlib), ("x-deflate", &bare), ("Deflate", &bare)] {
        let line = format!("Content-Encoding: {name}");
        assert_eq!(http.request("POST", "/api/put", &[&line], body).status, 204, "{name}");
    }
    assert_eq!(node.export("m").count(), 10_000);
    for cut in [zlib.len() - 1, zlib.len() / 2, 1] {
        let lines = ["Content-Encoding: deflate"];
        let answer = Http::connect(node.http()).request("POST", "/api/put", &lines, &zlib[..cut]);
        assert_eq!(answer.status, 400, "cut at {cut}");
        assert!(answer.text().contains("does not decompress"), "{}", answer.text());
    }
}

#[test]
fn a_broken_compressed_body_is_refused_whole() {
    let node = Node::start();
    let good = gzip(point(1).as_bytes());
    let mut wrong_sum = good.clone();
    let sum_at = wrong_sum.len() - 8;
    wrong_sum[sum_at] ^= 1;
    for body in [&good[..good.len() / 2], b"not gzip at all", &wrong_sum] {
        let lines = ["Content-Encoding: gzip"];
        let answer = Http::connect(node.http()).request("POST", "/api/put", &lines, body);
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert_eq!(node.export_all().count(), 0);
}

#[test]
fn clients_that_want_to_close_are_let_go() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let answer = http.request("GET", "/health", &["Connection: close"], b"");
    assert_eq!(answer.status, 200);
    assert!(http.closed());
    let mut http = Http::connect(node.http());
    assert_eq!(http.send("GET /health HTTP/1.0\r\n\r\n").response().text().trim_end(), "OK");
    assert!(http.closed());
}

#[test]
fn a_half_closed_request_is_answered() {
    let node = Node::start();
    for addr in [node.opentsdb(), node.http()] {
        let mut http = Http::connect(addr);
        http.send(request("POST", "/api/put", &[JSON], point(1).as_bytes())).finish();
        assert_eq!(http.response().status, 204);
        assert!(http.closed());
    }
}

#[test]
fn a_cut_body_stores_nothing() {
    let node = Node::start();
    for addr in [node.opentsdb(), node.http()] {
        let whole = request("POST", "/api/put", &[JSON], point(1).as_bytes());
        let mut http = Http::connect(addr);
        http.send(&whole[..whole.len() - 1]).finish();
        while !http.closed() {
            http.some_bytes().expect("the node closes in peace");
        }
    }
    assert_eq!(node.export_all().count(), 0);
}

#[test]
fn head_answers_without_a_body() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    http.send([request("HEAD", "/health", &[], b""), request("GET", "/health", &[], b"")].concat());
    assert!([200, 405].contains(&http.head().status));
    let answer = http.response();
    assert_eq!((answer.status, answer.text().trim_end()), (200, "OK"));
}

#[test]
fn a_giant_head_is_refused() {
    let node = Node::start();
    for addr in [node.opentsdb(), node.http()] {
        let mut http = Http::connect(addr);
        let line = format!("X: {}\r\n", "x".repeat(1000));
        let head = format!("GET /api/version HTTP/1.1\r\nHost: t\r\n{}\r\n", line.repeat(2000));
        // The node may answer and close before it was all sent.
        let _ = http.try_send(head.as_bytes());
        let status = http.head().status;
        assert!([400, 413, 431].contains(&status), "{status}");
    }
    assert_eq!(node.get("/health").status, 200);
}

#[test]
fn an_announced_giant_body_is_refused_at_once() {
    let node = Node::start();
    for addr in [node.opentsdb(), node.http()] {
        let mut http = Http::connect(addr);
        http.send("POST /api/put HTTP/1.1\r\nHost: t\r\nContent-Length: 1099511627776\r\n\r\n[");
        let answer = http.response();
        assert_eq!(answer.status, 413);
        assert_eq!(answer.json().get("error").get("code").str(), "413");
    }
    assert!(node.metrics().sum("irontsd_points_rejected_total", &["protocol=\"http\""]) >= 2.0);
}

#[test]
fn ambiguous_framing_is_refused_and_ends_the_connection() {
    let node = Node::start();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n";
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Folded: x\r\n",
    ] {
        let mut http = Http::connect(node.http());
        let head = format!("POST /api/put HTTP/1.1\r\nHost: t\r\n{lines}\r\n0\r\n\r\n");
        let _ = http.try_send((head + smuggled).as_bytes());
        let answer = http.response();
        assert!([400, 413, 501].contains(&answer.status), "{lines:?}: {}", answer.status);
        assert!(http.closed(), "{lines:?}: a second request was answered");
    }
}

#[test]
fn broken_chunks_are_refused() {
    let node = Node::start();
    for body in ["x\r\n", "-1\r\n", "5\r\nabcdefg\r\n", "fffffffffffffffff\r\n", "\r\n\r\n"] {
        let mut http = Http::connect(node.http());
        http.send(chunked_request(&["Transfer-Encoding: chunked"], body.as_bytes()));
        let status = http.response().status;
        assert!([400, 413].contains(&status), "{body:?}: {status}");
        assert!(http.closed(), "{body:?}");
    }
}

fn chunked_request(lines: &[&str], body: &[u8]) -> Vec<u8> {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!("POST /api/put HTTP/1.1\r\nHost: test\r\n{lines}\r\n");
    [head.as_bytes(), body].concat()
}

/// `body` in chunks of `size`.
fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(size) {
        out.extend(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend(piece);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}
