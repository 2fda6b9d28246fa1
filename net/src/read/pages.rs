//! What the label endpoints list, page by page: each page begins behind the last entry of the one before,
//! so memory holds a page, whatever the whole is.

use super::find::{Bounds, first_names};
use super::json_line::{push_labels, push_string};
use super::within::Within;
use irontsd_engine::engine::Engine;
use irontsd_engine::error::Result;
use irontsd_engine::index::{Listing, OfMetrics, Set, Texts};
use irontsd_engine::name;
use std::vec::IntoIter;

/// Texts of a page.
const TEXTS_MAX: usize = 8 << 10;
/// Bytes of a page of texts, or the longest text.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// Bytes of a page of names: each costs a walk over all names of the metrics it is in.
const NAME_BYTES_MAX: usize = 4 << 20;
/// Series among which a page is looked for, or those of one metric.
const ENOUGH_SERIES: u64 = 32 << 10;

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// `/api/v1/series`
    Series,
    /// `/api/v1/labels`
    Labels,
    /// `/api/v1/label/<name>/values`
    Values(String),
}

/// See the module.
pub struct Pages {
    what: What,
    /// The series that are looked at; all below `len`, if `None`.
    among: Option<Set>,
    len: u32,
    within: Within,
    page: IntoIter<Vec<u8>>,
    /// The last entry that is done with.
    after: Option<Vec<u8>>,
    /// Whether another page may follow.
    more: bool,
}

impl Pages {
    /// Lists what stands behind an entry; series and times as they were when it was asked.
    pub fn new(
        what: What,
        among: Option<Set>,
        len: u32,
        within: Within,
        after: Option<Vec<u8>>,
    ) -> Pages {
        Pages { what, among, len, within, page: Vec::new().into_iter(), after, more: true }
    }

    /// The next entry that is in memory.
    pub fn take_next(&mut self) -> Option<Vec<u8>> {
        self.page.next()
    }

    /// Appends an entry as JSON.
    pub fn push(&self, out: &mut Vec<u8>, entry: &[u8]) {
        match self.what {
            What::Series => push_labels(out, entry),
            _ => push_string(out, entry),
        }
    }

    /// Whether there may be entries behind those in memory.
    pub fn may_go_on(&self) -> bool {
        self.more
    }

    /// Finds up to so many more entries, at least one, or none if it takes long; whether there can be any.
    pub fn turn(&mut self, engine: &Engine, limit: usize) -> Result<bool> {
        if !self.more {
            return Ok(false);
        }
        let (page, next) = match &self.what {
            What::Series => self.names(engine, limit)?,
            What::Labels => self.texts(engine, Listing::Labels, limit)?,
            What::Values(label) => {
                let label = label.clone();
                self.texts(engine, Listing::Values(label.as_bytes()), limit)?
            }
        };
        self.more = next.is_some();
        (self.page, self.after) = (page.into_iter(), next);
        Ok(true)
    }

    /// Names in name order, thus metric by metric: only the names of a few metrics are looked at.
    fn names(&mut self, engine: &Engine, limit: usize) -> Result<Page> {
        let Pages { among, len, within, after, .. } = self;
        let first = after.as_deref().map(first_metric).unwrap_or_default();
        let (index, registry) = (engine.index(), engine.registry());
        let OfMetrics { series, last } =
            index.of_metrics(registry, among.as_ref(), *len, &first, ENOUGH_SERIES);
        let end = last.map(|metric| behind_metric(&metric));
        let bounds = Bounds {
            after: after.as_deref(),
            end: end.as_deref(),
            limit,
            bytes_max: NAME_BYTES_MAX,
        };
        let (page, next) = first_names(engine, &series, bounds, |series| within.has(series))?;
        Ok((page, next.or(end)))
    }

    fn texts(&mut self, engine: &Engine, listing: Listing<'_>, limit: usize) -> Result<Page> {
        let Pages { among, len, within, after, .. } = self;
        let mut texts = Texts::page(after.take(), limit.min(TEXTS_MAX), TEXT_BYTES_MAX);
        let (index, registry) = (engine.index(), engine.registry());
        let mut has = |series| within.has(series);
        index.list(registry, among.as_ref(), *len, listing, &mut has, &mut texts)?;
        let next = texts.next().map(<[u8]>::to_vec);
        Ok((texts.iter().map(<[u8]>::to_vec).collect(), next))
    }
}

/// Stands behind all names of a metric and before those of the next: no metric in a name holds a plain `=`,
/// which sorts behind the end of a field and before all text.
fn behind_metric(metric: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    name::escape(&mut name, metric);
    name.push(b'=');
    name
}

/// The first metric that names behind one may have.
fn first_metric(after: &[u8]) -> Vec<u8> {
    let field = name::fields(after).next().unwrap_or_default();
    let (metric, is_done) = match field.strip_suffix(b"=") {
        Some(metric) => (metric, true),
        None => (field, false),
    };
    let mut metric = name::unescape(metric).into_owned();
    metric.extend(is_done.then_some(0));
    metric
}

/// Entries, and behind which one the next page begins, if there may be one.
pub type Page = (Vec<Vec<u8>>, Option<Vec<u8>>);
