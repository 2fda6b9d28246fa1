//! Sending: one blocking socket and one thread for each connection, started together.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::Outcome;
use super::stream::{await_version, connect};

/// Bytes of one write, unless told otherwise.
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
    write_bytes: usize,
}

impl Senders {
    /// Opens one connection for each part of the load.
    pub fn connect(
        node: SocketAddr,
        count: usize,
        ending: Ending,
        timeout: Duration,
    ) -> Outcome<Self> {
        let sockets = (0..count).map(|_| connect(node, timeout)).collect::<Outcome<Vec<_>>>()?;
        Ok(Senders { sockets, ending, write_bytes: WRITE_BYTES })
    }

    /// Sends as many whole lines at a time as so many bytes hold, and one at least.
    pub fn with_writes_of(self, write_bytes: usize) -> Self {
        Senders { write_bytes, ..self }
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
                    self.send_lines(socket, lines)
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

    fn send_lines(&self, mut socket: &TcpStream, lines: &[u8]) -> Outcome<()> {
        let mut left = lines;
        while !left.is_empty() {
            let piece = left.split_at(piece_end(left, self.write_bytes));
            socket.write_all(piece.0).map_err(|error| format!("sending lines: {error}"))?;
            left = piece.1;
        }
        match self.ending {
            Ending::Version => await_version(socket),
            Ending::Close => await_close(socket),
        }
    }
}

/// Where the last line ends that is whole within so many bytes; that of the first if none is.
fn piece_end(lines: &[u8], bytes: usize) -> usize {
    let is_newline = |byte: &u8| *byte == b'\n';
    let within = lines[..bytes.min(lines.len())].iter().rposition(is_newline);
    within.or_else(|| lines.iter().position(is_newline)).map_or(lines.len(), |at| at + 1)
}

/// Fails when the node says anything before it closes.
fn await_close(mut socket: &TcpStream) -> Outcome<()> {
    socket.shutdown(Shutdown::Write)?;
    match socket.read(&mut [0; 256])? {
        0 => Ok(()),
        length => Err(format!("the node answered {length} bytes instead of closing").into()),
    }
}
