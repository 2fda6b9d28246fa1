//! One spelling for a series, however its labels were ordered: `name{a="b",c="d"}`.

/// The canonical spelling of a metric and its tags.
pub fn series(metric: &str, tags: &[(&str, &str)]) -> String {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    let tags: Vec<String> = tags.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{metric}{{{}}}", tags.join(","))
}

/// A sent timestamp in milliseconds: below 2^32 it was seconds.
pub fn stamp_ms(sent: i64) -> i64 {
    if sent < 1 << 32 { sent * 1000 } else { sent }
}

/// Whether two texts are the same number: as integers, or as floats bit for bit.
pub fn same_number(one: &str, other: &str) -> bool {
    match (one.parse::<i64>(), other.parse::<i64>()) {
        // `-0` is a float's spelling; as an integer it would be 0.
        (Ok(one_integer), Ok(other_integer)) if one != "-0" && other != "-0" => {
            one_integer == other_integer
        }
        _ => bits(one).is_some_and(|one_bits| bits(other) == Some(one_bits)),
    }
}

fn bits(text: &str) -> Option<u64> {
    text.parse::<f64>().ok().map(f64::to_bits)
}

#[test]
fn numbers_are_compared_exactly() {
    assert!(same_number("9007199254740993", "9007199254740993"));
    assert!(!same_number("9007199254740993", "9007199254740992"));
    assert!(same_number("1e3", "1000") && same_number("0.5", "5e-1"));
    assert!(!same_number("-0.0", "0") && !same_number("0.1", "0.10000000000000002"));
}
