//! Keeps the process below its limit of memory, by refusing rather than by being killed.
//!
//! The memory that belongs to the process alone is looked at some fifty times a second, and again
//! whenever a loop has received so much that it could have grown. What grows for good is refused first,
//! what can be done without next, and points last; so known series have a quarter of the limit that new
//! ones cannot take. What sealing the names in memory will take counts before it is taken, for it cannot
//! be refused then. Most of what is used is given back by a flush.

use crate::reject::{Reason, Reject};
use irontsd_engine::engine::Engine;
use irontsd_engine::env::memory;
use irontsd_engine::gate::Cause;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How often the memory is looked at, at the most.
const LOOK: Duration = Duration::from_millis(20);
/// What a loop may receive between two looks, as a share of the limit.
const RECEIVED_SHARE: u64 = 64;
/// How often memory is given back while there is little.
const GIVE_BACK: Duration = Duration::from_secs(2);
/// How often names that have gathered are sealed, at the most.
const SEAL: Duration = Duration::from_millis(300);
/// Bodies up to this size are taken while memory is scarce.
pub const SMALL_BODY_BYTES: usize = 64 << 10;
/// Answers that a client does not take, from which on it is cut while memory is scarce, and how long
/// it may take none.
pub const UNREAD_BYTES: usize = 64 << 10;
/// See [`UNREAD_BYTES`].
pub const UNREAD_FOR: Duration = Duration::from_secs(2);
/// What a loop's lookups take at the most where memory has no limit.
const LOOKUP_BYTES_MAX: u64 = 1 << 30;

/// How much memory is used, as a share of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Less than three quarters.
    Ample,
    /// New series are refused.
    Tight,
    /// Besides, large bodies, new connections for lines, and answers that need memory.
    Scarce,
    /// Besides, all points.
    Out,
}

impl Level {
    const ALL: [Level; 4] = [Level::Ample, Level::Tight, Level::Scarce, Level::Out];

    /// From which share of the limit on it holds, in percent.
    const fn percent(self) -> u64 {
        match self {
            Level::Ample => 0,
            Level::Tight => 75,
            Level::Scarce => 85,
            Level::Out => 95,
        }
    }

    fn of(used_bytes: u64, limit_bytes: u64) -> Level {
        let holds = |level: &&Level| used_bytes >= limit_bytes / 100 * level.percent();
        Level::ALL.iter().rev().find(holds).copied().unwrap_or(Level::Ample)
    }

    /// With so much that sealing names will take. That alone is no reason to refuse points, which need
    /// no further memory.
    fn with_sealing(used_bytes: u64, sealing_bytes: u64, limit_bytes: u64) -> Level {
        let to_come = Level::of(used_bytes + sealing_bytes, limit_bytes);
        Level::of(used_bytes, limit_bytes).max(to_come.min(Level::Scarce))
    }
}

/// See the module.
#[derive(Debug)]
pub struct Memory {
    limit_bytes: Option<u64>,
    used_bytes: AtomicU64,
    level: AtomicU8,
    looked_ns: AtomicU64,
    gave_back_ns: AtomicU64,
    sealed_ns: AtomicU64,
}

impl Default for Memory {
    /// No limit.
    fn default() -> Memory {
        Memory::new(None)
    }
}

impl Memory {
    /// With a limit, or none.
    pub fn new(limit_bytes: Option<u64>) -> Memory {
        Memory {
            limit_bytes,
            used_bytes: AtomicU64::new(0),
            level: AtomicU8::new(0),
            looked_ns: AtomicU64::new(0),
            gave_back_ns: AtomicU64::new(0),
            sealed_ns: AtomicU64::new(0),
        }
    }

    /// The limit, if there is one.
    pub fn limit_bytes(&self) -> Option<u64> {
        self.limit_bytes
    }

