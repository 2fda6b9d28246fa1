//! Drives an engine on a simulated disk with random operations and notes what it promises.
//!
//! One thread plays both event loops. With a fault to come nothing needs to succeed; what does is held
//! against the node all the same.

use super::disk::SimulatedDisk;
use super::fault::Ignored;
use super::history::{
    AGE_MS, Assignment, Batch, DAY_MS, Deletion, Event, History, Snapshot, marker,
};
use super::rows::{batch_of, random_rows};
use super::tree::Tree;
use super::world::{SimulatedClock, world};
use crate::common::{Node, Sample, name, open_with};
use fastrand::Rng;
use irontsd_engine::assigned::NameKind;
use irontsd_engine::engine::Config;
use irontsd_engine::error::Result;
use irontsd_engine::merger::Progress;
use irontsd_engine::name::HISTOGRAM_MARK;
use irontsd_engine::retention::Keep;
use irontsd_engine::shard::Shard;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

/// Where the data directory is.
pub const DIR: &str = "/data";

type Outcome = std::result::Result<(), String>;

/// See the module.
pub struct Driver {
    pub disk: SimulatedDisk,
    pub history: History,
    /// Whether everything must succeed.
    strict: bool,
    /// Whether syncs and flushes happen by themselves.
    busy: bool,
    seed: u64,
    opened: u64,
    rng: Rng,
    clock: Arc<SimulatedClock>,
    node: Option<Node>,
    /// Events that are the commits of this start, shard by shard.
    commits: [Vec<usize>; 2],
    wake: SyncSender<()>,
    woken: Receiver<()>,
}

/// Opens an engine on a simulated disk, as the tests of this world have it.
pub fn open(
    disk: &SimulatedDisk,
    dir: &str,
    clock: &Arc<SimulatedClock>,
    seed: u64,
    change: impl FnOnce(&mut Config),
) -> Result<Node> {
    let settings = |config: &mut Config| {
        config.sync_interval = Duration::from_secs(3600);
        config.flush_rows = 1 << 20;
        config.keep = Keep { age: Some(Duration::from_millis(AGE_MS as u64)), bytes_max: None };
        change(config);
    };
    open_with(Path::new(dir), settings, world(disk, clock, seed))
}

impl Driver {
    /// A driver of an empty disk. Seeds of one another's neighbours have nothing in common.
    pub fn new(seed: u64, strict: bool) -> Driver {
        let (wake, woken) = mpsc::sync_channel(1);
        let history = History { walls: vec![(0, AGE_MS)], ..History::default() };
        Driver {
            disk: SimulatedDisk::over(Tree::new()),
            history,
            strict,
            busy: strict && seed % 4 == 3,
            seed,
            opened: 0,
            rng: Rng::with_seed(seed),
            clock: SimulatedClock::new(AGE_MS),
            node: None,
            commits: Default::default(),
            wake,
            woken,
        }
    }

