//! Proves `irontsd bench`: every workload and protocol arrives as sent, the same seed sends the same
//! bytes, what is refused, lost or changed is told and ends in another exit code, and what people
//! and scripts read is as documented.

mod texts; // What is printed at the end of a run.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::gzip::gzip;
use crate::common::node::irontsd;
use crate::common::process::Process;
use crate::common::snapshot::assert_snapshot;
use crate::common::{Json, Node, require, wait};

/// A small load that is over at once.
const SMALL: &[&str] = &["--series", "240", "--points", "24k", "--connections", "3"];

/// `irontsd bench` with these arguments.
fn bench(args: &[&str]) -> Command {
    let mut command = irontsd();
    command.arg("bench").args(args);
    command
}

/// Exit code, standard output, standard error.
#[track_caller]
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = bench(args).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// The flags for a node: its address behind `protocol`, and `--http`.
fn target(node: &Node, protocol: &str) -> [String; 4] {
    let (opentsdb, http) = (node.opentsdb().to_string(), node.http().to_string());
    [format!("--{protocol}"), opentsdb, "--http".to_owned(), http]
}

/// Runs a load on a node with `--verify`, which must be content.
#[track_caller]
fn verified(node: &Node, protocol: &str, more: &[&str]) -> String {
    let target = target(node, protocol);
    let args: Vec<&str> = target.iter().map(String::as_str).collect();
    let (code, out, err) = run(&[&args, more, &["--verify"]].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{more:?}\n{out}");
    assert!(out.contains("came back as they were sent"), "{out}");
    out
}

#[test]
fn every_workload_comes_back_as_it_was_sent() {
    let node = Node::start();
    let workloads = [
        "agent",
        "tsbs",
        "new-series",
        "churn",
        "histograms",
        "out-of-order",
        "duplicates",
        "doubles",
    ];
    for (at, workload) in workloads.iter().enumerate() {
        // Each has a range of time of its own.
        let start = (1_500_000_000 + at * 10_000_000).to_string();
        let out = verified(
            &node,
            "telnet",
            &[SMALL, &["--workload", workload, "--start", &start]].concat(),
        );
        let samples = match *workload {
            "duplicates" => "21,120 samples of 240 series",
            "new-series" => "24,000 samples of 4,800 series",
            "churn" => "24,000 samples of 477 series",
            _ => "24,000 samples of 240 series",
        };
        assert!(out.contains(samples), "{workload}: {out}");
    }
}

#[test]
fn requests_of_every_kind_come_back_as_they_were_sent() {
    let node = Node::start();
    let kinds: [&[&str]; 5] = [
        &[],
        &["--gzip"],
        &["--batch", "50", "--gzip"],
        &["--keep-alive", "off", "--batch", "500"],
        &["--batch", "1", "--points", "600"],
    ];
    for (at, kind) in kinds.iter().enumerate() {
        let start = (1_500_000_000 + at * 10_000_000).to_string();
        let mut args = vec!["--series", "240", "--connections", "3", "--start", &start];
        if !kind.contains(&"--points") {
            args.extend(["--points", "12k"]);
        }
        let out = verified(&node, "put", &[&args, *kind].concat());
        assert!(out.contains("until the answer to the request"), "{out}");
    }
}

#[test]
fn histograms_in_requests_come_back_as_they_were_sent() {
    let node = Node::start();
    let args = [SMALL, &["--workload", "histograms"]].concat();
    let out = verified(&node, "put", &args);
    assert!(out.contains("to /api/histogram ") && out.contains("24,000 samples"), "{out}");
    let packed = ["--gzip", "--batch", "1", "--points", "300", "--series", "10"];
    let args = [&packed[..], &["--workload", "histograms", "--start", "1600000000"]].concat();
    verified(&node, "put", &args);
}

#[test]
fn numbers_and_histograms_of_a_recorded_file_go_to_their_paths() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("lines.put");
    let lines: String = (0..300)
        .map(|n| match n % 3 {
            0 => format!("histogram h {} u=0:o={n}:0,1.5={n}:1.5,2=1 a=b\n", 1000 + n),
            _ => format!("put m {} {n}.5 a=b\n", 1000 + n),
        })
        .collect();
    fs::write(&path, lines).expect("a file");
    let node = Node::start();
    let args = ["--batch", "50", "--replay", path.to_str().expect("a path")];
    let out = verified(&node, "put", &args);
    assert!(out.contains("300 points") && out.contains("300 samples of 2 series"), "{out}");
}

