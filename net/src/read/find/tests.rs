//! The index finds what walking all names finds.

use super::*;
use crate::read::select::{NAME_LABEL, Selector, parse};
use irontsd_engine::engine::Config;
use irontsd_engine::env;
use irontsd_engine::index::filter::Pattern as _;
use proptest::prelude::*;
use std::borrow::Cow;

/// The value of a label, by taking the name apart.
fn label<'a>(name: &'a [u8], label: &str) -> Option<Cow<'a, [u8]>> {
    match label {
        NAME_LABEL => Some(name::metric(name)),
        _ => name::tags(name).find(|(key, _)| **key == *label.as_bytes()).map(|(_, value)| value),
    }
}

/// What a series has to be like, without any index.
fn is_wanted(name: &[u8], selectors: &[Selector]) -> bool {
    let passes = |selector: &Selector| {
        selector.groups.iter().any(|group| {
            group.iter().all(|matcher| {
                let value = label(name, &matcher.label).map(|value| value.into_owned());
                let value = value.map(|value| String::from_utf8(value).expect("UTF-8"));
                matcher.matches(value.as_deref())
            })
        })
    };
    selectors.is_empty() || selectors.iter().any(passes)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,2}", "[ab]=? ?[ab\u{e9}]", Just("web01".to_owned())]
}

fn series() -> impl Strategy<Value = Vec<u8>> {
    let key = prop_oneof!["[abc]", Just("a b".to_owned()), Just("a=".to_owned())];
    let tags = proptest::collection::btree_map(key, prop_oneof![text(), Just(String::new())], 0..4);
    (text(), tags, 0..4u8).prop_map(|(metric, tags, mark)| {
        let mut name = Vec::new();
        let tags = tags.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        name::encode(&mut name, metric.as_bytes(), tags);
        if mark == 0 {
            // A series of histograms.
            name.extend_from_slice(&[name::ESCAPE, 3]);
        }
        name
    })
}

fn matcher() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        3 => "[abcd]",
        2 => Just("__name__".to_owned()),
        1 => Just("\"a b\"".to_owned()),
        1 => Just("\"a=\"".to_owned()),
    ];
    let pattern = prop_oneof![
        Just(".*".to_owned()),
        Just(".+".to_owned()),
        Just(String::new()),
        "[ab]{1,2}",
        "\\^?[ab]\\.[*+]",
        "[ab]\\|[ab]{0,2}",
        "\\([ab]\\|[ab]{2}\\)[ab?*+.]{0,2}",
        "\\(\\?i\\)[AB]{1,2}\\.\\*",
        "\\(\\?i:A\\)b?\\$?",
        Just(".*b".to_owned()),
        Just("|a.*".to_owned()),
        Just("web0[0-2]".to_owned()),
        Just("[^a]+".to_owned()),
        Just("a[= ]+b".to_owned()),
    ];
    let plain = (key.clone(), prop_oneof!["=", "!="], prop_oneof![text(), Just(String::new())]);
    let regex = (key, prop_oneof!["=~", "!~"], pattern);
    prop_oneof![plain, regex].prop_map(|(key, op, value)| format!("{key}{op}\"{value}\""))
}

fn selector() -> impl Strategy<Value = String> {
    let group = proptest::collection::vec(matcher(), 1..4).prop_map(|all| all.join(","));
    let groups = proptest::collection::vec(group, 1..4);
    groups.prop_map(|groups| format!("{{{}}}", groups.join(" or ")))
}

