//! Proves that a node that cannot take points says so on every protocol and serves what it has; that it
//! takes points again by itself once a full disk has room; and that nothing acknowledged is lost.

use std::fs;
use std::io::Read;
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use crate::common::ledger::Ledger;
use crate::common::mount::Mount;
use crate::common::telnet::converse;
use crate::common::{Home, Http, Node, Telnet, require, wait};

const EVERYWHERE: [&str; 6] =
    ["--opentsdb-udp", "on", "--kairosdb-listen", "127.0.0.1:0", "--min-free-disk-bytes", "0"];
const THROTTLE: &str = "put: Please throttle writes: ";
const POINT: &str = r#"{"metric":"refused","value":1,"tags":{"h":"a"}}"#;
const IMPORTED: &str =
    r#"{"metric":{"__name__":"refused"},"values":[1],"timestamps":[1600000000000]}"#;
const KAIROSDB: &str = r#"{"name":"refused","timestamp":1,"value":1,"tags":{"h":"a"}}"#;

#[test]
fn a_full_tmpfs() {
    if let Some(disk) = Mount::tmpfs(24 << 20) {
        a_full_disk(&disk);
    }
}

#[test]
fn a_full_ext4_image() {
    if let Some(disk) = Mount::ext4(32 << 20) {
        a_full_disk(&disk);
    }
}

fn a_full_disk(disk: &Mount) {
    let node = Home::inside(disk.path(), &EVERYWHERE).start();
    let mut writer = Writer::new(&node);
    writer.write(&node, 2000);
    let ballast = disk.fill(0);
    // What the last pages of the logs still hold is taken.
    wait::until("a refusal", || writer.try_write(500).is_err());
    assert_refuses(&node, "No space left");
    writer.ledger.check(&node.export_all());
    fs::remove_file(ballast).expect("the ballast goes");
    wait::until("points to be taken again", || node.get("/-/ready").status == 200);
    writer.catch_up();
    writer.write(&node, 2000);
    writer.ledger.check(&node.export_all());
    let node = node.kill_and_restart();
    writer.ledger.check(&node.export_all());
    node.force_flush();
    writer.ledger.check(&node.export_all());
    assert_nothing_refused_is_stored(&node);
}

/// Below the minimum nothing has failed yet, and there is room for a flush.
#[test]
fn a_disk_with_less_than_the_minimum() {
    let Some(disk) = Mount::tmpfs(100 << 20) else { return };
    let flags = [&EVERYWHERE[..4], &["--min-free-disk-bytes", "40MiB"]].concat();
    let node = Home::inside(disk.path(), &flags).start();
    let mut writer = Writer::new(&node);
    writer.write(&node, 2000);
    let ballast = disk.fill(38 << 20);
    wait::until("a refusal", || node.get("/-/ready").status == 503);
    assert_refuses(&node, "--min-free-disk-bytes");
    node.force_flush();
    assert!(writer.try_write(1).is_err());
    writer.ledger.check(&node.export_all());
    // Begun like this, it refuses from the first moment on.
    let node = node.kill_and_restart();
    assert_refuses(&node, "--min-free-disk-bytes");
    fs::remove_file(ballast).expect("the ballast goes");
    wait::until("points to be taken again", || node.get("/-/ready").status == 200);
    writer.reconnect(&node);
    writer.catch_up();
    writer.ledger.check(&node.export_all());
    assert_nothing_refused_is_stored(&node);
}

#[test]
fn after_a_failed_sync_nothing_is_taken_until_the_next_start() {
    if require::program("strace").is_none() {
        return;
    }
    let mut node = Node::with_flags(&EVERYWHERE);
    let mut writer = Writer::new(&node);
    writer.write(&node, 2000);
    let pid = node.process().id().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-p", &pid, "-e", "trace=fdatasync"]);
    strace.args(["-e", "inject=fdatasync:error=EIO"]);
    let strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut strace = strace.expect("strace starts");
    // Its first word says that it is attached.
    strace.stderr.as_mut().expect("piped").read_exact(&mut [0]).expect("attached");
    // No answer may say that it is synced.
    let answer = node.post("/api/put?sync", POINT.replace("refused", "unsynced"));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("Input/output error"), "{}", answer.text());
    strace.kill().expect("strace is there");
    strace.wait().expect("strace ends");
    assert_refuses(&node, "Input/output error");
    assert!(node.get("/-/ready").text().contains("until the node is started again"));
    // The log may be in memory only; a segment is a file of its own.
    let is_sealed = || node.metrics().sum("irontsd_segments", &[]) > 0.0;
    wait::until("what was accepted lies in a segment", is_sealed);
    writer.ledger.check(&node.export_all());
    let node = node.stop_and_restart();
    assert_eq!(node.get("/-/ready").status, 200);
    writer.reconnect(&node);
    writer.write(&node, 100);
    writer.ledger.check(&node.export_all());
    assert_nothing_refused_is_stored(&node);
}

