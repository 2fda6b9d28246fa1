//! The manifest by itself: what it names can be together.

use crate::screen::text;
use crate::verify::fault::{Affected, Faults, Kind};
use irontsd_engine::manifest::Manifest;
use std::collections::HashSet;

/// Checks what the manifest says.
pub fn check(manifest: &Manifest, faults: &mut Faults) {
    overlaps(manifest, faults);
    let mut names = HashSet::new();
    let files = manifest.segments.iter().map(|entry| entry.name.as_str());
    for name in files.chain(manifest.names.iter().map(|entry| entry.name.as_str())) {
        if !names.insert(name) {
            faults.note(0, Kind::Manifest, format!("{name} is named twice"));
        }
    }
    let mut next = 0;
    for entry in &manifest.names {
        if entry.first != next {
            let what = format!("{} begins with id {}, not {next}", entry.name, entry.first);
            faults.note(0, Kind::Manifest, what);
        }
        next = entry.ids().end;
    }
    if !manifest.deletes.is_sorted_by(|a, b| a.number < b.number) {
        faults.note(0, Kind::Manifest, "numbers of deletes do not ascend");
    }
    if manifest.deletes.iter().any(|delete| delete.number > manifest.last_file) {
        faults.note(0, Kind::Manifest, "a delete has a number that was never given");
    }
    for entry in &manifest.segments {
        if entry.epochs.1 > manifest.flushed_epoch || entry.epochs.0 > entry.epochs.1 {
            let (first, last) = entry.epochs;
            let what = format!("{} has epochs {first} to {last}", entry.name);
            faults.note(
                0,
                Kind::Manifest,
                format!("{what}, flushed are those up to {}", manifest.flushed_epoch),
            );
        }
    }
}

/// Where segments overlap in time their epochs do not: otherwise which write is the later is unknown.
fn overlaps(manifest: &Manifest, faults: &mut Faults) {
    let mut segments: Vec<_> = manifest.segments.iter().collect();
    segments.sort_by_key(|entry| entry.times.0);
    for (at, one) in segments.iter().enumerate() {
        for other in segments[at + 1..].iter().take_while(|other| other.times.0 <= one.times.1) {
            let both = (one.epochs.0.max(other.epochs.0), one.epochs.1.min(other.epochs.1));
            if both.0 > both.1 {
                continue;
            }
            let times = (other.times.0, one.times.1.min(other.times.1));
            let what = format!(
                "{} and {} both have epochs {} to {} and times from {}",
                one.name,
                other.name,
                both.0,
                both.1,
                text::time(times.0)
            );
            faults.add(0, Kind::Manifest, what, Affected::times(times));
        }
    }
}
