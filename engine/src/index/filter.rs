//! What a query asks of one label. Pure.
//!
//! A label that a series lacks counts as the empty value everywhere.

pub use super::automaton::Automaton;

use crate::name;
use std::borrow::Cow;

/// A condition on one label.
#[derive(Debug)]
pub struct Filter<'a> {
    /// The label; `__name__` is the metric.
    pub label: &'a [u8],
    /// The values it is about.
    pub values: Values<'a>,
    /// Whether a series passes if its value is one of them, or if it is not.
    pub negated: bool,
}

/// Some values of a label.
#[derive(Debug)]
pub enum Values<'a> {
    /// These.
    Listed(Vec<Cow<'a, [u8]>>),
    /// Those that match a pattern. Each of them begins as one of the starts says.
    Like {
        /// No two of them allow the same value.
        starts: Vec<Start>,
        /// The pattern.
        pattern: &'a dyn Pattern,
    },
}

/// How a value that matches a pattern may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The first bytes.
    pub text: Vec<u8>,
    /// They are the whole value.
    pub whole: bool,
}

/// Decides about values.
pub trait Pattern: std::fmt::Debug {
    /// Whether a value matches.
    fn matches(&self, value: &[u8]) -> bool;

    /// The same as a table, for many values, if it is not too large. To make it may take as long as to
    /// try some thousand values.
    fn automaton(&self) -> Option<&Automaton>;
}

impl Values<'_> {
    /// Whether a value is among them.
    pub fn hold(&self, value: &[u8]) -> bool {
        match self {
            Values::Listed(values) => values.iter().any(|listed| **listed == *value),
            Values::Like { pattern, .. } => pattern.matches(value),
        }
    }
}

impl Filter<'_> {
    /// Whether a series of this name passes.
    pub fn passes(&self, name: &[u8]) -> bool {
        let value = name::value(name, self.label).unwrap_or_default();
        self.values.hold(&value) != self.negated
    }

    /// Whether only values that are looked up in a few steps decide.
    pub(super) fn is_listed(&self) -> bool {
        matches!(self.values, Values::Listed(_))
    }
}
