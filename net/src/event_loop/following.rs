//! Connections follow their senders: where those run, and handing connections from loop to loop.

use super::EventLoop;
use crate::cores;
use crate::following::{Advice, LOOKS, Senders, View, advise};
use crate::inbox::Message;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Requests between two looks, at the least.
const LOOK_REQUESTS: u32 = 64;
/// Time between two looks, at the least.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Connections of one look: the others have their turn in the next ones.
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
            looks: 0,
            advice: Advice::Stay,
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
        let own = cores::own();
        let seen = self.look(own);
        let cores = || seen.iter().map(|sender| sender.core);
        let most = cores().max_by_key(|&core| cores().filter(|&other| other == core).count());
        let Some(most) = most else { return };
        let together = cores().all(|core| core == most);
        let whereabouts = &self.handle.whereabouts;
        whereabouts.core(own);
        whereabouts.senders(if together { Senders::On(most) } else { Senders::Several }, now);
        let views: Vec<View> = self.loops.all.iter().map(|to| to.whereabouts.view(now)).collect();
        let advice = advise(self.loops.own, most, &views);
        let again = std::mem::replace(&mut self.following.advice, advice) == advice;
        self.following.looks = if again { self.following.looks + 1 } else { 1 };
        self.act(advice, &seen, &views, now);
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

    fn act(&mut self, advice: Advice, seen: &[Sender], views: &[View], now: Duration) {
        match advice {
            Advice::Stay => {}
            Advice::Join(to) => {
                seen.iter().for_each(|sender| self.hand_over(sender.place, to, now));
                self.handle.whereabouts.senders(Senders::None, now);
            }
            Advice::Part => {
                let own = views[self.loops.own].core;
                for sender in seen.iter().filter(|sender| sender.settled && sender.core != own) {
                    if let Some(to) = views.iter().position(|view| view.core == sender.core) {
                        self.hand_over(sender.place, to, now);
                    }
                }
            }
            Advice::Go(core) if self.following.looks >= LOOKS => {
                self.following.looks = 0;
                cores::go_to(core);
                self.handle.whereabouts.core(cores::own());
            }
            Advice::Go(_) => {}
        }
    }

    fn hand_over(&mut self, place: usize, to: usize, now: Duration) {
        let conn = &mut self.conns[place];
        // Those that wait for something here are known by their place.
        if conn.queued || !conn.may_take() || !conn.tie.may_move(now) {
            return;
        }
        let mut conn = self.conns.remove(place);
        // What comes meanwhile the other loop is told when it registers.
        let _gone = self.poll.registry().deregister(conn.stream());
        self.node.counters.moved_total.fetch_add(1, Relaxed);
        self.loops.all[to].send(Message::Moved(Box::new(conn)));
    }
}
