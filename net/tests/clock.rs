//! A node whose wall clock steps: what it takes, keeps and hides follows the clock only as far as a wrong
//! one does no harm, and nothing waits by it. The clock is a test's; all else is real.

use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::{self, Clock, Env};
use irontsd_engine::retention::Keep;
use irontsd_net::http::router::Port;
use irontsd_net::node::Node;
use irontsd_net::server::{Bound, Server};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const YEAR_MS: i64 = 365 * DAY_MS;
/// The right time, in November 2023.
const RIGHT_MS: i64 = 1_700_000_000_000;
const KEPT_DAYS: i64 = 10;

/// A clock whose wall a test sets.
#[derive(Debug)]
struct Wall(AtomicI64, Arc<dyn Clock>);

impl Wall {
    fn new(ms: i64) -> Arc<Wall> {
        Arc::new(Wall(AtomicI64::new(ms), env::real().clock))
    }

    fn set(&self, ms: i64) {
        self.0.store(ms, SeqCst);
    }
}

impl Clock for Wall {
    fn wall_ms(&self) -> i64 {
        self.0.load(SeqCst)
    }

    fn monotonic(&self) -> Duration {
        self.1.monotonic()
    }
}

/// A node that serves.
struct Served {
    node: Arc<Node>,
    server: Server,
    opentsdb: SocketAddr,
    http: SocketAddr,
}

impl Served {
    fn start(dir: &Path, wall: &Arc<Wall>, kept: Option<i64>) -> Served {
        let age = kept.map(|ms| Duration::from_millis(ms as u64));
        let config = Config { keep: Keep { age, bytes_max: None }, ..Config::new(dir) };
        let env = Env { clock: wall.clone(), ..env::real() };
        let engine = Engine::open(config, env).expect("opens");
        assert_eq!(engine.recovery().faults, Vec::<String>::new());
        let node = Arc::new(Node {
            engine,
            policy: Default::default(),
            known: Default::default(),
            memory: Default::default(),
            admission: Default::default(),
            rejections: Default::default(),
            counters: Default::default(),
        });
        let local: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let ports = [Port::Opentsdb, Port::Http];
        let bound: Vec<Bound> =
            ports.iter().map(|&port| Bound::new(local, port).expect("a free port")).collect();
        let address = |at: usize| bound[at].address().expect("an address");
        let (opentsdb, http) = (address(0), address(1));
        let server = Server::start(&node, bound, None, 1).expect("starts");
        Served { node, server, opentsdb, http }
    }

    fn stop(self) {
        self.server.stop();
        let node = Arc::into_inner(self.node).expect("nobody else has it");
        node.engine.close().expect("closes");
    }

    /// The answers to lines.
    fn put(&self, lines: &str) -> String {
        converse(self.opentsdb, lines)
    }

    /// Status and body of an answer.
    fn ask(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request =
            format!("{method} {target} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = converse(self.http, &request);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// Makes segments of all there is, merges them and lets retention take what it may.
    fn settle(&self) {
        for target in ["/internal/force_flush", "/internal/force_merge"] {
            assert_eq!(self.ask("POST", target, "").0, 200);
        }
    }

    /// The timestamps of the one series called `metric`.
    fn stamps(&self, metric: &str) -> Vec<i64> {
        let (status, text) = self.ask("GET", &format!("/api/v1/export?match[]={metric}"), "");
        assert_eq!(status, 200, "{text}");
        let Some((_, stamps)) = text.split_once("\"timestamps\":[") else { return Vec::new() };
        let stamps = stamps.split(']').next().unwrap_or_default().split(',');
        stamps.map(|stamp| stamp.parse().expect("a timestamp")).collect()
    }
}

/// Sends all of it and returns all that is answered.
fn converse(addr: SocketAddr, text: &str) -> String {
    let mut socket = connect(addr);
    socket.write_all(text.as_bytes()).expect("the node reads");
    socket.shutdown(Shutdown::Write).expect("a half-close");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("the node closes");
    answer
}

fn connect(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).expect("the node accepts");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket option");
    socket
}

fn line(stamp_ms: i64) -> String {
    format!("put m {stamp_ms} 1 h=a\n")
}

const UNTIMED: &str = r#"{"metric":"m","value":1,"tags":{"h":"a"}}"#;

/// Where numbers of 32 bits would turn over, in seconds and milliseconds, and the ends of what is taken.
const EDGES_MS: [i64; 12] = [
    1,
    999,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 31) * 1000 - 1,
    (1 << 31) * 1000,
    (1 << 32) * 1000 - 1,
    (1 << 32) * 1000,
    (1 << 32) * 1000 + 1,
    9_999_999_999_999,
];

#[test]
fn a_point_without_a_time_has_that_of_the_clock_at_every_edge() {
    let (dir, wall) = (tempfile::tempdir().expect("a directory"), Wall::new(1));
    let served = Served::start(dir.path(), &wall, None);
    for ms in EDGES_MS {
        wall.set(ms);
        assert_eq!(served.ask("POST", "/api/put", UNTIMED), (204, String::new()), "{ms}");
    }
    // A clock that shows no time that can be stored: points are refused until it does.
    for ms in [0, -1, -RIGHT_MS, i64::MIN, 10_000_000_000_000, i64::MAX] {
        wall.set(ms);
        assert_eq!(served.ask("POST", "/api/put", UNTIMED).0, 400, "{ms}");
        assert_eq!(served.ask("GET", "/metrics", "").0, 200, "{ms}");
        assert_eq!(served.ask("POST", "/snapshot/create", "").0, 200, "{ms}");
    }
    assert_eq!(served.stamps("m"), EDGES_MS);
    served.settle();
    assert_eq!(served.stamps("m"), EDGES_MS);
    served.stop();
    let served = Served::start(dir.path(), &Wall::new(RIGHT_MS), None);
    assert_eq!(served.stamps("m"), EDGES_MS);
}