#[test]
fn datagrams_at_a_bearable_rate_come_back_as_they_were_sent() {
    let node = Node::with_flags(&["--opentsdb-udp", "on"]);
    let args = ["--series", "240", "--points", "6k", "--connections", "2", "--rate", "20k"];
    let out = verified(&node, "udp", &args);
    assert!(out.contains("datagrams are not answered"), "{out}");
}

#[test]
fn a_recorded_file_comes_back_as_it_is_plain_or_packed() {
    let dir = TempDir::new().expect("a directory");
    let lines: String = (0..500)
        .map(|n| match n % 5 {
            // The last one of a series and time counts.
            4 => format!("put twice {} {n}.5 a=b\n", 1000 + n / 10),
            _ => format!("put once {} {n} b=c  a=x{}\n\n", 1000 + n, n % 3),
        })
        .collect();
    let plain = dir.path().join("lines.put");
    let packed = dir.path().join("lines.put.gz");
    fs::write(&plain, &lines).expect("a file");
    fs::write(&packed, gzip(lines.as_bytes())).expect("a file");
    for path in [&plain, &packed] {
        let node = Node::start();
        let path = path.to_str().expect("a path");
        let out = verified(&node, "telnet", &["--replay", path]);
        assert!(out.contains("500 points") && out.contains("450 samples of 4 series"), "{out}");
    }
}

