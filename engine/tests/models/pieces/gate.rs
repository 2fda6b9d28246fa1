//! The gate: closed as long as any cause holds.

use std::sync::Arc;

use irontsd_engine::gate::{Cause, Gate};

use super::thread;

/// Two causes come and go; whoever ends his last sees no other's end lost.
pub fn two_causes() {
    let gate = Arc::new(Gate::default());
    let other = {
        let gate = gate.clone();
        thread::spawn(move || {
            assert!(gate.close(Cause::DiskFull, "full"));
            assert!(!gate.is_open());
            assert!(gate.open(Cause::DiskFull));
        })
    };
    assert!(gate.close(Cause::Flush, "flush"));
    assert!(!gate.is_open());
    assert!(gate.open(Cause::Flush));
    other.join().expect("it ends");
    assert!(gate.is_open() && gate.reason().is_none());
}