#[test]
fn times_at_every_edge_come_back_as_they_were_sent() {
    let (dir, wall) = (tempfile::tempdir().expect("a directory"), Wall::new(RIGHT_MS));
    let served = Served::start(dir.path(), &wall, None);
    let seconds = [1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1];
    let milliseconds: Vec<i64> = EDGES_MS.into_iter().filter(|&ms| ms >= 1 << 32).collect();
    let all = seconds.iter().chain(&milliseconds);
    assert_eq!(served.put(&all.map(|&stamp| line(stamp)).collect::<String>()), "");
    let mut expected: Vec<i64> =
        seconds.map(|s| s * 1000).into_iter().chain(milliseconds).collect();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(served.stamps("m"), expected);
    served.settle();
    assert_eq!(served.stamps("m"), expected);
}

/// Whatever the clock has shown meanwhile, a day that is to be kept is there when it is right again.
#[test]
fn retention_keeps_what_it_should_while_the_clock_steps() {
    let (dir, wall) = (tempfile::tempdir().expect("a directory"), Wall::new(RIGHT_MS));
    let kept_ms = KEPT_DAYS * DAY_MS;
    let mut served = Served::start(dir.path(), &wall, Some(kept_ms));
    let kept: Vec<i64> = (0..KEPT_DAYS).rev().map(|day| RIGHT_MS - day * DAY_MS).collect();
    for &stamp in &kept {
        assert_eq!(served.put(&line(stamp)), "");
        served.ask("POST", "/internal/force_flush", "");
    }
    let steps =
        [-1000, -HOUR_MS, -YEAR_MS, 1 - RIGHT_MS, 1000, HOUR_MS, DAY_MS, YEAR_MS, 100 * YEAR_MS];
    for step in steps {
        wall.set(RIGHT_MS + step);
        served.settle();
        served.stop();
        served = Served::start(dir.path(), &wall, Some(kept_ms));
        served.settle();
        wall.set(RIGHT_MS);
        assert_eq!(served.stamps("m"), kept, "after a step of {step} ms");
    }
    // While the clock runs far ahead what comes is refused, not taken and lost.
    wall.set(RIGHT_MS + YEAR_MS);
    let answer = served.put(&line(RIGHT_MS + 1));
    assert!(answer.contains("is older than what is kept"), "{answer}");
    wall.set(RIGHT_MS);
    assert_eq!(served.put(&line(RIGHT_MS + 1)), "");
    // And what is too old goes all the same.
    wall.set(RIGHT_MS + DAY_MS + 1);
    assert_eq!(served.put(&line(RIGHT_MS + DAY_MS)), "");
    served.settle();
    assert_eq!(served.stamps("m").first(), Some(&kept[1]));
}

/// A snapshot made while the clock was wrong holds what was there.
#[test]
fn a_snapshot_is_whole_whatever_the_clock_shows() {
    let (dir, wall) = (tempfile::tempdir().expect("a directory"), Wall::new(RIGHT_MS));
    let kept_ms = Some(KEPT_DAYS * DAY_MS);
    let served = Served::start(dir.path(), &wall, kept_ms);
    let kept: Vec<i64> = (0..KEPT_DAYS).rev().map(|day| RIGHT_MS - day * DAY_MS).collect();
    assert_eq!(served.put(&kept.iter().map(|&stamp| line(stamp)).collect::<String>()), "");
    for step in [-YEAR_MS, 0, YEAR_MS] {
        wall.set(RIGHT_MS + step);
        let (status, text) = served.ask("POST", "/snapshot/create", "");
        assert_eq!(status, 200, "{text}");
        let name = text.split('"').nth(7).expect("a name");
        let copy = dir.path().join("snapshots").join(name);
        let restored = Served::start(&copy, &Wall::new(RIGHT_MS), kept_ms);
        assert_eq!(restored.stamps("m"), kept, "a snapshot of {name}");
        restored.stop();
    }
}

/// Deadlines follow the clock that never steps.
#[test]
fn nothing_waits_by_the_wall_clock() {
    let (dir, wall) = (tempfile::tempdir().expect("a directory"), Wall::new(RIGHT_MS));
    let served = Served::start(dir.path(), &wall, None);
    let mut half = connect(served.opentsdb);
    let mut telnet = connect(served.opentsdb);
    half.write_all(
        format!("POST /api/put HTTP/1.0\r\nContent-Length: {}\r\n\r\n", UNTIMED.len()).as_bytes(),
    )
    .expect("the node reads");
    for step in [100 * YEAR_MS, -50 * YEAR_MS, 1 - RIGHT_MS] {
        wall.set(RIGHT_MS + step);
        assert_eq!(served.put("put other 1 1 h=a\n"), "");
        telnet.write_all(b"version\n").expect("the node reads");
        let mut first = [0; 8];
        telnet.read_exact(&mut first).expect("an answer");
        assert_eq!(&first, b"irontsd ");
        let mut byte = [0];
        while byte != *b"\n" {
            telnet.read_exact(&mut byte).expect("the rest of a line");
        }
    }
    half.write_all(UNTIMED.as_bytes()).expect("the node reads");
    let mut answer = String::new();
    half.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}
