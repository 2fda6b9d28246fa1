//! Deletes and retention take what they name, at once and for good, and nothing else.

use std::fs;

use crate::common::http::encode;
use crate::common::node::{EVERYTHING, Node};
use crate::common::telnet::converse;
use crate::common::wait;

fn delete(node: &Node, arguments: &str) -> (u16, String) {
    let answer = node.post(&format!("/api/v1/admin/tsdb/delete_series?{arguments}"), "");
    (answer.status, answer.text())
}

fn lines(series: std::ops::Range<i64>, seconds: std::ops::Range<i64>, value: i64) -> String {
    let each = |at: i64| series.clone().map(move |n| format!("put m{n} {at} {value} h=a\n"));
    seconds.flat_map(each).collect()
}

/// Files of deletes in the data directory.
fn delete_files(home: &crate::common::Home) -> usize {
    let names = fs::read_dir(home.data().join("segments")).expect("a directory").flatten();
    names.filter(|file| file.file_name().to_string_lossy().ends_with(".ids")).count()
}

#[test]
fn what_is_deleted_is_gone_and_nothing_else() {
    let node = Node::start();
    node.put_lines(&lines(0..4, 100..120, 1));
    node.force_flush();
    node.put_lines(&lines(0..4, 110..130, 2));
    node.put_lines("histogram hist 115 u=1 h=a\nhistogram hist 125 u=2 h=a\n");
    let numbers = "{__name__=~\"m.\"}";
    let mut expected = node.export(numbers).series;
    let range =
        format!("match[]={}&match[]=m2&match[]=hist&start=112&end=121.5", encode("m1{h=\"a\"}"));
    assert_eq!(delete(&node, &range), (204, String::new()));
    for (name, samples) in &mut expected {
        if name.starts_with("m1") || name.starts_with("m2") {
            samples.retain(|(ms, _)| !(112_000..=121_500).contains(ms));
        }
    }
    assert_eq!(node.export(numbers).series, expected, "at once");
    let histograms = r#""histograms":[{"u":2,"o":0,"buckets":[]}],"timestamps":[125000]"#;
    let text = node.export_text("hist");
    assert!(text.contains(histograms), "{text}");
    // What is accepted later stays, for the same series and time.
    node.put_lines("put m1 115 7 h=a\n");
    let text = node.export_text(EVERYTHING);
    assert!(text.contains("7"), "{text}");
    let node = node.kill_and_restart();
    assert_eq!(node.export_text(EVERYTHING), text, "after a kill");
    node.force_flush();
    assert_eq!(node.export_text(EVERYTHING), text, "from segments");
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    assert_eq!(node.export_text(EVERYTHING), text, "merged");
    let home = node.stop();
    assert_eq!(delete_files(&home), 0, "a merge carries deletes out");
    assert_eq!(home.start().export_text(EVERYTHING), text, "after a stop");
}

#[test]
fn a_delete_of_everything_leaves_nothing_on_disk() {
    let node = Node::start();
    node.put_lines(&lines(0..50, 100..200, 3));
    assert_eq!(delete(&node, &format!("match[]={}", encode(EVERYTHING))).0, 204);
    assert_eq!(node.export_text(EVERYTHING), "");
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    assert_eq!(node.export_text(EVERYTHING), "");
    assert_eq!(node.metrics().sum("irontsd_segment_bytes", &[]), 0.0);
    let home = node.stop();
    let left = fs::read_dir(home.data().join("segments")).expect("a directory").count();
    assert_eq!(left, 0, "files in segments/");
    assert_eq!(home.start().export_text(EVERYTHING), "");
}

#[test]
fn a_delete_must_name_its_series() {
    let node = Node::start();
    node.put_lines("put m 1 1 h=a\n");
    let before = node.export_text(EVERYTHING);
    assert_eq!(delete(&node, ""), (400, "missing `match[]` arg\n".to_owned()));
    assert_eq!(delete(&node, "match[]=%7B").0, 400);
    assert_eq!(delete(&node, "match[]=m&start=never").0, 400);
    assert_eq!(delete(&node, "match[]=nothing").0, 204);
    assert_eq!(node.get("/api/v1/admin/tsdb/delete_series?match[]=m").status, 405);
    assert_eq!(node.export_text(EVERYTHING), before);
}

#[test]
fn points_older_than_what_is_kept_are_refused() {
    let node = Node::with_flags(&["--retention", "1d"]);
    let answer = converse(node.opentsdb(), "put old 1700000000 1 h=a\n");
    assert!(
        answer.starts_with("put: illegal argument: timestamp 1700000000000 ms is older"),
        "{answer}"
    );
    let old = r#"{"metric":"old","timestamp":1700000000,"value":1,"tags":{"h":"a"}}"#;
    let new = r#"{"metric":"new","value":1,"tags":{"h":"a"}}"#;
    let answer = node.post("/api/put?summary", format!("[{old},{new}]"));
    assert_eq!((answer.status, answer.text().as_str()), (400, r#"{"success":1,"failed":1}"#));
    let line = r#"{"metric":{"__name__":"old"},"values":[1],"timestamps":[1700000000000]}"#;
    assert_eq!(node.post("/api/v1/import", line).status, 400);
    assert_eq!(node.export_text("old"), "");
    assert_eq!(node.export_text("new").lines().count(), 1);
    assert_eq!(node.metrics().sum("irontsd_series", &[]), 1.0, "refused points make no series");
    let reason = [r#"reason="older_than_retention""#];
    assert_eq!(node.metrics().sum("irontsd_points_rejected_total", &reason), 3.0);
}

#[test]
fn the_oldest_segments_go_when_there_is_too_much() {
    const DAY: i64 = 86_400;
    let node = Node::with_flags(&["--retention-bytes", "1"]);
    for day in [3, 1, 2] {
        node.put_lines(&lines(0..9, day * DAY..day * DAY + 9, day));
    }
    node.force_flush();
    node.put_lines(&lines(0..9, 4 * DAY..4 * DAY + 9, 4));
    node.force_flush();
    let segments = || node.metrics().sum("irontsd_segments", &[]);
    wait::until("the older segment is dropped", || segments() == 1.0);
    let export = node.export_all();
    assert!(export.series.values().flatten().all(|(ms, _)| *ms >= 4 * DAY * 1000), "{export:?}");
    assert_eq!(export.count(), 81);
    let answer = converse(node.opentsdb(), lines(0..1, DAY..DAY + 1, 5));
    assert!(answer.contains("is older than what is kept"), "{answer}");
    let text = node.export_text(EVERYTHING);
    assert_eq!(node.kill_and_restart().export_text(EVERYTHING), text);
}

#[test]
fn samples_from_the_far_future_do_not_take_the_present_along() {
    let node = Node::with_flags(&["--retention-bytes", "1"]);
    for round in 1..4 {
        node.put_lines(&format!("put far {} {round} h=a\n", 4_102_444_800_i64 + round));
        node.put_lines(&lines(0..9, 100 * round..100 * round + 9, round));
        node.force_flush();
    }
    assert_eq!(node.export_text("far").lines().count(), 1);
    assert_eq!(node.export_all().count(), 3 * (81 + 1), "each segment ends in the far future");
    // Merged they stand apart, and what is old goes by itself.
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    node.put_lines(&lines(0..9, 86_400..86_409, 5));
    node.force_flush();
    let kept = || node.export_all().count();
    wait::until("the older segment is dropped", || kept() == 81 + 3);
    assert_eq!(converse(node.opentsdb(), lines(0..1, 172_800..172_801, 5)), "");
}
