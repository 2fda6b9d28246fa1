//! Proves that 20 million generated points sent over 4 connections are exported as the same
//! multiset: from buffers and segments, after a death, after `force_flush` and after a restart.
//!
//! What was sent is digested from the very bytes that went out, independent of order; the
//! export is digested as it streams in.

use std::io::{self, Write};
use std::thread;

use irontsd::workload::{Digest, ExportDigest, Kind, Shape, Workload, digest_lines};

use crate::common::http::encode;
use crate::common::node::EVERYTHING;
use crate::common::{Http, Node};

/// Sessions that send side by side.
const CONNECTIONS: u64 = 4;

/// Lines written to the socket at once.
const LINES_PER_SEND: u64 = 5000;

#[test]
fn twenty_million_points_come_back() {
    let shape = Shape::default();
    assert_eq!(shape.lines_total(), 20_000_000);
    let node = Node::start();
    let sent = send_all(&node, &shape);
    assert_eq!(sent.count, 20_000_000);
    assert_eq!(node.metrics().accepted(), 2e7);
    assert_eq!(node.metrics().rejected(), 0.0);
    assert_eq!(exported(&node), sent, "as accepted");
    let node = node.kill_and_restart();
    assert_eq!(exported(&node), sent, "after kill -9");
    node.force_flush();
    assert_eq!(exported(&node), sent, "after force_flush");
    let node = node.stop_and_restart();
    assert_eq!(exported(&node), sent, "after a restart");
}

/// Sends the whole load and waits until it is acknowledged; returns what was sent.
fn send_all(node: &Node, shape: &Shape) -> Digest {
    let loads = Kind::Agent.connections(shape, CONNECTIONS);
    let senders = loads.into_iter().map(|load| {
        let telnet = node.telnet();
        thread::spawn(move || send(load, telnet))
    });
    let senders: Vec<_> = senders.collect();
    let mut sent = Digest::default();
    for sender in senders {
        sent.merge(sender.join().expect("the sender ended well"));
    }
    sent
}

fn send(mut load: Box<dyn Workload + Send>, mut telnet: crate::common::Telnet) -> Digest {
    let (mut sent, mut lines) = (Digest::default(), Vec::new());
    while load.fill(&mut lines, LINES_PER_SEND) > 0 {
        telnet.send(&lines);
        sent.merge(digest_lines(&lines).expect("generated lines parse"));
        lines.clear();
    }
    assert!(telnet.barrier().is_empty());
    sent
}

fn exported(node: &Node) -> Digest {
    let mut http = Http::connect(node.http());
    let target = format!("/api/v1/export?match[]={}", encode(EVERYTHING));
    http.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n"));
    let head = http.head();
    assert_eq!(head.status, 200);
    let mut sink = Sink(ExportDigest::default());
    http.body(&head, &mut sink).expect("the whole export");
    sink.0.finish().expect("export lines parse")
}

struct Sink(ExportDigest);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.feed(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
