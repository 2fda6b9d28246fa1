//! Proves that `/metrics` counts what happened, and that refused lines and points can be read
//! back with their reason.

use crate::common::metrics::Metrics;
use crate::common::{Json, Node, wait};

/// Every figure that is there from the start.
const NAMES: [&str; 11] = [
    "irontsd_series",
    "irontsd_connections",
    "irontsd_log_bytes",
    "irontsd_segment_bytes",
    "irontsd_segments",
    "irontsd_flush_duration_seconds",
    "irontsd_sync_duration_seconds",
    "irontsd_damaged_blocks",
    "irontsd_points_accepted_total",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
];

#[test]
fn every_documented_metric_is_there() {
    let node = Node::start();
    node.put_lines("put m 1 1 h=a\n");
    assert_eq!(node.telnet().send("put m x 1 h=a\n").barrier().len(), 1);
    node.force_flush();
    let answer = node.get("/metrics");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    let metrics = Metrics::parse(&answer.text());
    for name in NAMES {
        assert!(metrics.has(name), "{name}: {}", answer.text());
    }
    assert!(metrics.has("irontsd_points_rejected_total"));
    for (name, label) in [
        ("irontsd_points_accepted_total", "protocol"),
        ("irontsd_points_rejected_total", "protocol"),
        ("irontsd_points_rejected_total", "reason"),
        ("irontsd_connections", "protocol"),
        ("irontsd_segments", "level"),
    ] {
        assert!(metrics.all_carry(name, label), "{name} without {label}");
    }
}

#[test]
fn accepted_points_are_counted_by_protocol() {
    let node = Node::start();
    node.put_lines(&"put m 1 1 h=a\n".repeat(7));
    node.put_json(r#"[{"metric":"m","value":1},{"metric":"m","timestamp":1,"value":2}]"#);
    let metrics = node.metrics();
    let accepted = "irontsd_points_accepted_total";
    assert_eq!(metrics.sum(accepted, &["protocol=\"telnet\""]), 7.0, "duplicates count");
    assert_eq!(metrics.sum(accepted, &["protocol=\"http\""]), 2.0);
    assert_eq!(metrics.accepted(), 9.0);
    assert_eq!(metrics.rejected(), 0.0);
    assert_eq!(metrics.sum("irontsd_series", &[]), 2.0);
}

#[test]
fn refused_points_are_counted_by_protocol() {
    let node = Node::start();
    assert_eq!(node.telnet().send("put m x 1 h=a\nput m 1 x h=a\n").barrier().len(), 2);
    let bad = r#"[{"metric":"m","value":"x"},{"metric":"","value":1},{"metric":"m","value":1}]"#;
    assert_eq!(node.post("/api/put", bad).status, 400);
    let metrics = node.metrics();
    let rejected = "irontsd_points_rejected_total";
    assert_eq!(metrics.sum(rejected, &["protocol=\"telnet\""]), 2.0);
    assert_eq!(metrics.sum(rejected, &["protocol=\"http\""]), 2.0);
    assert_eq!(metrics.accepted(), 1.0);
}

#[test]
fn gauges_follow_what_they_measure() {
    let node = Node::start();
    let lines: String = (1..=10_000).map(|n| format!("put m {n} {n} h=a\n")).collect();
    node.put_lines(&lines);
    assert!(node.metrics().sum("irontsd_log_bytes", &[]) > 10_000.0);
    node.force_flush();
    let metrics = node.metrics();
    assert!(metrics.sum("irontsd_segment_bytes", &[]) > 0.0);
    assert!(metrics.sum("irontsd_segments", &[]) >= 1.0);
    assert_eq!(metrics.sum("irontsd_damaged_blocks", &[]), 0.0);
    assert!(metrics.sum("process_resident_memory_bytes", &[]) > 1e6);
}

#[test]
fn open_connections_are_counted() {
    let node = Node::start();
    let count = || node.metrics().sum("irontsd_connections", &["protocol=\"telnet\""]);
    let mut open: Vec<_> = (0..7).map(|_| node.telnet()).collect();
    assert!(open.iter_mut().all(|telnet| telnet.barrier().is_empty()));
    assert_eq!(count(), 7.0);
    open.truncate(2);
    wait::until("closed connections to be noticed", || count() == 2.0);
}

#[test]
fn refused_lines_can_be_read_back() {
    let node = Node::start();
    let mut telnet = node.telnet();
    let peer = telnet.socket().local_addr().expect("an address");
    telnet.send("put line.one notatime 1 h=a\n");
    assert_eq!(telnet.barrier().len(), 1);
    let bad = r#"{"metric":"point.two","timestamp":1,"value":"x"}"#;
    assert_eq!(node.post("/api/put", bad).status, 400);
    let text = node.get("/api/v1/status/rejected").text();
    let entries = entries(&text);
    assert_eq!(entries.len(), 2, "{text}");
    for parts in [["line.one", "telnet"], ["point.two", "http"]] {
        let holds = |entry: &Json| parts.iter().all(|part| format!("{entry:?}").contains(part));
        assert!(entries.iter().any(holds), "{parts:?}: {text}");
    }
    assert!(text.contains(&peer.to_string()), "{peer}: {text}");
}

#[test]
fn the_last_hundred_refusals_are_kept() {
    let node = Node::start();
    let lines: String = (1000..1250).map(|n| format!("put m stamp{n} 1 h=a\n")).collect();
    assert_eq!(node.telnet().send(lines).barrier().len(), 250);
    let text = node.get("/api/v1/status/rejected").text();
    assert_eq!(entries(&text).len(), 100);
    assert!(text.contains("stamp1249") && text.contains("stamp1150"), "{text}");
    assert!(!text.contains("stamp1149"), "{text}");
}

/// The refusals, each with every documented member.
#[track_caller]
fn entries(text: &str) -> Vec<Json> {
    let json = Json::parse(text);
    assert_eq!(json.get("status").str(), "success");
    let entries = json.get("data").items();
    for entry in entries {
        for member in ["reason", "protocol", "peer", "time"] {
            assert!(entry.find(member).is_some(), "{member}: {entry:?}");
        }
    }
    entries.to_vec()
}
