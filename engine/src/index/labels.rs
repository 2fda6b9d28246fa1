//! Lists label names and values, in byte order, as far as somebody wants them.

use super::Index;
use super::find::{Group, take_all};
use super::merge::Merge;
use super::part::{Part, values_of};
use super::posting::Posting;
use crate::error::Result;
use crate::name::{self, METRIC_LABEL, unescape};
use crate::series::Registry;
use crate::types::SeriesId;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Texts that begin with a prefix in byte order, the first `limit` of all that were offered.
#[derive(Debug)]
pub struct Texts {
    found: BTreeSet<Vec<u8>>,
    prefix: Vec<u8>,
    limit: usize,
}

impl Texts {
    /// None yet; at most `limit`.
    pub fn new(prefix: &[u8], limit: usize) -> Texts {
        Texts { found: BTreeSet::new(), prefix: prefix.to_vec(), limit }
    }

    /// Whether a text would change anything.
    fn want(&self, text: &[u8]) -> bool {
        text.starts_with(&self.prefix) && !self.end_before(text) && !self.found.contains(text)
    }

    /// Whether neither a text nor any behind it can be wanted.
    fn end_before(&self, text: &[u8]) -> bool {
        let full = self.found.len() >= self.limit;
        full && self.found.last().is_none_or(|last| **last <= *text)
    }

    fn insert(&mut self, text: &[u8]) {
        self.found.insert(text.to_vec());
        if self.found.len() > self.limit {
            self.found.pop_last();
        }
    }

    /// What is there.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.found.iter().map(Vec::as_slice)
    }
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing<'a> {
    /// The labels that series have, the metric's included.
    Labels,
    /// The same without the metric's.
    TagKeys,
    /// The values of one label.
    Values(&'a [u8]),
    /// The values of all labels but the metric.
    TagValues,
}

impl Listing<'_> {
    /// Passes on what one series has of it.
    pub fn each(self, name: &[u8], mut sink: impl FnMut(Cow<'_, [u8]>)) {
        match self {
            Listing::Labels => {
                sink(Cow::Borrowed(METRIC_LABEL));
                Listing::TagKeys.each(name, sink);
            }
            Listing::TagKeys => name::tags(name).for_each(|(key, _)| sink(key)),
            Listing::Values(label) => name::value(name, label).into_iter().for_each(sink),
            Listing::TagValues => name::tags(name).for_each(|(_, value)| sink(value)),
        }
    }
}

/// Decides whether a series counts; may fail on damage.
type Counts<'a> = dyn FnMut(SeriesId) -> Result<bool> + 'a;

impl Index {
    /// Adds the texts of the series that [`Index::find`] finds and that count. Series are asked
    /// about only while a text of theirs is wanted.
    pub fn list(
        &self,
        registry: &Registry,
        groups: &[Group<'_>],
        len: u32,
        listing: Listing<'_>,
        counts: &mut Counts<'_>,
        out: &mut Texts,
    ) -> Result<()> {
        if !take_all(groups) {
            let found = self.find(registry, groups, len);
            return list_of(registry, found, listing, counts, out);
        }
        let view = self.view_of(registry, len);
        let parts = &view.0[..];
        let mut below = |series| Ok(series < len && counts(series)?);
        match listing {
            Listing::Values(label) => list_values(parts, &values_of(label), &mut below, out)?,
            Listing::Labels | Listing::TagKeys => {
                let skipped = if listing == Listing::TagKeys { METRIC_LABEL } else { b"" };
                for key in keys(parts).filter(|key| key != skipped) {
                    let here = Merge::from(parts, &key);
                    take(&here, &unescape(&key), &mut below, out)?;
                }
            }
            Listing::TagValues => {
                for mut key in keys(parts).filter(|key| *key != METRIC_LABEL) {
                    key.push(b'=');
                    list_values(parts, &key, &mut below, out)?;
                }
            }
        }
        list_of(registry, view.covered()..len, listing, counts, out)
    }
}

/// Adds the texts of these series.
fn list_of(
    registry: &Registry,
    series: impl IntoIterator<Item = SeriesId>,
    listing: Listing<'_>,
    counts: &mut Counts<'_>,
    out: &mut Texts,
) -> Result<()> {
    let mut outcome = Ok(());
    registry.each_name(series, |series, name| {
        listing.each(name, |text| {
            if outcome.is_ok() && out.want(&text) {
                match counts(series) {
                    Ok(true) => out.insert(&text),
                    Ok(false) => {}
                    Err(error) => outcome = Err(error),
                }
            }
        });
    });
    outcome
}

/// The values behind `key`, which ends with `=`.
fn list_values(
    parts: &[Arc<Part>],
    key: &[u8],
    counts: &mut Counts<'_>,
    out: &mut Texts,
) -> Result<()> {
    let mut merge = Merge::from(parts, &[key, &out.prefix].concat());
    while let Some(value) = merge.text().and_then(|text| text.strip_prefix(key)) {
        if !value.starts_with(&out.prefix) || out.end_before(value) {
            return Ok(());
        }
        take(&merge, value, counts, out)?;
        merge.advance();
    }
    Ok(())
}

/// Takes a text if any series that the merge stands at counts.
fn take(merge: &Merge<'_>, text: &[u8], counts: &mut Counts<'_>, out: &mut Texts) -> Result<()> {
    if !out.want(text) {
        return Ok(());
    }
    for series in merge.postings().flat_map(Posting::ids) {
        if counts(series)? {
            out.insert(text);
            break;
        }
    }
    Ok(())
}

/// All keys, as they stand in the parts.
fn keys(parts: &[Arc<Part>]) -> impl Iterator<Item = Vec<u8>> {
    let mut from = Vec::new();
    std::iter::from_fn(move || {
        loop {
            let merge = Merge::from(parts, &from);
            let text = merge.text()?;
            from.clear();
            if let Some(end) = memchr::memchr(b'=', text) {
                // Past all values of this key; keys that it begins may stand between them.
                from.extend_from_slice(&text[..end]);
                from.push(b'=' + 1);
                continue;
            }
            from.extend_from_slice(text);
            from.push(0);
            return Some(text.to_vec());
        }
    })
}
