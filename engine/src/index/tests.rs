//! Listing, merging, and the index's own bounds; `irontsd-net` compares finding with walking.

use super::*;
use crate::env;
use crate::name::METRIC_LABEL;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn registry(dir: &Path) -> Registry {
    Registry::create(&env::real(), dir).expect("a new directory")
}

fn listed(index: &Index, registry: &Registry, listing: Listing<'_>, texts: Texts) -> Vec<String> {
    let mut texts = texts;
    let mut odd = |series| Ok(series % 2 == 1);
    index.list(registry, None, registry.len(), listing, &mut odd, &mut texts).expect("no damage");
    texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// Metrics with their tags, by rounds.
type Round = BTreeMap<String, BTreeMap<String, String>>;

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let tags = prop::collection::btree_map("[ab= -]{1,2}", "[ab= ]{0,2}", 0..4);
    prop::collection::vec(prop::collection::btree_map("[ab]{1,2}", tags, 0..30), 1..5)
}

/// The series of some rounds; those of the last are not in the index.
fn filled(dir: &Path, rounds: &[Round]) -> (Registry, Index) {
    let (registry, index) = (registry(dir), Index::new(1));
    for (number, names) in rounds.iter().enumerate() {
        if number > 0 {
            index.extend(&registry);
        }
        for (metric, tags) in names {
            let mut name = Vec::new();
            let tags = tags.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes()));
            crate::name::encode(&mut name, metric.as_bytes(), tags);
            registry.find_or_reserve(&name);
        }
    }
    (registry, index)
}

proptest! {
    #[test]
    fn lists_are_those_of_walking(
        rounds in rounds(),
        prefix in "[a ]?",
        limit in prop_oneof![0..4usize, Just(usize::MAX)],
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let (registry, index) = filled(dir.path(), &rounds);
        for listing in [
            Listing::Labels, Listing::TagKeys, Listing::TagValues,
            Listing::Values(b"a"), Listing::Values(b"a="), Listing::Values(b"__name__"),
        ] {
            let mut wanted = BTreeSet::new();
            registry.each_name((0..registry.len()).filter(|id| id % 2 == 1), |_, name| {
                listing.each(name, |text| {
                    wanted.insert(String::from_utf8_lossy(&text).into_owned());
                });
            });
            wanted.retain(|text| text.starts_with(&prefix));
            let wanted: Vec<String> = wanted.into_iter().take(limit).collect();
            let found = listed(&index, &registry, listing, Texts::new(prefix.as_bytes(), limit));
            prop_assert_eq!(found, wanted, "{:?}", listing);
        }
    }

    #[test]
    fn pages_are_the_whole(
        rounds in rounds(),
        (limit, bytes) in (1..4usize, prop_oneof![0..9usize, Just(usize::MAX)]),
        among in prop::option::of(prop::collection::btree_set(0..120u32, 0..120)),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let (registry, index) = filled(dir.path(), &rounds);
        let among = among.map(|ids| ids.into_iter().collect::<Set>());
        let wanted = |id: &u32| id % 2 == 1 && among.as_ref().is_none_or(|ids| ids.contains(*id));
        for listing in [Listing::Labels, Listing::Values(b"a"), Listing::Values(b"__name__")] {
            let mut whole = BTreeSet::new();
            registry.each_name((0..registry.len()).filter(wanted), |_, name| {
                listing.each(name, |text| _ = whole.insert(text.into_owned()));
            });
            let (mut joined, mut after) = (Vec::new(), None);
            loop {
                let mut page = Texts::page(after, limit, bytes);
                let mut odd = |series| Ok(series % 2 == 1);
                let listed = index.list(
                    &registry, among.as_ref(), registry.len(), listing, &mut odd, &mut page,
                );
                listed.expect("no damage");
                prop_assert!(page.iter().count() <= limit);
                joined.extend(page.iter().map(<[u8]>::to_vec));
                let Some(next) = page.next() else { break };
                after = Some(next.to_vec());
                // What happens between two pages: the index grows.
                index.extend(&registry);
            }
            prop_assert_eq!(joined, whole.into_iter().collect::<Vec<_>>(), "{:?}", listing);
        }
    }
}

/// `(label, value)` of a series.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The largest, by text among equals.
fn largest(counts: BTreeMap<Vec<u8>, u64>, most: usize) -> Vec<Counted> {
    let mut all: Vec<Counted> = counts.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all.truncate(most);
    all
}

fn counted<'a>(texts: impl Iterator<Item = &'a [u8]>, most: usize) -> Vec<Counted> {
    let mut counts = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text.to_vec()).or_default() += 1);
    largest(counts, most)
}

