//! Segments: copied where they are sound, else written anew from what is sound in them.

use super::{Repair, Repaired};
use irontsd_engine::codec::Effort;
use irontsd_engine::error::{Error, Result};
use irontsd_engine::manifest::{Manifest, SegmentEntry};
use irontsd_engine::names::groups::Groups;
use irontsd_engine::offline::damaged;
use irontsd_engine::segment::{self, Segment, SegmentWriter};
use irontsd_engine::series::Registry;
use irontsd_engine::types::{Samples, SeriesId};

/// Writes all segments; those of which nothing is left leave the manifest.
pub fn write(
    repair: &Repair<'_>,
    manifest: &mut Manifest,
    registry: &Registry,
    report: &mut Repaired,
) -> Result<()> {
    let mut kept = Vec::new();
    for entry in &manifest.segments {
        let path = repair.from.join("segments").join(&entry.name);
        let segment = match damaged::open(repair.env, &path) {
            Ok((segment, _)) => segment,
            Err(error) => {
                report.notes.push(format!("all of a segment is lost: {error}"));
                continue;
            }
        };
        let to = repair.to.join("segments").join(&entry.name);
        let written = if repair.is_damaged(&path) {
            anew(repair, entry, &segment, registry)?
        } else {
            repair.copy(&path, &to)?;
            let footer = segment.footer();
            let entry = SegmentEntry {
                bytes: segment.bytes(),
                epochs: footer.epochs,
                times: footer.timestamps,
                ..entry.clone()
            };
            Some((entry, footer.samples))
        };
        match written {
            Some((entry, samples)) => {
                report.segments += 1;
                report.samples += samples;
                kept.push(entry);
            }
            None => report.notes.push(format!("nothing of {} is left", entry.name)),
        }
    }
    let dir = repair.to.join("segments");
    repair.env.disk.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))?;
    manifest.segments = kept;
    Ok(())
}

/// Writes what can be read of a segment; returns its line in the manifest and its samples.
fn anew(
    repair: &Repair<'_>,
    entry: &SegmentEntry,
    segment: &Segment,
    registry: &Registry,
) -> Result<Option<(SegmentEntry, u64)>> {
    let to = repair.to.join("segments").join(&entry.name);
    let effort = if entry.level == 0 { Effort::Flush } else { Effort::Merge };
    // The manifest's word for what the footer says, if that was damaged.
    let known = entry.times != (i64::MIN, i64::MAX);
    let epochs = if known { entry.epochs } else { segment.footer().epochs };
    let mut writer = SegmentWriter::create(repair.env, &to, epochs, effort)?;
    let mut samples = Samples::default();
    let mut last: Option<(SeriesId, i64)> = None;
    for at in 0..segment.blocks().len() {
        let Ok(block) = segment.block(at) else { continue };
        for run in 0..block.runs() {
            samples.clear();
            let series = block.series(run);
            let is_read = segment.read(at, &block, run, &mut samples).is_ok();
            // A segment whose order is broken keeps what ascends.
            let ascends = samples.timestamps.is_sorted_by(|a, b| a < b);
            let first = samples.timestamps.first().copied();
            let follows = first.is_some_and(|first| last.is_none_or(|last| last < (series, first)));
            if is_read && ascends && follows && series < registry.len() {
                writer.push(series, &samples)?;
                last = samples.timestamps.last().map(|&time| (series, time));
            }
        }
    }
    if writer.is_empty() {
        writer.discard();
        return Ok(None);
    }
    let sealed = writer.seal(registry, &mut Groups::for_merges())?;
    let footer = sealed.footer;
    let entry = SegmentEntry {
        bytes: sealed.bytes,
        epochs: footer.epochs,
        times: footer.timestamps,
        ..entry.clone()
    };
    Ok(Some((entry, footer.samples)))
}

/// What a manifest would say, going by the segments alone. One that another covers in epochs and time
/// was an input of the merge that made the other.
pub fn made_up_manifest(repair: &Repair<'_>, report: &mut Repaired) -> Manifest {
    let what = "the manifest is lost: levels, deletes, retention and partitions with it";
    report.notes.push(what.to_owned());
    let dir = repair.from.join("segments");
    let mut files = repair.env.disk.list(&dir).unwrap_or_default();
    files.retain(|name| segment::is_file_name(name));
    files.sort_unstable();
    let mut entries: Vec<SegmentEntry> = Vec::new();
    for name in files {
        if let Ok((segment, _)) = damaged::open(repair.env, &dir.join(&name)) {
            let footer = segment.footer();
            let (epochs, times) = (footer.epochs, footer.timestamps);
            let bytes = segment.bytes();
            entries.push(SegmentEntry { name, bytes, level: 0, epochs, times, deletes: 0 });
        }
    }
    let covers = |one: &SegmentEntry, other: &SegmentEntry| {
        let within = one.epochs.0 <= other.epochs.0 && other.epochs.1 <= one.epochs.1;
        let wider = one.epochs != other.epochs;
        within && wider && one.overlaps(other.times)
    };
    let segments: Vec<SegmentEntry> = entries
        .iter()
        .filter(|entry| !entries.iter().any(|one| covers(one, entry)))
        .cloned()
        .collect();
    let flushed_epoch = segments.iter().map(|entry| entry.epochs.1).max().unwrap_or(0);
    // The numbers of merged files are never given out again.
    let number = |name: &str| name.strip_prefix("merged-")?.strip_suffix(".seg")?.parse().ok();
    let last_file = entries.iter().filter_map(|entry| number(&entry.name)).max().unwrap_or(0);
    Manifest { flushed_epoch, last_file, segments, ..Manifest::default() }
}
