//! Faults on mapped pages: a file cut while it is open, or a page that the disk cannot give, ends
//! neither the process nor goes unseen.
//!
//! The system answers a touch of such a page with SIGBUS. The handler here looks for the mapping that
//! the address lies in, marks it as faulted, and puts a page of zeros in the place of the one that is
//! missing, so that the reader goes on. A reader therefore asks [`Watch::has_faulted`] after it has
//! read and before it believes what it read. Faults anywhere else go to whoever handled them before.
//!
//! One of the few places with `unsafe`. What runs in the handler reads and writes atomics and makes
//! one system call, so it may run at any moment.
#![expect(unsafe_code, reason = "signal handlers are made of it")]

use libc::{c_int, c_void, siginfo_t};
use parking_lot::Mutex;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering::*, fence};

/// Ranges are kept in units of this size, whatever pages the machine has.
const UNIT_BITS: u32 = 12;
/// Bits of a packed range that hold the number of units; the rest hold the first unit.
const LENGTH_BITS: u32 = 28;

/// A mapping that the handler knows, or room for one. Slots are never freed, only used again.
struct Slot {
    /// First unit and number of units in one word, so that nobody ever sees half of each; zero is a
    /// vacant slot.
    range: AtomicU64,
    faulted: AtomicBool,
    next: Option<&'static Slot>,
}

/// All slots, the newest first.
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());
/// Slots to be used again.
static VACANT: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);
/// What handled the signal before: function and flags.
static BEFORE: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);
static BEFORE_TAKES_INFO: AtomicBool = AtomicBool::new(false);
static INSTALL: Once = Once::new();

/// Makes faults on some mapped bytes harmless and noticed, for as long as it lives. It must go before
/// the mapping does.
pub struct Watch(&'static Slot);

impl std::fmt::Debug for Watch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Watch(faulted: {})", self.has_faulted())
    }
}

impl Watch {
    /// Watches these bytes, which are a mapping of their own. `None` if no handler can be had or the
    /// mapping lies where none ever does: then a fault ends the process, as it does by itself.
    pub fn over(bytes: &[u8]) -> Option<Watch> {
        INSTALL.call_once(install);
        let range = pack(bytes.as_ptr() as usize, bytes.len())?;
        if PAGE_BYTES.load(Relaxed) == 0 {
            return None;
        }
        let mut vacant = VACANT.lock();
        let slot = vacant.pop().unwrap_or_else(add_slot);
        slot.faulted.store(false, Relaxed);
        slot.range.store(range, Release);
        Some(Watch(slot))
    }

    /// Whether any page of it was missing when it was touched. What was read before this call says
    /// no is what the file holds.
    #[inline]
    pub fn has_faulted(&self) -> bool {
        // The mark is set before the zeros are there; so whoever read zeros sees it.
        fence(Acquire);
        self.0.faulted.load(Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.range.store(0, Release);
        VACANT.lock().push(self.0);
    }
}

fn add_slot() -> &'static Slot {
    // SAFETY: the list holds leaked slots only. Slots are added under the lock of `VACANT`.
    let next = unsafe { SLOTS.load(Acquire).as_ref() };
    let (range, faulted) = (AtomicU64::new(0), AtomicBool::new(false));
    let slot = Box::leak(Box::new(Slot { range, faulted, next }));
    SLOTS.store(slot, Release);
    slot
}

fn pack(address: usize, bytes: usize) -> Option<u64> {
    let first = (address >> UNIT_BITS) as u64;
    let units = bytes.div_ceil(1 << UNIT_BITS) as u64;
    let fits = first < 1 << (64 - LENGTH_BITS) && units < 1 << LENGTH_BITS;
    (fits && units > 0).then_some(first << LENGTH_BITS | units)
}

fn covers(range: u64, address: usize) -> bool {
    let (first, units) = (range >> LENGTH_BITS, range & ((1 << LENGTH_BITS) - 1));
    ((address >> UNIT_BITS) as u64).wrapping_sub(first) < units
}

