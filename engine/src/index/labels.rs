//! Lists label names and values, in byte order, as far as somebody wants them. Where that is much, page by
//! page: a page begins behind a text, so it does not matter how the index has changed since the last.

use super::Index;
use super::merge::Merge;
use super::part::{Part, values_of};
use crate::error::Result;
use crate::name::{self, METRIC_LABEL, unescape};
use crate::series::Registry;
use crate::types::SeriesId;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// Series are asked about for one page at the most, about; then it ends short.
const PAGE_ASKED: usize = if cfg!(test) { 5 } else { 100_000 };
/// Up to here the names of the series among which is listed are walked; else the index is. Tests have few
/// series and go both ways.
const WALKED_MAX: u64 = if cfg!(test) { 20 } else { 16 << 10 };

/// Texts in byte order, the first of all that were offered: as many as are allowed, or a page.
#[derive(Debug)]
pub struct Texts {
    found: BTreeSet<Vec<u8>>,
    prefix: Vec<u8>,
    limit: usize,
    /// Only what stands behind it is wanted.
    after: Option<Vec<u8>>,
    /// Nothing behind it is wanted any more.
    until: Option<Vec<u8>>,
    /// Bytes of all of them, and how many they may be.
    bytes: usize,
    bytes_max: usize,
    /// How often a series may still be asked about.
    asks: usize,
}

impl Texts {
    /// Those that begin with a prefix; at most `limit`.
    pub fn new(prefix: &[u8], limit: usize) -> Texts {
        let (found, prefix, bytes_max) = (BTreeSet::new(), prefix.to_vec(), usize::MAX);
        let (after, until, bytes, asks) = (None, None, 0, usize::MAX);
        Texts { found, prefix, limit, after, until, bytes, bytes_max, asks }
    }

    /// Those behind one; at most `limit`, which is not zero, and so many bytes, but one in any case
    /// if there is one. It may end earlier.
    pub fn page(after: Option<Vec<u8>>, limit: usize, bytes_max: usize) -> Texts {
        Texts { after, bytes_max, asks: PAGE_ASKED, ..Texts::new(b"", limit) }
    }

    /// Whether a text would change anything.
    fn want(&self, text: &[u8]) -> bool {
        text.starts_with(&self.prefix)
            && self.after.as_ref().is_none_or(|after| **after < *text)
            && !self.end_before(text)
            && !self.found.contains(text)
    }

    /// Whether neither a text nor any behind it can be wanted.
    fn end_before(&self, text: &[u8]) -> bool {
        self.until.as_ref().is_some_and(|until| **until < *text)
    }

    fn insert(&mut self, text: &[u8]) {
        self.found.insert(text.to_vec());
        self.bytes += text.len();
        while self.found.len() > self.limit || self.bytes > self.bytes_max {
            if self.found.len() == 1 && self.limit > 0 {
                return;
            }
            self.bytes -= self.found.pop_last().map_or(0, |cut| cut.len());
            self.until = Some(self.found.last().cloned().unwrap_or_default());
        }
    }

    /// Ends the page behind a text.
    fn stop_at(&mut self, text: &[u8]) {
        if !self.end_before(text) {
            let behind = (Bound::Excluded(text), Bound::Unbounded);
            while self.found.range::<[u8], _>(behind).next().is_some() {
                self.bytes -= self.found.pop_last().map_or(0, |cut| cut.len());
            }
            self.until = Some(text.to_vec());
        }
    }

    /// What is there.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.found.iter().map(Vec::as_slice)
    }

    /// Behind which text the next page begins; `None` if this is the last.
    pub fn next(&self) -> Option<&[u8]> {
        self.until.as_deref()
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
    /// Adds the texts of the series below `len` that are among some (all, if `None`) and count. Series
    /// are asked about only while a text of theirs is wanted.
    pub fn list(
        &self,
        registry: &Registry,
        among: Option<&RoaringBitmap>,
        len: u32,
        listing: Listing<'_>,
        counts: &mut Counts<'_>,
        out: &mut Texts,
    ) -> Result<()> {
        let is_among = |series: &SeriesId| among.is_none_or(|among| among.contains(*series));
        let view = self.view_of(registry, len);
        let walked = if among.is_some_and(|among| among.len() <= WALKED_MAX) {
            0
        } else {
            let mut below = |series| Ok(series < len && counts(series)?);
            let mut ask = Ask { among, counts: &mut below };
            list_indexed(&view.0, listing, &mut ask, out)?;
            view.covered()
        };
        match among {
            Some(among) if walked < len => {
                list_of(registry, among.range(walked..len), listing, counts, out)
            }
            _ => list_of(registry, (walked..len).filter(is_among), listing, counts, out),
        }
    }
}

/// How series are asked about.
struct Ask<'a, 'b> {
    among: Option<&'a RoaringBitmap>,
    counts: &'a mut Counts<'b>,
}

impl Ask<'_, '_> {
    /// Takes a text if any series that the merge stands at is among those that count.
    fn take(&mut self, merge: &Merge<'_>, text: &[u8], out: &mut Texts) -> Result<()> {
        if !out.want(text) {
            return Ok(());
        }
        for series in merge.postings().flat_map(|posting| posting.ids_among(self.among)) {
            out.asks = out.asks.saturating_sub(1);
            if (self.counts)(series)? {
                out.insert(text);
                break;
            }
        }
        Ok(())
    }
}

/// Adds what the index has.
fn list_indexed(
    parts: &[Arc<Part>],
    listing: Listing<'_>,
    ask: &mut Ask<'_, '_>,
    out: &mut Texts,
) -> Result<()> {
    match listing {
        Listing::Values(label) => list_values(parts, &values_of(label), ask, out)?,
        Listing::Labels | Listing::TagKeys => {
            let skipped = if listing == Listing::TagKeys { METRIC_LABEL } else { b"" };
            for key in keys(parts, first_key(out)).filter(|key| key != skipped) {
                ask.take(&Merge::from(parts, &key), &unescape(&key), out)?;
            }
        }
        Listing::TagValues => {
            for mut key in keys(parts, Vec::new()).filter(|key| *key != METRIC_LABEL) {
                key.push(b'=');
                list_values(parts, &key, ask, out)?;
            }
        }
    }
    Ok(())
}

/// Where keys have to be looked at from. Escaped characters sort behind all others, so keys stand in the
/// order of their texts up to the first of them only.
fn first_key(out: &Texts) -> Vec<u8> {
    let after = out.after.as_deref().unwrap_or_default();
    after[..memchr::memchr2(b' ', b'=', after).unwrap_or(after.len())].to_vec()
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
    ask: &mut Ask<'_, '_>,
    out: &mut Texts,
) -> Result<()> {
    let from = out.after.as_ref().unwrap_or(&out.prefix).max(&out.prefix);
    let mut merge = Merge::from(parts, &[key, from].concat());
    while let Some(value) = merge.text().and_then(|text| text.strip_prefix(key)) {
        if !value.starts_with(&out.prefix) || out.end_before(value) {
            return Ok(());
        }
        ask.take(&merge, value, out)?;
        if out.asks == 0 {
            out.stop_at(value);
        }
        merge.advance();
    }
    Ok(())
}

/// All keys from one on, as they stand in the parts.
fn keys(parts: &[Arc<Part>], mut from: Vec<u8>) -> impl Iterator<Item = Vec<u8>> {
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
