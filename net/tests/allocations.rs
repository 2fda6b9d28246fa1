//! No heap allocation for each line of known series: parsed, looked up, logged and buffered.

#![expect(unsafe_code, reason = "an allocator that counts is an allocator")]

use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::shard::Shard;
use irontsd_net::intake::{Intake, Pending};
use irontsd_net::node::Node;
use irontsd_net::telnet::lookup::Lookup;
use irontsd_net::telnet::{Replies, Scratch, Session};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what the thread of a test allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all calls go to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.realloc(place, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What an event loop does with the bytes of a connection.
struct Loop {
    node: Node,
    shard: Shard,
    lookup: Lookup,
    pending: Pending,
    scratch: Scratch,
    session: Session,
}

impl Loop {
    /// Takes whole lines and commits them; returns how often that allocated.
    fn take(&mut self, lines: &[u8]) -> u64 {
        let before = ALLOCATIONS.get();
        let mut intake = Intake {
            node: &self.node,
            policy: &self.node.policy,
            lookup: &mut self.lookup,
            pending: &mut self.pending,
            peer: None,
            oldest_ms: 0,
        };
        let mut out = Vec::new();
        let mut replies = Replies { out: &mut out, sent: 0 };
        let (taken, _) = self.session.take(lines, &mut self.scratch, &mut intake, &mut replies);
        assert_eq!((taken, out.len()), (lines.len(), 0), "every line is taken");
        self.shard.commit(&self.pending.batch).expect("committed");
        self.pending.batch.clear();
        ALLOCATIONS.get() - before
    }
}

const SERIES: usize = 5000;

/// A line of each series, in the order that `place` says.
fn lines(second: usize, value: &str, place: impl Fn(usize) -> usize) -> Vec<u8> {
    let line = |at: usize| {
        let series = place(at) % SERIES;
        format!("put sys.cpu.{} {second} {value} host=web{series} cpu=3\n", series % 7)
    };
    (0..SERIES).flat_map(|at| line(at).into_bytes()).collect()
}

#[test]
fn known_series_cost_no_allocation() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("a new directory");
    let shard = engine.shard(0);
    let (policy, known, memory, admission, rejections, counters) = Default::default();
    let node = Node { engine, policy, known, memory, admission, rejections, counters };
    let (lookup, pending) = (Lookup::new(7, 1 << 24), Pending::default());
    let (scratch, session) = (Scratch::default(), Session::default());
    let mut event_loop = Loop { node, shard, lookup, pending, scratch, session };
    // Once to know the series, once for the buffers to grow as large as they get.
    event_loop.take(&lines(1_700_000_000, "1", |at| at));
    event_loop.take(&lines(1_700_000_001, "0.12345678901234567", |at| at * 3));
    for (what, value, stride) in [
        ("in order", "42", 1),
        ("decimals", "-17.25", 1),
        ("in another order", "1234567890123", 3),
        ("doubles", "0.12345678901234567", 7),
        ("with an exponent", "-1.5e-300", 1),
    ] {
        for second in 1_700_000_002..1_700_000_005 {
            let lines = lines(second, value, |at| at * stride);
            let allocations = event_loop.take(&lines);
            // A commit may begin a piece of the write buffer.
            assert!(allocations < 20, "{what}: {allocations} for {SERIES} lines");
        }
    }
}
