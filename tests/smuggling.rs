//! Proves that requests are taken apart in one way only: every request of `tests/cases/smuggling.txt`
//! gets its answers whole and split at every byte, nothing behind a request that ends the connection is
//! taken for one, and behind all others the next request is answered rightly.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::common::Node;
use crate::common::http::request;
use crate::common::wait::DEADLINE;

/// Connections that are open at once: while the second parts are sent the first ones are read.
const BATCH: usize = 64;
/// What the status of an answer stands behind.
const ANSWER: &str = "HTTP/1.1 ";

/// A line of the table.
struct Case {
    /// Its line in the file, counted from 1.
    line: usize,
    statuses: Vec<u16>,
    /// Whether the connection goes on.
    is_kept: bool,
    bytes: Vec<u8>,
}

#[test]
fn every_request_gets_its_answers_wherever_it_is_split() {
    let cases = cases();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let node = Node::start();
    let http = node.http();
    let all = |half: &[Case]| half.iter().filter_map(|case| case.try_all(http).err()).collect();
    let mut wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = cases.chunks(cases.len().div_ceil(2));
        let halves: Vec<_> = halves.map(|half| scope.spawn(move || all(half))).collect();
        let ended = halves.into_iter().map(|half| half.join().expect("no panic"));
        ended.collect::<Vec<Vec<String>>>().concat()
    });
    let seen = cases.iter().filter(|case| is_request_line(&case.bytes));
    wrong.extend(seen.filter_map(|case| case.try_at(node.opentsdb(), &[0]).err()));
    assert!(wrong.is_empty(), "{} requests are read otherwise:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(node.export("smuggled").count(), 0, "what stood behind was stored");
    node.put_lines("put m 1 1 h=a\n");
}

impl Case {
    /// Whole, and at every place at which it can be split; the first that is answered otherwise.
    fn try_all(&self, node: SocketAddr) -> Result<(), String> {
        let places: Vec<usize> = (0..self.bytes.len()).collect();
        places.chunks(BATCH).try_for_each(|places| self.try_at(node, places))
    }

    /// On a connection each, so that one part has been read when the next is sent.
    fn try_at(&self, node: SocketAddr, places: &[usize]) -> Result<(), String> {
        let mut sockets: Vec<TcpStream> = places.iter().map(|_| connect(node)).collect();
        for (socket, &place) in sockets.iter_mut().zip(places) {
            socket.write_all(&self.bytes[..place]).expect("the node reads");
        }
        for (socket, &place) in sockets.iter_mut().zip(places) {
            // A node that has refused already may have closed.
            let _ = socket.write_all(&[&self.bytes[place..], &self.behind()].concat());
        }
        for (socket, &place) in sockets.iter_mut().zip(places) {
            let (found, expected) = (answers(socket), self.expected());
            if !found.as_ref().is_ok_and(|found| *found == expected) {
                let bytes = self.bytes.escape_ascii();
                let what = format!("line {} of the table, split at {place}", self.line);
                return Err(format!("{what}: {found:?} instead of {expected:?}: {bytes}"));
            }
            // No state of a finished connection is left behind for the thousands to come.
            let _ = SockRef::from(&*socket).set_linger(Some(Duration::ZERO));
        }
        Ok(())
    }

    /// What is sent behind it: a request that must be answered, or one that must not be seen.
    fn behind(&self) -> Vec<u8> {
        match self.is_kept {
            true => request("GET", "/api/version", &["Connection: close"], b""),
            false => {
                let body = br#"{"metric":"smuggled","value":1,"tags":{"h":"a"}}"#;
                request("POST", "/api/put", &[], body)
            }
        }
    }

    fn expected(&self) -> Vec<u16> {
        let good = self.is_kept.then_some(200);
        self.statuses.iter().copied().chain(good).collect()
    }
}

fn connect(node: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(node).expect("the node accepts");
    socket.set_nodelay(true).expect("a socket option");
    socket.set_read_timeout(Some(DEADLINE)).expect("a socket option");
    socket
}

/// The statuses of all answers until the node closes, interim ones left out.
fn answers(socket: &mut TcpStream) -> io::Result<Vec<u16>> {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // What was wrong with a request may name the version, too.
    let status = |answer: &str| answer.get(..3)?.parse().ok();
    let statuses = text.split(ANSWER).skip(1).filter_map(status);
    Ok(statuses.filter(|&status| status != 100).collect())
}

/// Whether the port that takes lines, too, sees a request in it.
fn is_request_line(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let [method, target, version] = words[..] else { return false };
    let printable = |byte: &u8| *byte > b' ' && *byte != 0x7f;
    (1..=20).contains(&method.len())
        && method.iter().all(u8::is_ascii_uppercase)
        && !target.is_empty()
        && target.iter().all(printable)
        && version.len() == 8
        && version.starts_with(b"HTTP/1.")
        && version[7].is_ascii_digit()
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/smuggling.txt");
    let text = fs::read_to_string(path).expect("the table");
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| case(at + 1, line)).collect()
}

fn case(line: usize, text: &str) -> Case {
    let (expected, bytes) = text.split_at(16);
    let (statuses, end) = expected.trim_end().split_once(' ').expect("statuses and an end");
    let status = |text: &str| text.parse().expect("a status");
    let is_kept = match end {
        "keep" => true,
        "close" => false,
        other => panic!("line {line}: {other}"),
    };
    Case {
        line,
        statuses: statuses.split(',').map(status).collect(),
        is_kept,
        bytes: unescape(bytes),
    }
}

/// `\r`, `\n`, `\t`, `\xNN`, and any other byte behind a backslash as it is.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next().expect("an escape") } else { byte };
        bytes.push(match (byte, escaped) {
            (b'\\', b'r') => b'\r',
            (b'\\', b'n') => b'\n',
            (b'\\', b't') => b'\t',
            (b'\\', b'x') => {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let digits = str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("two hex digits")
            }
            _ => escaped,
        });
    }
    bytes
}