#[test]
fn a_schedule_is_kept_and_every_point_sent() {
    let node = Node::start();
    let args = ["--series", "100", "--points", "5k", "--rate", "20k", "--json"];
    let target = target(&node, "telnet");
    let (code, out, err) = run(&[&target.each_ref().map(String::as_str)[..], &args].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let json = Json::parse(&out);
    assert_eq!(json.get("points").str(), "5000");
    // The last piece is due 5 ms before a quarter of a second is over.
    let seconds: f64 = json.get("seconds").str().parse().expect("a number");
    assert!(seconds > 0.24, "5,000 points at 20,000 a second took {seconds} s");
}

#[test]
fn scripts_get_one_object() {
    let mut node = Node::start();
    let target = target(&node, "put");
    let pid = node.process().id().to_string();
    let args = [SMALL, &["--json", "--server-pid", &pid]].concat();
    let (code, out, err) = run(&[&target.each_ref().map(String::as_str)[..], &args].concat());
    assert_eq!((code, err.as_str(), out.lines().count()), (Some(0), "", 1));
    let json = Json::parse(&out);
    let keys: Vec<&str> = json.members().iter().map(|(key, _)| key.as_str()).collect();
    let expected = [
        "points",
        "seconds",
        "points_per_second",
        "server_cpu_us_per_point",
        "errors",
        "latency_us",
    ];
    assert_eq!(keys, expected);
    let number = |json: &Json, key: &str| json.get(key).str().parse::<f64>().expect("a number");
    assert_eq!((json.get("points").str(), json.get("errors").str()), ("24000", "0"));
    let rate = number(&json, "points") / number(&json, "seconds");
    assert!((rate / number(&json, "points_per_second") - 1.0).abs() < 0.01, "{out}");
    let latency = json.get("latency_us");
    assert!(number(latency, "p50") > 0.0 && number(latency, "p50") <= number(latency, "p99"));
    assert!(number(latency, "p99") <= number(latency, "p999"), "{out}");
}

#[test]
fn refusals_are_counted_and_shown() {
    let node = Node::with_flags(&["--max-series", "10"]);
    for protocol in ["telnet", "put"] {
        let target = target(&node, protocol);
        let args = ["--series", "40", "--points", "400", "--connections", "1"];
        let (code, out, err) = run(&[&target.each_ref().map(String::as_str)[..], &args].concat());
        assert_eq!((code, err.as_str()), (Some(1), ""), "{protocol}");
        let expected =
            if protocol == "telnet" { "300 refusals answered" } else { "1 refusal answered" };
        assert!(out.contains(expected), "{protocol}: {out}");
    }
}

#[test]
fn a_sample_that_nobody_sent_is_found() {
    let node = Node::start();
    node.put_lines("put x 1700000020 1 a=b\n");
    let target = target(&node, "telnet");
    let args = [SMALL, &["--verify"]].concat();
    let (code, out, _) = run(&[&target.each_ref().map(String::as_str)[..], &args].concat());
    assert_eq!(code, Some(1), "{out}");
    let expected =
        "24,000 samples were sent and 24,001 are there; 1 series differs, none of which was sent";
    assert!(out.contains(expected), "{out}");
}

#[test]
fn a_series_that_differs_is_named() {
    let node = Node::start();
    node.put_lines("put disk.free 1500 7 host=web02 dev=sda\n");
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("lines.put");
    let lines = ["web01", "web02", "web03"].map(|host| {
        format!(
            "put disk.free 1000 1 host={host} dev=sda\nput disk.free 2000 2 host={host} dev=sda\n"
        )
    });
    fs::write(&path, lines.concat()).expect("a file");
    let target = target(&node, "telnet");
    let args = ["--verify", "--replay", path.to_str().expect("a path")];
    let (code, out, _) = run(&[&target.each_ref().map(String::as_str)[..], &args].concat());
    assert_eq!(code, Some(1), "{out}");
    let expected = "6 samples were sent and 7 are there; 1 series differs, for example disk.free \
                    host=web02 dev=sda";
    assert!(out.contains(expected), "{out}");
}

/// Takes connections, one after the other, and gives back what came over each.
fn sink(connections: usize) -> (SocketAddr, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let thread = thread::spawn(move || {
        let sockets: Vec<_> =
            (0..connections).map(|_| listener.accept().expect("a connection").0).collect();
        let read = |mut socket: std::net::TcpStream| {
            let mut bytes = Vec::new();
            socket.read_to_end(&mut bytes).expect("bytes");
            bytes
        };
        let readers: Vec<_> = sockets.into_iter().map(|s| thread::spawn(move || read(s))).collect();
        readers.into_iter().map(|reader| reader.join().expect("a reader")).collect()
    });
    (address, thread)
}

/// What a run sends over two connections.
fn bytes_of(more: &[&str]) -> Vec<Vec<u8>> {
    let (address, sink) = sink(2);
    let address = address.to_string();
    let args = ["--telnet", &address, "--ack", "close", "--connections", "2", "--series", "300"];
    let (code, out, err) = run(&[&args, more].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    sink.join().expect("a sink")
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let points = ["--points", "7001"];
    let first = bytes_of(&points);
    let lines: usize =
        first.iter().map(|bytes| bytes.iter().filter(|b| **b == b'\n').count()).sum();
    assert_eq!(lines, 7001);
    assert!(first == bytes_of(&points));
    assert!(first == bytes_of(&[&points[..], &["--batch", "33", "--rate", "1M"]].concat()));
    assert!(first != bytes_of(&[&points[..], &["--seed", "2"]].concat()));
}

#[test]
fn what_cannot_be_run_says_why_and_exits_with_3() {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let nobody = nobody.expect("an address").to_string();
    for protocol in ["--telnet", "--put"] {
        let (code, out, err) = run(&[protocol, &nobody, "--points", "1"]);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{protocol}");
        let expected = format!("error: cannot connect to {nobody}: Connection refused");
        assert!(err.starts_with(&expected), "{err}");
    }
    let node = Node::start();
    let telnet = node.opentsdb().to_string();
    let cases: [(&[&str], &str); 4] = [
        (&["--http", &nobody], "cannot ask the server"),
        (&["--server-pid", "999999999"], "there is no process 999999999"),
        (&["--replay", "/nonexistent/lines"], "/nonexistent/lines: No such file"),
        (&["--report", "/nonexistent/report.html"], "/nonexistent/report.html: No such file"),
    ];
    for (more, expected) in cases {
        let (code, _, err) = run(&[&["--telnet", &telnet, "--points", "1"], more].concat());
        assert_eq!(code, Some(3), "{more:?}");
        assert!(err.starts_with("error: ") && err.contains(expected), "{more:?}: {err}");
    }
}

#[test]
fn a_server_that_ends_is_told_at_once() {
    let node = Node::start();
    let address = node.opentsdb().to_string();
    let args = ["--telnet", &address, "--duration", "1m", "--series", "100", "--rate", "1k"];
    let mut process = Process::spawn(&mut bench(&args));
    wait::until("some points", || node.metrics().accepted() > 0.0);
    node.kill();
    assert_eq!(process.exit_status().code(), Some(3));
    assert!(process.log().contains("error: connection "), "{}", process.log());
}

#[test]
fn a_signal_ends_a_run_with_its_summary() {
    let node = Node::start();
    let address = node.opentsdb().to_string();
    let args = ["--telnet", &address, "--duration", "1m", "--series", "100", "--rate", "1k"];
    let mut process = Process::spawn(&mut bench(&args));
    wait::until("some points", || node.metrics().accepted() > 0.0);
    process.signal(Signal::INT);
    assert!(process.exit_status().success(), "{}", process.log());
    let lines: Vec<String> = std::iter::from_fn(|| process.line()).collect();
    assert!(lines.iter().any(|line| line.contains("ended       by a signal")), "{lines:?}");
}

#[test]
fn help_reads_as_kept() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert_snapshot("bench-help", &out);
}

#[test]
fn a_report_is_one_page_that_needs_no_other() {
    let mut node = Node::start();
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("report.html");
    let (target, pid) = (target(&node, "put"), node.process().id().to_string());
    let report = path.to_str().expect("a path");
    let args = ["--server-pid", &pid, "--report", report, "--rate", "50k", "--points", "20k"];
    let (code, out, err) = run(&[&target.each_ref().map(String::as_str)[..], &args].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let page = fs::read_to_string(&path).expect("a page");
    for title in [
        "Rate",
        "Latency over time",
        "Latency distribution",
        "Behind the schedule",
        "CPU",
        "Memory",
        "Settings",
    ] {
        assert!(page.contains(&format!("<h2>{title}</h2>")), "{title}");
    }
    for foreign in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("20,000 points to /api/put"), "the load is named");
}

#[test]
fn two_servers_are_compared() {
    let mut nodes = [Node::start(), Node::start()];
    let peers: Vec<String> = nodes
        .iter_mut()
        .zip(["one", "two"])
        .map(|(node, name)| {
            let (lines, http, pid) = (node.opentsdb(), node.http(), node.process().id());
            format!("{name}={lines},{http},{pid}")
        })
        .collect();
    let args = ["--compare", &peers[0], "--compare", &peers[1], "--verify"];
    let (code, out, err) = run(&[&args, SMALL].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("one/two") && out.contains("server CPU us/point"), "{out}");
    let args = ["--compare", &peers[0], "--compare", &peers[1], "--protocol", "put", "--json"];
    let (code, out, err) = run(&[&args, SMALL].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let json = Json::parse(&out);
    let names: Vec<&str> =
        json.get("servers").items().iter().map(|server| server.get("name").str()).collect();
    assert_eq!(names, ["one", "two"]);
    let ratio: f64 = json.get("ratios").get("points_per_second").str().parse().expect("a ratio");
    assert!(ratio > 0.0);
}

/// What a terminal shows of a run.
fn on_a_terminal(args: &[&str], environment: &[(&str, &str)]) -> Option<String> {
    let script = require::program("script")?;
    let program = irontsd().get_program().to_str().expect("a path").to_owned();
    let line = format!("{program} bench {}", args.join(" "));
    let mut command = Command::new(script);
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm-256color").env_remove("NO_COLOR");
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    let output = command.output().expect("script runs");
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn terminals_get_progress_and_colours_and_nobody_else() {
    let node = Node::start();
    let address = node.opentsdb().to_string();
    let args = ["--telnet", &address, "--points", "20k", "--rate", "40k", "--series", "100"];
    let Some(shown) = on_a_terminal(&args, &[]) else { return };
    for part in ["points/s  errors 0  p99 ", "s  lag ", "\r"] {
        assert!(shown.contains(part), "progress without {part:?}: {shown:?}");
    }
    assert!(shown.contains("\x1b[1magent workload"), "colours: {shown:?}");
    let Some(plain) = on_a_terminal(&args, &[("NO_COLOR", "1")]) else { return };
    assert!(plain.contains("agent workload") && !plain.contains("\x1b[1magent"), "{plain:?}");
    let (code, out, err) = run(&args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(!out.contains('\x1b') && !out.contains('\r'), "{out:?}");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let node = Node::start();
    let address = node.opentsdb().to_string();
    let mut command = bench(&["--telnet", &address, "--points", "1k", "--series", "10"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
