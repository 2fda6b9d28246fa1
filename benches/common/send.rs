//! Sending: one blocking socket and one thread for each connection, started together.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::Outcome;

const WRITE_BYTES: usize = 1024 * 1024;

/// How a connection learns that the node has accepted all its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Send `version` and wait for the answer, which comes after all lines are taken.
    Version,
    /// Close the sending half and wait until the node closes the other; for a node that never
    /// answers and closes once it has worked off what it read.
    Close,
}

/// Connections to a node, open and idle.
pub struct Senders {
    sockets: Vec<TcpStream>,
    ending: Ending,
}

impl Senders {
    /// Opens one connection for each part of the load.
    pub fn connect(
        node: SocketAddr,
        count: usize,
        ending: Ending,
        timeout: Duration,
    ) -> Outcome<Self> {
        let connect = |_| -> Outcome<TcpStream> {
            let socket = TcpStream::connect_timeout(&node, timeout)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(timeout))?;
            socket.set_write_timeout(Some(timeout))?;
            Ok(socket)
        };
        let sockets = (0..count).map(connect).collect::<Outcome<Vec<_>>>()?;
        Ok(Senders { sockets, ending })
    }

    /// Sends each connection its part; returns the moment before the first byte. On return every
    /// line is accepted. The connections stay open as long as `self`.
    pub fn send(&self, parts: &[Vec<u8>]) -> Outcome<Instant> {
        let gate = Barrier::new(self.sockets.len() + 1);
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (socket, lines) in self.sockets.iter().zip(parts) {
                let gate = &gate;
                threads.push(scope.spawn(move || {
                    gate.wait();
                    send_lines(socket, lines, self.ending)
                }));
            }
            let start = Instant::now();
            gate.wait();
            for thread in threads {
                thread.join().map_err(|_| "a sender failed")??;
            }
            Ok(start)
        })
    }
}

fn send_lines(mut socket: &TcpStream, lines: &[u8], ending: Ending) -> Outcome<()> {
    for piece in lines.chunks(WRITE_BYTES) {
        socket.write_all(piece).map_err(|error| format!("sending lines: {error}"))?;
    }
    match ending {
        Ending::Version => await_version(socket),
        Ending::Close => await_close(socket),
    }
}

/// Fails when the answer is that to a refused line.
fn await_version(mut socket: &TcpStream) -> Outcome<()> {
    socket.write_all(b"version\n")?;
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer)?;
    if answer.is_empty() || answer.starts_with("put:") {
        return Err(format!("instead of its version the node answered {answer:?}").into());
    }
    Ok(())
}

/// Fails when the node says anything before it closes.
fn await_close(mut socket: &TcpStream) -> Outcome<()> {
    socket.shutdown(Shutdown::Write)?;
    match socket.read(&mut [0; 256])? {
        0 => Ok(()),
        length => Err(format!("the node answered {length} bytes instead of closing").into()),
    }
}