/// One telnet connection, and what it sent.
struct Writer {
    telnet: Telnet,
    ledger: Ledger,
    /// Sent and refused: to be sent again.
    refused: Option<String>,
}

impl Writer {
    fn new(node: &Node) -> Writer {
        Writer { telnet: node.telnet(), ledger: Ledger::new("kept".into()), refused: None }
    }

    fn reconnect(&mut self, node: &Node) {
        self.telnet = node.telnet();
    }

    #[track_caller]
    fn write(&mut self, node: &Node, count: u64) {
        self.try_write(count).expect("taken");
        node.put_json(&self.ledger.next_json(count));
        self.ledger.acknowledge();
    }

    /// Sends what was refused last, or more; the answers if it was refused.
    fn try_write(&mut self, count: u64) -> Result<(), Vec<String>> {
        let lines = self.refused.take().unwrap_or_else(|| self.ledger.next_lines(count));
        let answers = self.telnet.send(&lines).barrier();
        if answers.is_empty() {
            self.ledger.acknowledge();
            return Ok(());
        }
        self.refused = Some(lines);
        let throttles = answers.iter().all(|answer| answer.starts_with(THROTTLE));
        assert!(throttles, "{answers:.300?}");
        Err(answers)
    }

    #[track_caller]
    fn catch_up(&mut self) {
        while self.refused.is_some() {
            self.try_write(0).expect("taken");
        }
    }
}

/// Every way in refuses and says why, the probes tell it, and reads go on.
#[track_caller]
fn assert_refuses(node: &Node, why: &str) {
    let ready = node.get("/-/ready");
    assert_eq!((ready.status, node.get("/health").status), (503, 200));
    assert!(ready.text().contains(why), "{}", ready.text());
    assert!(node.metrics().sum("irontsd_refusing", &[]) >= 1.0);
    let answers = node.telnet().send("put refused 1 1 h=a\nput refused x 1 h=a\n").barrier();
    assert_eq!(answers.len(), 2, "each line has its answer: {answers:?}");
    assert!(answers[0].starts_with(THROTTLE) && answers[0].contains(why), "{answers:?}");
    assert!(answers[1].starts_with("put: invalid value: "), "{answers:?}");
    let mut http = Http::connect(node.opentsdb());
    for target in ["/api/put", "/api/put?summary", "/api/put?details&sync"] {
        let answer = http.post(target, POINT.as_bytes());
        assert_eq!(answer.status, 503, "{target}: {}", answer.text());
        assert!(answer.text().starts_with("{\"error\":{\"code\":503,"), "{}", answer.text());
        assert!(answer.json().get("error").get("details").str().contains(why), "{}", answer.text());
    }
    let answer = node.post("/api/v1/import", IMPORTED);
    assert!(answer.status == 503 && answer.text().contains(why), "{}", answer.text());
    let answer = Http::connect(node.kairosdb()).post("/api/v1/datapoints", KAIROSDB.as_bytes());
    assert!(answer.status == 500 && answer.text().contains(why), "{}", answer.text());
    let count = |protocol: &str| {
        let labels = [&format!("protocol=\"{protocol}\"")[..], "reason=\"unavailable\""];
        node.metrics().sum("irontsd_points_rejected_total", &labels)
    };
    let before = (count("udp"), count("kairosdb"));
    converse(node.kairosdb(), "put refused 1 1 h=a\n");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.send_to(b"put refused 1 1 h=a", node.opentsdb()).expect("sent");
    wait::until("lines without answers to be counted", || {
        count("udp") == before.0 + 1.0 && count("kairosdb") == before.1 + 1.0
    });
    assert!(count("telnet") >= 1.0 && count("http") >= 3.0);
    assert_eq!(node.export("refused").count(), 0);
}

#[track_caller]
fn assert_nothing_refused_is_stored(node: &Node) {
    assert_eq!(node.export("refused").count(), 0);
    assert_eq!(node.metrics().sum("irontsd_refusing", &[]), 0.0);
    node.put_lines("put refused 1 1 h=a\n");
    assert_eq!(node.export("refused").count(), 1);
}
