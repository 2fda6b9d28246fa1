//! The running server: binds, starts loops, workers and the indexer, stops them in order.

use crate::event_loop::{EventLoop, WAKER};
use crate::http::router::Port;
use crate::inbox::{Handle, Loops, Message};
use crate::indexer::Indexer;
use crate::listener::Listeners;
use crate::node::Node;
use crate::udp::Udp;
use crate::workers::Workers;
use mio::net::TcpListener;
use mio::{Poll, Waker};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;
/// Threads for exports and label pages.
const WORKERS: usize = 2;

/// A listening socket, bound before the data directory is opened, so that a port in use is known
/// at once.
#[derive(Debug)]
pub struct Bound {
    socket: std::net::TcpListener,
    port: Port,
}

impl Bound {
    /// Binds an address.
    pub fn new(address: SocketAddr, port: Port) -> io::Result<Bound> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Bound { socket: socket.into(), port })
    }

    /// Where it listens; the port is the real one where 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// See the module.
pub struct Server {
    handles: Arc<[Arc<Handle>]>,
    threads: Vec<JoinHandle<()>>,
    workers: Workers,
    indexer: Indexer,
}

impl Server {
    /// Serves the sockets with this many event loops, one for each shard of the engine. The first
    /// accepts connections, the last takes datagrams.
    pub fn start(
        node: &Arc<Node>,
        bound: Vec<Bound>,
        udp: Option<UdpSocket>,
        loops: usize,
    ) -> io::Result<Server> {
        let workers = Workers::start(WORKERS)?;
        let polls = (0..loops).map(|_| Poll::new()).collect::<io::Result<Vec<_>>>()?;
        let handle = |poll: &Poll| {
            Waker::new(poll.registry(), WAKER).map(|waker| Arc::new(Handle::new(waker)))
        };
        let handles = polls.iter().map(handle).collect::<io::Result<Arc<[_]>>>()?;
        let sockets =
            bound.into_iter().map(|bound| (TcpListener::from_std(bound.socket), bound.port));
        let registry = polls[0].registry();
        let mut listeners = Some(Listeners::new(sockets.collect(), handles.clone(), registry)?);
        let registry = polls[loops - 1].registry();
        let mut udp = udp.map(|socket| Udp::new(socket, registry)).transpose()?;
        let mut threads = Vec::new();
        for (index, poll) in polls.into_iter().enumerate() {
            let event_loop = EventLoop::new(
                node.clone(),
                Loops { all: handles.clone(), own: index },
                node.engine.shard(index),
                poll,
                listeners.take(),
                udp.take_if(|_| index == loops - 1),
                workers.queue(),
            );
            threads.push(run(index, event_loop)?);
        }
        let indexer = Indexer::start(node.clone())?;
        Ok(Server { handles, threads, workers, indexer })
    }

    /// Stops accepting, takes the whole lines already received, finishes answers in progress.
    /// All shards are gone when this returns.
    pub fn stop(self) {
        self.handles.iter().for_each(|handle| handle.send(Message::Stop));
        for thread in self.threads {
            let _panicked = thread.join();
        }
        self.indexer.stop();
        self.workers.stop();
    }
}

fn run(index: usize, event_loop: EventLoop) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("loop-{index}")).spawn(move || {
        if let Err(error) = event_loop.run() {
            tracing::error!("event loop {index} ends: {error}");
        }
    })
}
