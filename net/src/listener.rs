//! Accepting: one place takes all connections and hands each to the loop with the fewest.

use crate::event_loop::LISTENERS;
use crate::http::router::Port;
use crate::inbox::{Handle, Message};
use crate::memory::Level;
use crate::node::Node;
use crate::reject::{Protocol, Reject};
use crate::telnet;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The listening sockets and the loops to hand to.
pub struct Listeners {
    sockets: Vec<(TcpListener, Port)>,
    loops: Arc<[Arc<Handle>]>,
    /// Something waits that could not be accepted: it is tried again with the next tick.
    retry: bool,
}

impl Listeners {
    /// Watches the sockets.
    pub fn new(
        mut sockets: Vec<(TcpListener, Port)>,
        loops: Arc<[Arc<Handle>]>,
        registry: &Registry,
    ) -> io::Result<Listeners> {
        for (number, (socket, _)) in sockets.iter_mut().enumerate() {
            registry.register(socket, Token(LISTENERS + number), Interest::READABLE)?;
        }
        Ok(Listeners { sockets, loops, retry: false })
    }

    /// Accepts all that wait, as far as descriptors go.
    pub fn accept(&mut self, node: &Node) {
        let was_short = std::mem::take(&mut self.retry);
        for (socket, port) in &self.sockets {
            loop {
                if self.connections() >= node.policy.connections_max {
                    if !was_short {
                        tracing::warn!("{}", too_many(node.policy.connections_max));
                    }
                    self.retry = true;
                    return;
                }
                match socket.accept() {
                    Ok((stream, peer)) => {
                        node.counters.connections_total.fetch_add(1, Relaxed);
                        if let Err(refusal) = node.memory.check(Level::Scarce)
                            && *port != Port::Http
                        {
                            refuse(node, stream, peer, *port, &refusal);
                            continue;
                        }
                        if let Some(to) = self.loops.iter().min_by_key(|to| to.load.load(Relaxed)) {
                            to.count(true);
                            to.send(Message::Accepted(stream, peer, *port));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        tracing::warn!(
                            "cannot accept a connection, will try again: {error}; raise its limit \
                             or close connections"
                        );
                        self.retry = true;
                        break;
                    }
                }
            }
        }
    }

    /// Those that were handed to a loop and have not ended.
    fn connections(&self) -> usize {
        self.loops.iter().map(|to| to.load.load(Relaxed)).sum()
    }

    /// Tries again what failed.
    pub fn retry(&mut self, node: &Node) {
        if self.retry {
            self.accept(node);
        }
    }
}

/// Files of logs and segments must be opened however many clients come.
fn too_many(connections_max: usize) -> String {
    format!(
        "{connections_max} connections are all that the descriptor limit allows beside the node's own \
         files: further ones wait until some have ended; raise the hard limit or close connections"
    )
}

/// Nothing is read, so nobody knows what it would have spoken: most likely lines.
fn refuse(node: &Node, mut stream: TcpStream, peer: SocketAddr, port: Port, refusal: &Reject) {
    let protocol = if port == Port::Kairosdb { Protocol::Kairosdb } else { Protocol::Telnet };
    if port == Port::Opentsdb {
        let _gone = stream.write(telnet::unavailable(&refusal.message).as_bytes());
    }
    let now_ms = node.engine.env().clock.wall_ms();
    node.rejections.add(now_ms, protocol, Some(peer), refusal, b"");
}
