//! Finds the series that pass filters.
//!
//! Within a part the filters that look values up come first; they are sets, intersected or
//! subtracted. A pattern is then either matched with all values it may mean, or, where fewer series
//! than values are left, with the names of those series.

use super::Index;
use super::filter::Filter;
use super::part::Part;
use super::posting::bitmap;
use crate::series::Registry;
use crate::types::SeriesId;
use roaring::RoaringBitmap;
use std::ops::Range;

/// Filters all of which must pass.
pub type Group<'a> = Vec<Filter<'a>>;

impl Index {
    /// The series below `len` that pass all filters of any group, ascending; all that have a name
    /// if there is no group or one without filters.
    pub fn find(&self, registry: &Registry, groups: &[Group<'_>], len: u32) -> Vec<SeriesId> {
        to_vec(&self.find_set(registry, groups, len))
    }

    /// The same as a set.
    pub fn find_set(&self, registry: &Registry, groups: &[Group<'_>], len: u32) -> RoaringBitmap {
        if take_all(groups) {
            return named(registry, 0..len, |_| true);
        }
        let view = self.view_for_search(len);
        let searches =
            view.0.iter().flat_map(|part| groups.iter().map(|group| search(part, registry, group)));
        let mut found = searches.reduce(|all, next| all | next).unwrap_or_default();
        if view.covered() > len {
            found.remove_range(len..);
        }
        found |= named(registry, view.covered()..len, |name| passes(groups, name));
        found
    }
}

/// The series whose names pass.
fn named(
    registry: &Registry,
    series: Range<SeriesId>,
    passes: impl Fn(&[u8]) -> bool,
) -> RoaringBitmap {
    let mut found = Vec::new();
    registry.each_name(series, |series, name| {
        if passes(name) {
            found.push(series);
        }
    });
    bitmap(&found)
}

/// The ids of a set, many at a time: one by one takes five times as long.
fn to_vec(series: &RoaringBitmap) -> Vec<SeriesId> {
    let mut found = vec![0; series.len() as usize];
    let (mut ids, mut rest) = (series.iter(), &mut found[..]);
    while !rest.is_empty() {
        let filled = ids.next_many(rest).len();
        if filled == 0 {
            break;
        }
        rest = &mut rest[filled..];
    }
    found
}

/// Whether every series passes.
fn take_all(groups: &[Group<'_>]) -> bool {
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
        if left.len() < part.effort(filter) {
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
