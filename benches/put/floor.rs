//! The least that any server does for a request: two loops receive it and send the answer of an
//! accepted one, and look at nothing but its length. What that costs is the kernel's, and the price
//! below which no server goes on this machine.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};
use tempfile::TempDir;

use crate::common::Outcome;
use crate::common::node::{Node, Running};
use crate::common::send::Ending;
use crate::common::server::Server;
use ::irontsd::bench::wait;

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const LOOPS: usize = 2;

/// The server as a node that keeps nothing.
pub struct Floor {
    scratch: PathBuf,
    timeout: Duration,
}

impl Floor {
    /// With its directory for what it prints.
    pub fn new(scratch: PathBuf, timeout: Duration) -> Self {
        Floor { scratch, timeout }
    }
}

impl Node for Floor {
    fn name(&self) -> &'static str {
        "receive and answer"
    }

    fn version(&self) -> String {
        String::from("of this benchmark")
    }

    fn flags(&self) -> Vec<String> {
        Vec::new()
    }

    fn keeps_points(&self) -> bool {
        false
    }

    fn ending(&self) -> Ending {
        Ending::Close
    }

    fn scratch(&self) -> &Path {
        &self.scratch
    }

    fn start_on(&self, dir: Arc<TempDir>) -> Outcome<Running> {
        let this = std::env::current_exe()?;
        let mut server = Server::start(dir, &this, |_| vec![String::from("--be-floor")])?;
        let address =
            wait::until("the floor's start", self.timeout, Duration::from_millis(5), || {
                server.check_alive()?;
                Ok(server.stdout()?.trim().parse().ok())
            })?;
        Ok(Running { server, opentsdb: address, http: address, timeout: self.timeout })
    }

    fn seal(&self, _: &mut Running, _: u64) -> Outcome<()> {
        Ok(())
    }

    fn merge(&self, _: &mut Running) -> Outcome<()> {
        Ok(())
    }

    fn check_counters(&self, _: &Running, _: u64) -> Outcome<()> {
        Ok(())
    }
}

/// Serves until killed.
pub fn serve() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let loops: Vec<_> = (0..LOOPS).map(|_| begin()).collect::<Outcome<_>>()?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    for number in 0.. {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let (registry, sender) = &loops[number % LOOPS];
        registry.register(&mut stream, Token(number), Interest::READABLE)?;
        sender.send((Token(number), stream))?;
    }
    Ok(())
}

fn begin() -> Outcome<(Registry, Sender<(Token, TcpStream)>)> {
    let poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        if let Err(error) = run(poll, &receiver) {
            eprintln!("{error}");
            std::process::exit(1);
        }
    });
    Ok((registry, sender))
}

/// A connection, and how many bytes of its request are still to come.
struct Connection {
    stream: TcpStream,
    left: usize,
}

fn run(mut poll: Poll, accepted: &Receiver<(Token, TcpStream)>) -> Outcome<()> {
    let (mut events, mut bytes) = (Events::with_capacity(64), vec![0; 1 << 18]);
    let mut connections = HashMap::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            while !connections.contains_key(&event.token()) {
                let (token, stream) = accepted.recv()?;
                connections.insert(token, Connection { stream, left: 0 });
            }
            let connection = connections.get_mut(&event.token()).ok_or("no such connection")?;
            if !take(connection, &mut bytes)? {
                connections.remove(&event.token());
            }
        }
    }
}

/// Receives what there is, and answers if the request is whole; false when the client has ended.
fn take(connection: &mut Connection, bytes: &mut [u8]) -> Outcome<bool> {
    loop {
        let count = match connection.stream.read(bytes) {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        if connection.left == 0 {
            connection.left = request_bytes(&bytes[..count])?;
        }
        connection.left = connection.left.checked_sub(count).ok_or("more than one request")?;
        if connection.left == 0 {
            connection.stream.write_all(ANSWER)?;
        }
        if count < bytes.len() {
            return Ok(true);
        }
    }
}

/// How long a request is, told from its head.
fn request_bytes(bytes: &[u8]) -> Outcome<usize> {
    const LENGTH: &[u8] = b"Content-Length: ";
    let head = memchr::memmem::find(bytes, b"\r\n\r\n").ok_or("no whole head")? + 4;
    let length = memchr::memmem::find(&bytes[..head], LENGTH).ok_or("no length")? + LENGTH.len();
    let digits = bytes[length..].split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
    Ok(head + std::str::from_utf8(digits)?.parse::<usize>()?)
}
