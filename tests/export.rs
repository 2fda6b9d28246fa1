//! Proves that an export is complete, ordered the same way every time, bounded by `start` and
//! `end`, an exact snapshot of the moment it began, and that readers who stall or leave harm
//! only themselves.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::ledger::Ledger;
use crate::common::node::EVERYTHING;
use crate::common::{Export, Http, Node, seed, wait};

#[test]
fn lines_are_written_as_documented() {
    let node = Node::start();
    node.put_lines(
        "put m 2 2.5 zzz=1 b=2 a=3 job=4 host=5\nput m 1 -1 host=5 job=4 a=3 b=2 zzz=1\n",
    );
    let line = concat!(
        r#"{"metric":{"__name__":"m","a":"3","b":"2","host":"5","job":"4","zzz":"1"},"#,
        r#""values":[-1,2.5],"timestamps":[1000,2000]}"#,
        "\n"
    );
    assert_eq!(node.export_text("m"), line);
    let answer = node.get("/api/v1/export?match=m");
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/stream+json"), "{kind}");
}

#[test]
fn labels_are_escaped_as_json() {
    let node = Node::start();
    node.put_json(
        r#"{"metric":"a\"b\\c\n","timestamp":1,"value":1,"tags":{"k\t":"\u0001\u00e9\u4e2d'<"}}"#,
    );
    let export = node.export_all();
    assert_eq!(export.samples("a\"b\\c\n", &[("k\t", "\u{1}\u{e9}\u{4e2d}'<")]).len(), 1);
}

#[test]
fn series_come_in_name_order_and_every_state_exports_the_same_bytes() {
    let node = Node::with_flags(&["--event-loops", "3"]);
    let mut chance = seed::chance("order");
    let mut lines: Vec<String> = Vec::new();
    for name in ["b", "a", "z.y", "Z", "a.b", "a-b", "aa", "\u{e9}"] {
        for host in 0..5 {
            lines.extend((1..20).map(|n| format!("put {name} {n} {n}.5 host=h{host} x=y\n")));
        }
        lines.extend((1..20).map(|n| format!("put {name} {n} {n}\n")));
    }
    chance.shuffle(&mut lines);
    lines.chunks(100).for_each(|part| node.put_lines(&part.concat()));
    let text = node.export_text(EVERYTHING);
    let names: Vec<&str> = text.lines().map(name).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.len(), 48);
    assert_eq!(node.export_text(EVERYTHING), text, "asked again");
    node.force_flush();
    assert_eq!(node.export_text(EVERYTHING), text, "after the flush");
    let node = node.kill_and_restart();
    assert_eq!(node.export_text(EVERYTHING), text, "after a restart");
}

#[test]
fn start_and_end_are_inclusive() {
    let node = Node::start();
    let lines: String = (1..=100).map(|n| format!("put m {} {n}\n", 1_365_465_600 + n)).collect();
    node.put_lines(&lines);
    for flushed in [false, true] {
        for (range, count) in [
            ("", 100),
            ("&start=1365465601", 100),
            ("&start=1365465602", 99),
            ("&start=1365465601000", 100),
            ("&start=1365465601001", 99),
            ("&end=1365465700", 100),
            ("&end=1365465699", 99),
            ("&end=1365465699999", 99),
            ("&start=1365465610&end=1365465610", 1),
            ("&start=1365465610001&end=1365465610999", 0),
            ("&start=1&end=2", 0),
            ("&start=1365465801", 0),
        ] {
            let answer = node.get(&format!("/api/v1/export?match=m{range}"));
            let export = Export::parse(&answer.text());
            assert_eq!(export.count(), count, "{range}, flushed: {flushed}");
        }
        node.force_flush();
    }
}

#[test]
fn the_future_is_exported_too() {
    let node = Node::start();
    node.put_lines("put m 4294967295 1\nput m 9999999999999 2\n");
    assert_eq!(node.export("m").count(), 2);
}

#[test]
fn a_chunked_export_leaves_the_connection_usable() {
    let node = Node::start();
    let mut ledger = Ledger::new("m".into());
    node.put_lines(&ledger.next_lines(50_000));
    let mut http = Http::connect(node.http());
    for _ in 0..3 {
        let answer = http.get("/api/v1/export?match=m");
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        assert!(answer.body.len() > 500_000);
        assert_eq!(http.get("/health").status, 200);
    }
}

