//! An answer that waits for a sync waits no longer than the client asked. The disk here is the real
//! one, but its syncs stand still while a gate is closed.

use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::{self, Disk, Env, File, Lock, Mapping};
use irontsd_net::http::router::Port;
use irontsd_net::node::Node;
use irontsd_net::server::{Bound, Server};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Clone)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self, open: bool) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = open;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*open {
            open = self.0.1.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[derive(Debug)]
struct SlowDisk(Arc<dyn Disk>, Gate);

#[derive(Debug)]
struct SlowFile(Arc<dyn File>, Gate);

impl SlowDisk {
    fn file(&self, file: io::Result<Arc<dyn File>>) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(SlowFile(file?, self.1.clone())))
    }
}

impl Disk for SlowDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.file(self.0.create(path))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.file(self.0.open(path))
    }
    fn map(&self, path: &Path) -> io::Result<Mapping> {
        self.0.map(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.create_dir(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.link(from, to)
    }

    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        self.0.remove_tree(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Lock, String>> {
        self.0.lock(path, holder)
    }
}

impl File for SlowFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.pass();
        self.0.sync()
    }
    fn cut(&self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

struct Client(TcpStream);

impl Client {
    fn connect(addr: SocketAddr) -> Client {
        Client(TcpStream::connect(addr).expect("the node accepts"))
    }

    fn send(&mut self, target: &str, body: &str) {
        let length = body.len();
        let request =
            format!("POST {target} HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n{body}");
        self.0.write_all(request.as_bytes()).expect("the node reads");
    }

    /// Status and body of the next answer.
    fn answer(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).expect("a head");
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
        self.0.read_exact(&mut body).expect("a body");
        (status, String::from_utf8(body).expect("a text"))
    }

    fn post(&mut self, target: &str, body: &str) -> (u16, String) {
        self.send(target, body);
        self.answer()
    }
}

const GOOD: &str = r#"{"metric":"m","timestamp":1,"value":"1","tags":{"h":"a"}}"#;
const BAD: &str = r#"{"metric":"m","timestamp":1,"value":"x","tags":{"h":"a"}}"#;

#[test]
fn an_answer_waits_for_its_sync_no_longer_than_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let gate = Gate(Arc::new((Mutex::new(true), Condvar::new())));
    let real = env::real();
    let env = Env { disk: Arc::new(SlowDisk(real.disk.clone(), gate.clone())), ..real };
    let config = Config { sync_interval: Duration::from_secs(86_400), ..Config::new(dir.path()) };
    let node = Arc::new(Node {
        engine: Engine::open(config, env).expect("opens"),
        policy: Default::default(),
        known: Default::default(),
        admission: Default::default(),
        rejections: Default::default(),
        counters: Default::default(),
        memory: Default::default(),
    });
    let bound = Bound::new(([127, 0, 0, 1], 0).into(), Port::Opentsdb).expect("a port");
    let addr = bound.address().expect("an address");
    let server = Server::start(&node, vec![bound], None, 1).expect("starts");

    gate.open(false);
    let (mut waiting, mut client) = (Client::connect(addr), Client::connect(addr));
    waiting.send("/api/put?sync&sync_timeout=86400000&summary", GOOD);
    let both = format!("[{GOOD},{BAD}]");
    let (status, body) = client.post("/api/put?sync&sync_timeout=1", &both);
    let message = "The put call has timedout with 0 successful writes, 1 failed writes and 1 timed \
                   out writes.";
    assert!(status == 400 && body.contains(message), "{status} {body}");
    let late = |flag: &str| format!("/api/put?sync&sync_timeout=1&{flag}");
    let expected = r#"{"success":0,"failed":1,"timeouts":1}"#;
    assert_eq!(client.post(&late("summary"), &both), (400, expected.to_owned()));
    let errors = format!(
        r#"{{"datapoint":{GOOD},"error":"Write timedout"}},{{"datapoint":{BAD},"error":"Unable to parse value to a number"}}"#
    );
    let expected = format!(r#"{{"success":0,"failed":1,"timeouts":1,"errors":[{errors}]}}"#);
    assert_eq!(client.post(&late("details"), &both), (400, expected));
    // Who asked for no sync waits for none, whatever else is said.
    assert_eq!(client.post("/api/put?sync_timeout=1", GOOD).0, 204);
    // Behind an answer that waits without a limit both wait.
    client.send("/api/put?sync", GOOD);
    client.send(&late("summary"), GOOD);

    gate.open(true);
    assert_eq!(client.answer(), (204, String::new()));
    let (status, body) = client.answer();
    assert!(status == 200 || status == 400, "{status} {body}");
    let expected = r#"{"success":1,"failed":0,"timeouts":0}"#;
    assert_eq!(waiting.answer(), (200, expected.to_owned()));
    assert_eq!(client.post("/api/put?sync&sync_timeout=86400000", GOOD), (204, String::new()));
    drop((waiting, client));
    server.stop();
    node.engine.close().expect("closes");
}

#[test]
fn a_timeout_is_a_number_of_milliseconds() {
    let node = tempfile::tempdir().expect("a directory");
    let config = Config::new(node.path());
    let node = Arc::new(Node {
        engine: Engine::open(config, env::real()).expect("opens"),
        policy: Default::default(),
        known: Default::default(),
        admission: Default::default(),
        rejections: Default::default(),
        counters: Default::default(),
        memory: Default::default(),
    });
    let bound = Bound::new(([127, 0, 0, 1], 0).into(), Port::Opentsdb).expect("a port");
    let mut client = Client::connect(bound.address().expect("an address"));
    let server = Server::start(&node, vec![bound], None, 1).expect("starts");
    for text in ["x", "", "1.5", "99999999999"] {
        let (status, body) = client.post(&format!("/api/put?sync&sync_timeout={text}"), GOOD);
        assert!(status == 500 && body.contains("For input string"), "{text}: {status} {body}");
    }
    assert_eq!(client.post("/api/put?sync&sync_timeout=-1", GOOD).0, 204);
    assert_eq!(client.post("/api/put?sync&sync_timeout=0", GOOD).0, 204);
    assert_eq!(node.counters.accepted(irontsd_net::reject::Protocol::Http), 2);
    drop(client);
    server.stop();
}
