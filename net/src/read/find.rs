//! Which series a request means: matched by selectors, in name order.

use super::pages::Page;
use super::select::Selector;
use irontsd_engine::engine::Engine;
use irontsd_engine::error::Result;
use irontsd_engine::index::{Group, Set};
use irontsd_engine::name;
use irontsd_engine::series::Registry;
use irontsd_engine::types::SeriesId;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The series below `len` that any selector matches, by id; all of them if there is no selector.
pub fn find(engine: &Engine, selectors: &[Selector], len: u32) -> Vec<SeriesId> {
    engine.index().find(engine.registry(), &groups(selectors), len)
}

/// The same as a set.
pub fn find_set(engine: &Engine, selectors: &[Selector], len: u32) -> Set {
    engine.index().find_set(engine.registry(), &groups(selectors), len)
}

/// Selectors as the index takes them.
pub fn groups(selectors: &[Selector]) -> Vec<Group<'_>> {
    selectors.iter().flat_map(Selector::filters).collect()
}

/// Series with their names, in name order.
#[derive(Debug, Default)]
pub struct Found {
    names: Vec<u8>,
    series: Vec<(SeriesId, usize, usize)>,
}

impl Found {
    /// What [`find`] finds.
    pub fn search(engine: &Engine, selectors: &[Selector], len: u32) -> Found {
        Found::sorted(engine.registry(), find(engine, selectors, len))
    }

    /// These series, in name order.
    pub fn sorted(registry: &Registry, ids: Vec<SeriesId>) -> Found {
        let mut found = Found::default();
        let Found { names, series } = &mut found;
        registry.each_name(ids, |id, name| {
            series.push((id, names.len(), name.len()));
            names.extend_from_slice(name);
        });
        let names = &found.names;
        let name_of = |&(_, start, len): &(SeriesId, usize, usize)| &names[start..start + len];
        found.series.sort_unstable_by(|a, b| name::compare(name_of(a), name_of(b)));
        found
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The series at a place in name order, and its name.
    pub fn get(&self, at: usize) -> (SeriesId, &[u8]) {
        let (series, start, len) = self.series[at];
        (series, &self.names[start..start + len])
    }
}

/// What of all names is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// Those behind it.
    pub after: Option<&'a [u8]>,
    /// Those before it.
    pub end: Option<&'a [u8]>,
    /// The first so many, at least one.
    pub limit: usize,
    /// So many bytes of them, but one name in any case.
    pub bytes_max: usize,
}

/// The sets of labels of those series that count, as names, in name order, within bounds.
pub fn first_names(
    engine: &Engine,
    series: impl IntoIterator<Item = SeriesId>,
    Bounds { after, end, limit, bytes_max }: Bounds<'_>,
    mut counts: impl FnMut(SeriesId) -> Result<bool>,
) -> Result<Page> {
    let mut first = BTreeSet::new();
    let (mut bytes, mut cut, mut outcome) = (0, false, Ok(()));
    engine.registry().each_name(series, |series, name| {
        let name = name::labels(name);
        let is_behind = |other: &[u8]| name::compare(name, other) == Ordering::Greater;
        let unwanted = after.is_some_and(|after| !is_behind(after))
            || end.is_some_and(is_behind)
            || cut && first.last().is_none_or(|last: &ByName| is_behind(&last.0));
        if unwanted || outcome.is_err() {
            return;
        }
        match counts(series) {
            Ok(true) if first.insert(ByName(name.to_vec())) => bytes += held(name),
            Ok(_) => {}
            Err(error) => outcome = Err(error),
        }
        while first.len() > limit || bytes > bytes_max && first.len() > 1 {
            bytes -= first.pop_last().map_or(0, |last| held(&last.0));
            cut = true;
        }
    });
    outcome?;
    let next = first.last().filter(|_| cut).map(|last| last.0.clone());
    Ok((first.into_iter().map(|name| name.0).collect(), next))
}

/// Bytes of memory that a name takes in a page, about.
fn held(name: &[u8]) -> usize {
    name.len() + 48
}

/// A name in name order.
#[derive(PartialEq, Eq)]
struct ByName(Vec<u8>);

impl Ord for ByName {
    fn cmp(&self, other: &ByName) -> Ordering {
        name::compare(&self.0, &other.0)
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &ByName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
