//! Rows that are in logs only: put into segments, epoch by epoch.

use super::{Repair, Repaired, header};
use irontsd_engine::batch::Batch;
use irontsd_engine::buffer::{ChunkPool, WriteBuffer};
use irontsd_engine::error::{Error, Result};
use irontsd_engine::flush::flush;
use irontsd_engine::header::FileKind;
use irontsd_engine::log;
use irontsd_engine::log::record::{self, Record};
use irontsd_engine::log::rows;
use irontsd_engine::manifest::{Manifest, SegmentEntry};
use irontsd_engine::names::groups::Groups;
use irontsd_engine::rows::{SeriesSet, SortMemory};
use irontsd_engine::series::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Writes a segment for each epoch with rows that no segment has. `before` are the flushed epoch and the
/// last number of the manifest as it was.
pub fn write(
    repair: &Repair<'_>,
    manifest: &mut Manifest,
    before: (u32, u64),
    registry: &Registry,
    report: &mut Repaired,
) -> Result<()> {
    let (mut epochs, mut lost) = (BTreeMap::<u32, Vec<Arc<WriteBuffer>>>::new(), 0);
    let named = named(registry);
    let dir = repair.from.join("log");
    let mut files = repair.env.disk.list(&dir).unwrap_or_default();
    files.sort_unstable();
    for name in files {
        let Some((epoch, _)) = log::parse_file_name(&name).filter(|it| it.0 > before.0) else {
            continue;
        };
        let path = dir.join(name);
        let bytes = repair.env.disk.read(&path).map_err(|error| Error::io("read", &path, error))?;
        let Some(header) = header(&path, &bytes, FileKind::Log) else {
            report.notes.push(format!("all of {} is lost", path.display()));
            continue;
        };
        let records = record::salvage(&bytes, header.salt).0;
        let buffer = fill(epoch, &records, &named, &mut lost);
        epochs.entry(epoch).or_default().push(buffer);
    }
    if lost > 0 {
        report.notes.push(format!("{lost} rows of series without a name are lost"));
    }
    let (mut memory, mut names) = (SortMemory::default(), Groups::for_merges());
    let dir = repair.to.join("segments");
    for (epoch, buffers) in epochs {
        manifest.flushed_epoch = manifest.flushed_epoch.max(epoch);
        let sealed = flush(repair.env, &dir, epoch, &buffers, registry, &mut memory, &mut names)?;
        let Some(sealed) = sealed else { continue };
        report.segments += 1;
        report.samples += sealed.footer.samples;
        manifest.segments.push(SegmentEntry {
            name: log_segment_name(epoch),
            bytes: sealed.bytes,
            level: 0,
            epochs: sealed.footer.epochs,
            times: sealed.footer.timestamps,
            // A delete flushes first: rows in logs came after all deletes.
            deletes: before.1,
        });
    }
    Ok(())
}

fn log_segment_name(epoch: u32) -> String {
    irontsd_engine::segment::file_name(epoch)
}

fn named(registry: &Registry) -> SeriesSet {
    let mut named = SeriesSet::default();
    registry.each_name(0..registry.len(), |id, _| named.insert(id));
    named
}

/// The rows of all records whose series have a name.
fn fill(epoch: u32, records: &[Record<'_>], named: &SeriesSet, lost: &mut u64) -> Arc<WriteBuffer> {
    let mut batch = Batch::default();
    let weight = records.iter().map(|found| rows::weight(found.payload, &mut batch)).sum();
    let buffer = Arc::new(WriteBuffer::new(epoch, weight, Arc::new(ChunkPool::default())));
    for found in records {
        batch.clear();
        if rows::decode(found.payload, &mut batch).is_err()
            || (found.sequence >> 32) as u32 != epoch
        {
            continue;
        }
        let mut kept = Batch::default();
        for at in 0..batch.len() {
            match batch.row(at) {
                (series, ..) if !named.contains(series) => *lost += 1,
                (series, time, _, Some(bytes)) => kept.push_histogram(series, time, bytes),
                (series, time, value, None) => kept.push(series, time, value),
            }
        }
        buffer.append(&kept, found.sequence as u32);
    }
    buffer
}
