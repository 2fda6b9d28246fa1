//! Proves that exports taken while points stream in, segments are sealed and other exports run
//! show a prefix of what each connection sent: everything acknowledged before the export began,
//! no gap, nothing that was not sent yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::common::{Http, Node, Telnet};

/// Exports to compare.
const EXPORTS: usize = 40;

/// One connection that writes 1, 2, 3, ... to a series of its own.
struct Stream {
    metric: String,
    /// Written and acknowledged.
    acked: AtomicU64,
    /// Handed to the socket.
    sent: AtomicU64,
    stop: AtomicBool,
}

#[test]
fn exports_during_ingestion_are_prefixes() {
    let node = Node::with_flags(&["--event-loops", "2"]);
    let streams: Vec<Arc<Stream>> = (0..4).map(stream).collect();
    let writers: Vec<_> = streams.iter().map(|stream| write(&node, stream)).collect();
    for n in 0..EXPORTS {
        check_prefixes(&node, &streams);
        if n % 5 == 0 {
            node.force_flush();
        }
    }
    streams.iter().for_each(|stream| stream.stop.store(true, Ordering::SeqCst));
    writers.into_iter().for_each(|writer| writer.join().expect("the writer ended well"));
    check_prefixes(&node, &streams);
    let total: u64 = streams.iter().map(|stream| stream.acked.load(Ordering::SeqCst)).sum();
    assert_eq!(node.export_all().count() as u64, total);
    assert!(total > 1000, "the load was no load: {total}");
}

#[test]
fn connections_on_all_loops_share_one_series() {
    let node = Node::with_flags(&["--event-loops", "4"]);
    let writers: Vec<_> = (0..8).map(|part| write_part(&node, part)).collect();
    writers.into_iter().for_each(|writer| writer.join().expect("the writer ended well"));
    let export = node.export("m");
    let samples = export.samples("m", &[("h", "a")]);
    assert_eq!(samples.len(), 16_000);
    let wrong = samples
        .iter()
        .enumerate()
        .find(|(n, sample)| **sample != (1000 * (*n as i64 + 1), (n % 8).to_string()));
    assert_eq!(wrong, None);
}

/// Writes every eighth second of one series, 2000 in all.
fn write_part(node: &Node, part: u64) -> JoinHandle<()> {
    let mut telnet = Telnet::connect(node.opentsdb());
    thread::spawn(move || {
        for batch in 0..100_u64 {
            let line = |n| format!("put m {} {part} h=a\n", 1 + part + 8 * n);
            let lines: String = (batch * 20..batch * 20 + 20).map(line).collect();
            assert!(telnet.send(lines).barrier().is_empty());
        }
    })
}

fn stream(number: usize) -> Arc<Stream> {
    Arc::new(Stream {
        metric: format!("stream{number}"),
        acked: AtomicU64::new(0),
        sent: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    })
}

/// Even streams go through telnet, odd ones through HTTP.
fn write(node: &Node, stream: &Arc<Stream>) -> JoinHandle<()> {
    let stream = Arc::clone(stream);
    if stream.metric.ends_with(['0', '2']) {
        let mut telnet = node.telnet();
        return thread::spawn(move || {
            stream.run(|from, to| {
                let line = |n| format!("put {} {n} {n} h=a\n", stream.metric);
                let lines: String = (from..to).map(line).collect();
                assert!(telnet.send(lines).barrier().is_empty());
            });
        });
    }
    let mut http = Http::connect(node.opentsdb());
    thread::spawn(move || {
        stream.run(|from, to| {
            let metric = &stream.metric;
            let point = |n| {
                format!(r#"{{"metric":"{metric}","timestamp":{n},"value":{n},"tags":{{"h":"a"}}}}"#)
            };
            let body = format!("[{}]", (from..to).map(point).collect::<Vec<_>>().join(","));
            assert_eq!(http.post("/api/put", body.as_bytes()).status, 204);
        });
    })
}

impl Stream {
    /// Writes batches of 50 numbers until told to stop, or until there are very many.
    fn run(&self, mut write: impl FnMut(u64, u64)) {
        let mut next = 1;
        while !self.stop.load(Ordering::SeqCst) {
            if next > 400_000 {
                thread::yield_now();
                continue;
            }
            self.sent.store(next + 49, Ordering::SeqCst);
            write(next, next + 50);
            self.acked.store(next + 49, Ordering::SeqCst);
            next += 50;
        }
    }
}

#[track_caller]
fn check_prefixes(node: &Node, streams: &[Arc<Stream>]) {
    let acked: Vec<u64> = streams.iter().map(|s| s.acked.load(Ordering::SeqCst)).collect();
    let export = node.export_all();
    for (stream, acked) in streams.iter().zip(acked) {
        let samples = export.samples(&stream.metric, &[("h", "a")]);
        let count = samples.len() as u64;
        assert!(count >= acked, "{}: {count} of {acked} acknowledged", stream.metric);
        assert!(count <= stream.sent.load(Ordering::SeqCst), "{}: invented", stream.metric);
        let gap = samples
            .iter()
            .zip(1_i64..)
            .find(|(sample, n)| sample.0 != 1000 * n || sample.1 != n.to_string());
        assert_eq!(gap, None, "{}", stream.metric);
    }
}
