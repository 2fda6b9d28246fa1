//! A pattern as a table of states: values in order are tried from where they differ from the one before.
//!
//! A state takes half a kilobyte, one place for each byte, so a step is one look into the table.

use std::collections::HashMap;
use std::hash::Hash;

/// More states than these are not laid out: a table of one megabyte.
const STATES_MAX: usize = 2048;
/// Depths that two lengths of one byte reach together, and one more.
const NARROW: usize = 512;

/// See the module.
#[derive(Debug)]
pub struct Automaton {
    /// Where each byte leads from each state.
    steps: Vec<[u16; 256]>,
    /// The state before all bytes.
    start: u16,
    /// From this state on a value may end: such states come last.
    accepting: u16,
}

impl Automaton {
    /// Lays out all states that can be reached, unless they are too many.
    pub fn explore<S: Copy + Eq + Hash>(
        start: S,
        step: impl Fn(S, u8) -> S,
        accepts: impl Fn(S) -> bool,
    ) -> Option<Automaton> {
        let (mut states, mut numbers) = (vec![start], HashMap::from([(start, 0u16)]));
        let mut all = Vec::new();
        while let Some(&state) = states.get(all.len()) {
            let mut steps = [0; 256];
            for (byte, slot) in (0..=u8::MAX).zip(&mut steps) {
                let next = step(state, byte);
                *slot = *numbers.entry(next).or_insert_with(|| {
                    states.push(next);
                    (states.len() - 1) as u16
                });
            }
            if states.len() > STATES_MAX {
                return None;
            }
            all.push(steps);
        }
        let accepts: Vec<bool> = states.into_iter().map(accepts).collect();
        Some(sorted(&all, &accepts))
    }

    /// Whether a value is accepted.
    pub fn accepts(&self, value: &[u8]) -> bool {
        value.iter().fold(self.start, |state, &byte| self.step(state, byte)) >= self.accepting
    }

    #[inline]
    fn step(&self, state: u16, byte: u8) -> u16 {
        self.steps[usize::from(state)][usize::from(byte)]
    }
}

/// States that accept are moved behind all others.
fn sorted(all: &[[u16; 256]], accepts: &[bool]) -> Automaton {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&state| accepts[state]);
    let mut places = vec![0; all.len()];
    order.iter().zip(0..).for_each(|(&state, place)| places[state] = place);
    let moved = |state: &usize| all[*state].map(|next| places[usize::from(next)]);
    let accepting = accepts.iter().filter(|accepts| !**accepts).count() as u16;
    Automaton { steps: order.iter().map(moved).collect(), start: places[0], accepting }
}

/// The states of an automaton along a text: behind its key, behind the next byte, and so on.
#[derive(Debug)]
pub struct Trace<'a> {
    automaton: &'a Automaton,
    key: usize,
    /// By how many bytes of the text lie before them.
    states: Vec<u16>,
    /// Known are those from the key up to here.
    end: usize,
}

impl<'a> Trace<'a> {
    /// Behind the key, which all texts begin with: so many bytes.
    pub fn new(automaton: &'a Automaton, key: usize) -> Trace<'a> {
        let mut states = vec![0; NARROW.max(key + 1)];
        states[key] = automaton.start;
        Trace { automaton, key, states, end: key }
    }

    /// Whether a text is accepted that begins with the first `shared` bytes of the last one.
    pub fn accepts_whole(&mut self, shared: usize, text: &[u8]) -> bool {
        let known = shared.min(self.end).max(self.key);
        self.accepts(known, &text[known..])
    }

    /// Whether a text is accepted that begins with the first `shared` bytes of the last one and ends with
    /// `rest`. The key is in what is shared.
    pub fn accepts(&mut self, shared: usize, rest: &[u8]) -> bool {
        self.end = shared + rest.len();
        if self.states.len() <= self.end {
            self.states.resize(self.end + 1, 0);
        }
        let mut state = self.states[shared];
        for (slot, &byte) in self.states[shared + 1..].iter_mut().zip(rest) {
            state = self.automaton.step(state, byte);
            *slot = state;
        }
        state >= self.automaton.accepting
    }

    /// The same of some texts, at most 32, a bit for each; their rests stand end to end.
    pub fn accept_each(&mut self, shared: &[u8], lengths: &[u8], mut rests: &[u8]) -> u32 {
        let Automaton { steps, accepting, .. } = self.automaton;
        let Some(states) = self.states.first_chunk_mut::<NARROW>() else { return 0 };
        let (mut accepted, mut depth) = (0, self.end);
        for (number, (&shared, &length)) in shared.iter().zip(lengths).enumerate() {
            depth = usize::from(shared);
            let mut state = states[depth];
            let rest;
            (rest, rests) = rests.split_at(usize::from(length));
            for &byte in rest {
                state = steps[usize::from(state)][usize::from(byte)];
                depth += 1;
                states[depth % NARROW] = state;
            }
            accepted |= u32::from(state >= *accepting) << number;
        }
        self.end = depth;
        accepted
    }
}
