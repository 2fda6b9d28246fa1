//! What all event loops and workers share: engine, policy, counters.

use crate::admission::Admission;
use crate::known::Known;
use crate::memory::Memory;
use crate::policy::Policy;
use crate::reject::{Protocol, Rejections};
use irontsd_engine::engine::Engine;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// See the module.
#[derive(Debug)]
pub struct Node {
    /// The storage.
    pub engine: Engine,
    /// What is accepted.
    pub policy: Policy,
    /// Names known, where new ones are refused.
    pub known: Known,
    /// Whether there is memory for more.
    pub memory: Memory,
    /// Whether there may be more series.
    pub admission: Admission,
    /// Refusals.
    pub rejections: Rejections,
    /// Everything else that is counted.
    pub counters: Counters,
}

/// Counters of the network side. All loops write them: nothing that they only read shares their cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    accepted: [AtomicU64; Protocol::ALL.len()],
    connections: [AtomicI64; Protocol::ALL.len()],
    /// Connections accepted since the start.
    pub connections_total: AtomicU64,
    /// Times that a connection went from loop to loop.
    pub moved_total: AtomicU64,
    /// Exports in progress.
    pub exports: AtomicUsize,
    /// Exports that met damage.
    pub damaged_exports: AtomicU64,
    /// HTTP requests answered.
    pub requests_total: AtomicU64,
}

impl Counters {
    /// Counts points that are durable and visible.
    pub fn accept(&self, protocol: Protocol, points: u64) {
        // All loops count here: what is written to for nothing, too, goes from core to core.
        if points > 0 {
            self.accepted[protocol as usize].fetch_add(points, Relaxed);
        }
    }

    /// Points accepted.
    pub fn accepted(&self, protocol: Protocol) -> u64 {
        self.accepted[protocol as usize].load(Relaxed)
    }

    /// A connection turned out to speak this protocol, or ended (`-1`).
    pub fn connect(&self, protocol: Protocol, change: i64) {
        self.connections[protocol as usize].fetch_add(change, Relaxed);
    }

    /// Open connections that speak this protocol.
    pub fn connections(&self, protocol: Protocol) -> i64 {
        self.connections[protocol as usize].load(Relaxed)
    }
}
