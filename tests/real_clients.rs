//! Proves that real collectors work: collectd with `write_tsdb`, and netdata's OpenTSDB exporter
//! over telnet and over HTTP, each for at least 20 seconds.
//!
//! A pass-through between the collector and the node keeps every byte. Afterwards nothing was
//! refused, and the export equals what a plain parser finds in those bytes.

mod collectd;
mod netdata;
mod traffic;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::process::Process;
use crate::common::recorder::{Conversation, Recorder};
use crate::common::{Node, require, wait};
use traffic::Traffic;

/// How long a collector runs after its first byte.
const RUN: Duration = Duration::from_secs(20);

#[test]
fn collectd_write_tsdb() {
    let Some(program) = require::program("collectd") else {
        return;
    };
    if !Path::new(collectd::PLUGIN).is_file() {
        return require::skip("collectd lacks its plugin write_tsdb");
    }
    let node = Node::start();
    let recorder = Recorder::start(node.opentsdb());
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut command = collectd::command(&program, home.path(), recorder.addr());
    run(Process::spawn(&mut command), &[&recorder]);
    let traffic = telnet(&recorder.finish());
    traffic.assert_substantial();
    assert_stored(&node, &traffic);
}

#[test]
fn netdata_over_telnet_and_http() {
    let Some(program) = require::program("netdata") else {
        return;
    };
    let node = Node::start();
    let (telnet_recorder, http_recorder) =
        (Recorder::start(node.opentsdb()), Recorder::start(node.opentsdb()));
    let home = tempfile::tempdir().expect("a temporary directory");
    let addrs = (telnet_recorder.addr(), http_recorder.addr());
    let mut command = netdata::command(&program, home.path(), addrs.0, addrs.1);
    run(Process::spawn(&mut command), &[&telnet_recorder, &http_recorder]);
    let mut traffic = telnet(&telnet_recorder.finish());
    traffic.assert_substantial();
    let over_http = http(&http_recorder.finish());
    over_http.assert_substantial();
    traffic.merge(over_http);
    assert_stored(&node, &traffic);
}

/// Lets a collector run its time and stops it.
#[track_caller]
fn run(mut collector: Process, recorders: &[&Recorder]) {
    wait::until("the collector to send", || {
        assert!(!collector.ended(), "the collector ended");
        recorders.iter().all(|recorder| recorder.bytes_to_node() > 10_000)
    });
    let started = Instant::now();
    while started.elapsed() < RUN {
        assert!(!collector.ended(), "the collector ended");
        thread::sleep(Duration::from_millis(200));
    }
    collector.signal(Signal::TERM);
    collector.exit_status();
}

/// What telnet conversations carried; the node must have been silent.
#[track_caller]
fn telnet(conversations: &[Conversation]) -> Traffic {
    let mut traffic = Traffic::default();
    for conversation in conversations {
        assert_eq!(String::from_utf8_lossy(&conversation.to_client), "", "answers");
        traffic.add_lines(&conversation.to_node);
    }
    traffic
}

/// What HTTP conversations carried; the node must have taken every body with points.
#[track_caller]
fn http(conversations: &[Conversation]) -> Traffic {
    let mut traffic = Traffic::default();
    for conversation in conversations {
        let bodies = traffic.add_requests(&conversation.to_node);
        let answers = traffic::statuses(&conversation.to_client);
        assert!(answers.len() >= bodies.len().saturating_sub(1), "{answers:?}");
        for (points, status) in bodies.into_iter().zip(answers) {
            // netdata starts with empty arrays, which OpenTSDB refuses.
            assert_eq!(status, if points == 0 { 400 } else { 204 }, "{points} points");
        }
    }
    traffic
}

#[track_caller]
fn assert_stored(node: &Node, traffic: &Traffic) {
    wait::until("every point to be taken", || node.metrics().accepted() >= traffic.points as f64);
    let metrics = node.metrics();
    assert_eq!(metrics.accepted(), traffic.points as f64);
    assert_eq!(metrics.rejected(), 0.0, "{}", node.get("/api/v1/status/rejected").text());
    node.export_all().assert_same(&traffic.samples);
    node.force_flush();
    node.export_all().assert_same(&traffic.samples);
}
