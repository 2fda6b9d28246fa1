//! Exports travel to VictoriaMetrics and back: the same series and times, values to its precision.
//!
//! It keeps numbers as integers with a common power of ten for a block of samples, good for about
//! twelve significant digits; so a series here stays within one magnitude, as measurements do.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use tempfile::TempDir;

use crate::common::export::Export;
use crate::common::http::{Http, encode};
use crate::common::node::{EVERYTHING, Node};
use crate::common::process::Process;
use crate::common::{require, seed, wait};

/// What twelve significant digits leave at most, relative to the value.
const PRECISION: f64 = 1e-11;

const SAMPLES: i64 = 500;
const START_MS: i64 = 1_700_000_000_000;

/// A peer on a free port of this machine that ends with the test.
struct Victoria {
    addr: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl Victoria {
    /// `None` after saying that the test is skipped.
    fn start() -> Option<Victoria> {
        let program = require::program("victoria-metrics")?;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let addr = free.expect("a free port");
        let mut command = Command::new(program);
        command.arg(format!("-storageDataPath={}", dir.path().display()));
        command.arg(format!("-httpListenAddr={addr}"));
        command.args(["-retentionPeriod=100y", "-search.disableCache"]);
        let mut process = Process::spawn(&mut command);
        wait::until("VictoriaMetrics to serve", || {
            assert!(!process.ended(), "it ended");
            TcpStream::connect(addr).is_ok() && Http::connect(addr).get("/health").status == 200
        });
        Some(Victoria { addr, _process: process, _dir: dir })
    }

    #[track_caller]
    fn import(&self, lines: &str) {
        let answer = Http::connect(self.addr).post("/api/v1/import", lines.as_bytes());
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Its export, once it shows as many samples; it answers before it does.
    #[track_caller]
    fn export(&self, samples: usize) -> String {
        let target = format!("/api/v1/export?match[]={}", encode(EVERYTHING));
        wait::until_some("VictoriaMetrics to show every sample", || {
            assert_eq!(Http::connect(self.addr).get("/internal/force_flush").status, 200);
            let text = Http::connect(self.addr).get(&target).text();
            (Export::parse(&text).count() >= samples).then_some(text)
        })
    }
}

/// Counters, gauges and doubles with all their digits, at times of an agent and at odd ones.
fn filled() -> Node {
    let node = Node::start();
    let mut chance = seed::chance("victoria_metrics");
    let mut lines = String::new();
    let (mut counter, mut ms) = (chance.i64(0..1 << 40), START_MS);
    for number in 0..SAMPLES {
        counter += chance.i64(0..1 << 20);
        let gauge = chance.i64(-99_999..99_999) as f64 / 100.0;
        let double = 1.0 + chance.f64();
        let tiny = double * 1e-9;
        let second = 1_700_000_000 + 15 * number;
        ms += chance.i64(1..60_000);
        for (metric, time, value) in [
            ("net.bytes", second, counter.to_string()),
            ("room.temperature", second, gauge.to_string()),
            ("ratio", ms, double.to_string()),
            ("tiny", ms, format!("{tiny:e}")),
            ("huge", ms, format!("{}", -double * 1e15)),
        ] {
            writeln!(lines, "put {metric} {time} {value} host=web01 dc=\u{e9}").expect("memory");
        }
    }
    node.put_lines(&lines);
    node.put_json(
        r#"{"metric":"odd \"\\ name","timestamp":1700000000,"value":1,"tags":{"a=b":"c\td"}}"#,
    );
    node.put_json(r#"{"metric":"no.tags","timestamp":1700000000123,"value":9007199254740992}"#);
    node
}

#[test]
fn an_export_survives_the_way_there_and_back() {
    let Some(victoria) = Victoria::start() else { return };
    let node = filled();
    let sent = node.export_all();
    victoria.import(&node.export_text(EVERYTHING));
    let theirs = victoria.export(sent.count());
    let shown = Export::parse(&theirs);
    assert_same_to_precision(&shown, &sent);
    let other = Node::start();
    assert_eq!(other.post("/api/v1/import", &theirs).status, 204);
    other.export_all().assert_same(&shown);
    other.force_flush();
    other.export_all().assert_same(&shown);
}

#[test]
fn histograms_travel_as_buckets() {
    let Some(victoria) = Victoria::start() else { return };
    let node = Node::start();
    node.put_lines(
        "histogram lat 1700000000 u=1:o=2:0,1.5=42:1.5,5.75=24 host=a\n\
         histogram lat 1700000060 0,1.5=43:1.5,5.75=24 host=a\n\
         put lat 1700000000 7 host=a\n",
    );
    let target = format!("/api/v1/export?histograms=buckets&match[]={}", encode(EVERYTHING));
    let answer = node.get(&target);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = Export::parse(&answer.text());
    assert!(sent.count() > 8, "{sent:?}");
    victoria.import(&answer.text());
    let theirs = victoria.export(sent.count());
    Export::parse(&theirs).assert_same(&sent);
    let other = Node::start();
    assert_eq!(other.post("/api/v1/import", &theirs).status, 204);
    other.export_all().assert_same(&sent);
}

#[track_caller]
fn assert_same_to_precision(found: &Export, sent: &Export) {
    let names = |export: &Export| export.series.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(sent));
    for ((series, found), sent) in found.series.iter().zip(sent.series.values()) {
        let times = |samples: &[(i64, String)]| samples.iter().map(|s| s.0).collect::<Vec<_>>();
        assert_eq!(times(found), times(sent), "{series}");
        for ((_, found), (ms, sent)) in found.iter().zip(sent) {
            let number = |text: &str| text.parse::<f64>().expect("a number");
            let (one, other) = (number(found), number(sent));
            let close = (one - other).abs() <= other.abs() * PRECISION;
            assert!(close, "{series} at {ms}: {found}, not {sent}");
        }
    }
}