proptest! {
    #[test]
    fn counts_are_those_of_walking(
        rounds in prop::collection::vec(prop::collection::btree_map(
            "[ab]{1,2}", prop::collection::btree_map("[ab -]{1,2}", "[ab= ]{0,2}", 0..4), 0..30), 1..5),
        most in 1..5usize,
        some in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let (registry, index) = (registry(dir.path()), Index::new(1));
        for names in &rounds {
            index.extend(&registry);
            for (metric, tags) in names {
                let mut name = Vec::new();
                let tags = tags.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes()));
                crate::name::encode(&mut name, metric.as_bytes(), tags);
                registry.find_or_reserve(&name);
            }
        }
        let among = (0..registry.len()).filter(|id| !some || id % 2 == 1);
        let among: Vec<SeriesId> = among.collect();
        let mut all: Vec<Pairs> = Vec::new();
        registry.each_name(among.iter().copied(), |_, name| {
            let mut pairs = vec![(METRIC_LABEL.to_vec(), crate::name::metric(name).into_owned())];
            let tags = crate::name::tags(name);
            pairs.extend(tags.map(|(key, value)| (key.into_owned(), value.into_owned())));
            all.push(pairs);
        });
        let pairs = || all.iter().flatten();
        let of = |label: &'static [u8]| {
            pairs().filter(move |(key, _)| *key == label).map(|(_, value)| &**value)
        };
        let texts: Vec<_> = pairs().map(|(key, value)| [key, &b"="[..], value].concat()).collect();
        let distinct: BTreeSet<_> = pairs().collect();
        let wanted = Cardinality {
            series: all.len() as u64,
            pairs: texts.len() as u64,
            metrics: counted(of(METRIC_LABEL), most),
            labels: counted(pairs().map(|(key, _)| &**key), most),
            focus: counted(of(b"a"), most),
            label_values: counted(texts.iter().map(|text| &**text), most),
            values_of_labels: counted(distinct.iter().map(|(key, _)| &**key), most),
        };
        let among = some.then_some(&*among);
        prop_assert_eq!(index.cardinality(&registry, among, most, Some(b"a")), wanted);
    }
}

#[test]
fn parts_stay_few_and_cover_everything() {
    let dir = tempfile::tempdir().expect("a directory");
    let (registry, index) = (registry(dir.path()), Index::new(1));
    for number in 0..3000 {
        registry.find_or_reserve(format!("m s={number} t={}", number % 7).as_bytes());
        if number % 10 == 9 {
            index.extend(&registry);
            let parts = index.view().0;
            assert_eq!(parts[0].ids.start, 0);
            assert!(parts.windows(2).all(|two| two[0].ids.end == two[1].ids.start));
            assert_eq!(index.view().covered(), number + 1);
            assert!(parts.len() <= 9, "{} parts at {number}", parts.len());
        }
    }
    assert_eq!(listed(&index, &registry, Listing::Values(b"t"), Texts::new(b"", 9)).len(), 7);
}

#[test]
fn a_short_tail_is_walked_and_a_long_one_indexed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (registry, index) = (registry(dir.path()), Index::new(1));
    let asked = |series: u32| {
        for number in registry.len()..series {
            registry.find_or_reserve(format!("m s={number}").as_bytes());
        }
        assert_eq!(
            listed(&index, &registry, Listing::Values(b"s"), Texts::new(b"", usize::MAX)).len(),
            series as usize / 2
        );
        index.view().covered()
    };
    assert_eq!(asked(TAIL_MAX), 0);
    assert_eq!(asked(TAIL_MAX + 1), TAIL_MAX + 1);
    assert_eq!(asked(2 * TAIL_MAX + 1), TAIL_MAX + 1);
    assert_eq!(asked(2 * TAIL_MAX + 2), 2 * TAIL_MAX + 2);
}

#[test]
fn keeping_up_ends_when_told_and_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let (registry, index) = (registry(dir.path()), Index::new(1));
    assert_eq!(index.keep_up(&registry, || true), 0);
    for number in 0..TAIL_MAX + 1 {
        registry.find_or_reserve(format!("m s={number}").as_bytes());
    }
    assert_eq!(index.keep_up(&registry, || false), 0);
    assert_eq!(index.keep_up(&registry, || true), TAIL_MAX + 1);
    assert_eq!(index.covered(), TAIL_MAX + 1);
    registry.find_or_reserve(b"m s=x");
    assert_eq!(index.keep_up(&registry, || true), 0, "a short tail is walked");
}

#[test]
fn a_busy_index_is_not_waited_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let (registry, index) = (registry(dir.path()), Index::new(1));
    for number in 0..TAIL_MAX * 2 {
        registry.find_or_reserve(format!("m s={number}").as_bytes());
    }
    let _busy = index.extending.lock();
    let texts = Texts::new(b"", usize::MAX);
    assert_eq!(listed(&index, &registry, Listing::Values(b"s"), texts).len() as u32, TAIL_MAX);
    assert_eq!(index.view().covered(), 0);
}

#[test]
fn a_search_walks_what_is_not_covered_and_leaves_word() {
    let dir = tempfile::tempdir().expect("a directory");
    let (registry, index) = (registry(dir.path()), Index::new(1));
    for number in 0..TAIL_MAX * 2 {
        registry.find_or_reserve(format!("m s={number}").as_bytes());
    }
    let values = vec![std::borrow::Cow::Borrowed(&b"700"[..])];
    let filter =
        filter::Filter { label: b"s", values: filter::Values::Listed(values), negated: false };
    let search = [vec![filter]];
    assert_eq!(index.find(&registry, &search, registry.len()), [700]);
    assert_eq!(index.view().covered(), 0);
    assert!(index.was_asked() && !index.was_asked());
    index.extend(&registry);
    assert_eq!(index.find(&registry, &search, registry.len()), [700]);
    assert!(!index.was_asked(), "nothing was walked");
}
