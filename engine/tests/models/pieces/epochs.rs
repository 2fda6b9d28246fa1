//! Shards that commit while epochs begin, end up in a segment, and are read. What is in a segment is played
//! by a number of rows.

use std::sync::Arc;

use irontsd_engine::batch::Batch;
use irontsd_engine::buffer::WriteBuffer;
use irontsd_engine::epochs::{Epochs, Set, epoch_of, first_sequence};
use irontsd_engine::sync::RwLock;
use irontsd_engine::sync::atomic::{AtomicU64, Ordering::*};
use irontsd_engine::types::Value;

use super::thread;

/// Where the rows of an epoch go.
#[derive(Debug)]
struct Buffers {
    epoch: u32,
    shards: Vec<Arc<WriteBuffer>>,
}

impl Set for Buffers {
    fn epoch(&self) -> u32 {
        self.epoch
    }
}

impl Buffers {
    fn new(epoch: u32, shards: usize) -> Arc<Buffers> {
        let buffer = |_| Arc::new(WriteBuffer::new(epoch, 8, Arc::default()));
        Arc::new(Buffers { epoch, shards: (0..shards).map(buffer).collect() })
    }

    fn rows(&self) -> usize {
        self.shards.iter().map(|buffer| buffer.len()).sum()
    }
}

/// What a reader looks at.
#[derive(Clone, Debug, Default)]
struct View {
    flushed_rows: usize,
    epochs: Vec<Arc<Buffers>>,
}

#[derive(Debug)]
struct World {
    shards: usize,
    epochs: Epochs<Buffers>,
    view: RwLock<Arc<View>>,
    acknowledged: AtomicU64,
}

impl World {
    fn new(shards: usize) -> Arc<World> {
        let first = Buffers::new(1, shards);
        let view = View { flushed_rows: 0, epochs: vec![first.clone()] };
        Arc::new(World {
            shards,
            epochs: Epochs::new(shards, first),
            view: RwLock::new(Arc::new(view)),
            acknowledged: AtomicU64::new(0),
        })
    }

    fn change_view(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.write();
        let mut changed = View::clone(&view);
        change(&mut changed);
        *view = Arc::new(changed);
    }

    /// As an event loop does: takes the shard, commits, polls, lets it go.
    fn own(&self, shard: usize, commits: u32) -> Vec<u64> {
        let mut set = self.epochs.take(shard);
        let mut numbers = Vec::new();
        for _ in 0..commits {
            let number = self.epochs.draw();
            if epoch_of(number) != set.epoch {
                set = self.epochs.enter(shard, epoch_of(number), |_| {});
            }
            assert_eq!(set.epoch, epoch_of(number));
            let mut batch = Batch::default();
            batch.push(shard as u32, 1, Value::integer(1));
            set.shards[shard].append(&batch, number as u32);
            self.acknowledged.fetch_add(1, Release);
            numbers.push(number);
        }
        let latest = self.epochs.latest();
        if latest != set.epoch {
            self.epochs.enter(shard, latest, |_| {});
        }
        self.epochs.leave(shard);
        numbers
    }

    /// As the keeper does: begins an epoch; nothing is added to the one before when this returns.
    fn rotate(&self, old: &Buffers) -> Arc<Buffers> {
        let new = Buffers::new(old.epoch + 1, self.shards);
        self.change_view(|view| view.epochs.push(new.clone()));
        self.epochs.begin(new.clone());
        assert!(self.epochs.wait_until_moved(new.epoch, || {}, || false));
        new
    }

    fn seen_rows(&self) -> usize {
        let view = self.view.read().clone();
        view.flushed_rows + view.epochs.iter().map(|epoch| epoch.rows()).sum::<usize>()
    }
}

/// Owners commit while epochs begin: every row is in the epoch of its number, frozen buffers stay as they
/// are, and numbers of a later epoch are higher.
pub fn rotate(shards: usize, commits: u32, epochs: u32) {
    let world = World::new(shards);
    let owners: Vec<_> = (0..shards)
        .map(|shard| {
            let world = world.clone();
            thread::spawn(move || world.own(shard, commits))
        })
        .collect();
    let mut sets = vec![world.epochs.current()];
    let mut frozen_rows = Vec::new();
    for at in 0..epochs as usize {
        sets.push(world.rotate(&sets[at]));
        frozen_rows.push(sets[at].rows());
    }
    let numbers = owners.into_iter().map(|owner| owner.join().expect("an owner ends"));
    let mut numbers: Vec<u64> = numbers.flatten().collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), shards * commits as usize, "a number was drawn twice");
    for (set, rows) in sets.iter().zip(&frozen_rows) {
        assert_eq!(set.rows(), *rows, "epoch {} grew after it was frozen", set.epoch);
    }
    for set in &sets {
        let range = first_sequence(set.epoch)..first_sequence(set.epoch + 1);
        let drawn = numbers.iter().filter(|number| range.contains(number)).count();
        assert_eq!(set.rows(), drawn, "epoch {}", set.epoch);
    }
}

/// A reader counts at least what was acknowledged before it looked, and nothing twice.
pub fn read_while_flushed(shards: usize, commits: u32) {
    let world = World::new(shards);
    let owners: Vec<_> = (0..shards)
        .map(|shard| {
            let world = world.clone();
            thread::spawn(move || world.own(shard, commits).len())
        })
        .collect();
    let keeper = {
        let world = world.clone();
        thread::spawn(move || {
            let old = world.epochs.current();
            world.rotate(&old);
            world.change_view(|view| {
                view.flushed_rows += old.rows();
                view.epochs.retain(|epoch| epoch.epoch != old.epoch);
            });
        })
    };
    let acknowledged = world.acknowledged.load(Acquire) as usize;
    let seen = world.seen_rows();
    let all = shards * commits as usize;
    assert!((acknowledged..=all).contains(&seen), "{seen} rows of {acknowledged} to {all}");
    keeper.join().expect("the keeper ends");
    for owner in owners {
        owner.join().expect("an owner ends");
    }
    assert_eq!(world.seen_rows(), all);
}
