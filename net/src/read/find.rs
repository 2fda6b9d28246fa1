//! Which series a request means: matched by selectors, in name order.

use super::select::{NAME_LABEL, Selector};
use irontsd_engine::name;
use irontsd_engine::series::Registry;
use irontsd_engine::types::SeriesId;
use std::borrow::Cow;

/// Series looked at before new ones may be added again.
const NAMES_AT_ONCE: u32 = 4096;

/// Series with their names, in name order.
#[derive(Debug, Default)]
pub struct Found {
    names: Vec<u8>,
    series: Vec<(SeriesId, usize, usize)>,
}

impl Found {
    /// The series below `len` that any selector matches; all of them if there is no selector.
    pub fn search(registry: &Registry, selectors: &[Selector], len: u32) -> Found {
        let mut found = Found::default();
        for from in (0..len).step_by(NAMES_AT_ONCE as usize) {
            let names = registry.names();
            for series in from..len.min(from + NAMES_AT_ONCE) {
                let name = names.get(series);
                // A series without a name lost it to damage, which was reported.
                if !name.is_empty() && is_wanted(name, selectors) {
                    let start = found.names.len();
                    found.names.extend_from_slice(name);
                    found.series.push((series, start, name.len()));
                }
            }
        }
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

fn is_wanted(name: &[u8], selectors: &[Selector]) -> bool {
    selectors.is_empty() || selectors.iter().any(|selector| matches(name, selector))
}

fn matches(name: &[u8], selector: &Selector) -> bool {
    selector.groups.iter().any(|group| {
        group.iter().all(|matcher| {
            let value = label(name, &matcher.label);
            matcher.matches(value.as_deref())
        })
    })
}

/// The value of a label; names are UTF-8, checked when they came in.
pub fn label<'a>(name: &'a [u8], label: &str) -> Option<Cow<'a, str>> {
    let value = if label == NAME_LABEL {
        name::metric(name)
    } else {
        name::tags(name).find(|(key, _)| **key == *label.as_bytes())?.1
    };
    Some(match value {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    })
}
