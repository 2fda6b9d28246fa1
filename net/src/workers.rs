//! Threads for what may wait for the disk or take long: exports and label pages. A task works in
//! steps and goes back to its event loop in between, so a slow reader holds no thread. While its reader
//! keeps up and nobody else waits, it goes on without being told to: a thread that has to be woken for
//! each piece is idle for a fifth of the time.

use crate::inbox::{ConnId, Handle, Message};
use crossbeam::channel::{Receiver, Sender, unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;

/// Pieces that may be on their way to a connection before it has asked for more.
const PIECES_AHEAD_MAX: usize = 3;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The answer goes on.
    More,
    /// The answer is complete.
    Done,
    /// The answer cannot be completed: the connection must end so that the client notices.
    Broken,
}

/// An answer that is made in steps.
pub trait Task: Send {
    /// Appends the next piece.
    fn step(&mut self, out: &mut Vec<u8>) -> Step;
}

/// A task with the way back to its connection.
pub struct Job {
    /// The event loop to answer.
    pub to: Arc<Handle>,
    /// The connection there.
    pub id: ConnId,
    /// What to do.
    pub task: Box<dyn Task>,
}

/// How many pieces of an answer are on their way that its connection has not yet made room for.
#[derive(Debug, Clone, Default)]
pub struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    /// The connection has room for one more.
    pub fn ask(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// One more is on its way; whether another one may be made.
    fn send(&self) -> bool {
        self.0.fetch_add(1, Relaxed) + 1 < PIECES_AHEAD_MAX
    }
}

/// The threads. There are never more jobs waiting than connections.
pub struct Workers {
    jobs: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    pub fn start(count: usize) -> std::io::Result<Workers> {
        let (jobs, queue) = unbounded();
        let start = |number: usize| {
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            thread.spawn(move || work(&queue))
        };
        let threads = (0..count).map(start).collect::<std::io::Result<_>>()?;
        Ok(Workers { jobs, threads })
    }

    /// Where jobs are put.
    pub fn queue(&self) -> Sender<Job> {
        self.jobs.clone()
    }

    /// Waits until all jobs are done and ends the threads; all other senders must be gone.
    pub fn stop(self) {
        drop(self.jobs);
        for thread in self.threads {
            let _panicked = thread.join();
        }
    }
}

/// How much a worker gives way to event loops and flushes, which others wait for: on a busy machine it gets
/// about a third of what one of them gets, and on an idle one all it can use.
const NICENESS: i32 = 5;

fn work(queue: &Receiver<Job>) {
    // On Linux each thread has its own. Where it may not be set, workers are like the others.
    let _niceness = rustix::process::setpriority_process(None, NICENESS);
    for Job { to, id, mut task } in queue {
        let ahead = Ahead::default();
        loop {
            let mut bytes = Vec::new();
            let step = task.step(&mut bytes);
            if step == Step::More && queue.is_empty() && ahead.send() {
                to.send(Message::Piece { id, bytes, ahead: ahead.clone() });
                continue;
            }
            let task = (step == Step::More).then_some(task);
            to.send(Message::Stepped { id, bytes, step, task });
            break;
        }
    }
}
