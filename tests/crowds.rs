//! Proves that many clients, idle, hasty or slow ones, cost a bounded amount of memory, never take the
//! descriptors that the node's own files need, and disturb nobody.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use socket2::SockRef;

use crate::common::ledger::Ledger;
use crate::common::node::{Node, own_memory_bytes};
use crate::common::process::Process;
use crate::common::{Home, Http, Telnet, descriptors, require, wait};

const IDLE: usize = 10_000;
/// What an idle connection may cost of the memory that is the node's alone.
const IDLE_BYTES_MAX: u64 = 16 << 10;

#[test]
fn ten_thousand_idle_connections_cost_little() {
    if !descriptors::allow(IDLE as u64 + 2000) {
        return;
    }
    // Nothing of what is sent by half may be refused for being late here.
    let node = Node::with_flags(&["--request-timeout", "1d"]);
    node.put_lines(&Ledger::new("m".into()).next_lines(20_000));
    node.export("m");
    let before = own(&node);
    let mut telnet: Vec<Telnet> = (0..IDLE * 6 / 10).map(|_| node.telnet()).collect();
    telnet.iter_mut().step_by(2).for_each(|telnet| {
        telnet.send("put m 1 1 h=a\nput m x\n");
    });
    telnet.iter_mut().step_by(2).for_each(|telnet| assert_eq!(telnet.barrier().len(), 1));
    let half: Vec<Http> = (0..IDLE * 4 / 10 - SERVED).map(|n| half_head(&node, n)).collect();
    let served: Vec<Http> = (0..SERVED).map(|_| served(&node)).collect();
    wait::until("all of them to be accepted", || node.connection_count() == IDLE);
    let each = own(&node).saturating_sub(before) / IDLE as u64;
    assert!(each <= IDLE_BYTES_MAX, "{each} bytes for each idle connection");
    node.put_lines("put other 1 1 h=a\n");
    assert_eq!(node.export("other").count(), 1);
    drop((telnet, half, served));
    wait::until("all of them to be let go", || node.connection_count() == 0);
}

/// An answer of half a megabyte leaves nothing behind on its connection.
#[test]
fn what_an_answer_took_is_given_back_when_it_is_sent() {
    let node = Node::with_flags(&["--event-loops", "1"]);
    node.put_lines(&Ledger::new("m".into()).next_lines(20_000));
    let mut first: Vec<Http> = (0..8).map(|_| served(&node)).collect();
    let before = own(&node);
    let more: Vec<Http> = (0..SERVED).map(|_| served(&node)).collect();
    let each = own(&node).saturating_sub(before) / SERVED as u64;
    assert!(each <= IDLE_BYTES_MAX, "{each} bytes for each connection whose answer was sent");
    assert_eq!(more.len(), SERVED);
    assert_eq!(first[0].get("/health").status, 200);
}

/// Connections that had an answer.
const SERVED: usize = 400;

fn served(node: &Node) -> Http {
    let mut http = Http::connect(node.http());
    assert!(http.get("/api/v1/export?match[]=m").body.len() > 300_000);
    http
}

fn half_head(node: &Node, number: usize) -> Http {
    let mut http =
        Http::connect(if number.is_multiple_of(2) { node.http() } else { node.opentsdb() });
    http.send("GET /api/version HTTP/1.1\r\nHost: ");
    http
}

#[test]
fn a_flood_of_connections_leaves_nothing_behind() {
    let node = Node::start();
    node.put_lines("put m 1 1 h=a\n");
    let before = own(&node);
    for number in 0..3000 {
        let addr = if number % 2 == 0 { node.http() } else { node.opentsdb() };
        let mut socket = TcpStream::connect(addr).expect("the node accepts");
        match number % 4 {
            0 => {}
            1 => socket.write_all(b"put m 2 2 h=").expect("the node reads"),
            2 => socket
                .write_all(b"POST /api/put HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n[")
                .expect("the node reads"),
            _ => socket.write_all(b"version\nput m x\n").expect("the node reads"),
        }
        if number % 3 == 0 {
            SockRef::from(&socket).set_linger(Some(Duration::ZERO)).expect("a socket option");
        }
    }
    wait::until("all of them to be let go", || node.connection_count() == 0);
    let grown = own(&node).saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes are left of a flood of connections");
    assert_eq!(node.export("m").only(), ("m{h=\"a\"}", 1000, "1"));
    node.put_lines("put m 3 3 h=a\n");
}

/// Few enough to be used up at once; with one loop the node keeps 28 for itself.
const FEW_DESCRIPTORS: usize = 128;

