//! Which loop serves the connections of senders on this machine: the one on the sender's core.
//!
//! An answer wakes its sender, and the next request the loop. Across cores each of these is an
//! interrupt; on one core the two take turns. One sender with many connections is
//! another matter: it keeps a core busy by itself, and one loop that has them all takes more at once.
//!
//! Only the decision stands here; `event_loop/following.rs` looks and acts, `cores` asks the kernel.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// What was told longer ago counts no more.
const FRESH_FOR: Duration = Duration::from_millis(100);
/// How long a connection stays after its first move.
const STAY_LEAST: Duration = Duration::from_millis(10);
/// Looks that must agree before a sender is taken to be where they found it.
pub const LOOKS: u32 = 2;
/// Larger bodies cost a loop more than their sender, which may want more than one.
const SMALL_BYTES: usize = 8 << 10;

/// On which cores a loop's senders were seen when it last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Senders {
    /// It has none that send small requests all the time.
    None,
    /// All on this one.
    On(usize),
    /// On several.
    Several,
}

/// What a loop knows of another, and of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The core it was seen on.
    pub core: usize,
    /// Its senders.
    pub senders: Senders,
}

/// What a loop should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Nothing.
    Stay,
    /// Hand the connections to this loop.
    Join(usize),
    /// Hand connections whose senders are on other cores to the loops there.
    Part,
    /// Go to this core.
    Go(usize),
}

/// What the loop `own` should do for its senders, most of which are on the core `most`.
pub fn advise(own: usize, most: usize, views: &[View]) -> Advice {
    let View { core, senders } = views[own];
    let there = |wanted: usize| views.iter().find(|view| view.core == wanted);
    let mut beside =
        views.iter().enumerate().filter(|(index, view)| *index != own && view.core == core);
    match senders {
        Senders::None => Advice::Stay,
        // One sender most likely, or several that are not in each other's way.
        Senders::On(sender) => {
            if let Some(first) = views[..own].iter().position(|view| view.senders == senders) {
                return Advice::Join(first);
            }
            let in_the_way = |other: Senders| other != Senders::None && other != senders;
            match there(sender) {
                _ if sender == core => Advice::Stay,
                Some(view) if in_the_way(view.senders) => Advice::Part,
                None if beside.any(|(_, view)| in_the_way(view.senders)) => Advice::Go(sender),
                _ => Advice::Stay,
            }
        }
        // Of loops with senders the first stays where it is.
        Senders::Several => {
            let goes = beside.any(|(index, view)| index < own || view.senders == Senders::None);
            if goes && there(most).is_none() { Advice::Go(most) } else { Advice::Part }
        }
    }
}

/// Where a loop tells the others of itself. Written by that loop some hundred times a second at the most.
#[derive(Debug)]
pub struct Whereabouts {
    core: AtomicUsize,
    /// 0: none, 1: several, else a core and 2.
    senders: AtomicUsize,
    at_ms: AtomicU64,
}

impl Default for Whereabouts {
    fn default() -> Whereabouts {
        let (core, senders) = (AtomicUsize::new(usize::MAX), AtomicUsize::new(0));
        Whereabouts { core, senders, at_ms: AtomicU64::new(0) }
    }
}

impl Whereabouts {
    /// The loop is on this core.
    pub fn core(&self, core: usize) {
        self.core.store(core, Relaxed);
    }

    /// Its senders are there.
    pub fn senders(&self, senders: Senders, now: Duration) {
        let number = match senders {
            Senders::None => 0,
            Senders::Several => 1,
            Senders::On(core) => core + 2,
        };
        self.senders.store(number, Relaxed);
        self.at_ms.store(now.as_millis() as u64, Relaxed);
    }

    /// What it tells.
    pub fn view(&self, now: Duration) -> View {
        let told = Duration::from_millis(self.at_ms.load(Relaxed));
        let senders = match self.senders.load(Relaxed) {
            _ if now > told + FRESH_FOR => Senders::None,
            0 => Senders::None,
            1 => Senders::Several,
            number => Senders::On(number - 2),
        };
        View { core: self.core.load(Relaxed), senders }
    }
}

/// What a connection brings to the question which loop serves it.
#[derive(Debug, Clone, Copy)]
pub struct Tie {
    /// Its sender runs on this machine.
    local: bool,
    /// It brought small requests since its loop last looked.
    active: bool,
    /// The core of its sender, and in how many looks one after the other it was that.
    core: usize,
    looks: u32,
    /// It stays where it is until then.
    stays_until: Duration,
    /// Each stay is twice as long as the one before: who moves for ever gains nothing.
    stay: Duration,
}

