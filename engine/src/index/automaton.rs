//! A pattern as a table of states: values in order are tried from where they differ from the one before.
//!
//! A state takes half a kilobyte, one place for each byte, so a step is one look into the table.

use std::collections::HashMap;
use std::hash::Hash;

/// More states than these are not laid out: a table of one megabyte.
const STATES_MAX: usize = 2048;

/// See the module.
#[derive(Debug)]
pub struct Automaton {
    /// Where each byte leads from each state; the first state is that before all bytes.
    steps: Vec<[u16; 256]>,
    /// Whether a value may end in a state.
    accepts: Vec<bool>,
}

impl Automaton {
    /// Lays out all states that can be reached, unless they are too many.
    pub fn explore<S: Copy + Eq + Hash>(
        start: S,
        step: impl Fn(S, u8) -> S,
        accepts: impl Fn(S) -> bool,
    ) -> Option<Automaton> {
        let (mut states, mut numbers) = (vec![start], HashMap::from([(start, 0u16)]));
        let mut built = Automaton { steps: Vec::new(), accepts: Vec::new() };
        while let Some(&state) = states.get(built.steps.len()) {
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
            built.steps.push(steps);
            built.accepts.push(accepts(state));
        }
        Some(built)
    }
}

/// The states of an automaton along a value: behind none of its bytes, behind the first, and so on.
#[derive(Debug)]
pub struct Trace<'a> {
    automaton: &'a Automaton,
    states: Vec<u16>,
}

impl<'a> Trace<'a> {
    /// Before any value.
    pub fn new(automaton: &'a Automaton) -> Trace<'a> {
        Trace { automaton, states: vec![0] }
    }

    /// Goes to the value that begins with the first `shared` bytes of the last one and ends with `rest`;
    /// whether it is accepted.
    #[inline]
    pub fn accepts(&mut self, shared: usize, rest: &[u8]) -> bool {
        let (steps, end) = (&self.automaton.steps[..], shared + rest.len());
        if self.states.len() <= end {
            self.states.resize(end + 1, 0);
        }
        let mut state = self.states[shared];
        for (slot, &byte) in self.states[shared + 1..].iter_mut().zip(rest) {
            state = steps[usize::from(state)][usize::from(byte)];
            *slot = state;
        }
        self.automaton.accepts[usize::from(state)]
    }
}
