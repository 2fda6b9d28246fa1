//! One test for each defect ever found, named after what must not happen again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;

use crate::common::gzip::gzip;
use crate::common::http::{Http, encode, request};
use crate::common::node::Node;
use crate::common::require;
use crate::common::telnet::Telnet;
use crate::common::wait;

const POINT: &str = r#"{"metric":"m","timestamp":1700000000,"value":1,"tags":{"h":"a"}}"#;

/// A loop that asked for a flush waited for the keeper, and the keeper for that loop.
#[test]
fn many_flushes_at_once_do_not_lock_up() {
    let node = Node::with_flags(&["--event-loops", "1"]);
    node.put_json(POINT);
    let ask = || {
        let mut http = Http::connect(node.http());
        http.send(request("GET", "/internal/force_flush", &[], b""));
        http
    };
    let asked: Vec<Http> = (0..150).map(|_| ask()).collect();
    for mut http in asked {
        assert_eq!(http.response().status, 200);
    }
}

/// Small packed bodies with many points each outgrew one commit and ended the node.
#[test]
fn pipelined_bodies_of_a_million_points_are_taken() {
    let node = Node::start();
    let point = r#"{"metric":"a","value":1}"#;
    let count = 32 * 1024 * 1024 / (point.len() + 1) - 1;
    let body = format!("[{}]", vec![point; count].join(","));
    let packed = gzip(body.as_bytes());
    let mut http = Http::connect(node.http());
    let put = request("POST", "/api/put?summary", &["Content-Encoding: gzip"], &packed);
    http.send(put.repeat(3));
    for _ in 0..3 {
        assert_eq!(http.response().text(), format!("{{\"success\":{count},\"failed\":0}}"));
    }
}

/// Whole lines stayed behind unread replies, and nothing took them up again.
#[test]
fn lines_behind_unread_replies_are_taken_in_the_end() {
    const LINES: usize = 400_000;
    let node = Node::start();
    let mut telnet = Telnet::connect(node.opentsdb());
    let mut socket = telnet.socket();
    let writer = thread::spawn(move || {
        let lines = b"version\n".repeat(LINES);
        socket.write_all(&lines).and_then(|()| socket.write_all(b"put late 1 1 h=a\nversion\n"))
    });
    for _ in 0..=LINES {
        assert!(telnet.line().expect("a reply").starts_with("irontsd "));
    }
    writer.join().expect("the writer ends").expect("everything is sent");
    assert_eq!(node.export("late").count(), 1);
}

/// `curl -d` calls its body a form; values in it were taken for arguments.
#[test]
fn a_json_body_is_never_read_as_arguments() {
    let node = Node::start();
    let body =
        r#"{"metric":"m","value":1,"tags":{"u":"/x?a=1&extra_label=evil=yes&serializer=b"}}"#;
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    for lines in [&form[..], &[]] {
        let mut http = Http::connect(node.http());
        assert_eq!(http.request("POST", "/api/put", lines, body.as_bytes()).status, 204);
    }
    assert!(!node.export_text("m").contains("\"evil\""));
}

/// A 1.0 client that asked to keep the connection waited for its end for ever.
#[test]
fn an_export_to_http_1_0_ends_with_the_connection() {
    let node = Node::start();
    node.put_json(POINT);
    let mut socket = TcpStream::connect(node.http()).expect("connects");
    let ask = "GET /api/v1/export?match=m HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    socket.write_all(ask.as_bytes()).expect("sends");
    socket.set_read_timeout(Some(wait::DEADLINE)).expect("a timeout");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("the answer and its end");
    assert!(answer.ends_with("\"timestamps\":[1700000000000]}\n"), "{answer}");
}

/// The last refusals kept whatever a client put into its names.
#[test]
fn refusals_of_huge_names_are_kept_short() {
    let node = Node::start();
    let huge = "x".repeat(16 << 20);
    let body = format!(r#"{{"metric":"{huge}","timestamp":10000000000000,"value":1}}"#);
    for _ in 0..3 {
        assert_eq!(node.post("/api/put", &body).status, 400);
    }
    assert!(node.get("/api/v1/status/rejected").text().len() < 1 << 20);
}

/// A metric too long to be a name was called one series too many.
#[test]
fn a_name_too_long_is_called_so() {
    let node = Node::start();
    let body = format!(r#"{{"metric":"{}","value":1}}"#, "x".repeat(70_000));
    let answer = node.post("/api/put?details", &body);
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("exceed 65536 bytes"));
}

/// An encoding that nobody decodes was taken for plain text.
#[test]
fn an_unknown_encoding_is_refused() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let answer = http.request("POST", "/api/put", &["Content-Encoding: br"], POINT.as_bytes());
    assert_eq!(answer.status, 415);
    assert!(answer.text().contains("br"));
}

/// `max_rows_per_line` of 65,536 and more was ignored.
#[test]
fn long_lines_are_split_where_asked() {
    let node = Node::start();
    let lines: String = (1..=150_000).map(|s| format!("put long {s} {s} h=a\n")).collect();
    node.put_lines(&lines);
    let text = node.get("/api/v1/export?match=long&max_rows_per_line=70000").text();
    assert_eq!(text.lines().count(), 3);
}

