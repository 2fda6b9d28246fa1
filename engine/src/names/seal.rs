//! When names leave memory for a part, and when parts become one.
//!
//! Order of the steps: another names log is begun; the part is sealed; the manifest names it; it is
//! read instead of memory; the log before goes. A crash before the manifest leaves the part as a
//! leftover, one after it the log.

use super::slots;
use crate::error::Result;
use crate::limits::{UNSEALED_BYTES, UNSEALED_NAMES};
use crate::manifest::NamesEntry;
use crate::series::NAMES_DIR;
use crate::state::Shared;
use crate::types::SeriesId;
use std::ops::Range;
use std::path::Path;

/// So many parts of one size become one of the next.
const FAN_IN: usize = 4;

/// Seals the names in memory if they are many. What cannot be done now is tried again.
pub(crate) fn seal_if_due(shared: &Shared) {
    if is_due(shared)
        && let Err(error) = seal(shared)
    {
        tracing::error!("names stay in memory for now: {error}");
    }
}

/// Whether a flush seals the names in memory, too.
pub(crate) fn is_due(shared: &Shared) -> bool {
    let (names, bytes) = shared.registry.unsealed();
    let bytes_max = shared.config.names_part_bytes_max.min(UNSEALED_BYTES);
    names >= UNSEALED_NAMES || bytes as u64 >= bytes_max
}

/// Memory that sealing the names will take besides them, at the most: a part is packed, then laid out.
pub(crate) fn bytes_to_come(shared: &Shared) -> u64 {
    2 * shared.config.names_part_bytes_max.min(shared.registry.unsealed().1 as u64)
}

/// Seals all written names. Called by the keeper alone.
pub(crate) fn seal(shared: &Shared) -> Result<()> {
    let (env, dir, registry) = (&shared.env, &shared.config.dir, &shared.registry);
    if registry.unsealed().0 == 0 {
        return Ok(());
    }
    let (ids, log) = registry.rotate(env, dir, shared.new_file())?;
    seal_ids(shared, ids)?;
    remove(shared, &log);
    Ok(())
}

/// The same where their log cannot be synced: parts are files of their own. The log stays, though
/// nobody needs it.
pub(crate) fn seal_without_log(shared: &Shared) -> Result<()> {
    let ids = shared.registry.unsealed_written();
    if ids.is_empty() { Ok(()) } else { seal_ids(shared, ids) }
}

fn seal_ids(shared: &Shared, ids: Range<SeriesId>) -> Result<()> {
    let (env, dir, registry) = (&shared.env, &shared.config.dir, &shared.registry);
    let bytes_max = shared.config.names_part_bytes_max;
    let parts = registry.seal(env, dir, ids.clone(), bytes_max, || shared.new_file())?;
    let gone = change_names(shared, |names| {
        // Nothing but parts that were found damaged can be there.
        names.retain(|entry| entry.ids().end <= ids.start);
        names.extend(parts.iter().map(NamesEntry::of));
    })?;
    registry.adopt(parts);
    let dir = dir.join(NAMES_DIR);
    for name in gone {
        let path = dir.join(name);
        let kept = shared.env.disk.rename(&path, &path.with_extension("part.damaged"));
        kept.unwrap_or_else(|error| tracing::warn!("{} stays: {error}", path.display()));
    }
    Ok(())
}

/// Merges parts: those of one size when there are several, or all. Called by the merger alone.
pub(crate) fn merge(shared: &Shared, all: bool) -> Result<()> {
    let (env, dir, registry) = (&shared.env, &shared.config.dir, &shared.registry);
    loop {
        let entries = shared.manifest.lock().names.clone();
        let Some(ids) = next_merge(&entries, all, shared.config.names_part_bytes_max) else {
            return Ok(());
        };
        let mut sealed = registry.seal(env, dir, ids.clone(), u64::MAX, || shared.new_file())?;
        let (Some(merged), true) = (sealed.pop(), sealed.is_empty()) else { return Ok(()) };
        let gone = change_names(shared, |names| {
            let at = names.iter().position(|entry| entry.first == ids.start).unwrap_or(0);
            names.retain(|entry| !ids.contains(&entry.first));
            names.insert(at, NamesEntry::of(&merged));
        })?;
        registry.replace_parts(merged);
        gone.iter().for_each(|name| remove(shared, &dir.join(NAMES_DIR).join(name)));
    }
}

