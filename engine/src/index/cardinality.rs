//! Where the series come from: labels and values by how many series they have. One walk over the
//! texts of all parts; what is held is what is answered.

use super::Index;
use super::merge::Merge;
use super::posting::{Posting, bitmap};
use crate::name::{METRIC_LABEL, unescape};
use crate::series::Registry;
use crate::types::SeriesId;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A text and a number that belongs to it.
pub type Counted = (Vec<u8>, u64);

/// See the module. Each list begins with the largest number.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Series looked at.
    pub series: u64,
    /// Labels of all of them, the metric's included.
    pub pairs: u64,
    /// Metrics by series.
    pub metrics: Vec<Counted>,
    /// Label names by series.
    pub labels: Vec<Counted>,
    /// Values of the label in focus by series.
    pub focus: Vec<Counted>,
    /// `label=value` by series.
    pub label_values: Vec<Counted>,
    /// Label names by values.
    pub values_of_labels: Vec<Counted>,
}

/// The largest so far; among equals those whose texts come first.
struct Top {
    most: usize,
    /// The smallest is at the top.
    kept: BinaryHeap<Reverse<(u64, Reverse<Vec<u8>>)>>,
}

impl Top {
    fn new(most: usize) -> Top {
        Top { most, kept: BinaryHeap::new() }
    }

    /// Texts are offered in no order; one is made only if it may be kept.
    fn offer(&mut self, count: u64, text: impl FnOnce() -> Vec<u8>) {
        let full = self.kept.len() == self.most;
        if full && self.kept.peek().is_none_or(|Reverse((least, _))| count < *least) {
            return;
        }
        self.kept.push(Reverse((count, Reverse(text()))));
        if full {
            self.kept.pop();
        }
    }

    fn finish(self) -> Vec<Counted> {
        let sorted = self.kept.into_sorted_vec().into_iter();
        sorted.map(|Reverse((count, Reverse(text)))| (text, count)).collect()
    }
}

impl Index {
    /// Counts the series known now, or those of them that are among some, ascending; lists have `most` items.
    pub fn cardinality(
        &self,
        registry: &Registry,
        among: Option<&[SeriesId]>,
        most: usize,
        focus: Option<&[u8]>,
    ) -> Cardinality {
        self.extend(registry);
        let among = among.map(bitmap);
        let view = self.view();
        let mut merge = Merge::from(&view.0, b"");
        let mut found = Cardinality::default();
        let [mut metrics, mut labels, mut in_focus, mut label_values, mut values_of_labels] =
            [(); 5].map(|()| Top::new(most));
        // Values of one key follow each other: `key=`, and how many there were.
        let (mut key, mut values) = (Vec::new(), 0);
        while let Some(text) = merge.text() {
            let count = merge.postings().map(|posting| count(posting, among.as_ref())).sum::<u64>();
            let pair = if text.starts_with(&key) && !key.is_empty() {
                Some(key.len())
            } else {
                memchr::memchr(b'=', text).map(|at| at + 1)
            };
            let Some(cut) = pair else {
                if count > 0 {
                    labels.offer(count, || unescape(text).into_owned());
                }
                merge.advance();
                continue;
            };
            if key != text[..cut] {
                finish_key(&mut values_of_labels, &key, values);
                (key, values) = (text[..cut].to_vec(), 0);
            }
            if count > 0 {
                let (label, value) = (unescape(&key[..cut - 1]), &text[cut..]);
                values += 1;
                found.pairs += count;
                label_values.offer(count, || [&label, &b"="[..], value].concat());
                if key[..cut - 1] == *METRIC_LABEL {
                    found.series += count;
                    metrics.offer(count, || value.to_vec());
                }
                if focus == Some(&label) {
                    in_focus.offer(count, || value.to_vec());
                }
            }
            merge.advance();
        }
        finish_key(&mut values_of_labels, &key, values);
        found.metrics = metrics.finish();
        found.labels = labels.finish();
        found.focus = in_focus.finish();
        found.label_values = label_values.finish();
        found.values_of_labels = values_of_labels.finish();
        found
    }
}

fn finish_key(top: &mut Top, key: &[u8], values: u64) {
    if values > 0 {
        top.offer(values, || unescape(&key[..key.len() - 1]).into_owned());
    }
}

fn count(posting: Posting<'_>, among: Option<&RoaringBitmap>) -> u64 {
    match (posting, among) {
        (posting, None) => posting.len(),
        (Posting::Many(bitmap), Some(among)) => bitmap.intersection_len(among),
        (posting, Some(among)) => posting.ids().filter(|&id| among.contains(id)).count() as u64,
    }
}
