//! Messages to an event loop from other threads.

use crate::conn::Conn;
use crate::following::Whereabouts;
use crate::http::router::Port;
use crate::workers::{Ahead, Step, Task};
use mio::Waker;
use mio::net::TcpStream;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A connection of an event loop; the number tells it from earlier ones in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnId {
    /// Its place.
    pub place: usize,
    /// Its number.
    pub number: u64,
}

/// See the module.
pub enum Message {
    /// A connection to serve.
    Accepted(TcpStream, SocketAddr, Port),
    /// A connection that another loop has served.
    Moved(Box<Conn>),
    /// A piece of an answer whose task goes on by itself.
    Piece {
        /// Whose.
        id: ConnId,
        /// The piece.
        bytes: Vec<u8>,
        /// To be asked for more.
        ahead: Ahead,
    },
    /// A piece of an answer whose task waits or has ended.
    Stepped {
        /// Whose.
        id: ConnId,
        /// The piece.
        bytes: Vec<u8>,
        /// Whether there is more.
        step: Step,
        /// The task, if there is more.
        task: Option<Box<dyn Task>>,
    },
    /// A part of an answer that somebody else makes; more follows.
    Progressed(ConnId, Vec<u8>),
    /// A flush that a connection waits for has ended.
    Flushed(ConnId, Result<(), String>),
    /// Stop accepting, finish what is there, end.
    Stop,
}

/// All event loops, as one of them sees them.
pub struct Loops {
    /// The ways to them.
    pub all: Arc<[Arc<Handle>]>,
    /// The place of this one.
    pub own: usize,
}

/// The way to an event loop.
pub struct Handle {
    messages: Mutex<VecDeque<Message>>,
    waker: Waker,
    /// Connections given to it.
    pub load: AtomicUsize,
    /// Where it runs, and its senders.
    pub whereabouts: Whereabouts,
}

impl Handle {
    /// A handle that wakes with this waker.
    pub fn new(waker: Waker) -> Handle {
        Handle {
            messages: Mutex::default(),
            waker,
            load: AtomicUsize::new(0),
            whereabouts: Whereabouts::default(),
        }
    }

    /// Leaves a message and wakes the loop.
    pub fn send(&self, message: Message) {
        self.messages.lock().push_back(message);
        self.wake();
    }

    /// Wakes the loop. A waker fails only when its loop is gone.
    pub fn wake(&self) {
        let _gone = self.waker.wake();
    }

    /// All messages so far.
    pub fn take(&self) -> VecDeque<Message> {
        std::mem::take(&mut self.messages.lock())
    }

    /// One connection more or less.
    pub fn count(&self, more: bool) {
        if more {
            self.load.fetch_add(1, Relaxed)
        } else {
            self.load.fetch_sub(1, Relaxed)
        };
    }
}
