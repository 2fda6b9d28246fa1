//! Connections that send a request when the last one is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::Instant;

use super::load::{Load, Requests};
use crate::common::Outcome;
use crate::common::node::Running;
use crate::common::stream::connect;

/// Open connections.
pub struct Clients {
    sockets: Vec<TcpStream>,
}

impl Clients {
    /// One for each part of the load.
    pub fn connect(running: &Running, load: &Load) -> Outcome<Self> {
        let one = |_| connect(running.opentsdb, running.timeout);
        Ok(Clients { sockets: load.connections.iter().map(one).collect::<Outcome<_>>()? })
    }

    /// Sends everything; returns the moment before the first byte, once all is answered.
    pub fn send(&mut self, load: &Load) -> Outcome<Instant> {
        let gate = Barrier::new(self.sockets.len() + 1);
        std::thread::scope(|scope| {
            let gate = &gate;
            let pairs = self.sockets.iter_mut().zip(&load.connections);
            let threads: Vec<_> = pairs
                .map(|(socket, requests)| {
                    scope.spawn(move || {
                        gate.wait();
                        send_each(socket, requests)
                    })
                })
                .collect();
            let start = Instant::now();
            gate.wait();
            for thread in threads {
                thread.join().map_err(|_| "a sender failed")??;
            }
            Ok(start)
        })
    }
}

fn send_each(socket: &mut TcpStream, requests: &Requests) -> Outcome<()> {
    let (mut start, mut answer) = (0, vec![0; 16 * 1024]);
    for end in &requests.ends {
        socket.write_all(&requests.bytes[start..*end])?;
        start = *end;
        read_answer(socket, &mut answer)?;
    }
    Ok(())
}

/// Nothing follows an answer before the next request, so it ends where the bytes end.
fn read_answer(socket: &mut TcpStream, buffer: &mut [u8]) -> Outcome<()> {
    let mut length = 0;
    loop {
        let read = socket.read(&mut buffer[length..])?;
        length += read;
        let so_far = &buffer[..length];
        if read == 0 {
            return Err(format!("cut off: {:?}", String::from_utf8_lossy(so_far)).into());
        }
        let Some(head) = so_far.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        if length < head + 4 + body_length(&so_far[..head])? {
            continue;
        }
        return match so_far.get(9..12) {
            Some(b"200" | b"204") => Ok(()),
            _ => Err(format!("refused: {:?}", String::from_utf8_lossy(so_far)).into()),
        };
    }
}

fn body_length(head: &[u8]) -> Outcome<usize> {
    let head = std::str::from_utf8(head)?;
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(Ok(0), |(_, value)| Ok(value.trim().parse()?))
}
