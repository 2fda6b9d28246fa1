//! Series selectors: what `match[]` and `extra_filters[]` ask for, parsed and ready to match.
//!
//! The grammar is the one VictoriaMetrics takes on `/api/v1/export`: a plain series selector with
//! `or` groups; functions, ranges and `WITH` templates are refused. A selector is an OR of groups,
//! a group an AND of matchers, and a label a series lacks counts as the empty string everywhere.
//! The metric name is the label `__name__`. Text arrives from the network, so the number and the
//! compiled size of regular expressions are bounded.

use std::fmt;

mod filters;
mod lexer;
mod parser;
mod pattern;
mod re2;
#[cfg(test)]
mod tests;
mod text;

pub use pattern::Pattern;

/// Label that holds the metric name.
pub const NAME_LABEL: &str = "__name__";

/// Characters of the remaining text an error shows.
const REST_CHARS_MAX: usize = 40;

/// An OR of groups of matchers; neither the selector nor a group is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// A series is selected when all matchers of one group hold.
    pub groups: Vec<Vec<Matcher>>,
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// Label name, [`NAME_LABEL`] for the metric.
    pub label: String,
    /// What its value has to be.
    pub op: Op,
}

/// Condition on a value; a missing label has the empty value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// `=`; an empty string selects series without the label.
    Equal(String),
    /// `!=`
    NotEqual(String),
    /// `=~`, the whole value.
    Match(Pattern),
    /// `!~`, the whole value.
    NotMatch(Pattern),
}

impl Matcher {
    /// Whether a series whose label has this value passes.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let value = value.unwrap_or("");
        match &self.op {
            Op::Equal(wanted) => value == wanted,
            Op::NotEqual(refused) => value != refused,
            Op::Match(pattern) => pattern.is_match(value),
            Op::NotMatch(pattern) => !pattern.is_match(value),
        }
    }

    /// The metric name, if this matcher pins it.
    fn pinned_name(&self) -> Option<&str> {
        match &self.op {
            Op::Equal(name) if self.label == NAME_LABEL && !name.is_empty() => Some(name),
            _ => None,
        }
    }
}

impl Selector {
    /// Whether a series passes; `get` returns the value of a label.
    pub fn matches<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.groups
            .iter()
            .any(|group| group.iter().all(|matcher| matcher.matches(get(&matcher.label))))
    }

    /// Adds a condition that every selected series has to meet.
    pub fn and(&mut self, extra: &Matcher) {
        for group in &mut self.groups {
            if !group.contains(extra) {
                group.push(extra.clone());
            }
        }
    }

    /// The metric name, when every group pins the same one.
    pub fn exact_name(&self) -> Option<&str> {
        let mut names = self.groups.iter().map(|group| pinned_name(group));
        let first = names.next()??;
        names.all(|name| name == Some(first)).then_some(first)
    }
}

fn pinned_name(group: &[Matcher]) -> Option<&str> {
    group.iter().find_map(Matcher::pinned_name)
}

/// Why a selector was refused; shows as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectError {
    /// What was wrong.
    pub reason: String,
    /// Where in the text, in bytes.
    pub offset: usize,
    /// The text from there on, cut off when long.
    pub rest: String,
}

impl SelectError {
    /// `offset` is a character boundary of `text`.
    fn new(text: &str, offset: usize, reason: impl Into<String>) -> Self {
        let rest = text.get(offset..).unwrap_or("").chars().take(REST_CHARS_MAX).collect();
        Self { reason: reason.into(), offset, rest }
    }
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, offset, rest } = self;
        match rest.is_empty() {
            true => write!(f, "{reason} at byte {offset}, the end"),
            false => write!(f, "{reason} at byte {offset}, here: {rest:?}"),
        }
    }
}

impl std::error::Error for SelectError {}

/// Parses one selector.
///
/// # Errors
/// When the text is not a plain series selector, a regular expression is invalid or too large, or
/// the metric name is set to two values in one group.
pub fn parse(text: &str) -> Result<Selector, SelectError> {
    parser::Parser::new(text)?.selector()
}
