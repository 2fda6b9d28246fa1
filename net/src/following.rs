//! Which loop serves the connections of senders on this machine: the one on the sender's core.
//!
//! An answer wakes its sender, and the next request the loop. Across cores each of these is an
//! interrupt; on one core the two take turns. One sender with many connections is
//! another matter: it keeps a core busy by itself, and one loop that has them all takes more at once.
//!
//! Only the decision stands here; `event_loop/following.rs` looks and acts, `cores` asks the kernel.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// What was told longer ago counts no more.
const FRESH_FOR: Duration = Duration::from_millis(100);
/// A loop tells of itself at every tick, unless it hangs or has ended.
const ALIVE_FOR: Duration = Duration::from_millis(600);
/// How long a stay lasts at first, and at the most.
const STAY_LEAST: Duration = Duration::from_millis(10);
const STAY_MOST: Duration = Duration::from_secs(10);
/// Thousandths of a core that a loop may be taken by, all its connections together. A little more than one is
/// measured where there is one, for two loops do not look at the same time.
const BUSY_MOST: u32 = 1150;
/// A loop that is taken by more has no time for others' connections.
const BUSY_WITH_OTHERS: u32 = 900;
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
    /// The core it was seen on, if it is alive.
    pub core: Option<usize>,
    /// Thousandths of a core that it takes.
    pub busy: u32,
    /// Its senders.
    pub senders: Senders,
}

impl View {
    /// Whether it is on this core and has time for connections of senders there.
    pub fn serves(&self, core: usize) -> bool {
        self.core == Some(core) && self.busy <= BUSY_WITH_OTHERS
    }
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
    let View { core, busy, senders } = views[own];
    let there = |wanted: usize| views.iter().find(|view| view.core == Some(wanted));
    let beside = |counts: &dyn Fn(usize, Senders) -> bool| {
        let mut others = views.iter().enumerate().filter(|(index, _)| *index != own);
        others.any(|(index, view)| view.core == core && counts(index, view.senders))
    };
    match senders {
        Senders::None => Advice::Stay,
        // One sender most likely, or several that are not in each other's way.
        Senders::On(sender) => {
            let joins = |view: &View| view.senders == senders && view.busy + busy <= BUSY_MOST;
            if let Some(first) = views[..own].iter().position(joins) {
                return Advice::Join(first);
            }
            let in_the_way = |other: Senders| other != Senders::None && other != senders;
            match there(sender) {
                _ if core == Some(sender) => Advice::Stay,
                Some(view) if in_the_way(view.senders) => Advice::Part,
                None if beside(&|_, other| in_the_way(other)) => Advice::Go(sender),
                _ => Advice::Stay,
            }
        }
        // Of loops with senders the first stays where it is.
        Senders::Several => {
            let goes = |index, other| index < own || other == Senders::None;
            if there(most).is_none() && beside(&goes) { Advice::Go(most) } else { Advice::Part }
        }
    }
}

/// Where a loop tells the others of itself. Written by that loop some hundred times a second at the most.
#[derive(Debug, Default)]
pub struct Whereabouts {
    core: AtomicUsize,
    busy: AtomicU32,
    /// 0: never told.
    told_ms: AtomicU64,
    /// 0: none, 1: several, else a core and 2.
    senders: AtomicUsize,
    looked_ms: AtomicU64,
}

impl Whereabouts {
    /// The loop is on this core and takes so many thousandths of it.
    pub fn tell(&self, core: usize, busy: u32, now: Duration) {
        self.core.store(core, Relaxed);
        self.busy.store(busy, Relaxed);
        self.told_ms.store(now.as_millis() as u64 + 1, Relaxed);
    }

    /// It is on another core now.
    pub fn went(&self, core: usize) {
        self.core.store(core, Relaxed);
    }

    /// It takes no connections any more.
    pub fn leave(&self) {
        self.told_ms.store(0, Relaxed);
        self.senders.store(0, Relaxed);
    }

    /// Its senders are there.
    pub fn senders(&self, senders: Senders, now: Duration) {
        let number = match senders {
            Senders::None => 0,
            Senders::Several => 1,
            Senders::On(core) => core + 2,
        };
        self.senders.store(number, Relaxed);
        self.looked_ms.store(now.as_millis() as u64, Relaxed);
    }

    /// What it told last, as far as that still holds.
    pub fn view(&self, now: Duration) -> View {
        let (told_ms, now_ms) = (self.told_ms.load(Relaxed), now.as_millis() as u64);
        let alive = told_ms > 0 && now_ms < told_ms + ALIVE_FOR.as_millis() as u64;
        let fresh = now_ms <= self.looked_ms.load(Relaxed) + FRESH_FOR.as_millis() as u64;
        let senders = match self.senders.load(Relaxed) {
            0 => Senders::None,
            _ if !fresh || !alive => Senders::None,
            1 => Senders::Several,
            number => Senders::On(number - 2),
        };
        let core = alive.then(|| self.core.load(Relaxed));
        View { core, busy: self.busy.load(Relaxed), senders }
    }
}

