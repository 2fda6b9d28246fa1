//! Proves that a flood of new series and greedy clients are refused before memory runs out: in a
//! control group of 512 MiB nobody is killed, known series go on, and all is well again afterwards.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::cgroup::Group;
use crate::common::node::own_memory_bytes;
use crate::common::process::Process;
use crate::common::{Export, Home, Node, Telnet, wait};

const GROUP_BYTES: u64 = 512 << 20;
/// Below a share of the group that leaves room for what the kernel counts besides.
const LIMIT: f64 = 0.6 * GROUP_BYTES as f64;
const FLOODERS: u64 = 4;
const GREEDY: usize = 200;

#[test]
fn floods_are_refused_before_memory_runs_out() {
    let Some(group) = Group::new(GROUP_BYTES) else { return };
    let home = Home::new(&[]);
    let node = Node::ready(&home, Process::spawn(&mut group.wrap(&home.command())));
    let limit = node.metrics().sum("irontsd_memory_limit_bytes", &[]);
    assert!((limit - LIMIT).abs() < LIMIT / 100.0, "{limit} is not the share of the group");
    let load = Load::default();
    let watch = watch(node.id(), &load);
    let known = "put known 1 1 h=a\n";
    node.put_lines(known);
    let mut kept = node.telnet();

    let floods = (0..FLOODERS).map(|n| flood(&node, n, &load));
    let hoards = (0..GREEDY).map(|n| hoard(&node, n, &load));
    let threads: Vec<_> = floods.chain(hoards).collect();
    wait::until("new series and large bodies to be refused", || {
        refused(&node, "telnet") > 0.0 && refused(&node, "http") > 0.0
    });
    // Known series have room that new ones cannot take.
    wait::until("a point of a known series to be taken", || kept.send(known).barrier().is_empty());
    assert_eq!(node.get("/health").status, 200);
    wait::until("every body to be refused or cut", || load.bodies.load(Relaxed) == 0);
    load.ends.store(true, Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("a client ended well"));
    let peak = watch.join().expect("the watch ended well");
    assert!((peak as f64) < limit, "{peak} bytes of {limit} were used");
    assert_eq!(group.kills(), 0);
    wait::until("a new series to be taken again", || {
        kept.send("put new 1 1 h=a\n").barrier().is_empty()
    });
    assert_eq!(node.get("/-/ready").status, 200);
    // The first one builds the index of all names of the flood, which may take what exports may not.
    for name in ["known", "new"] {
        let target = format!("/api/v1/export?match[]={name}");
        wait::until("an export of the one point", || {
            let answer = node.get(&target);
            answer.status == 200 && Export::parse(&answer.text()).count() == 1
        });
    }
    drop(node.kill());
}

/// What the clients share.
#[derive(Clone, Default)]
struct Load {
    ends: Arc<AtomicBool>,
    /// Clients that still send a body.
    bodies: Arc<AtomicUsize>,
}

impl Load {
    fn has_ended(&self) -> bool {
        self.ends.load(Relaxed)
    }
}

/// The most memory of its own that a process has while the load lasts.
fn watch(process: u32, load: &Load) -> JoinHandle<u64> {
    let load = load.clone();
    thread::spawn(move || {
        let mut peak_bytes = 0;
        while !load.has_ended() {
            peak_bytes = peak_bytes.max(own_memory_bytes(process).unwrap_or(0));
            thread::sleep(Duration::from_millis(2));
        }
        peak_bytes
    })
}

/// Lines of refusals for want of memory.
fn refused(node: &Node, protocol: &str) -> f64 {
    let labels = [&format!("protocol=\"{protocol}\"")[..], "reason=\"memory_limit\""];
    node.metrics().sum("irontsd_points_rejected_total", &labels)
}

/// Sends points of series that nobody sent before.
fn flood(node: &Node, number: u64, load: &Load) -> JoinHandle<()> {
    let (addr, load) = (node.opentsdb(), load.clone());
    let long = "x".repeat(1500);
    thread::spawn(move || {
        let mut telnet = Telnet::connect(addr);
        let mut next = 0;
        while !load.has_ended() {
            let line = |n: u64| format!("put flood.{number} 1 1 h={n}.{long}\n");
            telnet.send((next..next + 500).map(line).collect::<String>()).barrier();
            next += 500;
        }
    })
}

/// Sends as much as it can of something large and never reads an answer: every other one a body that
/// does not end, the rest lines that are refused.
fn hoard(node: &Node, number: usize, load: &Load) -> JoinHandle<()> {
    let (is_http, load) = (number.is_multiple_of(2), load.clone());
    load.bodies.fetch_add(usize::from(is_http), Relaxed);
    let addr: SocketAddr = if is_http { node.http() } else { node.opentsdb() };
    thread::spawn(move || {
        send_much(addr, is_http, &load);
        load.bodies.fetch_sub(usize::from(is_http), Relaxed);
    })
}

fn send_much(addr: SocketAddr, is_http: bool, load: &Load) {
    let Ok(mut stream) = TcpStream::connect(addr) else { return };
    stream.set_write_timeout(Some(Duration::from_millis(50))).expect("a socket option");
    let head = "POST /api/put HTTP/1.1\r\nHost: t\r\nContent-Length: 33000000\r\n\r\n";
    let mut piece = if is_http { head.as_bytes().to_vec() } else { b"x\n".repeat(1 << 15) };
    while !load.has_ended() {
        match stream.write(&piece) {
            Ok(_) if is_http => piece = vec![b' '; 256 << 10],
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // Refused and cut.
            Err(_) => return,
        }
    }
}
