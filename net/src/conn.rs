//! One connection: its socket, what it speaks, what waits to be sent. Decides nothing about
//! storage; the event loop does.

use crate::following::Tie;
use crate::http;
use crate::http::reply::Framing;
use crate::http::router::Port;
use crate::http::session::Request;
use crate::inbox::ConnId;
use crate::kairosdb;
use crate::sync_wait::SyncWait;
use crate::telnet;
use crate::telnet::lookup::Trail;
use crate::workers::Task;
use mio::net::TcpStream;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

/// Answers waiting to be sent beyond which no further request is taken.
pub const BACKLOG_BYTES_MAX: usize = 1 << 20;
/// Below this an export makes its next piece.
pub const BACKLOG_BYTES_LOW: usize = 256 << 10;
/// What a connection keeps of the memory of its answers when all are sent: most are idle then.
const IDLE_BYTES_MAX: usize = 4 << 10;
/// How long a closing connection's rest is read, so that the peer gets the last answer instead of
/// a reset.
pub const LINGER: Duration = Duration::from_secs(1);

/// What a connection speaks.
#[derive(Debug)]
pub enum Speaks {
    /// Its first line has not ended yet.
    Undecided,
    /// Lines.
    Telnet(telnet::Session),
    /// KairosDB's lines.
    Kairosdb(kairosdb::session::Session),
    /// Requests.
    Http(Box<http::session::Session>),
}

/// See the module.
pub struct Conn {
    /// Its place and number.
    pub id: ConnId,
    /// The other end.
    pub peer: SocketAddr,
    /// The listener it came through.
    pub port: Port,
    /// What it speaks.
    pub speaks: Speaks,
    stream: TcpStream,
    /// Received and not yet taken: a partial line or head, or requests behind a busy one.
    pub carry: Vec<u8>,
    /// Answers. The first `sent` bytes are gone; those up to `released` may go.
    pub out: Vec<u8>,
    sent: usize,
    /// How much of `out` stands for points that are durable.
    pub released: usize,
    /// It brought points that are not committed yet.
    pub has_points: bool,
    /// Its answer waits for a sync even if others do not.
    pub wants_sync: bool,
    /// The commit whose sync its answers wait for.
    pub hold: Option<u64>,
    /// How long its last answer waits for that at the most, and what comes instead.
    pub sync_wait: Option<Box<SyncWait>>,
    /// An answer is being made elsewhere.
    pub busy: bool,
    /// How that answer is framed.
    pub framing: Framing,
    /// Header lines that the answer gets beside its own.
    pub further_headers: String,
    /// The task of that answer, waiting for the reader.
    pub parked: Option<Box<dyn Task>>,
    /// A request that waits until the node takes points again.
    pub deferred: Option<Box<Request>>,
    /// A request of which a part has come.
    pub begun: Option<Begun>,
    /// There may be something to read.
    pub readable: bool,
    /// The socket reported its end; reads go on until they find it.
    pub ending: bool,
    /// No more is taken from it; it goes when its answers are sent.
    pub closing: bool,
    /// It ends with a reset.
    pub resets: bool,
    /// Until when the rest of a closed conversation is read and thrown away.
    pub linger_until: Option<Duration>,
    /// What was carried over may hold whole requests that could not be taken yet.
    pub stuck: bool,
    /// Most lines taken last were refused.
    pub refused: bool,
    /// It stands in the loop's list of connections to serve.
    pub queued: bool,
    /// It was served in this turn.
    pub touched: bool,
    /// The loop that got it first and counts it, whichever serves it: new ones are spread as if none moved.
    pub accepted_by: usize,
    /// Which loop serves it.
    pub tie: Tie,
    /// When the peer last took a byte, or had nothing to take.
    pub progress_at: Duration,
}

/// How a request comes that is not whole yet.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// When it began, or brought what was due last.
    pub since: Duration,
    /// What has come since then.
    pub bytes: usize,
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// That many bytes.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The peer sends no more.
    End,
}

impl Conn {
    /// Where its points are among those remembered, if it speaks HTTP.
    pub fn trail(&mut self) -> Option<&mut Trail> {
        match &mut self.speaks {
            Speaks::Http(session) => Some(&mut session.trail),
            _ => None,
        }
    }

