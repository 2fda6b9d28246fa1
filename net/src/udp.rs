//! Lines in datagrams: one socket, in one event loop, beside the connections of that loop.
//!
//! Nothing is promised to a sender of datagrams: what does not fit in the socket's buffer while
//! the loop is busy, or while too much waits for a flush, is dropped by the kernel.

use crate::event_loop::{EventLoop, READ_BYTES, UDP};
use crate::intake::Intake;
use crate::reject::{Protocol, Reason, Reject};
use crate::telnet::datagram;
use crate::telnet::lookup::Trail;
use mio::net::UdpSocket;
use mio::{Interest, Registry};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Room for one datagram: more than the largest there is without jumbograms, so that one that
/// fills it is known to be cut.
const DATAGRAM_BYTES: usize = 64 << 10;
/// Datagrams taken in one turn.
const DATAGRAMS: usize = 1024;
/// Asked of the kernel for what waits; it gives what `net.core.rmem_max` allows.
const SOCKET_BYTES: usize = 8 << 20;

/// Binds an address. Its port is not shared: a second node must not take half of what comes.
pub fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    let _as_much_as_allowed = socket.set_recv_buffer_size(SOCKET_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// See the module.
pub struct Udp {
    socket: UdpSocket,
    /// There may be something to read.
    pub readable: bool,
    /// Which series came last, from whomever.
    trail: Trail,
}

impl Udp {
    /// Watches a socket.
    pub fn new(socket: std::net::UdpSocket, registry: &Registry) -> io::Result<Udp> {
        let mut socket = UdpSocket::from_std(socket);
        registry.register(&mut socket, UDP, Interest::READABLE)?;
        Ok(Udp { socket, readable: true, trail: Trail::default() })
    }

    /// The next datagram; `None` if there is none for now.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        match self.socket.recv_from(buffer) {
            Ok(received) => Some(received),
            Err(error) => {
                let again = error.kind() == io::ErrorKind::Interrupted;
                self.readable = again;
                if !again && error.kind() != io::ErrorKind::WouldBlock {
                    tracing::warn!("cannot receive a datagram: {error}");
                }
                None
            }
        }
    }
}

impl EventLoop {
    /// Whether datagrams are to be taken in the next turn without waiting for an event.
    pub(crate) fn udp_waits(&self) -> bool {
        !self.was_full && self.udp.as_ref().is_some_and(|udp| udp.readable)
    }

    /// Takes a bounded number of datagrams.
    pub(crate) fn serve_udp(&mut self) {
        if !self.udp_waits() {
            return;
        }
        let Some(mut udp) = self.udp.take() else { return };
        let mut bytes = 0;
        for _ in 0..DATAGRAMS {
            let Some((length, peer)) = udp.receive(&mut self.buffer[..DATAGRAM_BYTES]) else {
                break;
            };
            let mut intake = Intake {
                node: &self.node,
                policy: &self.node.policy,
                lookup: &mut self.lookup,
                pending: &mut self.pending,
                peer: Some(peer),
                oldest_ms: self.node.engine.oldest_ms(),
            };
            let datagram = &self.buffer[..length];
            let cut = length == DATAGRAM_BYTES;
            datagram::take(datagram, cut, &mut udp.trail, &mut self.telnet, &mut intake);
            self.commit_if_large();
            bytes += length;
            if bytes >= READ_BYTES {
                break;
            }
        }
        self.udp = Some(udp);
    }

    /// Nobody waits for an answer to datagrams: that their points are lost is only counted.
    pub(crate) fn lose_datagrams(&self, reason: &str) {
        let lost = self.pending.counts[Protocol::Udp as usize];
        if lost > 0 {
            let now_ms = self.node.engine.env().clock.wall_ms();
            let reject = Reject::new(Reason::Unavailable, reason);
            self.node.rejections.add(now_ms, Protocol::Udp, None, &reject, b"");
            self.node.rejections.count_more(Protocol::Udp, Reason::Unavailable, lost - 1);
        }
    }
}