#[test]
fn clients_never_take_the_descriptors_of_files() {
    let Some(shell) = require::program("sh") else { return };
    let home = Home::new(&["--event-loops", "1"]);
    let inner = home.command();
    let mut command = Command::new(shell);
    command.args(["-c", &format!("ulimit -n {FEW_DESCRIPTORS} && exec \"$0\" \"$@\"")]);
    command.arg(inner.get_program()).args(inner.get_args());
    let node = Node::ready(&home, Process::spawn(&mut command));
    let mut ledger = Ledger::new("m".into());
    let (mut telnet, mut http) = (node.telnet(), Http::connect(node.http()));
    assert!(telnet.barrier().is_empty());
    assert_eq!(http.get("/-/ready").status, 200);
    let mut clients: Vec<Telnet> = (0..2 * FEW_DESCRIPTORS).map(|_| node.telnet()).collect();
    clients.iter_mut().for_each(|client| {
        client.send("put late 1 1 h=a\nversion\n");
    });
    // Logs are begun, segments written and merged while no further client is let in.
    for _ in 0..5 {
        assert!(telnet.send(ledger.next_lines(500)).barrier().is_empty());
        ledger.acknowledge();
        assert_eq!(http.get("/internal/force_flush").status, 200);
    }
    assert!(http.get("/internal/force_merge").text().ends_with("merged\n"));
    let ready = http.get("/-/ready");
    assert_eq!((ready.status, ready.text().as_str()), (200, "OK"));
    let answered =
        |client: &mut Telnet| client.until_version().is_some_and(|lines| lines.is_empty());
    let waiting = clients.split_off(FEW_DESCRIPTORS / 2);
    assert!(clients.iter_mut().all(answered), "a client that was let in is not served");
    drop(clients);
    // Those that waited come in as others leave.
    for mut client in waiting {
        assert!(answered(&mut client), "a client that waited is not served");
    }
    ledger.check(&node.export("m"));
    let log = node.kill_and_read_log();
    assert!(log.contains("connections are all that the descriptor limit allows"), "{log}");
    ledger.check(&home.start().export("m"));
}

/// How a request begins that goes on with `x`, and never ends.
const ENDLESS: [&str; 4] = [
    "GET /api/version HTTP/1.1\r\nHost: t\r\nX: ",
    "POST /api/put HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n",
    "POST /api/put HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    "GET /",
];

/// Each sends a byte whenever somebody honest has been served, until the node has had enough.
#[test]
fn requests_that_come_byte_by_byte_are_ended() {
    let node = Node::with_flags(&["--request-timeout", "1s"]);
    let mut honest = node.telnet();
    let begin = |n: usize| Dribble::new(node.http(), ENDLESS[n % ENDLESS.len()]);
    let mut dribbles: Vec<Dribble> = (0..40).map(begin).collect();
    dribbles.extend(ENDLESS[..3].iter().map(|head| Dribble::new(node.opentsdb(), head)));
    let mut round = 0;
    wait::until("every one of them to be ended", || {
        round += 1;
        let lines = format!("put honest {round} 1 h=a\n");
        assert!(honest.send(lines).barrier().is_empty());
        assert_eq!(node.get("/health").status, 200);
        dribbles.iter_mut().for_each(Dribble::go_on);
        dribbles.iter().all(|dribble| dribble.has_ended)
    });
    for dribble in &dribbles {
        let answer = String::from_utf8_lossy(&dribble.answer);
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    }
    assert_eq!(node.export("honest").count(), round);
    // Whoever is idle between two requests is not late.
    assert!(honest.barrier().is_empty());
}

/// A client that sends a byte at a time.
struct Dribble {
    socket: TcpStream,
    answer: Vec<u8>,
    has_ended: bool,
}

impl Dribble {
    fn new(addr: SocketAddr, begin: &str) -> Dribble {
        let mut socket = TcpStream::connect(addr).expect("the node accepts");
        socket.write_all(begin.as_bytes()).expect("the node reads");
        socket.set_nonblocking(true).expect("a socket option");
        Dribble { socket, answer: Vec::new(), has_ended: false }
    }

    /// Sends a byte, and takes what was answered.
    fn go_on(&mut self) {
        if self.has_ended {
            return;
        }
        let _ = self.socket.write(b"x");
        let mut piece = [0; 4096];
        match self.socket.read(&mut piece) {
            Ok(0) => self.has_ended = true,
            Ok(count) => self.answer.extend_from_slice(&piece[..count]),
            Err(error) => {
                self.has_ended = error.kind() != ErrorKind::WouldBlock;
            }
        }
    }
}

