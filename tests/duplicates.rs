//! Proves that one series and time has one sample: the last one whose write began after the
//! others were acknowledged, on whatever connection or protocol, before and after flushes and
//! deaths; within one connection or body the later one.

use std::collections::HashMap;

use crate::common::series::series;
use crate::common::{Export, Http, Node, Telnet, seed};

const TAGS: [(&str, &str); 1] = [("h", "a")];

#[track_caller]
fn value(node: &Node) -> String {
    let export = node.export("m");
    let (_, stamp_ms, value) = export.only();
    assert_eq!(stamp_ms, 1000);
    value.to_owned()
}

fn line(value: &str) -> String {
    format!("put m 1 {value} h=a\n")
}

fn body(value: &str) -> String {
    format!(r#"{{"metric":"m","timestamp":1,"value":{value},"tags":{{"h":"a"}}}}"#)
}

#[test]
fn the_later_line_of_a_connection_wins() {
    let node = Node::start();
    node.put_lines(&[line("3"), line("1"), line("2")].concat());
    assert_eq!(value(&node), "2");
    let node = node.kill_and_restart();
    assert_eq!(value(&node), "2");
    node.force_flush();
    assert_eq!(value(&node), "2");
}

#[test]
fn the_later_point_of_a_body_wins() {
    let node = Node::start();
    node.put_json(&format!("[{},{},{}]", body("9"), body("1"), body("5")));
    assert_eq!(value(&node), "5");
    node.force_flush();
    assert_eq!(value(&node), "5");
    let node = node.kill_and_restart();
    assert_eq!(value(&node), "5");
}

#[test]
fn kinds_replace_each_other() {
    let mut node = Node::start();
    for sent in ["1", "1.5", "-0.0", "0", "9223372036854775807", "1e300", "2"] {
        node.put_lines(&line(sent));
        assert_eq!(value(&node).parse::<f64>(), sent.parse(), "{sent}");
        node.force_flush();
        assert_eq!(value(&node).parse::<f64>(), sent.parse(), "{sent}");
        node = node.kill_and_restart();
    }
    assert_eq!(value(&node), "2");
}

#[test]
fn the_last_acknowledged_connection_wins() {
    let node = Node::with_flags(&["--event-loops", "4"]);
    let mut writers: Vec<Writer> = (0..24).map(|n| Writer::connect(&node, n)).collect();
    let mut chance = seed::chance("connections");
    for n in 0..1500 {
        writers[chance.usize(..24)].write(&[Point { series: 0, stamp: 1, value: n }]);
        if n % 10 == 0 {
            assert_eq!(node.export("m").value(&name(0), 1000), Some(n.to_string().as_str()));
        }
    }
    let node = node.kill_and_restart();
    assert_eq!(node.export("m").value(&name(0), 1000), Some("1499"));
}

#[test]
fn every_generation_of_segments_yields_to_the_next() {
    let mut node = Node::start();
    for n in 0..12 {
        node.put_lines(&line(&n.to_string()));
        if n % 3 != 2 {
            node.force_flush();
        }
        if n % 4 == 3 {
            node = node.stop_and_restart();
        }
        assert_eq!(value(&node), n.to_string());
    }
}

#[test]
fn an_old_sample_written_late_stays_in_its_place() {
    let node = Node::start();
    node.put_lines("put m 5 5 h=a\nput m 3 3 h=a\n");
    node.force_flush();
    node.put_lines("put m 4 4 h=a\nput m 1 1 h=a\nput m 3 33 h=a\n");
    let expected = [(1000, "1"), (3000, "33"), (4000, "4"), (5000, "5")];
    let expected = expected.map(|(stamp_ms, value)| (stamp_ms, value.to_owned()));
    assert_eq!(node.export("m").samples("m", &TAGS), expected);
    node.force_flush();
    assert_eq!(node.export("m").samples("m", &TAGS), expected);
    assert_eq!(node.kill_and_restart().export("m").samples("m", &TAGS), expected);
}

#[test]
fn random_writes_flushes_and_deaths_match_a_map() {
    let mut chance = seed::chance("model");
    let mut node = Node::with_flags(&["--event-loops", "3"]);
    let mut model = Model::default();
    for _ in 0..12 {
        let mut writers: Vec<Writer> = (0..9).map(|n| Writer::connect(&node, n)).collect();
        for _ in 0..chance.usize(20..120) {
            let points = model.points(&mut chance);
            writers[chance.usize(..9)].write(&points);
            if chance.u32(..30) == 0 {
                node.force_flush();
            }
            if chance.u32(..30) == 0 {
                node.export_all().assert_same(&model.export());
            }
        }
        node = if chance.bool() { node.kill_and_restart() } else { node.stop_and_restart() };
        node.export_all().assert_same(&model.export());
    }
}

#[derive(Clone, Copy)]
struct Point {
    series: u32,
    stamp: u32,
    value: u64,
}

fn name(number: u32) -> String {
    series("m", &[("s", &number.to_string())])
}

/// A connection of either protocol, each of whose writes is acknowledged before the next.
enum Writer {
    Telnet(Telnet),
    Http(Http),
}

impl Writer {
    fn connect(node: &Node, number: usize) -> Writer {
        match number % 3 {
            0 => Writer::Http(Http::connect(node.http())),
            1 => Writer::Http(Http::connect(node.opentsdb())),
            _ => Writer::Telnet(node.telnet()),
        }
    }

    #[track_caller]
    fn write(&mut self, points: &[Point]) {
        match self {
            Writer::Telnet(telnet) => {
                let line = |Point { series, stamp, value }: &Point| {
                    format!("put m {stamp} {value} s={series}\n")
                };
                let lines: String = points.iter().map(line).collect();
                assert!(telnet.send(lines).barrier().is_empty());
            }
            Writer::Http(http) => {
                let point = |Point { series, stamp, value }: &Point| {
                    format!(
                        r#"{{"metric":"m","timestamp":{stamp},"value":{value},"tags":{{"s":"{series}"}}}}"#
                    )
                };
                let body = format!("[{}]", points.iter().map(point).collect::<Vec<_>>().join(","));
                assert_eq!(http.post("/api/put", body.as_bytes()).status, 204);
            }
        }
    }
}

/// What the node should hold.
#[derive(Default)]
struct Model {
    samples: HashMap<(u32, u32), u64>,
    value_next: u64,
}

impl Model {
    /// Random points, noted as written; few places, so that most are rewrites.
    fn points(&mut self, chance: &mut fastrand::Rng) -> Vec<Point> {
        (0..chance.usize(1..40)).map(|_| self.point(chance.u32(..8), chance.u32(1..30))).collect()
    }

    fn point(&mut self, series: u32, stamp: u32) -> Point {
        self.value_next += 1;
        self.samples.insert((series, stamp), self.value_next);
        Point { series, stamp, value: self.value_next }
    }

    fn export(&self) -> Export {
        let mut export = Export::default();
        for ((series, stamp), value) in &self.samples {
            export.insert(name(*series), i64::from(*stamp) * 1000, &value.to_string());
        }
        export
    }
}
