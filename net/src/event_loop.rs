//! One event loop: its connections, its shard, and the turn that ties them together.
//!
//! A turn: wait for events; read and take what is there, a bounded piece from each connection;
//! commit everything taken as one record; then let the answers go. So an answer never leaves
//! before the points it stands for are durable, and many small senders share one write.

mod commits;
mod following;
mod opening;
mod patience;
mod stop;
mod waiting;

pub(crate) use commits::unavailable;

use crate::conn::{BACKLOG_BYTES_LOW, Conn, Received, Speaks};
use crate::http::router::Port;
use crate::inbox::{ConnId, Handle, Loops, Message};
use crate::intake::{Intake, Pending};
use crate::listener::Listeners;
use crate::memory::{Level, UNREAD_BYTES, UNREAD_FOR};
use crate::node::Node;
use crate::reject::Protocol;
use crate::telnet::{self, Next, lookup::Lookup};
use crate::udp::Udp;
use crate::workers::{Ahead, Job, Step, Task};
use crossbeam::channel::Sender;
use irontsd_engine::shard::Shard;
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The waker's token; listeners and connections come behind it.
pub const WAKER: Token = Token(0);
/// The first listener's token.
pub const LISTENERS: usize = 1;
/// The datagram socket's token.
pub const UDP: Token = Token(15);
const CONNECTIONS: usize = 16;

/// Bytes read from a connection in one turn: few calls and acknowledgements, and still in cache when
/// they are parsed.
pub(crate) const READ_BYTES: usize = 512 << 10;
/// The same where most lines were refused: that costs more than taking them, and others wait.
const READ_BYTES_REFUSED: usize = 16 << 10;
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(200);

/// See the module.
pub struct EventLoop {
    pub(crate) node: Arc<Node>,
    pub(crate) handle: Arc<Handle>,
    loops: Loops,
    following: following::Following,
    pub(crate) shard: Shard,
    pub(crate) conns: Slab<Conn>,
    pub(crate) lookup: Lookup,
    /// The same for keys as they stand in JSON, which must not pass for those of lines.
    pub(crate) json_lookup: Lookup,
    pub(crate) pending: Pending,
    pub(crate) put: crate::put::Scratch,
    pub(crate) known: crate::requests::known::Scratch,
    pub(crate) udp: Option<Udp>,
    pub(crate) telnet: telnet::Scratch,
    pub(crate) buffer: Vec<u8>,
    waiting: waiting::Waiting,
    /// Requests of this turn.
    pub(crate) requests: u64,
    /// Bytes received since the memory was last looked at for it.
    received_bytes: u64,
    was_scarce: bool,
    /// Memory of the last body, for the next one.
    pub(crate) spare_body: Vec<u8>,
    poll: Poll,
    listeners: Option<Listeners>,
    jobs: Option<Sender<Job>>,
    /// Places of connections that wait to be served.
    ready: Vec<usize>,
    /// Places of connections served in this turn: commits release their answers.
    turn: Vec<usize>,
    /// The memory of either list while it is worked off.
    spare: Vec<usize>,
    /// Connections whose answers wait for a sync.
    pub(crate) held: Vec<ConnId>,
    numbers: u64,
    pub(crate) was_full: bool,
    next_tick: Duration,
    stopping_since: Option<Duration>,
}

