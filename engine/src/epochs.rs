//! How a new epoch begins while shards go on committing: without a lock on their way, and so that every
//! row of an epoch is older than every row of the next.
//!
//! A commit's number has the epoch in its high half, and all shards draw from one counter. Who begins an
//! epoch first puts its set in place and then moves the counter; a shard that draws a number of an epoch
//! that is not its own takes the set that is in place. No epoch begins before all shards that have an
//! owner moved to the one before, so that set is the right one.

use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};
use crate::sync::{self, Condvar, Mutex, RwLock};
use crossbeam::utils::CachePadded;
use std::sync::Arc;
use std::time::Duration;

/// Epoch of a commit's sequence.
pub fn epoch_of(sequence: u64) -> u32 {
    (sequence >> 32) as u32
}

/// The first sequence of an epoch.
pub fn first_sequence(epoch: u32) -> u64 {
    u64::from(epoch) << 32
}

/// Where the rows of an epoch go.
pub trait Set {
    /// Which one.
    fn epoch(&self) -> u32;
}

/// See the module.
#[derive(Debug)]
pub struct Epochs<S> {
    /// Epoch and number of the next commit.
    sequence: CachePadded<AtomicU64>,
    current: RwLock<Arc<S>>,
    places: Vec<Place>,
    /// Signalled when a shard moved to a new epoch, or lost its owner.
    moved: (Mutex<()>, Condvar),
}

/// A shard, as far as epochs go.
#[derive(Debug, Default)]
struct Place {
    /// Its owner is there and must be waited for.
    owned: AtomicBool,
    /// The epoch its rows go to.
    epoch: AtomicU32,
}

/// How long a wake may be lost before it is repeated.
const LOST_WAKE: Duration = Duration::from_millis(100);

impl<S: Set> Epochs<S> {
    /// Shards without owners, in the epoch of a set.
    pub fn new(shards: usize, set: Arc<S>) -> Epochs<S> {
        Epochs {
            sequence: CachePadded::new(AtomicU64::new(first_sequence(set.epoch()))),
            current: RwLock::new(set),
            places: (0..shards).map(|_| Place::default()).collect(),
            moved: Default::default(),
        }
    }

    /// The set in place.
    pub fn current(&self) -> Arc<S> {
        self.current.read().clone()
    }

    /// An owner takes a shard; it begins with the set in place. Each shard is taken once.
    pub fn take(&self, shard: usize) -> Arc<S> {
        // First, so that whoever puts a later set in place waits for this shard: if he did not see it,
        // his set is the one that is read here.
        self.places[shard].owned.store(true, Release);
        let set = self.current();
        self.note(shard, set.epoch());
        set
    }

    /// The owner is gone.
    pub fn leave(&self, shard: usize) {
        self.places[shard].owned.store(false, Release);
        self.tell();
    }

    /// The number of a commit. Drawn after its last row was received and before any answer, so a write
    /// begun after this one was acknowledged draws a higher one.
    pub fn draw(&self) -> u64 {
        self.sequence.fetch_add(1, AcqRel)
    }

    /// The number that the next commit will draw.
    pub fn next(&self) -> u64 {
        self.sequence.load(Acquire)
    }

    /// The epoch that the next commit will be of.
    pub fn latest(&self) -> u32 {
        epoch_of(self.next())
    }

    /// Moves a shard to the epoch of a number that its owner drew, or of [`Epochs::latest`], and which is
    /// not its own. `prepare` is done before anybody believes that it has moved.
    pub fn enter(&self, shard: usize, epoch: u32, prepare: impl FnOnce(&S)) -> Arc<S> {
        let set = self.current();
        assert_eq!(set.epoch(), epoch, "an epoch is prepared before it begins");
        prepare(&set);
        self.note(shard, epoch);
        set
    }

    fn note(&self, shard: usize, epoch: u32) {
        self.places[shard].epoch.store(epoch, Release);
        self.tell();
    }

    fn tell(&self) {
        let _guard = self.moved.0.lock();
        self.moved.1.notify_all();
    }

    /// Begins the epoch of a set; all shards moved to the one before. One thread begins epochs.
    pub fn begin(&self, set: Arc<S>) {
        let first = first_sequence(set.epoch());
        // Held over both: an owner that comes in between would have the new set and draw old numbers.
        let mut current = self.current.write();
        *current = set;
        self.sequence.fetch_max(first, AcqRel);
    }

    /// Returns when every shard that has an owner writes to this epoch: earlier sets get no more rows. `wake`
    /// wakes the owners, again where a wake may have been lost. Whether all moved; not so if `give_up`
    /// says that nobody will.
    pub fn wait_until_moved(
        &self,
        epoch: u32,
        wake: impl Fn(),
        give_up: impl Fn() -> bool,
    ) -> bool {
        let behind =
            |place: &Place| place.owned.load(Acquire) && place.epoch.load(Acquire) != epoch;
        wake();
        let (lock, moved) = &self.moved;
        let mut guard = lock.lock();
        while self.places.iter().any(behind) {
            if give_up() {
                return false;
            }
            let (woken, timed_out) = sync::wait(moved, guard, LOST_WAKE);
            guard = woken;
            if timed_out {
                wake();
            }
        }
        true
    }
}