/// An export asked for behind a put let the put's answer go before its sync.
#[test]
fn a_read_behind_a_put_does_not_release_its_answer() {
    if require::program("strace").is_none() {
        return;
    }
    let mut node = Node::with_flags(&["--sync-interval", "90d"]);
    let pid = node.process().id().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-p", &pid, "-e", "trace=fdatasync"]);
    strace.args(["-e", "inject=fdatasync:delay_enter=2000000"]);
    let strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut strace = strace.expect("strace starts");
    // Its first word says that it is attached.
    strace.stderr.as_mut().expect("piped").read_exact(&mut [0]).expect("attached");
    let mut http = Http::connect(node.http());
    let mut both = request("POST", "/api/put?sync", &[], POINT.as_bytes());
    both.extend(request("GET", "/api/v1/export?match=m", &[], b""));
    http.send(both);
    assert_eq!(http.response().status, 204);
    let rounds = node.metrics().sum("irontsd_sync_duration_seconds_count", &[]);
    strace.kill().expect("strace is there");
    strace.wait().expect("strace ends");
    assert!(rounds >= 1.0, "answered before the sync");
}

/// A flush let logs go whose series names were not durable yet: after a power cut the next new
/// series would have taken over their samples.
#[test]
fn names_are_synced_before_a_flush_lets_logs_go() {
    if require::program("strace").is_none() {
        return;
    }
    let mut node = Node::with_flags(&["--sync-interval", "90d"]);
    let pid = node.process().id().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-p", &pid, "-e", "trace=fdatasync,rename,unlink"]);
    let strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut strace = strace.expect("strace starts");
    let mut words = strace.stderr.take().expect("piped");
    words.read_exact(&mut [0]).expect("attached");
    node.put_json(POINT);
    node.force_flush();
    let _home = node.kill();
    let mut calls = String::new();
    words.read_to_string(&mut calls).expect("what was called");
    strace.wait().expect("strace ends with the node");
    let at = |what: &str| calls.find(what).unwrap_or_else(|| panic!("no {what} in {calls}"));
    let (named, manifest) = (at("/names/0000000000.names>"), at("/MANIFEST\""));
    assert!(named < manifest && manifest < at("/0000000001-000.log\""), "{calls}");
}

/// The same bodies on several connections: those put off until a flush had made room were all taken
/// up at once, outgrew one commit and ended the node.
#[test]
fn large_bodies_that_waited_for_a_flush_are_taken() {
    let node = Node::with_flags(&["--event-loops", "1"]);
    let point = r#"{"metric":"a","value":1}"#;
    let count = 32 * 1024 * 1024 / (point.len() + 1) - 1;
    let packed = gzip(format!("[{}]", vec![point; count].join(",")).as_bytes());
    let put = request("POST", "/api/put?summary", &["Content-Encoding: gzip"], &packed);
    let ask = |_| {
        let mut http = Http::connect(node.http());
        http.send(&put);
        http
    };
    let asked: Vec<Http> = (0..8).map(ask).collect();
    for mut http in asked {
        assert_eq!(http.response().text(), format!("{{\"success\":{count},\"failed\":0}}"));
    }
}

/// While a flush was going on, one long line of an import outgrew the write buffer: it was answered
/// three times that it was refused and then that it was taken.
#[test]
fn an_import_of_millions_of_samples_is_taken() {
    let node = Node::with_flags(&["--event-loops", "1"]);
    let count = (32 << 20) / 4 - 100;
    let ones = |text: &str| vec![text; count].join(",");
    let line = format!(
        r#"{{"metric":{{"__name__":"m"}},"values":[{}],"timestamps":[{}]}}"#,
        ones("1"),
        ones("1")
    );
    let mut http = Http::connect(node.http());
    for _ in 0..2 {
        let answer = http.request("POST", "/api/v1/import", &[], line.as_bytes());
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    assert_eq!(node.export_all().only(), ("m{}", 1, "1"));
}

/// Every bucket's line of a piece of histograms was held at once: 300 KB sent became 1.6 GB.
#[test]
fn buckets_under_a_long_name_are_not_held_together() {
    let node = Node::start();
    let bucket = |n: u32| format!("[{n},{},1]", n + 1);
    let buckets: Vec<String> = (0..4000).map(bucket).collect();
    let line = format!(
        r#"{{"metric":{{"__name__":"m","k":"{}"}},"histograms":[{{"buckets":[{}]}}],"timestamps":[1]}}"#,
        "x".repeat(60_000),
        buckets.join(",")
    );
    let answer = Http::connect(node.http()).request("POST", "/api/v1/import", &[], line.as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
    let peak_before = node.memory_peak_bytes();
    let mut http = Http::connect(node.http());
    http.send(request("GET", "/api/v1/export?match[]=m&histograms=buckets", &[], b""));
    let mut read = 0;
    while read < 240_000_000 {
        read += http.some_bytes().expect("a line of 60 KB for each of 4000 buckets");
    }
    let grown = node.memory_peak_bytes() - peak_before;
    assert!(grown < 64 << 20, "{grown} bytes for one histogram");
}

/// Each `or` group of `match[]` was copied for each of `extra_filters`: 80 KB sent became 5 GB.
#[test]
fn groups_that_multiply_are_refused() {
    let node = Node::start();
    let groups = |count: u32| {
        let matchers: Vec<String> = (0..count).map(|n| format!("a=\"{n}\"")).collect();
        encode(&format!("{{{}}}", matchers.join(" or ")))
    };
    let ask = |matches: u32, extra: u32| {
        let body = format!("match[]={}&extra_filters[]={}", groups(matches), groups(extra));
        Http::connect(node.http()).request("POST", "/api/v1/export", &[], body.as_bytes())
    };
    assert_eq!(ask(2000, 30).status, 200);
    let answer = ask(2000, 2000);
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("2000 selectors of match[]"), "{}", answer.text());
}
