//! Merges change nothing that a reader sees, whatever interrupts them.

use std::time::Duration;

use crate::common::node::{EVERYTHING, Node};

const DAY_S: i64 = 86_400;
/// Noon of a day long over.
const NOON_S: i64 = 19_000 * DAY_S + DAY_S / 2;

/// One flush's lines: three days around a noon, times that come again with other values, histograms.
fn lines(round: i64) -> String {
    let mut lines = String::new();
    for series in 0..40 {
        for at in 0..30 {
            let second = NOON_S + (at - 15) * 7_000 + (round % 3) * 50;
            let value = round * 1000 + at;
            lines += &format!("put m{series} {second} {value}.5 host=h{}\n", series % 7);
        }
        let second = NOON_S + round * 60 % 600;
        lines += &format!("histogram m{series} {second} u={round}:0,1={series}\n");
    }
    lines
}

fn filled(rounds: i64) -> Node {
    let node = Node::start();
    for round in 0..rounds {
        node.put_lines(&lines(round));
        node.force_flush();
    }
    node
}

fn merge(node: &Node) {
    let answer = node.get("/internal/force_merge");
    let text = answer.text();
    assert!(answer.status == 200 && text.ends_with("merged\n"), "{} {text}", answer.status);
}

#[test]
fn an_export_is_the_same_before_and_after_and_after_a_restart() {
    let node = filled(9);
    let before = node.export_text(EVERYTHING);
    assert_eq!(node.metrics().sum("irontsd_segments", &[r#"level="0""#]), 9.0);
    merge(&node);
    assert_eq!(node.export_text(EVERYTHING), before);
    let metrics = node.metrics();
    assert_eq!(metrics.sum("irontsd_segments", &[r#"level="0""#]), 0.0);
    assert_eq!(metrics.sum("irontsd_segments", &[r#"level="9""#]), 1.0, "thin days are one file");
    let node = node.kill_and_restart();
    assert_eq!(node.export_text(EVERYTHING), before);
    // What comes later still wins, before and after it is merged.
    node.put_lines(&lines(20));
    let changed = node.export_text(EVERYTHING);
    assert_ne!(changed, before);
    node.force_flush();
    merge(&node);
    assert_eq!(node.export_text(EVERYTHING), changed);
    merge(&node);
    assert_eq!(node.stop_and_restart().export_text(EVERYTHING), changed);
}

#[test]
fn many_flushes_are_merged_by_themselves() {
    let node = filled(17);
    let before = node.export_text(EVERYTHING);
    let fresh = || node.metrics().sum("irontsd_segments", &[r#"level="0""#]);
    crate::common::wait::until("fresh segments are merged", || fresh() < 16.0);
    assert_eq!(node.export_text(EVERYTHING), before);
}

/// An export begun before a merge reads on in files that have no name any more.
#[test]
fn an_export_in_progress_is_not_disturbed() {
    let node = filled(4);
    let whole = node.export_text(EVERYTHING);
    let mut slow = crate::common::Http::connect(node.http());
    let target = crate::common::http::encode(EVERYTHING);
    slow.send(format!("GET /api/v1/export?match[]={target} HTTP/1.1\r\nHost: x\r\n\r\n"));
    merge(&node);
    let mut body = Vec::new();
    let answer = slow.head();
    slow.body(&answer, &mut body).expect("the whole body");
    assert!(body == whole.as_bytes());
}

/// Killed at any moment of a merge, the node has every sample once.
#[test]
fn a_kill_during_a_merge_loses_nothing() {
    let node = filled(6);
    let expected = node.export_text(EVERYTHING);
    let fresh = node.stop();
    let mut home = fresh.copy();
    let mut chance = crate::common::seed::chance("a kill during a merge");
    for round in 0..25 {
        let node = home.start();
        assert!(node.export_text(EVERYTHING) == expected, "round {round}");
        let mut http = crate::common::Http::connect(node.http());
        http.send("GET /internal/force_merge HTTP/1.1\r\nHost: x\r\n\r\n");
        std::thread::sleep(Duration::from_micros(chance.u64(0..8_000)));
        home = node.kill();
        if round % 2 == 1 {
            home = fresh.copy();
        }
    }
    assert!(home.start().export_text(EVERYTHING) == expected);
}

/// The last day of which a timestamp is accepted, counted from 1970.
const LAST_DAY: i64 = 9_999_999_999_999 / 86_400_000;

#[test]
fn a_point_in_every_day_there_is_costs_little() {
    let mut node = Node::start();
    let days: Vec<i64> = (0..=LAST_DAY).collect();
    // Twice, so that some days are merged with what came before.
    for value in [1, 2] {
        // From the 51st day on milliseconds of noon fit and are no seconds.
        let at = |day: i64| if day < 51 { day * 86_400 + 1 } else { day * 86_400_000 + 43_200_000 };
        let line = |day: &i64| format!("put every.day {} {value} h=a\n", at(*day));
        for lines in days.chunks(20_000) {
            node.put_lines(&lines.iter().map(line).collect::<String>());
        }
        node.force_flush();
        merge(&node);
    }
    let export = node.export("every.day");
    assert_eq!(export.count(), days.len());
    let segments = node.metrics().sum("irontsd_segments", &[]);
    assert!(segments <= 4.0, "{segments} segments");
    let proc = format!("/proc/{}", node.process().id());
    let descriptors = std::fs::read_dir(format!("{proc}/fd")).expect("there").count();
    assert!(descriptors < 40, "{descriptors} descriptors");
    let maps = std::fs::read_to_string(format!("{proc}/maps")).expect("there").lines().count();
    assert!(maps < 250, "{maps} mappings");
    let peak = node.memory_peak_bytes();
    assert!(peak < 200 << 20, "{peak} bytes");
}
