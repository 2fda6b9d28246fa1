//! Connections that send a request when the last one is answered.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::Instant;

use irontsd::bench::put::Answer;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use super::load::{Load, Requests, Senders};
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
        match load.senders {
            Senders::OneEach => self.send_by_threads(load),
            Senders::One => self.send_by_events(load),
        }
    }

    fn send_by_threads(&mut self, load: &Load) -> Outcome<Instant> {
        let gate = Barrier::new(self.sockets.len() + 1);
        std::thread::scope(|scope| {
            let gate = &gate;
            let pairs = self.sockets.iter_mut().zip(&load.connections);
            let threads: Vec<_> = pairs
                .map(|(socket, requests)| {
                    scope.spawn(move || {
                        gate.wait();
                        let mut sender = Sender::new(socket, requests);
                        while sender.send()? {
                            sender.hear()?;
                        }
                        Outcome::Ok(())
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

    fn send_by_events(&mut self, load: &Load) -> Outcome<Instant> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (mut senders, mut events) = (Vec::new(), Vec::with_capacity(self.sockets.len()));
        for (socket, requests) in self.sockets.iter_mut().zip(&load.connections) {
            let place = epoll::EventData::new_u64(senders.len() as u64);
            epoll::add(&poll, &*socket, place, epoll::EventFlags::IN | epoll::EventFlags::ET)?;
            senders.push(Sender::new(socket, requests));
        }
        let start = Instant::now();
        let mut open = 0;
        for sender in &mut senders {
            open += usize::from(sender.send()?);
        }
        while open > 0 {
            events.clear();
            epoll::wait(&poll, spare_capacity(&mut events), None)?;
            for event in &events {
                let sender = &mut senders[event.data.u64() as usize];
                sender.hear()?;
                open -= usize::from(!sender.send()?);
            }
        }
        Ok(start)
    }
}

/// A connection and what it has still to send.
struct Sender<'a> {
    socket: &'a mut TcpStream,
    requests: &'a Requests,
    sent: usize,
    answer: Answer,
}

impl<'a> Sender<'a> {
    fn new(socket: &'a mut TcpStream, requests: &'a Requests) -> Self {
        Sender { socket, requests, sent: 0, answer: Answer::default() }
    }

    /// Sends the next request; false if there is none.
    fn send(&mut self) -> Outcome<bool> {
        let Some(end) = self.requests.ends.get(self.sent) else { return Ok(false) };
        let start = self.sent.checked_sub(1).map_or(0, |before| self.requests.ends[before]);
        self.socket.write_all(&self.requests.bytes[start..*end])?;
        self.sent += 1;
        Ok(true)
    }

    fn hear(&mut self) -> Outcome<()> {
        self.answer.read(self.socket)?;
        if !self.answer.is_success() {
            return Err(format!("refused: {}", String::from_utf8_lossy(self.answer.said())).into());
        }
        Ok(())
    }
}