    /// Opens the node; whether that went well.
    pub fn open(&mut self) -> bool {
        let busy = self.busy;
        let change = |config: &mut Config| {
            if busy {
                config.sync_interval = Duration::from_micros(300);
                config.flush_rows = 60;
            }
        };
        self.opened += 1;
        let seed = self.seed * 64 + self.opened;
        let opened = open(&self.disk, DIR, &self.clock, seed, change);
        if let Err(error) = &opened {
            assert!(!self.strict, "a node without faults starts: {error}");
        }
        self.commits = Default::default();
        self.node = opened.ok();
        let Some(node) = &self.node else { return false };
        for shard in &node.shards {
            let wake = self.wake.clone();
            shard.set_waker(move || _ = wake.try_send(()));
        }
        if self.strict {
            assert_eq!(node.engine.recovery().faults, Vec::<String>::new());
            // What was found is synced before anything else is done.
            self.all_durable(self.history.events.len());
        }
        true
    }

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("open between steps")
    }

    /// Whether a node is there to be asked.
    pub fn is_open(&self) -> bool {
        self.node.is_some()
    }

    /// Ends the process, as `kill -9` does.
    pub fn kill(&mut self) {
        self.node = None;
    }

    /// One random operation.
    pub fn step(&mut self) {
        match self.rng.u32(..24) {
            0..11 => self.commit(),
            11..15 => self.sync(),
            15..17 => self.flush(),
            17 => self.merge(),
            18 => self.delete(),
            19 => self.snapshot(),
            20 => self.remove_snapshot(),
            21 => self.pass(),
            22 => self.assign(),
            _ => self.restart(),
        }
        if self.node.is_some() {
            self.note_synced();
        }
    }

    fn commit(&mut self) {
        let shard = self.rng.usize(..2);
        let rows = random_rows(&mut self.rng, self.history.events.len());
        self.commit_rows(shard, rows);
    }

    /// Commits rows and the marker behind them; whether that was accepted.
    pub fn commit_rows(&mut self, shard: usize, mut rows: Vec<(u8, i64, Sample)>) -> bool {
        let event = self.history.events.len();
        rows.push(marker(event, shard));
        while self.node().shards[shard].is_full() {
            self.turn();
        }
        let batch = batch_of(self.node(), &rows);
        let begun = self.disk.position();
        let outcome = self.node().shards[shard].commit(&batch);
        let accepted = outcome.is_ok();
        assert!(accepted || !self.strict, "{outcome:?}");
        self.history.events.push(Event::Batch(Batch { rows, begun, accepted, durable: None }));
        if accepted {
            self.commits[shard].push(event);
            let number = self.node().shards[shard].committed();
            assert_eq!(number, self.commits[shard].len() as u64);
        }
        accepted
    }

    /// Asks for a sync and waits for what comes of it.
    pub fn sync(&mut self) {
        while self.woken.try_recv().is_ok() {}
        self.node().shards[0].request_sync();
        for _ in 0..300 {
            self.turn();
            let node = self.node();
            let is_synced = node.shards.iter().all(|shard| shard.synced() >= shard.committed());
            if is_synced || node.engine.stopped().is_some() {
                return self.note_synced();
            }
        }
        panic!("no sync for half a minute");
    }

    /// Notes what shards say is synced.
    pub fn note_synced(&mut self) {
        for shard in 0..2 {
            let synced = self.node().shards[shard].synced() as usize;
            let events: Vec<usize> = self.commits[shard][..synced].to_vec();
            let position = self.disk.position();
            self.history.durable(events, position);
        }
    }

    /// What was accepted before an event is durable now.
    fn all_durable(&mut self, before: usize) {
        let accepted = |event: &usize| match &self.history.events[*event] {
            Event::Batch(batch) => batch.accepted,
            Event::Delete(_) => false,
        };
        let events: Vec<usize> = (0..before).filter(accepted).collect();
        let position = self.disk.position();
        self.history.durable(events, position);
    }

    /// Moves shards on, and waits a moment for the engine's threads.
    fn turn(&mut self) {
        self.node().shards.iter_mut().for_each(Shard::poll);
        self.note_synced();
        let _woken_or_not = self.woken.recv_timeout(Duration::from_millis(100));
    }

    /// Asks the engine for something and waits for its answer.
    fn ask(&mut self, ask: impl FnOnce(&Node, Box<dyn FnOnce(Outcome) + Send>)) -> Outcome {
        let (sender, answer) = mpsc::channel();
        let wake = self.wake.clone();
        let done = Box::new(move |outcome| {
            drop(sender.send(outcome));
            _ = wake.try_send(());
        });
        ask(self.node(), done);
        for _ in 0..300 {
            if let Ok(outcome) = answer.try_recv() {
                assert!(outcome.is_ok() || !self.strict, "{outcome:?}");
                return outcome;
            }
            self.turn();
        }
        panic!("no answer for half a minute");
    }

    /// Flushes.
    pub fn flush(&mut self) {
        let before = self.history.events.len();
        if self.ask(|node, done| node.engine.flush(done)).is_ok() {
            self.all_durable(before);
        }
    }

    fn merge(&mut self) {
        let _outcome = self.ask(|node, done| {
            let mut done = Some(done);
            node.engine.merge(Box::new(move |progress| {
                if let Progress::Done(outcome) = progress
                    && let Some(done) = done.take()
                {
                    done(outcome);
                }
            }));
        });
    }

    fn delete(&mut self) {
        let series: Vec<u8> = (0..self.rng.u8(1..4)).map(|_| self.rng.u8(..12)).collect();
        let from = self.rng.i64(1..40);
        let times = (from, from + self.rng.i64(0..2 * DAY_MS));
        let registry = self.node().engine.registry();
        let both = |&series: &u8| [name(series), [&name(series)[..], &HISTOGRAM_MARK].concat()];
        let ids = series.iter().flat_map(both).filter_map(|name| registry.find(&name)).collect();
        let (before, begun) = (self.history.events.len(), self.disk.position());
        let outcome = self.ask(|node, done| node.engine.delete(ids, times, done));
        let answered = outcome.is_ok().then(|| self.disk.position());
        let deletion = Deletion { series, times, begun, answered };
        self.history.events.push(Event::Delete(deletion));
        if outcome.is_ok() {
            self.all_durable(before);
        }
    }

    /// Makes a snapshot, if that can be done.
    pub fn snapshot(&mut self) {
        let name = format!("n{}", self.history.snapshots.len());
        let (events, oldest_ms) = (self.history.events.len(), self.node().engine.oldest_ms());
        let asked = name.clone();
        let outcome = self.ask(|node, done| node.engine.create_snapshot(asked, done));
        let answered = outcome.is_ok().then(|| self.disk.position());
        let (removal_begun, removal_answered) = (None, None);
        let made = Snapshot { name, events, oldest_ms, answered, removal_begun, removal_answered };
        self.history.snapshots.push(made);
        if outcome.is_ok() {
            self.all_durable(events);
        }
    }

    fn remove_snapshot(&mut self) {
        let is_there = |snapshot: &Snapshot| snapshot.removal_begun.is_none();
        let Some(at) = self.history.snapshots.iter().position(is_there) else { return };
        let (name, begun) = (self.history.snapshots[at].name.clone(), self.disk.position());
        let outcome = self.node().engine.remove_snapshot(&name);
        assert!(!self.strict || matches!(outcome, Ok(true)), "{outcome:?}");
        let answered = matches!(outcome, Ok(true)).then(|| self.disk.position());
        let snapshot = &mut self.history.snapshots[at];
        (snapshot.removal_begun, snapshot.removal_answered) = (Some(begun), answered);
    }

    fn pass(&mut self) {
        let days = self.rng.u64(1..5);
        self.clock.pass(days * DAY_MS as u64);
        let (_, before) = *self.history.walls.last().expect("the first");
        self.history.walls.push((self.disk.position(), before + days as i64 * DAY_MS));
    }

    fn assign(&mut self) {
        let name = format!("assigned{}", self.history.assigned.len()).into_bytes();
        let begun = self.disk.position();
        let outcome = self.node().engine.assigned().assign(&[(NameKind::Metric, &name)]);
        assert!(outcome.is_ok() || !self.strict, "{outcome:?}");
        let answered = outcome.ok().map(|given| (self.disk.position(), given[0].0));
        self.history.assigned.push(Assignment { name, begun, answered });
    }

    /// Ends the node in one of the two ways, and starts it again.
    fn restart(&mut self) {
        let Node { engine, shards } = self.node.take().expect("open between steps");
        if self.rng.bool() {
            drop(shards);
            let outcome = engine.close();
            assert!(outcome.is_ok() || !self.strict, "{outcome:?}");
            if outcome.is_ok() {
                self.all_durable(self.history.events.len());
            }
            drop(engine);
        } else {
            let ignored = self.disk.ignore_syncs(Ignored::Last);
            drop(engine);
            self.disk.ignore_syncs(ignored);
        }
        // What a failed sync left is not known to the next process, so that is another story.
        if !self.disk.has_failed_sync() {
            self.open();
        }
    }
}
