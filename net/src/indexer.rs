//! Keeps the index of series ready beside everything else, so that whoever asks first does not wait.
//!
//! What was there at the start is indexed right after it. What comes later is when it comes calmly: during a
//! flood of new series ingestion goes first, and to index them at once is cheaper than bit by bit. Who searches
//! during a flood has the names walked that are not indexed; as long as somebody does, they are indexed every second.

use crate::memory::Level;
use crate::node::Node;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use irontsd_engine::env::memory;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked for searches that had to walk.
const LOOK: Duration = Duration::from_secs(1);
/// How many looks there are for one that is for new series.
const LOOKS: u32 = 5;
/// Series that have come in so many looks; more are a flood.
const CALM_SERIES: u32 = 20_000;
/// Series behind whose indexing memory is given back: it takes some megabytes for a moment.
const MANY_SERIES: u32 = 100_000;
/// It gives way to workers, too, which somebody waits for.
const NICENESS: i32 = 10;

/// See the module.
pub struct Indexer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Indexer {
    /// Starts the thread.
    pub fn start(node: Arc<Node>) -> io::Result<Indexer> {
        let (stop, stopped) = bounded(0);
        let thread = std::thread::Builder::new().name("indexer".into());
        Ok(Indexer { stop, thread: thread.spawn(move || run(&node, &stopped))? })
    }

    /// Ends it; some tenths of a second may pass.
    pub fn stop(self) {
        drop(self.stop);
        let _panicked = self.thread.join();
    }
}

fn run(node: &Node, stopped: &Receiver<()>) {
    let _niceness = rustix::process::setpriority_process(None, NICENESS);
    let (registry, index) = (node.engine.registry(), node.engine.index());
    let mut before = registry.len();
    for look in (0..LOOKS).cycle() {
        let mut is_due = index.was_asked();
        if look == 0 {
            let len = registry.len();
            is_due |= len - before <= CALM_SERIES;
            before = len;
        }
        if is_due && node.memory.level() == Level::Ample {
            let goes_on = || stopped.try_recv().is_err_and(|error| error.is_empty());
            if index.keep_up(registry, goes_on) >= MANY_SERIES {
                memory::give_back();
            }
        }
        if stopped.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