impl EventLoop {
    /// A loop over a shard, one of `loops`; `listeners` if it is the one that accepts, `udp` if it takes datagrams.
    pub fn new(
        node: Arc<Node>,
        loops: Loops,
        shard: Shard,
        poll: Poll,
        listeners: Option<Listeners>,
        udp: Option<Udp>,
        jobs: Sender<Job>,
    ) -> EventLoop {
        let handle = loops.all[loops.own].clone();
        let waking = handle.clone();
        shard.set_waker(move || waking.wake());
        let seed = node.engine.env().chance.number();
        let lookup_bytes = node.memory.lookup_bytes(node.engine.shards());
        EventLoop {
            node,
            handle,
            loops,
            following: Default::default(),
            shard,
            conns: Slab::new(),
            lookup: Lookup::new(seed, lookup_bytes),
            json_lookup: Lookup::new(seed, lookup_bytes / 2),
            known: Default::default(),
            pending: Pending::default(),
            put: Default::default(),
            udp,
            telnet: telnet::Scratch::default(),
            buffer: vec![0; READ_BYTES],
            waiting: Default::default(),
            requests: 0,
            received_bytes: 0,
            was_scarce: false,
            spare_body: Vec::new(),
            poll,
            listeners,
            jobs: Some(jobs),
            ready: Vec::new(),
            turn: Vec::new(),
            spare: Vec::new(),
            held: Vec::new(),
            numbers: 0,
            was_full: false,
            next_tick: Duration::ZERO,
            stopping_since: None,
        }
    }