fn engine(dir: &std::path::Path) -> Engine {
    Engine::open(Config::new(dir), env::real()).expect("a new directory")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_index_finds_what_walking_finds(
        // Where a round ends the index is extended; the last round stays outside.
        rounds in proptest::collection::vec(proptest::collection::vec(series(), 0..40), 1..6),
        selectors in proptest::collection::vec(selector(), 20),
        cut in 0..5u32,
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = engine(dir.path());
        let registry = engine.registry();
        for (number, names) in rounds.iter().enumerate() {
            if number > 0 {
                engine.index().extend(registry);
            }
            names.iter().for_each(|name| assert!(registry.find_or_reserve(name).is_some()));
        }
        let len = registry.len().saturating_sub(cut);
        for text in selectors {
            let Ok(selector) = parse(&text) else { continue };
            let selectors = [selector];
            let mut wanted = Vec::new();
            registry.each_name(0..len, |series, name| {
                if is_wanted(name, &selectors) {
                    wanted.push(series);
                }
            });
            prop_assert_eq!(find(&engine, &selectors, len), wanted, "{}", text);
        }
    }

    /// A start that left out a match would hide series.
    #[test]
    fn starts_cover_what_matches(
        pattern in "[abc.*+?(){}|^$0-2iU:-]{1,10}",
        values in proptest::collection::vec("[abcAB]{0,5}", 20),
    ) {
        let text = format!("{{x=~\"{pattern}\"}}");
        let Ok(selector) = parse(&text) else { return Ok(()) };
        let crate::read::select::Op::Match(pattern) = &selector.groups[0][0].op else {
            return Ok(());
        };
        let starts = pattern.starts();
        // Patterns with words of all alphabets have none.
        let automaton = pattern.automaton();
        for value in values {
            if let Some(automaton) = automaton {
                let accepted = automaton.accepts(value.as_bytes());
                prop_assert_eq!(accepted, pattern.is_match(&value), "{:?} {:?}", pattern, value);
            }
            let covering = starts.iter().filter(|start| match start.whole {
                true => start.text == value.as_bytes(),
                false => value.as_bytes().starts_with(&start.text),
            });
            let covering = covering.count();
            prop_assert!(covering <= 1, "{value:?} twice in {starts:?}");
            prop_assert!(covering == 1 || !pattern.is_match(&value), "{value:?} in {starts:?}");
        }
    }
}

#[test]
fn a_pattern_tells_how_values_begin() {
    for (pattern, want) in [
        ("web.*", "web*"),
        ("^web0[1-3]$", "web01 web02 web03"),
        ("(?:db|web|web1)-x.*", "db-x* web-x* web1-x*"),
        ("(a|ab).*", "a*"),
        (".*", "*"),
        ("", ""),
    ] {
        let selector = parse(&format!("{{x=~\"{pattern}\"}}")).expect("good");
        let crate::read::select::Op::Match(pattern) = &selector.groups[0][0].op else {
            unreachable!("it is a match");
        };
        let shown = |start: &irontsd_engine::index::filter::Start| {
            let text = String::from_utf8_lossy(&start.text).into_owned();
            if start.whole { text } else { text + "*" }
        };
        let shown: Vec<String> = pattern.starts().iter().map(shown).collect();
        assert_eq!(shown.join(" "), want);
    }
}

#[test]
fn the_first_names_are_those_of_the_whole_list() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = engine(dir.path());
    // The mark of histograms is no label: the first and the last have the same.
    let names = [&b"b"[..], b"a k=2", b"c", b"a k=1", b"a", b"b\xff\x03"];
    names.iter().for_each(|name| assert!(engine.registry().find_or_reserve(name).is_some()));
    let first = |after: Option<&[u8]>, (limit, bytes_max)| {
        let bounds = Bounds { after, end: Some(b"b="), limit, bytes_max };
        let counts = |_| Ok(true);
        let (names, next) = first_names(&engine, 0..6, bounds, counts).expect("no damage");
        (names.concat(), next)
    };
    let (some, rest) = ((2, 1 << 20), (9, 1 << 20));
    assert_eq!(first(None, some), (b"aa k=1".to_vec(), Some(b"a k=1".to_vec())));
    assert_eq!(first(None, rest), (b"aa k=1a k=2b".to_vec(), None));
    assert_eq!(first(Some(b"a k=1"), some), (b"a k=2b".to_vec(), None));
    assert_eq!(first(Some(b"b"), rest), (Vec::new(), None));
    // However little fits, there is one.
    assert_eq!(first(None, (9, 1)), (b"a".to_vec(), Some(b"a".to_vec())));
}
