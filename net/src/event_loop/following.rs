//! Connections follow their senders: where those run, and handing connections from loop to loop.

use super::EventLoop;
use crate::cores;
use crate::following::{Advice, LOOKS, Senders, Stay, View, advise};
use crate::inbox::Message;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Requests between two looks, at the least.
const LOOK_REQUESTS: u32 = 64;
/// Time between two looks, at the least.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Connections of one look: those whose requests came first since the last one.
const LOOK_CONNS: usize = 64;

/// When a loop looks, and what it saw last.
#[derive(Debug)]
pub(super) struct Following {
    requests: u32,
    /// Places of connections that brought them.
    places: Vec<usize>,
    look_at: Duration,
    advice: Advice,
    /// Looks one after the other with that advice.
    looks: u32,
    /// Between two changes of the core.
    stay: Stay,
    /// When the loop last told of itself, and the processor time it had taken by then.
    told: (Duration, Duration),
}

/// A connection that a look found, by its place.
struct Sender {
    place: usize,
    core: usize,
    /// Earlier looks found it there, too.
    settled: bool,
}

impl Default for Following {
    fn default() -> Following {
        Following {
            requests: 0,
            places: Vec::new(),
            look_at: Duration::ZERO,
            advice: Advice::Stay,
            looks: 0,
            stay: Stay::default(),
            told: Default::default(),
        }
    }
}

impl EventLoop {
    /// A request came with a body of so many bytes.
    pub(crate) fn note_sender(&mut self, place: usize, body_bytes: usize) {
        let tie = &mut self.conns[place].tie;
        if tie.counts(body_bytes) && self.loops.all.len() > 1 {
            self.following.requests += 1;
            if tie.note() {
                self.following.places.push(place);
            }
        }
    }

    /// At the end of a turn: has connections served by the loop on their sender's core.
    pub(super) fn follow_senders(&mut self) {
        if self.following.requests < LOOK_REQUESTS {
            return;
        }
        self.following.requests = 0;
        let now = self.now();
        if now < self.following.look_at || self.stopping_since.is_some() {
            return;
        }
        self.following.look_at = now + LOOK_EVERY;
        let own = self.tell_core(now);
        let seen = self.look(own);
        let cores = || seen.iter().map(|sender| sender.core);
        let most = cores().max_by_key(|&core| cores().filter(|&other| other == core).count());
        let Some(most) = most else { return };
        let together = cores().all(|core| core == most);
        let senders = if together { Senders::On(most) } else { Senders::Several };
        self.handle.whereabouts.senders(senders, now);
        let views: Vec<View> = self.loops.all.iter().map(|to| to.whereabouts.view(now)).collect();
        let advice = advise(self.loops.own, most, &views);
        let again = std::mem::replace(&mut self.following.advice, advice) == advice;
        self.following.looks = if again { self.following.looks + 1 } else { 1 };
        self.act(advice, own, &seen, &views, now);
    }

    /// Tells the other loops where this one is and how much of it is taken.
    pub(super) fn tell_core(&mut self, now: Duration) -> usize {
        let (own, taken) = (cores::own(), cores::taken());
        let (then, taken_then) = std::mem::replace(&mut self.following.told, (now, taken));
        let busy = 1000 * (taken - taken_then).as_micros() / (now - then).as_micros().max(1);
        self.handle.whereabouts.tell(own, busy as u32, now);
        own
    }

    /// Connections that brought small requests since the last look, or some of them.
    fn look(&mut self, own: usize) -> Vec<Sender> {
        let mut seen = Vec::new();
        for place in std::mem::take(&mut self.following.places) {
            let Some(conn) = self.conns.get_mut(place) else { continue };
            if conn.tie.look() && seen.len() < LOOK_CONNS {
                let core = cores::of_sender(conn.stream()).unwrap_or(own);
                let settled = conn.tie.saw(core);
                seen.push(Sender { place, core, settled });
            }
        }
        seen
    }

    fn act(&mut self, advice: Advice, own: usize, seen: &[Sender], views: &[View], now: Duration) {
        match advice {
            Advice::Join(to) if self.following.looks >= LOOKS => {
                seen.iter().for_each(|sender| self.hand_over(sender.place, to, now));
                self.handle.whereabouts.senders(Senders::None, now);
            }
            Advice::Go(core) if self.following.looks >= LOOKS && self.following.stay.ends(now) => {
                cores::go_to(core);
                self.handle.whereabouts.went(cores::own());
            }
            Advice::Part | Advice::Go(_) => self.part(own, seen, views, now),
            Advice::Stay | Advice::Join(_) => {}
        }
    }

    fn part(&mut self, own: usize, seen: &[Sender], views: &[View], now: Duration) {
        for sender in seen.iter().filter(|sender| sender.settled && sender.core != own) {
            if let Some(to) = views.iter().position(|view| view.serves(sender.core)) {
                self.hand_over(sender.place, to, now);
            }
        }
    }

    fn hand_over(&mut self, place: usize, to: usize, now: Duration) {
        let conn = &mut self.conns[place];
        // Those that wait for something here are known by their place.
        if conn.queued || !conn.may_take() || !conn.tie.stay.ends(now) {
            return;
        }
        let mut conn = self.conns.remove(place);
        // What comes meanwhile the other loop is told when it registers.
        let _gone = self.poll.registry().deregister(conn.stream());
        self.node.counters.moved_total.fetch_add(1, Relaxed);
        self.loops.all[to].send(Message::Moved(Box::new(conn)));
    }
}