/// How long to stay after a change: each time twice as long, up to a bound.
#[derive(Debug, Clone, Copy)]
pub struct Stay {
    until: Duration,
    next: Duration,
}

impl Default for Stay {
    fn default() -> Stay {
        Stay { until: Duration::ZERO, next: STAY_LEAST }
    }
}

impl Stay {
    /// Whether there may be a change now; then the next stay begins.
    pub fn ends(&mut self, now: Duration) -> bool {
        if now < self.until {
            return false;
        }
        self.until = now + self.next;
        self.next = (self.next * 2).min(STAY_MOST);
        true
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
    /// Between two moves.
    pub stay: Stay,
}

impl Tie {
    /// Of a connection just accepted.
    pub fn new(local: bool) -> Tie {
        Tie { local, active: false, core: usize::MAX, looks: 0, stay: Stay::default() }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use Senders::{None as Idle, On, Several};

    use Advice::{Go, Join, Part, Stay};

    /// The advice for each of the loops that are on these cores with these senders.
    fn all<const LOOPS: usize>(views: [(usize, Senders, usize); LOOPS]) -> [Advice; LOOPS] {
        let seen = views.map(|(core, senders, _)| View { core: Some(core), busy: 500, senders });
        std::array::from_fn(|own| advise(own, views[own].2, &seen))
    }

    #[test]
    fn loops_of_one_sender_become_one_and_it_stays() {
        assert_eq!(all([(0, On(1), 1), (1, On(1), 1)]), [Stay, Join(0)]);
        assert_eq!(all([(0, On(1), 1), (0, On(1), 1)]), [Stay, Join(0)]);
        assert_eq!(all([(0, On(1), 1), (1, Idle, 0)]), [Stay, Stay]);
        assert_eq!(all([(0, On(0), 0), (1, Idle, 0)]), [Stay, Stay]);
    }

    #[test]
    fn loops_that_one_core_cannot_carry_stay_two() {
        let view = |core, busy| View { core: Some(core), busy, senders: On(1) };
        assert_eq!(advise(1, 1, &[view(0, 575), view(1, 575)]), Join(0));
        assert_eq!(advise(1, 1, &[view(0, 575), view(1, 576)]), Stay);
        assert_eq!(advise(2, 1, &[view(0, 800), view(1, 700), view(2, 400)]), Join(1));
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
    fn loops_with_much_to_do_or_none_left_are_handed_nothing() {
        let view = |core, busy| View { core, busy, senders: Idle };
        assert!(view(Some(3), BUSY_WITH_OTHERS).serves(3));
        assert!(!view(Some(3), BUSY_WITH_OTHERS + 1).serves(3));
        assert!(!view(Some(2), 0).serves(3));
        assert!(!view(None, 0).serves(3));
    }

    #[test]
    fn what_was_told_long_ago_counts_no_more() {
        let (told, now) = (Whereabouts::default(), Duration::from_secs(5));
        let nothing = View { core: None, busy: 0, senders: Idle };
        assert_eq!(told.view(now), nothing);
        assert_eq!(told.view(Duration::ZERO), nothing);
        told.tell(3, 70, now);
        let tick = Duration::from_millis(1);
        for senders in [Several, On(0), On(7)] {
            told.senders(senders, now);
            let here = View { core: Some(3), busy: 70, senders };
            assert_eq!(told.view(now + FRESH_FOR), here);
            assert_eq!(told.view(now + FRESH_FOR + tick), View { senders: Idle, ..here });
        }
        assert_eq!(told.view(now + ALIVE_FOR).core, Some(3));
        assert_eq!(told.view(now + ALIVE_FOR + tick).core, None);
        told.leave();
        assert_eq!(told.view(now), View { busy: 70, ..nothing });
    }

    #[test]
    fn stays_become_longer_up_to_ten_seconds() {
        let mut stay = super::Stay::default();
        let at = |tick: u32| Duration::from_millis(10) * tick;
        let ends: Vec<u32> = (0..4000).filter(|&tick| stay.ends(at(tick))).collect();
        assert_eq!(ends, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2023, 3023]);
    }

    #[test]
    fn small_requests_from_this_machine_count() {
        assert!(Tie::new(true).counts(SMALL_BYTES));
        assert!(!Tie::new(true).counts(SMALL_BYTES + 1));
        assert!(!Tie::new(false).counts(1));
    }
}
