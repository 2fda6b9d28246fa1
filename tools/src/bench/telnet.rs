//! Lines over a connection. One thread writes and reads, whichever is possible: a server that answers
//! refused lines stops reading when nobody takes its answers.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Outcome;
use super::ack::Ack;
use super::clock::now;
use super::meter::Meter;
use super::wire::{Wire, not_there};

const READ_BYTES: usize = 64 * 1024;

/// A connection for lines.
pub(super) struct Telnet {
    socket: TcpStream,
    ack: Ack,
    /// Pieces whose `version` is not answered: when they were due and their points.
    waiting: VecDeque<(Instant, u64)>,
    /// The start of an answer whose end has not arrived.
    partial: Vec<u8>,
    buffer: Vec<u8>,
    closed: bool,
    meter: Arc<Meter>,
    number: usize,
    timeout: Duration,
}

impl Telnet {
    /// Connects.
    pub(super) fn connect(
        server: SocketAddr,
        ack: Ack,
        meter: &Arc<Meter>,
        number: usize,
        timeout: Duration,
    ) -> Outcome<Self> {
        let socket = TcpStream::connect_timeout(&server, timeout)
            .map_err(|error| not_there(server, &error))?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Telnet {
            socket,
            ack,
            waiting: VecDeque::new(),
            partial: Vec::new(),
            buffer: vec![0; READ_BYTES],
            closed: false,
            meter: Arc::clone(meter),
            number,
            timeout,
        })
    }

    /// Waits until the socket is ready for one of these; false when the time is over.
    fn ready(&self, flags: PollFlags, timeout: Duration) -> Outcome<bool> {
        let mut waits = [PollFd::new(&self.socket, flags)];
        let timeout = Timespec::try_from(timeout)?;
        match poll(&mut waits, Some(&timeout)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes all answers that are there.
    fn read_answers(&mut self) -> Outcome<()> {
        loop {
            match self.socket.read(&mut self.buffer) {
                Ok(0) => {
                    self.closed = true;
                    return Ok(());
                }
                Ok(length) => {
                    self.partial.extend_from_slice(&self.buffer[..length]);
                    self.take_answers();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(&error.to_string())),
            }
        }
    }

    fn take_answers(&mut self) {
        let end = self.partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = self.partial.split_off(end);
        let answers = std::mem::replace(&mut self.partial, rest);
        for answer in answers.split(|byte| *byte == b'\n').filter(|answer| !answer.is_empty()) {
            if self.ack.is_first_line(answer) {
                if let Some((due, points)) = self.waiting.pop_front() {
                    let latency = now().saturating_duration_since(due);
                    self.meter.accepted(self.number, points, latency);
                }
            } else if !self.ack.is_further_line(answer) {
                self.meter.refused(answer);
            }
        }
    }

    fn broken(&self, why: &str) -> Box<dyn std::error::Error + Send + Sync> {
        format!("connection {}: {why}", self.number + 1).into()
    }

    fn write_all(&mut self, bytes: &[u8]) -> Outcome<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.socket.write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.ready(PollFlags::IN | PollFlags::OUT, self.timeout)? {
                        return Err(self.broken("the server has taken no bytes for too long"));
                    }
                    self.read_answers()?;
                    self.fail_if_closed()?;
                }
                Err(error) => return Err(self.broken(&error.to_string())),
            }
        }
        Ok(())
    }

    fn fail_if_closed(&self) -> Outcome<()> {
        match self.closed {
            true => Err(self.broken("the server has closed it")),
            false => Ok(()),
        }
    }

    fn await_answers(&mut self) -> Outcome<()> {
        while !self.waiting.is_empty() {
            if !self.ready(PollFlags::IN, self.timeout)? {
                return Err(self.broken("the server does not answer `version`"));
            }
            self.read_answers()?;
            if !self.waiting.is_empty() {
                self.fail_if_closed()?;
            }
        }
        Ok(())
    }

    fn await_close(&mut self) -> Outcome<()> {
        self.socket.shutdown(Shutdown::Write)?;
        while !self.closed {
            if !self.ready(PollFlags::IN, self.timeout)? {
                return Err(self.broken("the server does not close it; --ack none does without"));
            }
            self.read_answers()?;
        }
        Ok(())
    }
}

impl Wire for Telnet {
    fn send(&mut self, lines: &mut Vec<u8>, points: u64, due: Instant) -> Outcome<()> {
        let asks = self.ack.asks();
        let bytes = lines.len();
        if asks {
            lines.extend_from_slice(b"version\n");
            self.waiting.push_back((due, points));
        }
        self.write_all(lines)?;
        self.meter.sent(points, bytes);
        if !asks {
            let latency = now().saturating_duration_since(due);
            self.meter.accepted(self.number, points, latency);
        }
        self.read_answers()?;
        self.fail_if_closed()
    }

    fn wait(&mut self, until: Instant) -> Outcome<()> {
        loop {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return Ok(());
            }
            if self.ready(PollFlags::IN, left)? {
                self.read_answers()?;
                self.fail_if_closed()?;
            }
        }
    }

    fn finish(&mut self) -> Outcome<()> {
        match self.ack {
            Ack::Version(_) => self.await_answers(),
            Ack::Close => self.await_close(),
            Ack::None => Ok(()),
        }
    }
}
