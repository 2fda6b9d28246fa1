//! The files of `tests/cases/`.

use simd_json::OwnedValue;
use simd_json::prelude::{ValueAsScalar, ValueObjectAccess};

/// The telnet cases.
pub fn telnet() -> impl Iterator<Item = OwnedValue> {
    lines(include_str!("../cases/wire-telnet.jsonl"))
}

/// The HTTP cases.
pub fn http() -> impl Iterator<Item = OwnedValue> {
    lines(include_str!("../cases/wire-http.jsonl"))
}

/// The values of a file's lines behind its legend.
fn lines(file: &str) -> impl Iterator<Item = OwnedValue> {
    file.lines().skip(1).map(|line| {
        simd_json::to_owned_value(&mut line.as_bytes().to_vec()).expect("JSON in a case file")
    })
}

/// A member that is a text; empty if it is something else.
pub fn text(case: &OwnedValue, name: &str) -> String {
    case.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}
