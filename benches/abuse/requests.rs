//! Abuses of the ports for requests.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::run::{Pace, Target};
use crate::common::Outcome;
use crate::common::stream::connect;

/// The longest wait for the node.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Heads of 20 KiB; returns heads.
pub fn giant_heads(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    let fill = "x".repeat(20 << 10);
    let head = format!("GET /api/version HTTP/1.1\r\nHost: h\r\nX: {fill}\r\n\r\n");
    each(target.http, pace, 1000.0, "HTTP/1.1 431", |_| head.clone().into_bytes())
}

/// Bodies of a megabyte that unpack to a gigabyte; returns bodies.
pub fn bombs(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let piece = vec![b' '; 1 << 20];
    for _ in 0..1 << 10 {
        encoder.write_all(&piece)?;
    }
    let body = encoder.finish()?;
    let request = post("Content-Encoding: gzip\r\n", &body);
    each(target.http, pace, 5.0, "HTTP/1.1 413", |_| request.clone())
}

/// Bodies of nothing but opening brackets; returns bodies.
pub fn deep_json(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const OPENS: [&str; 4] = ["[", "{\"metric\":", "[{\"tags\":", "{\"metric\":{\"a\":"];
    let body = |opens: &str| opens.repeat(400_000 / opens.len()).into_bytes();
    let requests = OPENS.map(|opens| post("", &body(opens)));
    let request = |n: u64| requests[n as usize % OPENS.len()].clone();
    each(target.http, pace, 100.0, "HTTP/1.1 400", request)
}

/// Requests that could be read in two ways, sixteen at a time behind each other; returns connections.
pub fn garbage(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const REQUESTS: [&str; 5] = [
        "POST /api/put HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/put HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]]",
        "POST /api/put HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "GET /api/version HTTP/1.1\r\nHost : h\r\n\r\n",
        "GET /api/version\0 HTTP/1.1\r\nHost: h\r\n\r\n",
    ];
    let request = |n: u64| REQUESTS[n as usize % REQUESTS.len()].repeat(16).into_bytes();
    each(target.http, pace, 2000.0, "HTTP/1.1 4", request)
}

fn post(more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST /api/put HTTP/1.1\r\nHost: h\r\n{more}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends each request on a connection of its own, so many a second, and reads how the answer begins.
fn each(
    node: SocketAddr,
    pace: &mut Pace<'_>,
    per_s: f64,
    begins: &str,
    request: impl Fn(u64) -> Vec<u8>,
) -> Outcome<u64> {
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, per_s) {
        let mut socket = connect(node, TIMEOUT)?;
        // The node answers and closes before it has read all.
        let _refused = socket.write_all(&request(done));
        let mut answer = vec![0; begins.len()];
        match socket.read_exact(&mut answer) {
            Ok(()) if answer != begins.as_bytes() => {
                return Err(format!("answered {:?}", String::from_utf8_lossy(&answer)).into());
            }
            // A reset may overtake the answer.
            _ => {}
        }
        done += 1;
    }
    Ok(done)
}
