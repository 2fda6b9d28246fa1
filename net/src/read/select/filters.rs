//! Selectors as the questions that the index answers.

use super::{Matcher, Op, Pattern, Selector};
use irontsd_engine::index::Group;
use irontsd_engine::index::filter::{Filter, Values};
use std::borrow::Cow;

impl Selector {
    /// One group of filters for each of its own. Matchers that every series passes are left out,
    /// so a group may be empty.
    pub fn filters(&self) -> impl Iterator<Item = Group<'_>> {
        self.groups.iter().map(|group| group.iter().filter_map(Matcher::filter).collect())
    }
}

impl Matcher {
    fn filter(&self) -> Option<Filter<'_>> {
        let (values, negated) = match &self.op {
            Op::Equal(value) => (listed(value), false),
            Op::NotEqual(value) => (listed(value), true),
            Op::Match(pattern) if pattern.as_str() == ".*" => return None,
            Op::Match(pattern) if pattern.as_str() == ".+" => (listed(""), true),
            Op::NotMatch(pattern) if pattern.as_str() == ".+" => (listed(""), false),
            Op::Match(pattern) => (like(pattern), false),
            Op::NotMatch(pattern) => (like(pattern), true),
        };
        Some(Filter { label: self.label.as_bytes(), values, negated })
    }
}

fn listed(value: &str) -> Values<'_> {
    Values::Listed(vec![Cow::Borrowed(value.as_bytes())])
}

fn like(pattern: &Pattern) -> Values<'_> {
    match pattern.literals() {
        Some(values) => {
            Values::Listed(values.into_iter().map(|value| Cow::Owned(value.into_bytes())).collect())
        }
        None => Values::Like { starts: pattern.starts(), pattern },
    }
}
