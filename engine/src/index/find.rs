//! Finds the series that pass filters.
//!
//! Within a part the filters that look values up come first; they are sets, intersected or
//! subtracted. A pattern is then either matched with all values it may mean, or, where fewer series
//! than values are left, with the names of those series.

use super::Index;
use super::filter::Filter;
use super::part::Part;
use crate::series::Registry;
use crate::types::SeriesId;
use roaring::RoaringBitmap;

/// A name costs about as much as this many values: it is found by id and taken apart.
const VALUES_PER_NAME: u64 = 4;

/// Filters all of which must pass.
pub type Group<'a> = Vec<Filter<'a>>;

impl Index {
    /// The series below `len` that pass all filters of any group, ascending; all that have a name
    /// if there is no group or one without filters.
    pub fn find(&self, registry: &Registry, groups: &[Group<'_>], len: u32) -> Vec<SeriesId> {
        let mut found = Vec::new();
        if take_all(groups) {
            registry.each_name(0..len, |series, _| found.push(series));
            return found;
        }
        let view = self.view_of(registry, len);
        for part in view.0.iter() {
            let mut series = RoaringBitmap::new();
            groups.iter().for_each(|group| series |= search(part, registry, group));
            found.extend(series);
        }
        found.truncate(found.partition_point(|&series| series < len));
        registry.each_name(view.covered()..len, |series, name| {
            if passes(groups, name) {
                found.push(series);
            }
        });
        found
    }
}

/// Whether every series passes.
pub(super) fn take_all(groups: &[Group<'_>]) -> bool {
    groups.is_empty() || groups.iter().any(Vec::is_empty)
}

/// Whether a series passes all filters of any group.
fn passes(groups: &[Group<'_>], name: &[u8]) -> bool {
    groups.iter().any(|group| group.iter().all(|filter| filter.passes(name)))
}

/// What the filters seen so far leave of a part.
struct Left<'a> {
    part: &'a Part,
    /// `None` while it is every named series.
    series: Option<RoaringBitmap>,
}

impl Left<'_> {
    fn len(&self) -> u64 {
        self.series.as_ref().map_or(u64::from(self.part.len()), RoaringBitmap::len)
    }

    fn apply(&mut self, filter: &Filter<'_>) {
        let (includes, set) = self.part.decide(filter);
        self.series = Some(match (self.series.take(), includes) {
            (None, true) => set,
            (Some(series), true) => series & set,
            (None, false) => self.part.named() - set,
            (Some(series), false) => series - set,
        });
    }
}

fn search(part: &Part, registry: &Registry, group: &Group<'_>) -> RoaringBitmap {
    let mut left = Left { part, series: None };
    let (mut listed, mut patterns): (Vec<_>, Vec<_>) =
        group.iter().partition(|filter| filter.is_listed());
    listed.sort_by_key(|filter| filter.negated);
    patterns.sort_by_cached_key(|filter| part.effort(filter));
    let mut by_name = Vec::new();
    for filter in listed.into_iter().chain(patterns) {
        if left.len() == 0 {
            return RoaringBitmap::new();
        }
        if left.len() * VALUES_PER_NAME < part.effort(filter) as u64 {
            by_name.push(filter);
        } else {
            left.apply(filter);
        }
    }
    let series = left.series.unwrap_or_else(|| part.named());
    if by_name.is_empty() {
        return series;
    }
    let mut passing = RoaringBitmap::new();
    registry.each_name(&series, |series, name| {
        if by_name.iter().all(|filter| filter.passes(name)) {
            passing.insert(series);
        }
    });
    passing
}
