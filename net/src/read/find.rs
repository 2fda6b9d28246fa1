//! Which series a request means: matched by selectors, in name order.

use super::select::Selector;
use irontsd_engine::engine::Engine;
use irontsd_engine::error::Result;
use irontsd_engine::index::Group;
use irontsd_engine::name;
use irontsd_engine::series::Registry;
use irontsd_engine::types::SeriesId;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The series below `len` that any selector matches, by id; all of them if there is no selector.
pub fn find(engine: &Engine, selectors: &[Selector], len: u32) -> Vec<SeriesId> {
    engine.index().find(engine.registry(), &groups(selectors), len)
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

/// The first `limit` sets of labels, as names, in name order, of those series that count.
pub fn first_names(
    engine: &Engine,
    series: Vec<SeriesId>,
    limit: usize,
    mut counts: impl FnMut(SeriesId) -> Result<bool>,
) -> Result<Vec<Vec<u8>>> {
    let mut first = BTreeSet::new();
    let mut outcome = Ok(());
    engine.registry().each_name(series, |series, name| {
        let name = name::labels(name);
        let full = first.len() >= limit;
        let behind = |last: &ByName| name::compare(name, &last.0) != Ordering::Less;
        if outcome.is_err() || (full && first.last().is_none_or(behind)) {
            return;
        }
        match counts(series) {
            Ok(true) => {
                first.insert(ByName(name.to_vec()));
                if full {
                    first.pop_last();
                }
            }
            Ok(false) => {}
            Err(error) => outcome = Err(error),
        }
    });
    outcome.map(|()| first.into_iter().map(|name| name.0).collect())
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