    /// A connection that the loop of this index has accepted; it gets its place and number when it is watched.
    pub fn new(
        accepted_by: usize,
        stream: TcpStream,
        peer: SocketAddr,
        port: Port,
        now: Duration,
    ) -> Conn {
        let own = stream.local_addr().map(|own| own.ip()).ok();
        let local = peer.ip().to_canonical().is_loopback() || own == Some(peer.ip());
        Conn {
            id: ConnId { place: 0, number: 0 },
            peer,
            port,
            speaks: Speaks::Undecided,
            stream,
            carry: Vec::new(),
            out: Vec::new(),
            sent: 0,
            released: 0,
            has_points: false,
            wants_sync: false,
            hold: None,
            sync_wait: None,
            busy: false,
            framing: Framing { keep_alive: true, chunked: true, head_only: false, gzip: false },
            further_headers: String::new(),
            parked: None,
            deferred: None,
            begun: None,
            readable: true,
            ending: false,
            closing: false,
            resets: false,
            linger_until: None,
            stuck: false,
            refused: false,
            queued: false,
            touched: false,
            accepted_by,
            tie: Tie::new(local),
            progress_at: now,
        }
    }

    /// The socket, for registration.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether further input may be taken.
    pub fn may_take(&self) -> bool {
        let waits = self.busy || self.hold.is_some() || self.deferred.is_some();
        !waits && !self.closing && self.backlog() < BACKLOG_BYTES_MAX
    }

    /// Answers not yet sent, in bytes.
    pub fn backlog(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Whether all answers are sent.
    pub fn is_drained(&self) -> bool {
        self.backlog() == 0 && !self.busy && self.deferred.is_none()
    }

    /// Reads into a buffer.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        match self.stream.read(buffer) {
            Ok(0) => {
                self.readable = false;
                Ok(Received::End)
            }
            Ok(bytes) => {
                // On Linux a short read from a stream means that nothing is left, and what arrives
                // later makes a new event. The end of the stream makes none, so it is read for.
                self.readable = bytes == buffer.len() || self.ending;
                Ok(Received::Bytes(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(Received::Nothing)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Received::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Sends what may go.
    pub fn send(&mut self, now: Duration) -> io::Result<()> {
        while self.sent < self.released {
            match self.stream.write(&self.out[self.sent..self.released]) {
                Ok(bytes) => {
                    self.sent += bytes;
                    self.progress_at = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.compact();
        if self.backlog() == 0 {
            self.progress_at = now;
        }
        Ok(())
    }

    fn compact(&mut self) {
        if self.sent == self.out.len() {
            self.out.clear();
            if self.out.capacity() > IDLE_BYTES_MAX {
                self.out = Vec::new();
            }
            (self.sent, self.released) = (0, 0);
        } else if self.sent > BACKLOG_BYTES_MAX {
            self.out.drain(..self.sent);
            self.released -= self.sent;
            self.sent = 0;
        }
    }

    /// Puts the further headers into the answer that begins at `start` of these bytes.
    pub fn add_headers(&mut self, bytes: &mut Vec<u8>, start: usize) {
        if !self.further_headers.is_empty() {
            http::cors::insert(bytes, start, &std::mem::take(&mut self.further_headers));
        }
    }

    /// Appends a piece that stands for nothing uncommitted. What waits for a sync before it still
    /// waits, and the piece with it.
    pub fn append(&mut self, bytes: Vec<u8>) {
        if self.out.is_empty() {
            self.out = bytes;
        } else {
            self.out.extend_from_slice(&bytes);
        }
        if self.hold.is_none() {
            self.released = self.out.len();
        }
    }

    /// Makes the end of the connection a reset instead of a regular end.
    pub fn reset(&mut self) {
        let _gone = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Puts a text before what was answered together with uncommitted points, and lets all go.
    pub fn precede(&mut self, text: &[u8]) {
        self.out.splice(self.released..self.released, text.iter().copied());
        self.released = self.out.len();
    }

    /// Replaces what was answered to uncommitted points.
    pub fn retract(&mut self, instead: &[u8]) {
        self.out.truncate(self.released);
        self.out.extend_from_slice(instead);
        self.released = self.out.len();
    }

    /// Tells the peer that no more answers come.
    pub fn end_sending(&mut self, now: Duration) {
        let _gone = self.stream.shutdown(Shutdown::Write);
        self.linger_until = Some(now + LINGER);
    }
}
