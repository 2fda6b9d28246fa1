//! Selectors: the series that the index finds are those that match one by one.

use std::path::Path;

use irontsd_engine::env;
use irontsd_engine::index::{Group, Index};
use irontsd_engine::name;
use irontsd_engine::series::Registry;
use irontsd_net::read::select::{self, NAME_LABEL, Selector};

/// Enough for parts of the index to be made.
const SERIES: u32 = 700;

thread_local! {
    static WORLD: (Registry, Index, Vec<Vec<u8>>) = world();
}

fn world() -> (Registry, Index, Vec<Vec<u8>>) {
    let registry = Registry::in_memory(&env::real(), Path::new("nowhere"));
    let metrics = ["m", "cpu.user", "cpu.system", "ab", "abc", "M", "\u{e9}t\u{e9}"];
    let values = ["", "a", "b", "ab", "abc", "a.b", "web01", "web02", "A", "\n", "\u{df}", "10"];
    for at in 0..SERIES as usize {
        let mut tags = [("host", values[at % 12]), ("k", values[at / 12 % 12])].to_vec();
        tags.retain(|(_, value)| !value.is_empty());
        let tag = [["z", "0"], ["z", "1"]][at % 2];
        tags.push((tag[0], tag[1]));
        let mut name = Vec::new();
        let tags = tags.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        name::encode(&mut name, metrics[at / 144 % 7].as_bytes(), tags);
        registry.find_or_reserve(&name).expect("ids are left");
    }
    let names = (0..registry.len()).map(|series| registry.name(series)).collect();
    let index = Index::new(7);
    index.extend(&registry);
    (registry, index, names)
}

/// See the module.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match select::parse(text) {
        Ok(selector) => WORLD.with(|world| found(&selector, world)),
        Err(error) => {
            assert!(text.is_char_boundary(error.offset), "{error:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}

fn found(selector: &Selector, (registry, index, names): &(Registry, Index, Vec<Vec<u8>>)) {
    assert!(!selector.groups.is_empty() && selector.groups.iter().all(|group| !group.is_empty()));
    let groups: Vec<Group<'_>> = selector.filters().collect();
    let fast = index.find(registry, &groups, registry.len());
    let plain = (0..).zip(names).filter(|(_, name)| passes(selector, name)).map(|(id, _)| id);
    assert_eq!(fast, plain.collect::<Vec<u32>>(), "{selector:?}");
}

fn passes(selector: &Selector, series: &[u8]) -> bool {
    let value = |label: &str| match label {
        NAME_LABEL => Some(name::metric(series)),
        label => name::value(series, label.as_bytes()),
    };
    // `matches` borrows the values, so those of all labels that are asked for are found first.
    let labels = selector.groups.iter().flatten().map(|matcher| &matcher.label);
    let values: Vec<(&String, String)> = labels
        .filter_map(|label| Some((label, String::from_utf8(value(label)?.into_owned()).ok()?)))
        .collect();
    selector.matches(|wanted| {
        values.iter().find(|(label, _)| *label == wanted).map(|(_, value)| &**value)
    })
}
