//! Keeps the index of series ready beside everything else, so that whoever asks first does not wait.
//!
//! What was there at the start is indexed right after it. What comes later is when it comes calmly: during a
//! flood of new series ingestion goes first, and to index them at once is cheaper than bit by bit. Whoever
//! asks during a flood has the index extended for the answer.

use crate::memory::Level;
use crate::node::Node;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use irontsd_engine::env::memory;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked for new series.
const LOOK: Duration = Duration::from_secs(5);
/// Series that have come since the last look; more are a flood.
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
    loop {
        let len = registry.len();
        if len - before <= CALM_SERIES && node.memory.level() == Level::Ample {
            let goes_on = || stopped.try_recv().is_err_and(|error| error.is_empty());
            if index.keep_up(registry, goes_on) >= MANY_SERIES {
                memory::give_back();
            }
        }
        before = len;
        if stopped.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
