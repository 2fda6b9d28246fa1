//! A request that is committed in pieces, taken in one turn behind an answer that waits for a sync,
//! is answered when its last piece is synced. The disk here is the real one, but the second piece is
//! not written before the sync of the first has begun.

use flate2::Compression;
use flate2::write::GzEncoder;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::{self, Disk, Env, File, Lock, Mapping};
use irontsd_net::http::router::Port;
use irontsd_net::node::Node;
use irontsd_net::server::{Bound, Server};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts of a log's writes and syncs.
#[derive(Debug, Default)]
struct Log {
    counts: Mutex<(u32, u32)>,
    changed: Condvar,
}

#[derive(Debug)]
struct OrderedDisk(Arc<dyn Disk>, Arc<Log>);

#[derive(Debug)]
struct OrderedFile(Arc<dyn File>, Arc<Log>);

impl Disk for OrderedDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = self.0.create(path)?;
        let is_log = path.extension().is_some_and(|end| end == "log");
        Ok(if is_log { Arc::new(OrderedFile(file, self.1.clone())) } else { file })
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.0.open(path)
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

impl File for OrderedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut counts = self.1.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // The header, synced when the log is made; the first piece; then a sync; then the others.
        counts.0 += 1;
        while counts.0 > 2 && counts.1 < 2 {
            counts = self.1.changed.wait(counts).unwrap_or_else(PoisonError::into_inner);
        }
        drop(counts);
        self.0.write_at(bytes, offset)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.counts.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
        self.1.changed.notify_all();
        self.0.sync()
    }
    fn cut(&self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

fn request(target: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[test]
fn the_last_piece_of_a_request_is_synced_before_its_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, real) = (Arc::new(Log::default()), env::real());
    let env = Env { disk: Arc::new(OrderedDisk(real.disk.clone(), log.clone())), ..real };
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
    assert_eq!(*log.counts.lock().expect("whole"), (1, 1));
    let bound = Bound::new(([127, 0, 0, 1], 0).into(), Port::Http).expect("a port");
    let addr = bound.address().expect("an address");
    let server = Server::start(&node, vec![bound], None, 1).expect("starts");

    let point = r#"{"metric":"m","timestamp":1,"value":"1","tags":{"h":"a"}}"#;
    let ones = vec!["1"; 10_000].join(",");
    let line =
        format!(r#"{{"metric":{{"__name__":"m"}},"values":[{ones}],"timestamps":[{ones}]}}"#);
    // Packed, both requests arrive at once, so they are taken in one turn.
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(line.as_bytes()).expect("memory");
    let packed = packed.finish().expect("memory");
    let length = packed.len();
    let head = format!(
        "POST /api/v1/import HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    let mut client = TcpStream::connect(addr).expect("the node accepts");
    let put = request("/api/put?sync", point);
    client.write_all(&[put.as_bytes(), head.as_bytes(), &packed].concat()).expect("the node reads");
    let expected = "HTTP/1.1 204 No Content\r\n\r\n".repeat(2);
    let mut answers = vec![0; expected.len()];
    client.read_exact(&mut answers).expect("two answers");
    assert_eq!(String::from_utf8_lossy(&answers), expected);
    assert!(log.counts.lock().expect("whole").1 >= 3, "answered before the last piece was synced");
    drop(client);
    server.stop();
    node.engine.close().expect("closes");
}
