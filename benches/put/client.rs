//! Connections that send a request when the last one is answered.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::Instant;

use irontsd::bench::put::Answer;

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
    let (mut start, mut answer) = (0, Answer::default());
    for end in &requests.ends {
        socket.write_all(&requests.bytes[start..*end])?;
        start = *end;
        answer.read(socket)?;
        if !answer.is_success() {
            return Err(format!("refused: {}", String::from_utf8_lossy(answer.said())).into());
        }
    }
    Ok(())
}
