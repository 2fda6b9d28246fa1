//! Clock and chance of a simulated world.

use super::disk::SimulatedDisk;
use irontsd_engine::env::{Chance, Clock, Env};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A clock that a test moves. Each look at its monotonic time takes a microsecond.
#[derive(Debug)]
pub struct SimulatedClock {
    wall_ms: AtomicI64,
    monotonic_us: AtomicU64,
}

impl SimulatedClock {
    pub fn new(wall_ms: i64) -> Arc<SimulatedClock> {
        Arc::new(SimulatedClock { wall_ms: wall_ms.into(), monotonic_us: 0.into() })
    }

    /// Time passes.
    pub fn pass(&self, ms: u64) {
        self.wall_ms.fetch_add(ms as i64, Relaxed);
        self.monotonic_us.fetch_add(ms * 1000, Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.monotonic_us.fetch_add(1, Relaxed))
    }
}

/// Numbers from a seed. Two worlds have two seeds: salts of files must differ.
#[derive(Debug)]
struct SimulatedChance(AtomicU64);

impl Chance for SimulatedChance {
    fn number(&self) -> u64 {
        fastrand::Rng::with_seed(self.0.fetch_add(1, Relaxed)).u64(..)
    }
}

/// A world over a disk and a clock.
pub fn world(disk: &SimulatedDisk, clock: &Arc<SimulatedClock>, seed: u64) -> Env {
    let chance = Arc::new(SimulatedChance((seed << 20).into()));
    Env { disk: Arc::new(disk.clone()), clock: clock.clone(), chance }
}
