//! Where threads run and packets arrive: the door to the kernel's scheduler.

use rustix::net::sockopt::socket_incoming_cpu;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::AsFd;
use std::time::Duration;

/// The core this thread is on.
pub fn own() -> usize {
    sched_getcpu()
}

/// The core that took the socket's last packet; of a sender on this machine the one it ran on
/// (SO_INCOMING_CPU, socket(7)).
pub fn of_sender(socket: impl AsFd) -> Option<usize> {
    socket_incoming_cpu(socket).ok().map(|core| core as usize)
}

/// Processor time of this thread so far.
pub fn taken() -> Duration {
    let taken = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(taken.tv_sec as u64, taken.tv_nsec as u32)
}

/// Goes to a core without being bound to it: the kernel may move the thread on at any time. Where that is
/// not allowed nothing happens. From then on the thread has the cores that were allowed at that time for
/// its own: it follows a set that becomes smaller, but not to cores that are added later.
pub fn go_to(core: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    if core >= CpuSet::MAX_CPU || !allowed.is_set(core) {
        return;
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    let _refused = sched_setaffinity(None, &cores);
    if sched_setaffinity(None, &allowed).is_err() {
        // The set was changed meanwhile: the kernel takes of all cores those that it allows.
        (0..CpuSet::MAX_CPU).for_each(|core| cores.set(core));
        let _refused = sched_setaffinity(None, &cores);
    }
}
