//! Requests to `/api/put`, and to `/api/histogram` for histograms, one after the other on a connection
//! that stays open, or on one each.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Outcome;
use super::clock::now;
use super::json_points::push_bodies;
use super::meter::Meter;
use super::wire::{Wire, not_there};

const ANSWER_BYTES: usize = 16 * 1024;

/// How requests are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requests {
    /// Where they go.
    pub(super) server: SocketAddr,
    /// Whether bodies are packed.
    pub(super) gzip: bool,
    /// Whether a connection carries more than one.
    pub(super) keep_alive: bool,
    /// Longest wait for an answer.
    pub(super) timeout: Duration,
}

/// A connection for requests.
pub(super) struct Put {
    requests: Requests,
    socket: Option<TcpStream>,
    /// Those of a piece: numbers, then histograms.
    prepared: [Request; 2],
    answer: Answer,
    meter: Arc<Meter>,
    number: usize,
}

/// A request of a piece; nothing is sent of one without points.
struct Request {
    path: &'static str,
    points: u64,
    body: Vec<u8>,
    bytes: Vec<u8>,
}

impl Request {
    fn to(path: &'static str) -> Self {
        Request { path, points: 0, body: Vec::new(), bytes: Vec::new() }
    }

    /// Puts the body, packed if that is asked for, behind a head.
    fn make(&mut self, requests: &Requests) -> Outcome<()> {
        if requests.gzip {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(&self.body)?;
            self.body = packer.finish()?;
        }
        let encoding = if requests.gzip { "Content-Encoding: gzip\r\n" } else { "" };
        let close = if requests.keep_alive { "" } else { "Connection: close\r\n" };
        self.bytes.clear();
        write!(
            self.bytes,
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{encoding}{close}\
             Content-Length: {}\r\n\r\n",
            self.path,
            requests.server,
            self.body.len()
        )?;
        self.bytes.extend_from_slice(&self.body);
        Ok(())
    }
}

impl Put {
    /// Connects.
    pub(super) fn connect(requests: Requests, meter: &Arc<Meter>, number: usize) -> Outcome<Self> {
        let socket = Some(connect(requests.server, requests.timeout)?);
        let prepared = ["/api/put", "/api/histogram"].map(Request::to);
        let (answer, meter) = (Answer::default(), Arc::clone(meter));
        Ok(Put { requests, socket, prepared, answer, meter, number })
    }

    fn send_request(&mut self, at: usize, due: Instant) -> Outcome<()> {
        let Request { points, ref bytes, .. } = self.prepared[at];
        if points == 0 {
            return Ok(());
        }
        let mut socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(self.requests.server, self.requests.timeout)?,
        };
        socket.write_all(bytes).map_err(|error| self.broken(&error))?;
        self.meter.sent(points, bytes.len());
        self.answer.read(&mut socket).map_err(|error| self.broken(&error))?;
        self.meter.accepted(self.number, points, now().saturating_duration_since(due));
        if !self.answer.is_success() {
            self.meter.refused(self.answer.said());
        }
        if self.requests.keep_alive && !self.answer.closes() {
            self.socket = Some(socket);
        }
        Ok(())
    }

    fn broken(&self, why: &dyn std::fmt::Display) -> Box<dyn std::error::Error + Send + Sync> {
        format!("connection {}: {why}", self.number + 1).into()
    }
}

impl Wire for Put {
    fn prepare(&mut self, lines: &[u8]) -> Outcome<()> {
        let [numbers, histograms] = &mut self.prepared;
        numbers.body.clear();
        histograms.body.clear();
        let points = push_bodies(&mut numbers.body, &mut histograms.body, lines)?;
        for (request, points) in self.prepared.iter_mut().zip(points) {
            request.points = points;
            if points > 0 {
                request.make(&self.requests)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, _lines: &mut Vec<u8>, _points: u64, due: Instant) -> Outcome<()> {
        (0..self.prepared.len()).try_for_each(|at| self.send_request(at, due))
    }
}

/// A connection with limits on waiting.
fn connect(server: SocketAddr, timeout: Duration) -> Outcome<TcpStream> {
    let socket =
        TcpStream::connect_timeout(&server, timeout).map_err(|error| not_there(server, &error))?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))?;
    Ok(socket)
}

/// An answer to the last request on a connection. Nothing follows it, so it ends where the bytes end.
pub struct Answer {
    bytes: Vec<u8>,
    length: usize,
}

impl Default for Answer {
    fn default() -> Self {
        Answer { bytes: vec![0; ANSWER_BYTES], length: 0 }
    }
}

impl Answer {
    /// Reads one, its body by its `Content-Length`.
    pub fn read(&mut self, socket: &mut TcpStream) -> Outcome<()> {
        self.length = 0;
        loop {
            if self.length == self.bytes.len() {
                self.bytes.resize(self.length * 2, 0);
            }
            let read = socket.read(&mut self.bytes[self.length..]);
            let read = read.map_err(|error| format!("waiting for an answer: {error}"))?;
            self.length += read;
            if read == 0 {
                let said = String::from_utf8_lossy(&self.bytes[..self.length]);
                return Err(format!("closed instead of an answer: {said:?}").into());
            }
            let Some(head) = self.head_length() else { continue };
            if self.length >= head + 4 + body_length(&self.bytes[..head])? {
                return Ok(());
            }
        }
    }

    fn head_length(&self) -> Option<usize> {
        self.bytes[..self.length].windows(4).position(|bytes| bytes == b"\r\n\r\n")
    }

    /// Whether all was stored.
    pub fn is_success(&self) -> bool {
        matches!(self.bytes.get(9..12), Some(b"200" | b"204"))
    }

    /// Whether the server closes behind it.
    fn closes(&self) -> bool {
        let head = &self.bytes[..self.head_length().unwrap_or(0)];
        head.to_ascii_lowercase().windows(17).any(|bytes| bytes == b"connection: close")
    }

    /// The status and the body, for people.
    pub fn said(&self) -> &[u8] {
        let bytes = &self.bytes[..self.length];
        match self.head_length() {
            Some(head) if self.length > head + 4 => &bytes[head + 4..],
            _ => bytes.split(|byte| *byte == b'\r').next().unwrap_or(bytes),
        }
    }
}

fn body_length(head: &[u8]) -> Outcome<usize> {
    let head = std::str::from_utf8(head)?;
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(Ok(0), |(_, value)| Ok(value.trim().parse()?))
}