#[test]
fn an_export_shows_the_moment_it_began() {
    for flush_first in [false, true] {
        let node = Node::start();
        fill(&node);
        if flush_first {
            node.force_flush();
        }
        let before = node.export_text("m");
        let mut reader = begin_export(&node);
        // New samples, rewritten ones, new series, and a flush of them all.
        node.put_lines("put m 1500000000 7 s=s0\nput m 1600000000 7 s=s0\nput m 1 7 new=series\n");
        let everything = Ledger::new("m".into()).next_lines(FILL).replace(".25", ".75");
        node.put_lines(&everything);
        node.force_flush();
        assert!(finish_export(&mut reader) == before, "flushed first: {flush_first}");
        assert!(node.export_text("m") != before);
    }
}

#[test]
fn a_stalled_reader_is_cut_while_others_go_on() {
    let node = Node::with_flags(&["--export-stall-timeout", "2s"]);
    fill(&node);
    let mut stalled = begin_export(&node);
    wait::until("the reader to be alone", || node.connection_count() == 1);
    let started = Instant::now();
    for n in 1.. {
        node.put_lines(&format!("put other {n} {n}\n"));
        assert_eq!(node.export("other").count(), n);
        if node.connection_count() == 0 {
            break;
        }
        assert!(started.elapsed() < wait::DEADLINE, "a stalled reader is never cut");
    }
    // Cut means that the answer has no end.
    assert!(stalled.chunked_body(&mut Vec::new()).is_err());
}

#[test]
fn a_slow_reader_that_takes_bytes_is_not_cut() {
    let node = Node::with_flags(&["--export-stall-timeout", "2s"]);
    fill(&node);
    let before = node.export_text("m");
    let mut reader = begin_export(&node);
    let started = Instant::now();
    let mut slow = Slow { bytes: Vec::new(), started };
    reader.chunked_body(&mut slow).expect("the whole export");
    assert!(slow.bytes == before.as_bytes());
}

#[test]
fn a_reader_that_leaves_frees_everything() {
    let node = Node::start();
    fill(&node);
    for _ in 0..20 {
        drop(begin_export(&node));
    }
    wait::until("the sockets to be closed", || node.connection_count() == 0);
    node.force_flush();
    assert_eq!(node.get("/health").status, 200);
}

#[test]
fn exports_hold_little_memory() {
    let node = Node::start();
    fill(&node);
    node.force_flush();
    let before = node.memory_peak_bytes();
    let mut readers: Vec<Http> = (0..8).map(|_| begin_export(&node)).collect();
    assert!(readers.iter_mut().map(finish_export).all(|text| text.len() > 8_000_000));
    let packed = |_| begin_export_with(&node, "Accept-Encoding: gzip\r\n");
    let mut readers: Vec<Http> = (0..8).map(packed).collect();
    for reader in &mut readers {
        reader.chunked_body(&mut io::sink()).expect("the whole export");
    }
    let grown = node.memory_peak_bytes() - before;
    assert!(grown < 64 << 20, "{grown} bytes for 8 exports, packed or not");
}

/// Far more points than socket buffers hold.
const FILL: u64 = 600_000;

#[track_caller]
fn fill(node: &Node) {
    node.put_lines(&Ledger::new("m".into()).next_lines(FILL));
}

/// Starts an export and takes only its head: the rest waits in the node.
#[track_caller]
fn begin_export(node: &Node) -> Http {
    begin_export_with(node, "")
}

#[track_caller]
fn begin_export_with(node: &Node, lines: &str) -> Http {
    let mut http = Http::connect(node.http());
    http.send(format!("GET /api/v1/export?match=m HTTP/1.1\r\nHost: t\r\n{lines}\r\n"));
    let head = http.head();
    assert_eq!((head.status, head.header("transfer-encoding")), (200, Some("chunked")));
    http
}

#[track_caller]
fn finish_export(http: &mut Http) -> String {
    let mut body = Vec::new();
    http.chunked_body(&mut body).expect("the whole export");
    String::from_utf8(body).expect("text")
}

/// The name in an export line.
#[track_caller]
fn name(line: &str) -> &str {
    let rest = line.strip_prefix(r#"{"metric":{"__name__":""#).expect("the name comes first");
    rest.split('"').next().expect("a name")
}

/// Takes what it is given at a pace that lasts longer than the stall timeout.
struct Slow {
    bytes: Vec<u8>,
    started: Instant,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        let due = Duration::from_millis(4000 * self.bytes.len() as u64 / 10_000_000);
        // The pace is the scenario here, not a way to pass.
        thread::sleep(due.saturating_sub(self.started.elapsed()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
