//! Whether rows are taken, and if not, why not.
//!
//! Several things can be wrong at once and each ends by itself, so each has a place of its own: rows
//! are taken when no place holds a reason. Readers never ask.

use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering::*};

/// What keeps rows from being taken, and who ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A write or sync failed, so nobody knows what its file holds. The next start ends it.
    Failed,
    /// A file of names cannot be read any more: a known series could pass for a new one. The next
    /// start ends it, which takes the names from the segments.
    Names,
    /// A write found the disk full. The watcher ends it when it can write again.
    DiskFull,
    /// Less space is free than is to be kept. The watcher ends it when there is more.
    DiskLow,
    /// What is buffered cannot be made a segment. The keeper ends it, which tries again and again.
    Flush,
    /// The process uses nearly all the memory it may. Who looks after that ends it.
    Memory,
}

impl Cause {
    /// All of them, the gravest first.
    pub const ALL: [Cause; 6] =
        [Cause::Failed, Cause::Names, Cause::DiskFull, Cause::DiskLow, Cause::Flush, Cause::Memory];

    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Cause::Failed => "failed_write",
            Cause::Names => "unreadable_names",
            Cause::DiskFull => "disk_full",
            Cause::DiskLow => "disk_low",
            Cause::Flush => "failed_flush",
            Cause::Memory => "memory",
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Gate {
    is_closed: AtomicBool,
    reasons: Mutex<[Option<String>; Cause::ALL.len()]>,
}

impl Gate {
    /// Takes no more rows. The first reason of a cause is kept; whether this one is it.
    pub fn close(&self, cause: Cause, reason: impl Into<String>) -> bool {
        let mut reasons = self.reasons.lock();
        let place = &mut reasons[cause as usize];
        if place.is_some() {
            return false;
        }
        let reason = place.insert(reason.into());
        tracing::error!("points are refused: {reason}");
        self.is_closed.store(true, Release);
        true
    }

    /// A cause has ended; whether it was there.
    pub fn open(&self, cause: Cause) -> bool {
        let mut reasons = self.reasons.lock();
        if reasons[cause as usize].take().is_none() {
            return false;
        }
        match reasons.iter().flatten().next() {
            Some(other) => tracing::info!("points are still refused: {other}"),
            None => {
                self.is_closed.store(false, Release);
                tracing::info!("points are taken again");
            }
        }
        true
    }

    /// Whether rows are taken.
    #[inline]
    pub fn is_open(&self) -> bool {
        !self.is_closed.load(Acquire)
    }

    /// Whether a cause holds.
    pub fn has(&self, cause: Cause) -> bool {
        self.reasons.lock()[cause as usize].is_some()
    }

    /// The gravest reason, if there is any.
    pub fn reason(&self) -> Option<String> {
        if self.is_open() {
            return None;
        }
        self.reasons.lock().iter().flatten().next().cloned()
    }

    /// An error if rows are not taken.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        self.reason().map_or(Ok(()), |reason| Err(Error::Refused(reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_when_the_last_cause_has_ended() {
        let gate = Gate::default();
        assert!(gate.is_open() && gate.check().is_ok());
        assert!(gate.close(Cause::Flush, "flush"));
        assert!(gate.close(Cause::DiskFull, "full"));
        assert!(!gate.close(Cause::DiskFull, "fuller"));
        assert_eq!(gate.reason().as_deref(), Some("full"), "the graver one, as first told");
        assert!(gate.open(Cause::DiskFull) && !gate.open(Cause::DiskFull));
        assert_eq!(gate.check().map_err(|error| error.to_string()), Err("flush".to_owned()));
        assert!(gate.open(Cause::Flush));
        assert!(gate.is_open() && gate.reason().is_none());
    }
}