/// What an export in progress may hold, whatever its length: three pieces of text, and a block in numbers.
const EXPORT_BYTES_MAX: u64 = 4 << 20;

#[test]
fn readers_that_do_not_read_hold_little() {
    let node = Node::start();
    let mut ledger = Ledger::new("m".into());
    node.put_lines(&ledger.next_lines(800_000));
    node.force_flush();
    let whole = node.export_text("m").len();
    let before = own(&node);
    let mut readers: Vec<(u16, Http)> = (0..48).map(|_| begin_export(&node)).collect();
    let refused = readers.iter().filter(|(status, _)| *status == 503).count();
    assert_eq!(refused, 16, "exports beyond the limit");
    for _ in 0..10 {
        node.put_lines(&ledger.next_lines(2_000));
        node.force_flush();
    }
    let grown = own(&node).saturating_sub(before);
    assert!(
        grown < 32 * EXPORT_BYTES_MAX,
        "{grown} bytes for 32 readers of {whole} bytes that do not read"
    );
    let (_, reader) = &mut readers[0];
    let mut text = Vec::new();
    reader.chunked_body(&mut text).expect("the whole export");
    assert_eq!(text.len(), whole);
}

fn begin_export(node: &Node) -> (u16, Http) {
    let mut http = Http::connect(node.http());
    http.send("GET /api/v1/export?match[]=m HTTP/1.1\r\nHost: t\r\n\r\n");
    let status = http.head().status;
    (status, http)
}

/// What waits for a client that does not read: error lines beyond that are dropped, and counted all the same.
const ERROR_BYTES_MAX: usize = 512 << 10;

#[test]
fn a_client_that_never_reads_its_errors_costs_no_more_than_their_bound() {
    let node = Node::with_flags(&["--event-loops", "1"]);
    node.put_lines("put m 1 1 h=a\n");
    let before = own(&node);
    let mut telnet = node.telnet();
    let bad = "put m x\n".repeat(10_000);
    for round in 2..=100 {
        telnet.send(&bad).send(format!("put m {round} {round} h=a\n"));
    }
    wait::until("all lines to be taken", || node.metrics().rejected() == 990_000.0);
    let grown = own(&node).saturating_sub(before);
    assert!(grown < 4 * ERROR_BYTES_MAX as u64, "{grown} bytes for one client that does not read");
    wait::until("the good lines to be stored", || node.export("m").count() == 100);
    // What was kept comes first, and other answers are never dropped.
    let answers = telnet.barrier();
    assert!(
        answers.iter().all(|line| line.starts_with("put: illegal argument")),
        "{:?}",
        answers[0]
    );
    let bytes: usize = answers.iter().map(|line| line.len() + 1).sum();
    assert!(bytes >= ERROR_BYTES_MAX && answers.len() < 990_000, "{bytes} bytes of answers");
}

/// What cannot be dropped holds up whoever does not read it, and nobody else.
#[test]
fn a_client_that_never_reads_its_answers_is_not_read_either() {
    let node = Node::with_flags(&["--event-loops", "1"]);
    let mut other = node.telnet();
    let before = own(&node);
    let mut socket = TcpStream::connect(node.opentsdb()).expect("the node accepts");
    socket.set_nonblocking(true).expect("a socket option");
    let piece = "version\n".repeat(8192);
    let (mut sent, mut refused) = (0, 0);
    // The one loop has had its turns with both between two answers to the other.
    while refused < 50 {
        match socket.write(&piece.as_bytes()[sent % 8..]) {
            Ok(count) => (sent, refused) = (sent + count, 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => refused += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(other.barrier().is_empty());
        assert!(sent < 64 << 20, "commands are taken whose answers nobody reads");
    }
    let grown = own(&node).saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes for one client that does not read");
    node.put_lines("put m 1 1 h=a\n");
    socket.set_nonblocking(false).expect("a socket option");
    socket.set_read_timeout(Some(wait::DEADLINE)).expect("a socket option");
    // The rest of a command that was sent in part, and one more.
    let end = [&piece.as_bytes()[sent % 8..8], b"exit\n"].concat();
    let mut writer = socket.try_clone().expect("a second handle");
    let last = std::thread::spawn(move || writer.write_all(&end));
    let mut answers = Vec::new();
    socket.read_to_end(&mut answers).expect("the answers");
    last.join().expect("no panic").expect("the node reads on");
    let lines = answers.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"irontsd "));
    assert_eq!(lines.count(), sent / 8 + 1, "an answer for every command");
}

fn own(node: &Node) -> u64 {
    own_memory_bytes(node.id()).expect("the node runs")
}
