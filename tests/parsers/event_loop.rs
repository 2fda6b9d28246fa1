//! The telnet core as an event loop drives it, with series behind it and without sockets or storage.

use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::types::{Kind, SeriesId};
use irontsd_net::intake::{Intake, Pending};
use irontsd_net::node::Node;
use irontsd_net::policy::Policy;
use irontsd_net::reject::{Protocol, Reason};
use irontsd_net::telnet::lookup::{Lookup, Trail};
use irontsd_net::telnet::scan::Scanner;
use irontsd_net::telnet::{Next, Replies, Scratch, Session, datagram};
use tempfile::TempDir;

/// A node of which only the table of series is used, in a directory of its own.
pub struct World {
    node: Node,
    _dir: TempDir,
}

/// A row as it would be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub series: SeriesId,
    pub ms: i64,
    pub kind: Kind,
    /// Of a number.
    pub bits: u64,
    /// Of a histogram.
    pub bytes: Vec<u8>,
}

/// What the bytes of a connection did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    pub rows: Vec<Row>,
    pub replies: Vec<u8>,
    pub closed: bool,
}

/// A connection between two reads.
#[derive(Default)]
pub struct Connection {
    session: Session,
    carry: Vec<u8>,
    pub effect: Effect,
}

/// What an event loop reuses for all its connections.
pub struct Loop<'a> {
    world: &'a World,
    policy: &'a Policy,
    pub lookup: Lookup,
    scratch: Scratch,
    pending: Pending,
}

impl World {
    pub fn new() -> World {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let engine = Engine::open(Config::new(dir.path()), env::real()).expect("a new directory");
        let policy = Policy::default();
        let (known, memory, admission, rejections, counters) = Default::default();
        let node = Node { engine, policy, known, memory, admission, rejections, counters };
        World { node, _dir: dir }
    }

    /// Refusals so far, by reason.
    pub fn refused(&self) -> Vec<u64> {
        let count = |reason, protocol| self.node.rejections.count(protocol, reason);
        let both = |&reason| count(reason, Protocol::Telnet) + count(reason, Protocol::Udp);
        Reason::ALL.iter().map(both).collect()
    }

    /// How many more than `before`.
    pub fn refused_since(&self, before: &[u64]) -> Vec<u64> {
        self.refused().iter().zip(before).map(|(now, before)| now - before).collect()
    }

    /// Number of series so far.
    pub fn series(&self) -> u32 {
        self.node.engine.registry().len()
    }
}

impl<'a> Loop<'a> {
    pub fn new(
        world: &'a World,
        policy: &'a Policy,
        scanner: Scanner,
        lookup_bytes: usize,
    ) -> Self {
        let (lookup, pending) = (Lookup::new(7, lookup_bytes), Pending::default());
        Loop { world, policy, lookup, scratch: Scratch::new(scanner), pending }
    }

    /// Takes one read of a connection.
    pub fn receive(&mut self, connection: &mut Connection, bytes: &[u8]) {
        let Connection { session, carry, effect } = connection;
        carry.extend_from_slice(bytes);
        while !carry.is_empty() && !effect.closed {
            let read = &carry[..];
            let done = self.run(effect, |scratch, intake, replies| {
                session.take(read, scratch, intake, replies)
            });
            carry.drain(..done);
            if done == 0 {
                break;
            }
        }
    }

    /// Takes a datagram.
    pub fn datagram(&mut self, effect: &mut Effect, trail: &mut Trail, bytes: &[u8]) {
        self.run(effect, |scratch, intake, _| {
            datagram::take(bytes, false, trail, scratch, intake);
            (0, Next::Continue)
        });
    }

    /// Takes one line, its end excluded, through the plain parser alone.
    pub fn take_plainly(&mut self, effect: &mut Effect, line: &[u8]) {
        self.run(effect, |scratch, intake, replies| {
            (0, irontsd_net::telnet::take_plainly(line, scratch, intake, replies))
        });
    }

    fn run(
        &mut self,
        effect: &mut Effect,
        take: impl FnOnce(&mut Scratch, &mut Intake<'_>, &mut Replies<'_>) -> (usize, Next),
    ) -> usize {
        // A client that reads everything at once, so that no reply is ever dropped.
        let sent = effect.replies.len();
        let mut replies = Replies { out: &mut effect.replies, sent };
        let mut intake = Intake {
            node: &self.world.node,
            policy: self.policy,
            lookup: &mut self.lookup,
            pending: &mut self.pending,
            peer: None,
            oldest_ms: 0,
        };
        let (done, next) = take(&mut self.scratch, &mut intake, &mut replies);
        effect.closed = next == Next::Close;
        let batch = &mut self.pending.batch;
        effect.rows.extend((0..batch.len()).map(|at| {
            let (series, ms, value, bytes) = batch.row(at);
            let (bits, bytes) = bytes.map_or((value.bits, &[][..]), |bytes| (0, bytes));
            Row { series, ms, kind: value.kind, bits, bytes: bytes.to_vec() }
        }));
        batch.clear();
        done
    }
}

/// Replies without the numbers of `stats`, which go on from one connection to the next.
pub fn masked(replies: &[u8]) -> Vec<u8> {
    let line = |line: &[u8]| match line.starts_with(b"tsd.") {
        true => line.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect(),
        false => line.to_vec(),
    };
    replies.split_inclusive(|&byte| byte == b'\n').flat_map(line).collect()
}