fn install() {
    // SAFETY: both structures are valid for the calls; all of their fields may be zero. The handler
    // in place is noted before ours can run.
    unsafe {
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGBUS, ptr::null(), &mut before) != 0 {
            return;
        }
        BEFORE_TAKES_INFO.store(before.sa_flags & libc::SA_SIGINFO != 0, Relaxed);
        BEFORE.store(before.sa_sigaction, Relaxed);
        let mut ours: libc::sigaction = std::mem::zeroed();
        ours.sa_sigaction = on_fault as extern "C" fn(_, _, _) as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigemptyset(&mut ours.sa_mask);
        PAGE_BYTES.store(rustix::param::page_size(), Relaxed);
        if libc::sigaction(libc::SIGBUS, &ours, ptr::null_mut()) != 0 {
            PAGE_BYTES.store(0, Relaxed);
        }
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a valid `info`, and SIGBUS has an address. The error number belongs
    // to whatever was interrupted.
    unsafe {
        let errno = *libc::__errno_location();
        let mended = mend((*info).si_addr() as usize);
        *libc::__errno_location() = errno;
        if !mended {
            pass_on(signal, info, context);
        }
    }
}

/// Marks the mapping and puts zeros in the place of the missing page; whether that went well.
fn mend(address: usize) -> bool {
    // SAFETY: the list holds leaked slots only.
    let mut next = unsafe { SLOTS.load(Acquire).as_ref() };
    while let Some(slot) = next {
        if covers(slot.range.load(Acquire), address) {
            slot.faulted.store(true, SeqCst);
            return put_zeros(address);
        }
        next = slot.next;
    }
    false
}

fn put_zeros(address: usize) -> bool {
    let page_bytes = PAGE_BYTES.load(Relaxed);
    let page = address & !(page_bytes - 1);
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the page lies in a mapping that this thread is reading, so its owner is alive, unmaps it
    // as a whole later, and hands out shared references only: zeros are as good as what a file that
    // others cut holds. Nothing of anybody else lies in that page, for mappings begin at pages.
    let put = unsafe { libc::mmap(page as *mut _, page_bytes, libc::PROT_READ, flags, -1, 0) };
    put != libc::MAP_FAILED
}

/// SAFETY: to be called from a handler, with what the system passed to it.
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let before = BEFORE.load(Relaxed);
    if before == libc::SIG_DFL || before == libc::SIG_IGN {
        // SAFETY: setting the default is allowed in a handler. The touch is repeated and ends us.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    } else if BEFORE_TAKES_INFO.load(Relaxed) {
        // SAFETY: the system gave this address for a handler of this type.
        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
            unsafe { std::mem::transmute(before) };
        handler(signal, info, context);
    } else {
        // SAFETY: as above, for the older type.
        let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(before) };
        handler(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    #[test]
    fn a_file_cut_while_mapped_reads_as_zeros_and_is_noticed() {
        let dir = tempfile::tempdir().expect("a directory");
        let page_bytes = rustix::param::page_size();
        let disk = env::real().disk;
        let map = |name: &str| {
            let path = dir.path().join(name);
            let file = disk.create(&path).expect("new");
            file.write_at(&vec![7; page_bytes * 3], 0).expect("written");
            (file, disk.map(&path).expect("mapped"))
        };
        let ((cut, torn), (_, whole)) = (map("cut"), map("whole"));
        assert_eq!((torn[page_bytes * 2], torn.has_faulted()), (7, false));
        cut.cut(page_bytes as u64 + 1).expect("cut");
        assert_eq!((torn[0], torn[page_bytes], torn.has_faulted()), (7, 7, false));
        assert_eq!(torn[page_bytes * 2..].iter().map(|&byte| u64::from(byte)).sum::<u64>(), 0);
        assert!(torn.has_faulted() && !whole.has_faulted());
        assert_eq!(whole.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 21 * page_bytes as u64);
        drop(torn);
        // Its slot is used again, and is clean.
        let (_, next) = map("next");
        assert!(next.iter().all(|&byte| byte == 7) && !next.has_faulted());
    }

    #[test]
    fn ranges_cover_what_they_should() {
        let range = pack(0x7000_1234_5000, 0x2001).expect("ordinary");
        for (address, inside) in [
            (0x7000_1234_4fff, false),
            (0x7000_1234_5000, true),
            (0x7000_1234_7fff, true),
            (0x7000_1234_8000, false),
            (0, false),
        ] {
            assert_eq!(covers(range, address), inside, "{address:x}");
        }
        assert!(!covers(0, 0) && !covers(0, 0x7000_1234_5000));
        assert_eq!(pack(0x1000, 0), None);
        assert_eq!(pack(1 << 60, 1), None);
    }
}
