//! Where threads run and packets arrive: the door to the kernel's scheduler.

use rustix::net::sockopt::socket_incoming_cpu;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use std::os::fd::AsFd;

/// The core this thread is on.
pub fn own() -> usize {
    sched_getcpu()
}

/// The core that took the socket's last packet; of a sender on this machine the one it ran on
/// (SO_INCOMING_CPU, socket(7)).
pub fn of_sender(socket: impl AsFd) -> Option<usize> {
    socket_incoming_cpu(socket).ok().map(|core| core as usize)
}

/// Goes to a core without being bound to it: the kernel may move the thread on at any time. Where that is
/// not allowed nothing happens.
pub fn go_to(core: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    if core < CpuSet::MAX_CPU && allowed.is_set(core) {
        let mut only = CpuSet::new();
        only.set(core);
        let _refused = sched_setaffinity(None, &only);
        let _refused = sched_setaffinity(None, &allowed);
    }
}
