//! What one node exports another imports, and exports the same bytes.

use crate::common::http::Http;
use crate::common::node::Node;

const EVERYTHING: &str = "{__name__!=\"\"}";

/// Names and values of every kind, old and new times.
fn filled() -> Node {
    let node = Node::start();
    let numbers = ["1", "-9223372036854775808", "0.1", "-0.0", "5e-324", "1e308", "23.57", "1e21"];
    let lines: String = numbers
        .iter()
        .enumerate()
        .map(|(at, number)| format!("put numbers.all {} {number} n={at} host=a\n", 1 + at))
        .collect();
    node.put_lines(&lines);
    node.put_json(r#"{"metric":"odd <'\"\\ name","timestamp":9999999999999,"value":1}"#);
    node.put_json(r#"{"metric":"\u00e9=\t","timestamp":1,"value":2,"tags":{"a=b":"c d"}}"#);
    node
}

#[test]
fn export_import_export_is_the_same_bytes() {
    let first = filled().export_text(EVERYTHING);
    assert_eq!(first.lines().count(), 10);
    let other = Node::start();
    assert_eq!(other.post("/api/v1/import", &first).status, 204);
    assert_eq!(other.export_text(EVERYTHING), first);
    let again = other.kill_and_restart();
    assert_eq!(again.export_text(EVERYTHING), first);
    assert_eq!(again.metrics().sum("irontsd_series", &[]), 10.0);
}

#[test]
fn a_bad_line_is_named_and_the_good_ones_kept() {
    let node = Node::start();
    let good = r#"{"metric":{"__name__":"m"},"values":[1],"timestamps":[1]}"#;
    let body = format!("{good}\nnot json\n{good}\n");
    let answer = Http::connect(node.http()).post("/api/v1/import", body.as_bytes());
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.starts_with(r#"{"success":2,"failed":1,"errors":[{"line":2,"error":""#), "{text}");
    assert_eq!(node.export("m").count(), 1);
    let import = [r#"protocol="import""#];
    assert_eq!(node.metrics().sum("irontsd_points_accepted_total", &import), 2.0);
    assert_eq!(node.metrics().sum("irontsd_points_rejected_total", &import), 1.0);
}

/// Two bytes a value and two a timestamp: far more samples than one commit takes.
#[test]
fn a_line_of_millions_of_samples_is_taken() {
    const SAMPLES: usize = 3_000_000;
    let node = Node::start();
    let values = vec!["1"; SAMPLES].join(",");
    let times = vec!["7"; SAMPLES].join(",");
    let line =
        format!(r#"{{"metric":{{"__name__":"m"}},"values":[{values}],"timestamps":[{times}]}}"#);
    assert_eq!(node.post("/api/v1/import", line).status, 204);
    let export = node.export_text("m");
    assert_eq!(export, "{\"metric\":{\"__name__\":\"m\"},\"values\":[1],\"timestamps\":[7]}\n");
}

/// The answer lists the first hundred; the counters know every line.
#[test]
fn every_bad_line_is_counted_by_its_reason() {
    let node = Node::start();
    let late = r#"{"metric":{"__name__":"m"},"values":[1],"timestamps":[99999999999999]}"#;
    let body = format!("{}{}", "not json\n".repeat(103), format!("{late}\n").repeat(4));
    let answer = node.post("/api/v1/import", body);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json().get("failed").str(), "107");
    assert_eq!(answer.json().get("errors").items().len(), 100);
    for (reason, count) in [("invalid_json", 103.0), ("timestamp_range", 4.0)] {
        let labels = [r#"protocol="import""#, &format!("reason=\"{reason}\"")];
        let counted = node.metrics().sum("irontsd_points_rejected_total", &labels);
        assert_eq!(counted, count, "{reason}");
    }
}