    /// What was used when it was last looked.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Relaxed)
    }

    /// How much that is.
    #[inline]
    pub fn level(&self) -> Level {
        Level::ALL[usize::from(self.level.load(Relaxed)) % Level::ALL.len()]
    }

    /// Bytes that one of so many loops may spend on its lookup of lines; on that of bodies, half.
    pub fn lookup_bytes(&self, loops: usize) -> usize {
        let share = self.limit_bytes.map_or(u64::MAX, |limit| limit / 6 / loops.max(1) as u64);
        share.min(LOOKUP_BYTES_MAX) as usize
    }

    /// Looks at the memory if that was not done just now, or if the caller, a loop, has received much
    /// since it last did; any thread may call.
    pub fn look(&self, engine: &Engine, now: Duration, received_bytes: &mut u64) {
        let Some(limit_bytes) = self.limit_bytes else { return };
        let has_much = *received_bytes >= limit_bytes / RECEIVED_SHARE;
        if !is_due(&self.looked_ns, now, LOOK) && !has_much {
            return;
        }
        *received_bytes = 0;
        let Some(used_bytes) = memory::used_bytes(&*engine.env().disk) else { return };
        self.used_bytes.store(used_bytes, Relaxed);
        let level = Level::with_sealing(used_bytes, engine.sealing_bytes(), limit_bytes);
        // Names in memory must not be many while sealing does not keep up.
        let names_bytes = engine.registry().unsealed().1 as u64;
        let names_level = if names_bytes >= limit_bytes / 8 { Level::Tight } else { Level::Ample };
        let level = level.max(names_level);
        self.level.store(level as u8, Relaxed);
        if level == Level::Out {
            engine.gate().close(Cause::Memory, self.reason());
        } else if Level::of(used_bytes, limit_bytes) < Level::Scarce {
            engine.gate().open(Cause::Memory);
        }
        if engine.seals_names() && is_due(&self.sealed_ns, now, SEAL) {
            // Names leave memory after a flush.
            engine.flush(Box::new(|_told_already| {}));
        }
        if level > Level::Ample && is_due(&self.gave_back_ns, now, GIVE_BACK) {
            // Rows become segments, and names leave memory, few as they may be: while new series are
            // refused they would not become more.
            engine.flush(Box::new(|_told_already| {}));
            engine.seal_names(Box::new(|_told_already| memory::give_back()));
        }
    }

    fn reason(&self) -> String {
        let (used, limit) = (self.used_bytes() >> 20, self.limit_bytes.unwrap_or(0) >> 20);
        format!("{used} MiB of memory are used, --memory-limit is {limit} MiB")
    }

    /// The refusal of something, if it is refused from this level on.
    pub fn check(&self, from: Level) -> Result<(), Reject> {
        if self.level() < from {
            return Ok(());
        }
        Err(Reject::new(Reason::Memory, format!("{}: try again later", self.reason())))
    }
}

/// Whether so much time has passed since the last time; then this is the last time.
fn is_due(last_ns: &AtomicU64, now: Duration, every: Duration) -> bool {
    let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let last = last_ns.load(Relaxed);
    let is_due = last == 0 || now_ns >= last.saturating_add(every.as_nanos() as u64);
    is_due && last_ns.compare_exchange(last, now_ns.max(1), Relaxed, Relaxed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_shares_of_the_limit() {
        let level = |used| Level::of(used, 1000);
        assert_eq!(
            [0, 740, 750, 849, 850, 949, 950, 5000].map(level),
            [
                Level::Ample,
                Level::Ample,
                Level::Tight,
                Level::Tight,
                Level::Scarce,
                Level::Scarce,
                Level::Out,
                Level::Out,
            ]
        );
        let with_sealing = |used, sealing| Level::with_sealing(used, sealing, 1000);
        assert_eq!(with_sealing(740, 0), Level::Ample);
        assert_eq!(with_sealing(740, 10), Level::Tight);
        assert_eq!(with_sealing(610, 240), Level::Scarce);
        assert_eq!(with_sealing(900, 240), Level::Scarce);
        assert_eq!(with_sealing(950, 0), Level::Out);
        assert_eq!(Memory::default().check(Level::Tight), Ok(()));
        assert_eq!(Memory::new(Some(12 << 20)).lookup_bytes(2), 1 << 20);
    }

    #[test]
    fn something_is_due_once_in_a_while() {
        let last = AtomicU64::new(0);
        let due = |ms| is_due(&last, Duration::from_millis(ms), Duration::from_millis(20));
        assert_eq!([0, 1, 19, 25, 30, 45].map(due), [true, false, false, true, false, true]);
    }
}