    /// Runs until stopped.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.is_done() {
            let busy = !self.ready.is_empty() || self.udp_waits();
            let timeout = if busy { Duration::ZERO } else { self.patience(TICK) };
            self.wait(&mut events, timeout)?;
            events.iter().for_each(|event| self.note(event));
            self.read_messages();
            self.serve_ready();
            self.serve_udp();
            self.commit();
            self.release_synced();
            self.expire_waits();
            self.send_all();
            self.follow_senders();
            self.tick();
        }
        Ok(())
    }

    pub(crate) fn now(&self) -> Duration {
        self.node.engine.env().clock.monotonic()
    }

    fn note(&mut self, event: &Event) {
        match event.token() {
            WAKER => {}
            UDP => self.udp.iter_mut().for_each(|udp| udp.readable = true),
            Token(number) if number < CONNECTIONS => {
                if let Some(listeners) = &mut self.listeners {
                    listeners.accept(&self.node);
                }
            }
            Token(number) => {
                let Some(conn) = self.conns.get_mut(number - CONNECTIONS) else { return };
                conn.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                conn.ending |= event.is_read_closed() || event.is_error();
                self.queue(number - CONNECTIONS);
            }
        }
    }

    pub(crate) fn queue(&mut self, place: usize) {
        if let Some(conn) = self.conns.get_mut(place)
            && !std::mem::replace(&mut conn.queued, true)
        {
            self.ready.push(place);
        }
    }

    fn read_messages(&mut self) {
        for message in self.handle.take() {
            match message {
                Message::Accepted(stream, peer, port) => self.add(stream, peer, port),
                Message::Moved(conn) => self.watch(*conn),
                Message::Piece { id, bytes, ahead } => self.piece(id, bytes, &ahead),
                Message::Stepped { id, bytes, step, task } => self.stepped(id, bytes, step, task),
                Message::Flushed(id, outcome) => self.flushed(id, outcome),
                Message::Progressed(id, bytes) => {
                    if let Some(conn) = self.find(id) {
                        conn.append(bytes);
                        self.resume(id.place);
                    }
                }
                Message::Stop => self.begin_stop(),
            }
        }
        self.shard.poll();
        let full = self.is_full();
        if std::mem::replace(&mut self.was_full, full) && !full {
            self.queue_all();
        }
    }

    /// Whether so much waits for a flush that nothing more should be read. While rows are refused
    /// whoever sends some is told so instead.
    pub(crate) fn is_full(&self) -> bool {
        self.shard.is_full() && self.node.engine.gate().is_open()
    }

    /// A request was put off: everything is looked at again when a flush has made room.
    pub(crate) fn wait_for_room(&mut self) {
        self.was_full = true;
    }

    fn queue_all(&mut self) {
        let places: Vec<usize> = self.conns.iter().map(|(place, _)| place).collect();
        places.into_iter().for_each(|place| self.queue(place));
    }

    fn add(&mut self, stream: mio::net::TcpStream, peer: SocketAddr, port: Port) {
        let _unsupported = stream.set_nodelay(true);
        self.watch(Conn::new(self.loops.own, stream, peer, port, self.now()));
    }

    /// Serves a connection from now on.
    fn watch(&mut self, mut conn: Conn) {
        let entry = self.conns.vacant_entry();
        let place = entry.key();
        self.numbers += 1;
        conn.id = ConnId { place, number: self.numbers };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(place + CONNECTIONS);
        // A stopping loop reads what has come, whether it is told of it or not.
        conn.readable |= self.stopping_since.is_some();
        if let Err(error) = self.poll.registry().register(conn.stream(), token, interest) {
            tracing::warn!("cannot watch a connection: {error}");
            return self.count_end(&conn);
        }
        entry.insert(conn);
        self.queue(place);
    }

    pub(crate) fn close(&mut self, place: usize) {
        let mut conn = self.conns.remove(place);
        let _gone = self.poll.registry().deregister(conn.stream());
        self.count_end(&conn);
    }

    fn count_end(&self, conn: &Conn) {
        if let Some(protocol) = spoken(conn) {
            self.node.counters.connect(protocol, -1);
        }
        self.loops.all[conn.accepted_by].count(false);
    }

    fn serve_ready(&mut self) {
        let mut places = std::mem::replace(&mut self.ready, std::mem::take(&mut self.spare));
        for place in places.drain(..) {
            let Some(conn) = self.conns.get_mut(place) else { continue };
            conn.queued = false;
            self.touch(place);
            if self.serve(place).is_err() {
                self.abort(place);
            }
        }
        self.spare = places;
    }

    pub(crate) fn touch(&mut self, place: usize) {
        if !std::mem::replace(&mut self.conns[place].touched, true) {
            self.turn.push(place);
        }
    }

    /// The socket failed. What its connection brought is still taken with the rest.
    fn abort(&mut self, place: usize) {
        if self.conns[place].has_points {
            self.commit();
        }
        self.close(place);
    }

    fn serve(&mut self, place: usize) -> io::Result<()> {
        if self.conns[place].linger_until.is_some() {
            return self.discard(place);
        }
        if self.conns[place].deferred.is_some() && !self.was_full {
            self.take_deferred(place);
            // Others were put off, too, and together they outgrow one commit.
            self.commit_if_large();
        }
        if self.conns[place].may_take() && std::mem::take(&mut self.conns[place].stuck) {
            self.take(place, 0);
        }
        let pressed = self.is_pressed(place);
        let conn = &self.conns[place];
        if conn.may_take() && conn.readable && !pressed {
            self.read(place)?;
        } else if conn.busy && conn.ending && conn.readable {
            self.look_for_reset(place)?;
        }
        Ok(())
    }

    /// While too much waits for a flush, no lines are read; requests are, and those that put wait.
    fn is_pressed(&self, place: usize) -> bool {
        let speaks = &self.conns[place].speaks;
        self.was_full && matches!(speaks, Speaks::Telnet(_) | Speaks::Kairosdb(_))
    }

    /// While an answer is made, what the peer sends waits in the socket; but a connection that is
    /// gone altogether ends the work.
    fn look_for_reset(&mut self, place: usize) -> io::Result<()> {
        self.conns[place].readable = false;
        match self.conns[place].stream().take_error()? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn discard(&mut self, place: usize) -> io::Result<()> {
        let conn = &mut self.conns[place];
        if conn.readable && conn.receive(&mut self.buffer)? == Received::End {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn read(&mut self, place: usize) -> io::Result<()> {
        // Before each piece, not once a turn: a turn may bring much.
        let now = self.now();
        self.node.memory.look(&self.node.engine, now, &mut self.received_bytes);
        let conn = &mut self.conns[place];
        let kept = conn.carry.len();
        if self.buffer.len() < kept + READ_BYTES {
            self.buffer.resize(kept + READ_BYTES, 0);
        }
        let most = if conn.refused { READ_BYTES_REFUSED } else { READ_BYTES };
        match conn.receive(&mut self.buffer[kept..kept + most])? {
            Received::Bytes(bytes) => {
                self.received_bytes += bytes as u64;
                self.take(place, bytes);
            }
            Received::Nothing => {}
            // An unterminated last line could be a false value: it is not taken.
            Received::End => conn.closing = true,
        }
        Ok(())
    }

    /// Takes what was carried over and `bytes` new ones that stand behind it in the buffer.
    pub(crate) fn take(&mut self, place: usize, bytes: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut carry = std::mem::take(&mut self.conns[place].carry);
        let end = carry.len() + bytes;
        buffer.resize(buffer.len().max(end), 0);
        buffer[..carry.len()].copy_from_slice(&carry);
        let mut done = 0;
        while done < end && self.conns[place].may_take() {
            let (taken, goes_on) = self.take_some(place, &buffer[done..end]);
            done += taken;
            self.commit_if_large();
            if !goes_on {
                break;
            }
        }
        self.conns[place].stuck = done < end && !self.conns[place].may_take();
        carry.clear();
        carry.extend_from_slice(&buffer[done..end]);
        if carry.is_empty() {
            carry = Vec::new();
        }
        if !self.conns[place].closing {
            self.conns[place].carry = carry;
        }
        self.buffer = buffer;
        self.note_request(place, bytes);
    }

    /// Takes some bytes; returns how many, and whether it is worth trying again at once.
    fn take_some(&mut self, place: usize, bytes: &[u8]) -> (usize, bool) {
        if matches!(self.conns[place].speaks, Speaks::Undecided) {
            return (0, self.decide(place, bytes));
        }
        if matches!(self.conns[place].speaks, Speaks::Http(_)) {
            return self.take_http(place, bytes);
        }
        let before = (self.pending.batch.len(), self.pending.refused);
        let taken = match self.conns[place].speaks {
            Speaks::Kairosdb(_) => self.take_kairosdb(place, bytes),
            _ => self.take_telnet(place, bytes),
        };
        let accepted = (self.pending.batch.len() - before.0) as u64;
        let conn = &mut self.conns[place];
        conn.has_points |= accepted > 0;
        conn.refused = self.pending.refused - before.1 > accepted;
        (taken, false)
    }

    fn take_telnet(&mut self, place: usize, bytes: &[u8]) -> usize {
        let conn = &mut self.conns[place];
        let sent = conn.out.len() - conn.backlog();
        let Speaks::Telnet(session) = &mut conn.speaks else { return 0 };
        let mut intake = Intake {
            node: &self.node,
            policy: &self.node.policy,
            lookup: &mut self.lookup,
            pending: &mut self.pending,
            peer: Some(conn.peer),
            oldest_ms: self.node.engine.oldest_ms(),
        };
        let mut replies = telnet::Replies { out: &mut conn.out, sent };
        let (taken, next) = session.take(bytes, &mut self.telnet, &mut intake, &mut replies);
        conn.closing |= next == Next::Close;
        taken
    }

    pub(crate) fn find(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(id.place).filter(|conn| conn.id == id)
    }

    /// Sends on every connection served in this turn and puts back those with more to do.
    fn send_all(&mut self) {
        let now = self.now();
        let mut places = std::mem::replace(&mut self.turn, std::mem::take(&mut self.spare));
        for place in places.drain(..) {
            let Some(conn) = self.conns.get_mut(place) else { continue };
            conn.touched = false;
            if conn.send(now).is_err() {
                self.close(place);
            } else {
                self.after_send(place, now);
            }
        }
        self.spare = places;
    }

    fn after_send(&mut self, place: usize, now: Duration) {
        let conn = &mut self.conns[place];
        if conn.linger_until.is_none() && conn.closing && conn.is_drained() {
            if conn.resets {
                conn.reset();
                return self.close(place);
            }
            if (conn.ending && !conn.readable) || self.stopping_since.is_some() {
                return self.close(place);
            }
            conn.end_sending(now);
        }
        if conn.backlog() < BACKLOG_BYTES_LOW
            && let Some(task) = conn.parked.take()
        {
            let id = conn.id;
            self.submit(id, task);
        }
        let pressed = self.is_pressed(place);
        let conn = &self.conns[place];
        let takes = conn.may_take() && (conn.stuck || (conn.readable && !pressed));
        if takes || (conn.linger_until.is_some() && conn.readable) {
            self.queue(place);
        }
    }

    pub(crate) fn submit(&mut self, id: ConnId, task: Box<dyn Task>) {
        if let Some(jobs) = &self.jobs {
            let _ending = jobs.send(Job { to: self.handle.clone(), id, task });
        }
    }

    fn piece(&mut self, id: ConnId, mut bytes: Vec<u8>, ahead: &Ahead) {
        // If the connection is gone nobody asks for more, and the task comes back.
        let Some(conn) = self.find(id) else { return };
        conn.add_headers(&mut bytes, 0);
        if conn.backlog() < BACKLOG_BYTES_LOW {
            ahead.ask();
        }
        conn.append(bytes);
        self.resume(id.place);
    }

    fn stepped(&mut self, id: ConnId, mut bytes: Vec<u8>, step: Step, task: Option<Box<dyn Task>>) {
        let Some(conn) = self.find(id) else { return };
        conn.add_headers(&mut bytes, 0);
        let goes_on = conn.backlog() < BACKLOG_BYTES_LOW;
        conn.append(bytes);
        match (step, task) {
            // The next piece is made while this one is sent, as long as the reader keeps up.
            (Step::More, Some(task)) if goes_on => self.submit(id, task),
            (Step::More, Some(task)) => conn.parked = Some(task),
            (Step::Done, _) => {
                conn.busy = false;
                conn.closing |= !conn.framing.keep_alive;
            }
            _ => {
                conn.busy = false;
                conn.closing = true;
                // Without chunks only a reset tells the client that this was not all.
                conn.resets = !conn.framing.chunked;
            }
        }
        self.resume(id.place);
    }

    /// An answer was made: requests carried over can be taken now.
    pub(crate) fn resume(&mut self, place: usize) {
        self.conns[place].readable |= self.conns[place].ending;
        self.queue(place);
    }

    fn tick(&mut self) {
        let now = self.now();
        self.node.memory.look(&self.node.engine, now, &mut self.received_bytes);
        let scarce = self.node.memory.level() >= Level::Scarce;
        // At once when memory becomes scarce, then at every tick.
        if scarce && (!self.was_scarce || now >= self.next_tick) {
            self.refuse_large_bodies();
        }
        self.was_scarce = scarce;
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        if self.stopping_since.is_none() {
            self.tell_core(now);
        }
        if let Some(listeners) = &mut self.listeners {
            listeners.retry(&self.node);
        }
        // Parts of names that were merged can go.
        self.pending.seen = Default::default();
        self.lookup.age(now, self.node.policy.forget_after);
        self.json_lookup.age(now, self.node.policy.forget_after);
        let stall = self.node.policy.export_stall;
        let overdue = |conn: &Conn| {
            let http = matches!(conn.speaks, Speaks::Http(_));
            let stalled = http && conn.backlog() > 0 && now > conn.progress_at + stall;
            let hoards = scarce && conn.backlog() > UNREAD_BYTES;
            let hoards = hoards && now > conn.progress_at + UNREAD_FOR;
            stalled || hoards || conn.linger_until.is_some_and(|until| now > until)
        };
        let gone: Vec<usize> =
            self.conns.iter().filter(|(_, conn)| overdue(conn)).map(|(place, _)| place).collect();
        gone.into_iter().for_each(|place| self.close(place));
        self.refuse_slow_requests(now);
        self.tick_stop(now);
    }
}

pub(crate) fn spoken(conn: &Conn) -> Option<Protocol> {
    match conn.speaks {
        Speaks::Undecided => None,
        _ if conn.port == Port::Kairosdb => Some(Protocol::Kairosdb),
        Speaks::Kairosdb(_) => Some(Protocol::Kairosdb),
        Speaks::Telnet(_) => Some(Protocol::Telnet),
        Speaks::Http(_) => Some(Protocol::Http),
    }
}
