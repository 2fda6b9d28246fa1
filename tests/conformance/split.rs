//! A telnet case in two pieces: wherever it is cut, the node answers and takes the same.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::common::metrics::Metrics;
use crate::common::{Http, Node, seed, wait};

use super::case::{Case, ensure};
use super::run::Verdict;
use super::{stored, telnet};

/// Cuts of a case; a shorter one is cut at every place.
const PLACES: usize = 16;

/// The kernel's number for an established connection.
const ESTABLISHED: &str = "01";

/// Sends the case whole and then cut at every chosen place, all to one node.
///
/// The cuts write the same samples again, so the node's own count of points taken and refused
/// tells whether each of them did what the whole did.
pub fn at_seeded_places(case: &Case) -> Verdict {
    let node = case.node("default")?;
    let mut counter = Counter::new(&node);
    let send = case.json.get("send").str().as_bytes();
    let started_ms = stored::now_ms();
    in_two(case, &node, send, &[])?;
    let whole = counter.since_last();
    for place in places(&case.id, send.len()) {
        let (one, other) = send.split_at(place);
        let context = |found| format!("cut at byte {place}: {found}");
        in_two(case, &node, one, other).map_err(context)?;
        let counts = counter.since_last();
        let same = counts == whole;
        ensure(same, || context(format!("{counts:?} taken and refused, not {whole:?}")))?;
    }
    stored::check(&node, case.json.get("default").get("stored"), &[], started_ms)
}

/// Points taken and refused, read over one connection: each further one would stay in the
/// kernel's table of sockets for a minute and slow its readers down.
struct Counter {
    http: Http,
    last: (f64, f64),
}

impl Counter {
    fn new(node: &Node) -> Counter {
        let mut counter = Counter { http: Http::connect(node.http()), last: (0.0, 0.0) };
        counter.since_last();
        counter
    }

    /// How many more were taken and refused than at the last call.
    fn since_last(&mut self) -> (f64, f64) {
        let metrics = Metrics::parse(&self.http.get("/metrics").text());
        let (taken, refused) = self.last;
        self.last = (metrics.accepted(), metrics.rejected());
        (self.last.0 - taken, self.last.1 - refused)
    }
}

/// Where to cut.
fn places(id: &str, length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (1..length).collect();
    seed::chance(id).shuffle(&mut places);
    places.truncate(PLACES);
    places
}

/// Sends both pieces on a new connection and checks the answer.
fn in_two(case: &Case, node: &Node, one: &[u8], other: &[u8]) -> Verdict {
    let expected = case.json.get("default");
    let mut stream = telnet::connect(node.opentsdb());
    telnet::write(&mut stream, one)?;
    wait_until_consumed(&stream);
    telnet::write(&mut stream, other)?;
    telnet::check_answer(&telnet::finish(stream, expected)?, expected)
}

/// Waits until the node has read everything sent so far, or has closed.
fn wait_until_consumed(stream: &TcpStream) {
    let client = stream.local_addr().expect("an address");
    let server = stream.peer_addr().expect("an address");
    wait::until("the bytes to arrive", || {
        Socket::find(client, server).is_none_or(|socket| socket.sending == 0)
    });
    wait::until("the node to read", || {
        let socket = Socket::find(server, client);
        socket.is_none_or(|socket| socket.is_accepted && socket.unread == 0)
    });
}

/// What the kernel tells of one end of an open connection.
struct Socket {
    /// Bytes that the other end's kernel has not acknowledged.
    sending: u64,
    /// Bytes that arrived and nobody read.
    unread: u64,
    /// Whether a process holds it.
    is_accepted: bool,
}

impl Socket {
    /// The end at `local`, as long as it is open in both directions.
    fn find(local: SocketAddr, remote: SocketAddr) -> Option<Socket> {
        let (local, remote) = (hex(local), hex(remote));
        let table = File::open("/proc/net/tcp").expect("the kernel's table of sockets");
        // The table can be long, and is only made as far as it is read.
        BufReader::new(table).lines().skip(1).find_map(|line| {
            let line = line.expect("a line of the table");
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_it = words[1] == local && words[2] == remote && words[3] == ESTABLISHED;
            is_it.then(|| Socket::parse(&words))
        })
    }

    fn parse(words: &[&str]) -> Socket {
        let (sending, unread) = words[4].split_once(':').expect("two queues");
        let bytes = |digits| u64::from_str_radix(digits, 16).expect("a length");
        Socket { sending: bytes(sending), unread: bytes(unread), is_accepted: words[9] != "0" }
    }
}

/// An address as the kernel's table spells it.
fn hex(addr: SocketAddr) -> String {
    let SocketAddr::V4(addr) = addr else { panic!("not IPv4: {addr}") };
    format!("{:08X}:{:04X}", u32::from_ne_bytes(addr.ip().octets()), addr.port())
}

#[test]
fn the_kernel_tells_what_was_read() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = listener.local_addr().expect("an address");
    let mut stream = telnet::connect(server);
    let client = stream.local_addr().expect("an address");
    stream.write_all(b"abc").expect("a socket takes bytes");
    let state = || Socket::find(server, client).map(|socket| (socket.is_accepted, socket.unread));
    wait::until("the bytes to arrive", || state() == Some((false, 3)));
    let (mut accepted, _) = listener.accept().expect("a connection");
    assert_eq!(state(), Some((true, 3)));
    accepted.read_exact(&mut [0; 3]).expect("the bytes");
    wait_until_consumed(&stream);
    assert_eq!(state(), Some((true, 0)));
}
