//! Names: sealed parts by themselves, and what segments and logs say against what the names files say.

use super::{Checked, Meter};
use crate::verify::fault::{Affected, Faults, Kind};
use irontsd_engine::checksum;
use irontsd_engine::env::Env;
use irontsd_engine::error::Error;
use irontsd_engine::header::HEADER_BYTES;
use irontsd_engine::manifest::NamesEntry;
use irontsd_engine::names::part::{FOOTER_BYTES, Part};
use irontsd_engine::segment::Segment;
use irontsd_engine::series::Registry;
use std::collections::HashSet;

/// Checks a sealed part.
pub fn check(env: &Env, mut faults: Faults, entry: &NamesEntry, meter: &Meter) -> Checked {
    let path = faults.path().to_owned();
    let mut checked = Checked { blocks: 1, ..Checked::default() };
    match Part::open(env, &path) {
        Ok(part) => {
            checked.bytes = part.bytes();
            if part.ids() != entry.ids() || part.bytes() != entry.bytes {
                faults.note(0, Kind::Manifest, "it has other ids or bytes than the manifest says");
            }
        }
        Err(error) => {
            let affected =
                Affected { series_count: Some(entry.count.into()), ..Affected::default() };
            let footer_at = entry.bytes.saturating_sub(FOOTER_BYTES as u64);
            let kind = match &error {
                Error::Damaged { offset, .. } if *offset < HEADER_BYTES as u64 => Kind::Header,
                Error::Damaged { offset, .. } if *offset >= footer_at => Kind::Footer,
                _ => Kind::Names,
            };
            faults.error(kind, &error, affected);
        }
    }
    meter.add(checked.bytes);
    checked.faults = faults.found;
    checked
}

/// Compares names of segments with those of the names files. Groups of names are copied from segment to
/// segment, so equal ones are looked at once.
#[derive(Debug, Default)]
pub struct Compared(HashSet<(u32, u32, u32)>);

impl Compared {
    /// Looks at the names of one segment.
    pub fn segment(&mut self, segment: &Segment, registry: &Registry, faults: &mut Faults) {
        for group in segment.name_groups() {
            let bytes = &segment.file()[group.offset as usize..][..group.bytes as usize];
            let hash = checksum::continued(group.first, bytes);
            if !self.0.insert((group.first, group.bytes, hash)) {
                continue;
            }
            let (mut differing, mut example) = (0u64, None);
            // A damaged group is a fault already.
            let _damaged = segment.each_name_of(group, |series, name| {
                if !name.is_empty() && registry.find(name) != Some(series) {
                    differing += 1;
                    example.get_or_insert_with(|| crate::screen::text::series(name));
                }
            });
            if let Some(example) = example {
                let affected = Affected {
                    series: vec![example],
                    series_count: Some(differing),
                    ..Affected::default()
                };
                let what = "names that the names files do not have under these ids";
                faults.add(group.offset, Kind::Names, what, affected);
            }
        }
    }
}
