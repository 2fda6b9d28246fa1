//! The index of a range of ids: one dictionary of `key=value` texts and of the keys themselves.
//!
//! A key is kept escaped, as in a canonical name, so it holds no `=`; the value behind it is plain,
//! so that values sort as their bytes do. A text without `=` is a key, and its series are those
//! that have the label. Every named series has the label of the metric.

use super::dictionary::{Cursor, Dictionary};
use super::filter::{Filter, Start, Values};
use super::posting::{self, Posting};
use crate::name::{METRIC_LABEL, escape};
use crate::types::SeriesId;
use roaring::RoaringBitmap;
use std::ops::Range;

/// From this many values on a pattern is made a table first.
const TABLE_VALUES_MIN: usize = 16 << 10;
/// A name costs about as much as this many values: it is found by id and taken apart.
const VALUES_PER_NAME: usize = 4;
/// The same where values are tried by a table.
const TABLE_VALUES_PER_NAME: usize = 16;

/// See the module. Immutable.
#[derive(Debug)]
pub struct Part {
    /// The ids it covers.
    pub ids: Range<SeriesId>,
    /// The texts.
    pub texts: Dictionary,
}

/// Where the values of a label stand: `key=`.
pub fn values_of(label: &[u8]) -> Vec<u8> {
    let mut text = key_text(label);
    text.push(b'=');
    text
}

fn key_text(label: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(label.len() + 1);
    escape(&mut text, label);
    text
}

impl Part {
    /// Number of ids covered.
    pub fn len(&self) -> u32 {
        self.ids.end - self.ids.start
    }

    /// The series that have a label.
    pub fn present(&self, label: &[u8]) -> RoaringBitmap {
        self.texts.find(&key_text(label)).map(Posting::to_bitmap).unwrap_or_default()
    }

    /// The series that have a name.
    pub fn named(&self) -> RoaringBitmap {
        self.present(METRIC_LABEL)
    }

    /// What it costs to find the values that a filter lists or describes, in names that could be looked at
    /// instead.
    pub fn effort(&self, filter: &Filter<'_>) -> u64 {
        let names = match &filter.values {
            Values::Listed(values) => values.len() / VALUES_PER_NAME,
            Values::Like { starts, .. } => {
                let key = values_of(filter.label);
                let names =
                    |start: &Start| match self.texts.count_near(&[&*key, &start.text].concat()) {
                        values @ TABLE_VALUES_MIN.. => values / TABLE_VALUES_PER_NAME,
                        values => values / VALUES_PER_NAME,
                    };
                starts.iter().map(names).sum()
            }
        };
        names as u64
    }

    /// The series that pass a filter, or those that do not: `true` in front says which. Series
    /// without the label count as those with the empty value; they are never in the set.
    pub fn decide(&self, filter: &Filter<'_>) -> (bool, RoaringBitmap) {
        let mut series = self.with_values(filter);
        let with_empty = filter.values.hold(b"");
        if with_empty {
            series = self.present(filter.label) - series;
        }
        (with_empty == filter.negated, series)
    }

    /// The series that have the label with one of the filter's values.
    fn with_values(&self, filter: &Filter<'_>) -> RoaringBitmap {
        let mut key = values_of(filter.label);
        let len = key.len();
        let mut union = Union::default();
        match &filter.values {
            Values::Listed(values) => {
                for value in values {
                    key.truncate(len);
                    key.extend_from_slice(value);
                    self.texts.find(&key).into_iter().for_each(|posting| union.add(posting));
                }
            }
            Values::Like { starts, pattern } => {
                for start in starts {
                    key.truncate(len);
                    key.extend_from_slice(&start.text);
                    let many = !start.whole && self.texts.count_near(&key) >= TABLE_VALUES_MIN;
                    if let Some(automaton) = many.then(|| pattern.automaton()).flatten() {
                        self.texts.each_accepted(&key, len, automaton, |ids| union.add(ids));
                        continue;
                    }
                    let mut cursor = self.texts.from(&key);
                    while let Some(text) = in_reach(&cursor, &key, start.whole) {
                        if pattern.matches(&text[len..]) {
                            union.add(cursor.posting());
                        }
                        cursor.advance();
                    }
                }
            }
        }
        union.finish()
    }
}

fn in_reach<'a>(cursor: &'a Cursor<'_>, start: &[u8], whole: bool) -> Option<&'a [u8]> {
    cursor.text().filter(|text| if whole { *text == start } else { text.starts_with(start) })
}

/// Collects postings: the small ones first as plain ids, for a bitmap is slow to grow out of order.
#[derive(Default)]
struct Union {
    ids: Vec<SeriesId>,
    many: RoaringBitmap,
}

impl Union {
    fn add(&mut self, posting: Posting<'_>) {
        match posting {
            Posting::Few(_) => posting.append_to(&mut self.ids),
            Posting::Many(bitmap) => self.many |= bitmap,
        }
    }

    fn finish(mut self) -> RoaringBitmap {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.many | posting::bitmap(&self.ids)
    }
}
