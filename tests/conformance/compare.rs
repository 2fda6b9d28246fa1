//! Equality of JSON values as the legends define it.

use crate::common::Json;

use super::case::ensure;
use super::run::Verdict;

/// How objects and arrays are compared; numbers always by value.
pub struct Rules<'a> {
    /// Whether the answer may have more keys, and arrays of objects any order.
    pub subset: bool,
    /// Paths (`data.result`) of arrays that may come in any order.
    pub unordered: &'a [String],
}

/// Integers exactly, floats bit for bit; an integer and a float only if nothing was rounded.
pub fn is_same_number(one: &str, other: &str) -> bool {
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => one == other,
        (Some(integer), None) => is_float_of(other, integer),
        (None, Some(integer)) => is_float_of(one, integer),
        (None, None) => bits(one).is_some_and(|found| bits(other) == Some(found)),
    }
}

/// An integer that fits 64 bits; `-0` is a float's spelling.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text != "-0")
}

fn is_float_of(text: &str, integer: i64) -> bool {
    let float = integer as f64;
    bits(text) == Some(float.to_bits()) && float as i128 == i128::from(integer)
}

fn bits(text: &str) -> Option<u64> {
    text.parse::<f64>().ok().map(f64::to_bits)
}

/// A value in about JSON's spelling; numbers as they were.
pub fn spelled(json: &Json) -> String {
    let member = |(name, value): &(String, Json)| format!("{name:?}:{}", spelled(value));
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(text) => text.clone(),
        Json::Text(text) => format!("{text:?}"),
        Json::Array(items) => format!("[{}]", joined(items.iter().map(spelled))),
        Json::Object(members) => format!("{{{}}}", joined(members.iter().map(member))),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

/// Compares a whole answer; the complaint names the place.
pub fn check(expected: &Json, found: &Json, rules: &Rules) -> Verdict {
    check_at("", expected, found, rules)
}

fn check_at(path: &str, expected: &Json, found: &Json, rules: &Rules) -> Verdict {
    let same = match (expected, found) {
        (Json::Object(wanted), Json::Object(found)) => {
            return check_object(path, wanted, found, rules);
        }
        (Json::Array(wanted), Json::Array(found)) => {
            return check_array(path, wanted, found, rules);
        }
        (Json::Number(one), Json::Number(other)) => is_same_number(one, other),
        _ => expected == found,
    };
    ensure(same, || format!("`{path}` is {}, not {}", spelled(found), spelled(expected)))
}

/// The members of an object.
type Members = [(String, Json)];

fn check_object(path: &str, wanted: &Members, found: &Members, rules: &Rules) -> Verdict {
    for (name, value) in wanted {
        let below = below(path, name);
        let member = found.iter().find(|(other, _)| other == name);
        let (_, member) = member.ok_or_else(|| format!("`{below}` is missing"))?;
        check_at(&below, value, member, rules)?;
    }
    let more = found.iter().find(|(name, _)| wanted.iter().all(|(other, _)| other != name));
    match more {
        Some((name, value)) if !rules.subset => {
            Err(format!("`{}` is {}, not absent", below(path, name), spelled(value)))
        }
        _ => Ok(()),
    }
}

fn check_array(path: &str, wanted: &[Json], found: &[Json], rules: &Rules) -> Verdict {
    let lengths = || format!("`{path}` has {} elements, not {}", found.len(), wanted.len());
    ensure(wanted.len() == found.len(), lengths)?;
    let objects = wanted.iter().any(|item| matches!(item, Json::Object(_)));
    if rules.subset && objects || rules.unordered.iter().any(|other| other == path) {
        return check_set(path, wanted, found, rules);
    }
    let mut pairs = wanted.iter().zip(found).enumerate();
    pairs
        .try_for_each(|(n, (one, other))| check_at(&below(path, &n.to_string()), one, other, rules))
}

fn check_set(path: &str, wanted: &[Json], found: &[Json], rules: &Rules) -> Verdict {
    let mut left: Vec<&Json> = found.iter().collect();
    for expected in wanted {
        let place = left.iter().position(|found| check_at(path, expected, found, rules).is_ok());
        let missing = || {
            let left = joined(left.iter().map(|found| spelled(found)));
            format!("`{path}` lacks {}; left: {left}", spelled(expected))
        };
        left.swap_remove(place.ok_or_else(missing)?);
    }
    Ok(())
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[test]
fn numbers_and_arrays_compare_as_the_legends_say() {
    assert!(is_same_number("5", "5.0") && is_same_number("1e21", "1000000000000000000000"));
    assert!(!is_same_number("9007199254740993", "9007199254740992.0"));
    assert!(!is_same_number("0", "-0.0") && is_same_number("-0.0", "-0"));
    let same = |one, other, subset| {
        check(&Json::parse(one), &Json::parse(other), &Rules { subset, unordered: &[] }).is_ok()
    };
    let (wanted, found) = (r#"{"a":[{"b":1},{"b":2}]}"#, r#"{"a":[{"b":2,"c":0},{"b":1}],"d":0}"#);
    assert!(same(wanted, found, true) && !same(wanted, found, false));
    assert!(!same(r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, true));
    assert!(!same(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, true));
}
