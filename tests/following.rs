//! Proves that connections which go from event loop to event loop, to be where their senders are, lose
//! nothing on the way: no request, no answer, no order.

use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::common::http::request;
use crate::common::ledger::Ledger;
use crate::common::{Http, Node};

const CONNECTIONS: usize = 8;
/// More than it takes until all connections of one sender are on one loop.
const ROUNDS_MAX: usize = 20_000;

/// Who puts points through one connection.
struct Writer {
    http: Http,
    ledger: Ledger,
    rounds: usize,
    /// The answers to what was sent last.
    awaited: Vec<u16>,
}

impl Writer {
    fn new(node: &Node, number: usize) -> Writer {
        let ledger = Ledger::new(format!("m{number}"));
        Writer { http: Http::connect(node.http()), ledger, rounds: 0, awaited: Vec::new() }
    }

    /// Sends points; now and then twice at once, to be synced, with a question behind them, or in two parts.
    fn send(&mut self) {
        self.rounds += 1;
        self.awaited.clear();
        let mut bytes = Vec::new();
        let target = if self.rounds.is_multiple_of(60) { "/api/put?sync" } else { "/api/put" };
        for _ in 0..=usize::from(self.rounds.is_multiple_of(7)) {
            bytes.extend(request("POST", target, &[], self.ledger.next_json(3).as_bytes()));
            self.awaited.push(204);
        }
        if self.rounds.is_multiple_of(3) {
            bytes.extend(request("GET", "/api/v1/label/__name__/values", &[], b""));
            self.awaited.push(200);
        }
        let cut = if self.rounds.is_multiple_of(5) { bytes.len() / 2 } else { bytes.len() };
        self.http.send(&bytes[..cut]);
        if cut < bytes.len() {
            thread::yield_now();
            self.http.send(&bytes[cut..]);
        }
    }

    fn receive(&mut self) {
        for status in &self.awaited {
            assert_eq!(self.http.response().status, *status);
        }
        self.ledger.acknowledge();
    }
}

fn moved(node: &Node) -> f64 {
    node.metrics().sum("irontsd_connections_moved_total", &[])
}

/// One sender's connections come together on one loop, wherever it runs.
#[test]
fn connections_of_one_sender_come_together() {
    let node = Node::with_flags(&["--event-loops", "2"]);
    let mut writers: Vec<Writer> = (0..CONNECTIONS).map(|n| Writer::new(&node, n)).collect();
    for round in 0..ROUNDS_MAX {
        writers.iter_mut().for_each(Writer::send);
        writers.iter_mut().for_each(Writer::receive);
        if round % 100 == 99 && moved(&node) >= (CONNECTIONS / 2) as f64 {
            break;
        }
    }
    assert!(moved(&node) >= (CONNECTIONS / 2) as f64, "{} moved", moved(&node));
    for _ in 0..100 {
        writers.iter_mut().for_each(Writer::send);
        writers.iter_mut().for_each(Writer::receive);
    }
    check(&node, &writers);
}

/// Senders that change their cores all the time have their connections moved back and forth.
#[test]
fn senders_may_go_from_core_to_core() {
    let node = Node::with_flags(&["--event-loops", "3"]);
    let writers: Vec<Writer> = (0..CONNECTIONS).map(|n| Writer::new(&node, n)).collect();
    let wanderers: Vec<_> =
        writers.into_iter().map(|writer| thread::spawn(|| wander(writer))).collect();
    let ended = wanderers.into_iter().map(|thread| thread.join().expect("all were answered"));
    let writers: Vec<Writer> = ended.collect();
    assert!(moved(&node) > 0.0);
    check(&node, &writers);
}

fn wander(mut writer: Writer) -> Writer {
    let allowed = sched_getaffinity(None).expect("the cores of this thread");
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
    for round in 0..5000 {
        if round % 250 == 0 {
            let mut one = CpuSet::new();
            one.set(cores[round / 250 % cores.len()]);
            sched_setaffinity(None, &one).expect("a core that is allowed");
        }
        writer.send();
        writer.receive();
    }
    writer
}

fn check(node: &Node, writers: &[Writer]) {
    for writer in writers {
        writer.ledger.check(&node.export(&writer.ledger.metric));
    }
}