/// Changes the manifest's list of parts; returns the files that it does not name any more.
fn change_names(shared: &Shared, change: impl FnOnce(&mut Vec<NamesEntry>)) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    shared.change_manifest(|manifest| {
        let before = manifest.names.clone();
        change(&mut manifest.names);
        let is_gone = |entry: &NamesEntry| !manifest.names.iter().any(|e| e.name == entry.name);
        gone = before.into_iter().filter(is_gone).map(|entry| entry.name).collect();
    })?;
    Ok(gone)
}

fn remove(shared: &Shared, path: &Path) {
    if let Err(error) = shared.env.disk.remove(path) {
        tracing::warn!("{} is done with but stays: {error}", path.display());
    }
}

/// The ids of the parts that should be one, if any.
fn next_merge(entries: &[NamesEntry], all: bool, bytes_max: u64) -> Option<Range<SeriesId>> {
    let fits = |set: &[NamesEntry]| {
        let names: u64 = set.iter().map(|entry| u64::from(entry.count)).sum();
        let bytes: u64 = set.iter().map(|entry| entry.bytes).sum();
        names <= slots::NAMES_MAX.into() && bytes <= bytes_max
    };
    let size = |entry: &NamesEntry| (entry.count / UNSEALED_NAMES).max(1).ilog2() / 2;
    // Everything, or enough of one size, with what is smaller among them.
    let is_worth = |set: &[NamesEntry]| {
        let alike = set.iter().filter(|entry| size(entry) == size(&set[0])).count();
        if all { set.len() > 1 } else { alike >= FAN_IN }
    };
    // The longest run from each part on that may become one, the last such run first: new parts
    // stand at the end.
    (0..entries.len()).rev().find_map(|from| {
        let alike = entries[from..]
            .iter()
            .take_while(|entry| all || size(entry) <= size(&entries[from]))
            .count();
        let is_chosen = |set: &[NamesEntry]| is_worth(set) && fits(set);
        let count = (2..=alike).rev().find(|count| is_chosen(&entries[from..from + count]))?;
        let (first, last) = (&entries[from], &entries[from + count - 1]);
        let is_first = from == 0 || !all || !fits(&entries[from - 1..from + count]);
        is_first.then(|| first.first..last.ids().end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::UNSEALED_NAMES as SEAL;

    fn entries(counts: &[u32]) -> Vec<NamesEntry> {
        let mut first = 0;
        let entry = |&count: &u32| {
            first += count;
            NamesEntry { name: String::new(), first: first - count, count, bytes: 9 }
        };
        counts.iter().map(entry).collect()
    }

    #[test]
    fn parts_of_a_size_become_one_and_the_large_stay() {
        assert_eq!(next_merge(&entries(&[SEAL, SEAL, SEAL]), false, u64::MAX), None);
        assert_eq!(
            next_merge(&entries(&[SEAL * 4, 1, 2, SEAL, 5]), false, u64::MAX),
            Some(SEAL * 4..SEAL * 5 + 8)
        );
        assert_eq!(next_merge(&entries(&[SEAL * 4, SEAL, SEAL]), false, u64::MAX), None);
        assert_eq!(next_merge(&entries(&[9, 1]), true, u64::MAX), Some(0..10));
        assert_eq!(next_merge(&entries(&[9]), true, u64::MAX), None);
        let full = [slots::NAMES_MAX - 3, 2, 3];
        assert_eq!(
            next_merge(&entries(&full), true, u64::MAX),
            Some(slots::NAMES_MAX - 3..slots::NAMES_MAX + 2)
        );
    }

    #[test]
    fn there_are_few_parts_and_names_are_written_few_times() {
        let (mut parts, mut written) = (Vec::new(), 0u64);
        for _ in 0..300 {
            parts.push(SEAL);
            while let Some(ids) = next_merge(&entries(&parts), false, u64::MAX) {
                let mut kept: Vec<u32> = Vec::new();
                let (mut first, mut merged) = (0, 0);
                for count in parts {
                    if ids.contains(&first) {
                        merged += count;
                    } else {
                        kept.extend((merged > 0).then(|| std::mem::take(&mut merged)));
                        kept.push(count);
                    }
                    first += count;
                }
                kept.extend((merged > 0).then_some(merged));
                written += u64::from(ids.end - ids.start);
                parts = kept;
            }
            assert!(parts.len() < 25, "{parts:?}");
        }
        assert!(written < 4 * 300 * u64::from(SEAL));
    }
}