impl Tie {
    /// Of a connection just accepted.
    pub fn new(local: bool) -> Tie {
        Tie {
            local,
            active: false,
            core: usize::MAX,
            looks: 0,
            stays_until: Duration::ZERO,
            stay: STAY_LEAST,
        }
    }

    /// Whether a request with a body of so many bytes counts.
    pub fn counts(&self, body_bytes: usize) -> bool {
        self.local && body_bytes <= SMALL_BYTES
    }

    /// Such a request came; whether it is the first since the last look.
    pub fn note(&mut self) -> bool {
        !std::mem::replace(&mut self.active, true)
    }

    /// Whether such requests came since the last look, which this is.
    pub fn look(&mut self) -> bool {
        std::mem::take(&mut self.active)
    }

    /// A look found its sender on this core; whether it has been there for some looks.
    pub fn saw(&mut self, core: usize) -> bool {
        self.looks = if self.core == core { self.looks + 1 } else { 1 };
        self.core = core;
        self.looks >= LOOKS
    }

    /// Whether it may move now; then it stays a while.
    pub fn may_move(&mut self, now: Duration) -> bool {
        if now < self.stays_until {
            return false;
        }
        self.stays_until = now + self.stay;
        self.stay *= 2;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Senders::{None as Idle, On, Several};

    /// The advice for each of the loops that are on these cores with these senders.
    fn all<const LOOPS: usize>(views: [(usize, Senders, usize); LOOPS]) -> [Advice; LOOPS] {
        let seen = views.map(|(core, senders, _)| View { core, senders });
        std::array::from_fn(|own| advise(own, views[own].2, &seen))
    }

    use Advice::{Go, Join, Part, Stay};

    #[test]
    fn loops_of_one_sender_become_one_and_it_stays() {
        assert_eq!(all([(0, On(1), 1), (1, On(1), 1)]), [Stay, Join(0)]);
        assert_eq!(all([(0, On(1), 1), (0, On(1), 1)]), [Stay, Join(0)]);
        assert_eq!(all([(0, On(1), 1), (1, Idle, 0)]), [Stay, Stay]);
        assert_eq!(all([(0, On(0), 0), (1, Idle, 0)]), [Stay, Stay]);
    }

    #[test]
    fn loops_with_each_others_senders_part_with_them() {
        assert_eq!(all([(0, On(1), 1), (1, On(0), 0)]), [Part, Part]);
        assert_eq!(all([(0, On(1), 1), (1, Several, 0)]), [Part, Part]);
        assert_eq!(all([(0, On(0), 0), (1, On(1), 1)]), [Stay, Stay]);
    }

    #[test]
    fn of_loops_on_one_core_one_goes_to_the_senders() {
        assert_eq!(all([(0, Several, 1), (0, Several, 1)]), [Part, Go(1)]);
        assert_eq!(all([(0, Several, 1), (0, Idle, 0)]), [Go(1), Stay]);
        assert_eq!(all([(0, On(1), 1), (0, On(0), 0)]), [Go(1), Stay]);
        assert_eq!(all([(0, Several, 0), (0, Several, 0)]), [Part, Part]);
    }

    #[test]
    fn what_was_told_long_ago_counts_no_more() {
        let (whereabouts, now) = (Whereabouts::default(), Duration::from_secs(5));
        assert_eq!(whereabouts.view(now), View { core: usize::MAX, senders: Idle });
        whereabouts.core(3);
        for senders in [Several, On(0), On(7)] {
            whereabouts.senders(senders, now);
            assert_eq!(whereabouts.view(now + FRESH_FOR), View { core: 3, senders });
            let later = now + FRESH_FOR + Duration::from_millis(1);
            assert_eq!(whereabouts.view(later), View { core: 3, senders: Idle });
        }
    }

    #[test]
    fn a_connection_moves_ever_more_rarely() {
        let mut tie = Tie::new(true);
        let moves: Vec<u32> =
            (0..1000).filter(|&tick| tie.may_move(Duration::from_millis(10) * tick)).collect();
        assert_eq!(moves, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511]);
    }

    #[test]
    fn small_requests_from_this_machine_count() {
        assert!(Tie::new(true).counts(SMALL_BYTES));
        assert!(!Tie::new(true).counts(SMALL_BYTES + 1));
        assert!(!Tie::new(false).counts(1));
    }
}
