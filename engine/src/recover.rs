//! Opening a data directory: lock, manifest, segments, names, logs. Safe to interrupt and repeat.
//!
//! Nothing here decides by wall clock, and nothing is removed before what replaces it is durable:
//! a log is cut only behind its last valid record, and goes only when the manifest says that its
//! epoch lies in segments.

use crate::assigned::{ASSIGNED_FILE, Assigned};
use crate::buffer::{ChunkPool, WriteBuffer};
use crate::deletes::{self, Delete};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::keeper::{Frozen, FrozenLog, is_leftover_log};
use crate::log::append::AppendFile;
use crate::log::record;
use crate::log::replay::{Replayed, damaged_range, replay};
use crate::manifest::{MANIFEST_FILE, Manifest, SegmentEntry};
use crate::merge::days::DAY_MS;
use crate::scan::Aside;
use crate::segment::{self, Segment};
use crate::series::{Known, NAMES_DIR, OLD_NAMES_FILE, Registry};
use crate::types::SeriesId;
use crate::watcher::PROBE_FILE;
use crate::witness::{Teller, WITNESS_FILE, Witness};
use crate::{log, names, snapshots};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What recovery found, for one line in the log and for tests.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Segments opened, and samples in them.
    pub segments: usize,
    /// See `segments`.
    pub segment_samples: u64,
    /// Series known.
    pub series: u32,
    /// Logs replayed, and rows in them.
    pub logs: usize,
    /// See `logs`.
    pub log_rows: u64,
    /// Bytes cut from the ends of files: writes that were never finished.
    pub cut_bytes: u64,
    /// Where they were cut, one sentence each.
    pub cuts: Vec<String>,
    /// Damage, one sentence each, with file and offset.
    pub faults: Vec<String>,
}

impl Recovery {
    pub(crate) fn cut(&mut self, path: &Path, at: u64, bytes: u64) {
        self.cut_bytes += bytes;
        let path = path.display();
        self.cuts.push(format!("{path}: cut {bytes} unfinished bytes at offset {at}"));
    }

    /// Notes what a log of so many bytes holds; returns its salt, its rows, and which id must not be
    /// given out any more.
    pub(crate) fn take(
        &mut self,
        path: &Path,
        found: Replayed,
        len: u64,
    ) -> Option<(u64, Arc<WriteBuffer>, Option<SeriesId>)> {
        self.faults.extend(found.faults);
        if let Some(at) = found.cut_at {
            self.cut(path, at, len - at);
        }
        let (salt, buffer) = found.rows?;
        self.logs += 1;
        self.log_rows += buffer.len() as u64;
        Some((salt, buffer, found.lost))
    }
}

impl std::fmt::Display for Recovery {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "found {} segments with {} samples, {} series, {} rows in {} logs; cut {} unfinished \
             bytes; {} faults",
            self.segments,
            self.segment_samples,
            self.series,
            self.log_rows,
            self.logs,
            self.cut_bytes,
            self.faults.len()
        )
    }
}

/// A data directory, read.
pub(crate) struct Recovered {
    pub manifest: Manifest,
    pub segments: Vec<Arc<Segment>>,
    pub deletes: Vec<Arc<Delete>>,
    pub aside: Vec<Arc<Aside>>,
    pub registry: Registry,
    pub assigned: Assigned,
    pub frozen: VecDeque<Frozen>,
    /// What tells of the files from now on.
    pub teller: Teller,
    /// The highest epoch seen anywhere.
    pub epoch: u32,
    pub report: Recovery,
}

/// Reads a data directory, creating it if it is new. The caller holds its lock.
pub(crate) fn recover(
    env: &Env,
    dir: &Path,
    partition_ms: Option<i64>,
    pool: &Arc<ChunkPool>,
) -> Result<Recovered> {
    for sub in ["log", "segments", NAMES_DIR] {
        let path = dir.join(sub);
        env.disk.create_dir(&path).map_err(|error| Error::io("create", &path, error))?;
    }
    env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
    let witness = Witness::read(env, dir);
    let Some(mut manifest) = Manifest::read(env, dir)? else {
        return start_new(env, dir, partition_ms.unwrap_or(DAY_MS), &witness);
    };
    check_partition(dir, &manifest, partition_ms)?;
    let mut report = Recovery::default();
    check_latest(env, dir, &manifest)?;
    witness.check_manifest(dir, &manifest)?;
    let on_disk = (manifest.flushed_epoch, manifest.last_file, manifest.floor_ms);
    remove_leftovers(env, dir, &manifest)?;
    snapshots::remove_leftovers(env, dir)?;
    let (segments, aside) = open_segments(env, dir, &mut manifest, &mut report)?;
    // Without it what was deleted would come back.
    let segment_dir = dir.join("segments");
    let read_delete = |entry| deletes::read(env, &segment_dir, entry).map(Arc::new);
    let deletes = manifest.deletes.iter().map(read_delete).collect::<Result<Vec<_>>>()?;
    let (registry, names) = Registry::open(env, dir, &manifest.names)?;
    names.cuts.iter().for_each(|(path, at, bytes)| report.cut(path, *at, *bytes));
    report.faults.extend(names.faults);
    // A number that a crash kept from the manifest is never used again.
    manifest.last_file = manifest.last_file.max(names.number);
    let known = registry.len();
    tell(witness.check_names(dir, known), &mut report);
    restore_names(&dir.join(NAMES_DIR), &registry, &segments, &mut report);
    tell(witness.check_assigned(env, dir), &mut report);
    let assigned = open_assigned(env, dir, &mut report)?;
    let found = list(env, &dir.join("log"))?;
    tell(witness.missing_logs(dir, manifest.flushed_epoch, &found), &mut report);
    let mut files = BTreeMap::new();
    let logs = read_logs(env, dir, (&registry, pool), &witness, &mut files, &mut report)?;
    witness.skip_lost_ids(&registry);
    if registry.len() > known {
        // The witness of this run must not tell of fewer: the next start would give the ids out again.
        registry.ensure_written(registry.len() - 1)?;
        registry.sync()?;
    }
    // A log that is missing may come back: its epoch is not used again.
    let epochs = logs.keys().chain(witness.logs.keys().map(|(epoch, _)| epoch));
    let epoch = epochs.copied().fold(manifest.flushed_epoch, u32::max);
    report.series = registry.len();
    let (frozen, teller) = (logs.into_values().collect(), Teller::new(on_disk, files));
    Ok(Recovered {
        manifest,
        segments,
        deletes,
        aside,
        registry,
        assigned,
        frozen,
        teller,
        epoch,
        report,
    })
}

fn tell(damage: impl IntoIterator<Item = Error>, report: &mut Recovery) {
    report.faults.extend(damage.into_iter().map(|error| error.to_string()));
}

/// Where segments are cut is settled when a directory is made.
fn check_partition(dir: &Path, manifest: &Manifest, wanted_ms: Option<i64>) -> Result<()> {
    let found_ms = manifest.partition_ms;
    if wanted_ms.is_none_or(|wanted_ms| wanted_ms == found_ms) {
        return Ok(());
    }
    let seconds = found_ms as f64 / 1000.0;
    let what = format!("was made with partitions of {seconds} s: start without --partition");
    Err(Error::Directory { path: dir.to_owned(), what })
}

fn open_assigned(env: &Env, dir: &Path, report: &mut Recovery) -> Result<Assigned> {
    let (assigned, found) = Assigned::open(env, dir)?;
    let path = dir.join(ASSIGNED_FILE);
    if let Some((at, bytes)) = found.cut {
        report.cut(&path, at, bytes);
    }
    report.faults.extend(found.damaged.iter().map(|range| damaged_range(&path, *range)));
    report.faults.extend(found.faults);
    Ok(assigned)
}

/// The names file is durable before anything that uses it. If it lost names all the same, the
/// segments know those that they hold: an id must never be given to another series.
pub(crate) fn restore_names(
    path: &Path,
    registry: &Registry,
    segments: &[Arc<Segment>],
    report: &mut Recovery,
) {
    let last = |segment: &Arc<Segment>| segment.blocks().last().map(|block| block.series.1);
    let highest = segments.iter().filter_map(last).max();
    let beyond = highest.filter(|&series| series >= registry.len());
    if registry.known().lost.is_empty() && beyond.is_none() {
        return;
    }
    let mut names = BTreeMap::new();
    for segment in segments {
        for group in segment.name_groups() {
            let read = segment.each_name_of(group, |series, name| {
                if !name.is_empty() {
                    names.insert(series, name.to_vec());
                }
            });
            report.faults.extend(read.err().map(|error| error.to_string()));
        }
    }
    let restored = registry.restore(names);
    // Samples without a name are lost; under a name that comes later they would be wrong.
    beyond.inspect(|&series| registry.skip_ids_to(series));
    if restored > 0 {
        let (path, len) = (path.display(), registry.len());
        let what = format!("{path}: {restored} lost names of {len} were taken from segments");
        report.faults.push(what);
    }
}

/// The manifest is written before any log or segment, so a directory without one is new, or holds
/// nothing but an empty names file.
fn start_new(env: &Env, dir: &Path, partition_ms: i64, witness: &Witness) -> Result<Recovered> {
    if witness.tells_of_data() {
        let what = format!("holds {WITNESS_FILE} but no {MANIFEST_FILE}: restore it");
        return Err(Error::Directory { path: dir.to_owned(), what });
    }
    let used = |name: &String| {
        name.ends_with(".seg") || name.ends_with(".part") || log::parse_file_name(name).is_some()
    };
    for sub in ["log", "segments", NAMES_DIR] {
        let names = list(env, &dir.join(sub))?;
        if let Some(found) = names.iter().find(|name| used(name)) {
            let what = format!(
                "holds {sub}/{found} but no {MANIFEST_FILE}: restore it, or start on an empty \
                 directory"
            );
            return Err(Error::Directory { path: dir.to_owned(), what });
        }
    }
    let names = list(env, &dir.join(NAMES_DIR))?;
    let names = names.iter().filter(|name| names::log::parse_file_name(name).is_some());
    let names: Vec<String> = names.map(|name| format!("{NAMES_DIR}/{name}")).collect();
    for file in [OLD_NAMES_FILE, ASSIGNED_FILE].into_iter().chain(names.iter().map(String::as_str))
    {
        if env.disk.read(&dir.join(file)).is_ok_and(|bytes| bytes.len() > HEADER_BYTES) {
            let what = format!("holds {file} but no {MANIFEST_FILE}: restore it");
            return Err(Error::Directory { path: dir.to_owned(), what });
        }
    }
    for unused in names.iter().map(String::as_str).chain([OLD_NAMES_FILE]) {
        let _leftover = env.disk.remove(&dir.join(unused));
    }
    let registry = Registry::create(env, dir)?;
    env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
    let manifest = Manifest { partition_ms, ..Manifest::default() };
    manifest.write(env, dir)?;
    let mut report = Recovery::default();
    Ok(Recovered {
        manifest,
        segments: Vec::new(),
        deletes: Vec::new(),
        aside: Vec::new(),
        registry,
        assigned: open_assigned(env, dir, &mut report)?,
        frozen: VecDeque::new(),
        teller: Teller::new(Default::default(), BTreeMap::new()),
        epoch: 0,
        report,
    })
}

pub(crate) fn list(env: &Env, dir: &Path) -> Result<Vec<String>> {
    env.disk.list(dir).map_err(|error| Error::io("list", dir, error))
}

/// A flush that a crash cut short has left its logs. A segment of a later epoch without logs was named by a
/// manifest: this one was set back, and what it does not name must not be removed.
fn check_latest(env: &Env, dir: &Path, manifest: &Manifest) -> Result<()> {
    let logs = list(env, &dir.join("log"))?;
    let has_log = |epoch: u32| {
        logs.iter().any(|name| log::parse_file_name(name).is_some_and(|(found, _)| found == epoch))
    };
    for name in list(env, &dir.join("segments"))? {
        let Some(epoch) = segment::parse_file_name(&name) else { continue };
        if epoch > manifest.flushed_epoch && !has_log(epoch) {
            let what = format!("it is older than segments/{name}, whose logs are gone");
            return Err(Error::damaged(&dir.join(MANIFEST_FILE), 0, what));
        }
    }
    Ok(())
}

/// Files of ours that a crash left half done. Names that are not ours stay.
fn remove_leftovers(env: &Env, dir: &Path, manifest: &Manifest) -> Result<()> {
    let remove =
        |path: PathBuf| env.disk.remove(&path).map_err(|error| Error::io("remove", &path, error));
    let segments = dir.join("segments");
    for name in list(env, &segments)? {
        let named = manifest.segments.iter().any(|entry| entry.name == name)
            || manifest.deletes.iter().any(|entry| deletes::file_name(entry.number) == name);
        let ours = segment::is_file_name(&name)
            || deletes::is_file_name(&name)
            || name.ends_with(".seg.tmp");
        if ours && !named {
            remove(segments.join(name))?;
        }
    }
    let names = dir.join(NAMES_DIR);
    for name in list(env, &names)? {
        let named = manifest.names.iter().any(|entry| entry.name == name);
        if (names::part::is_file_name(&name) && !named) || name.ends_with(".part.tmp") {
            remove(names.join(name))?;
        }
    }
    let logs = dir.join("log");
    for name in list(env, &logs)? {
        let path = logs.join(&name);
        if name == PROBE_FILE {
            remove(path)?;
            continue;
        }
        if !is_leftover_log(&name, manifest.flushed_epoch) {
            continue;
        }
        if is_damaged_log(env, &path) {
            let kept = path.with_extension("log.damaged");
            env.disk.rename(&path, &kept).map_err(|error| Error::io("rename", &path, error))?;
        } else {
            remove(path)?;
        }
    }
    Ok(())
}

/// Whether a log holds something that could not be replayed and is kept for people to look at.
fn is_damaged_log(env: &Env, path: &Path) -> bool {
    let Ok(map) = env.disk.map(path) else { return true };
    match Header::decode(path, &map, FileKind::Log) {
        Ok(header) => !record::scan(&map, header.salt).damaged.is_empty() || map.has_faulted(),
        Err(_) => map.len() > HEADER_BYTES,
    }
}

/// Segments that are read, and those that cannot be.
type Opened = (Vec<Arc<Segment>>, Vec<Arc<Aside>>);

/// A segment that cannot be opened is set aside and reported; the node serves the rest.
pub(crate) fn open_segments(
    env: &Env,
    dir: &Path,
    manifest: &mut Manifest,
    report: &mut Recovery,
) -> Result<Opened> {
    let (mut segments, mut aside) = (Vec::new(), Vec::new());
    for entry in &mut manifest.segments {
        let path = dir.join("segments").join(&entry.name);
        let opened = Segment::open(env, &path).and_then(|segment| check_size(segment, entry));
        match opened {
            // A newer node wrote it: to serve the rest would pass for the whole.
            Err(error @ Error::Version { .. }) => return Err(error),
            Ok(segment) => {
                let segment = segment.with_deletes(entry.deletes);
                report.segment_samples += segment.footer().samples;
                (entry.epochs, entry.times) =
                    (segment.footer().epochs, segment.footer().timestamps);
                segments.push(Arc::new(segment));
            }
            Err(error) => {
                report.faults.push(error.to_string());
                aside.push(Arc::new(Aside { entry: entry.clone(), path, segment: None }));
            }
        }
    }
    report.segments = segments.len();
    crate::state::sort_by_epoch(&mut segments);
    Ok((segments, aside))
}

fn check_size(segment: Segment, entry: &SegmentEntry) -> Result<Segment> {
    if segment.bytes() == entry.bytes {
        return Ok(segment);
    }
    let what = format!("{} bytes, the manifest says {}", segment.bytes(), entry.bytes);
    Err(Error::damaged(segment.path(), 0, what))
}

/// Replays every log that is left, epoch by epoch.
fn read_logs(
    env: &Env,
    dir: &Path,
    into: (&Registry, &Arc<ChunkPool>),
    witness: &Witness,
    files: &mut BTreeMap<(u32, usize), Arc<AppendFile>>,
    report: &mut Recovery,
) -> Result<BTreeMap<u32, Frozen>> {
    let logs = dir.join("log");
    let mut names = list(env, &logs)?;
    names.sort_unstable();
    let mut epochs = BTreeMap::new();
    // As it is before any log: ids that one of them keeps from being given out are as unknown in the next.
    let known = into.0.known();
    for name in names {
        let Some((epoch, shard)) = log::parse_file_name(&name) else { continue };
        let path = logs.join(&name);
        let faults = report.faults.len();
        let place = (epoch, shard);
        let read = read_log(env, &path, place, into, (&known, witness.log_bytes(place)), report)?;
        let (buffer, file) = read.unzip();
        files.extend(file.map(|file| (place, file)));
        let empty = || Frozen { epoch, buffers: Vec::new(), logs: Vec::new() };
        let frozen = epochs.entry(epoch).or_insert_with(empty);
        frozen.buffers.extend(buffer);
        let bytes = env.disk.map(&path).map_or(0, |map| map.len() as u64);
        frozen.logs.push(FrozenLog { path, bytes, damaged: report.faults.len() > faults });
    }
    Ok(epochs)
}

/// Reads one log into a buffer and cuts what was never finished.
fn read_log(
    env: &Env,
    path: &Path,
    place: (u32, usize),
    (registry, pool): (&Registry, &Arc<ChunkPool>),
    (known, proven): (&Known, u64),
    report: &mut Recovery,
) -> Result<Option<(Arc<WriteBuffer>, Arc<AppendFile>)>> {
    let map = env.disk.map(path).map_err(|error| Error::io("open", path, error))?;
    let found = replay(path, &map, place, (known, proven), pool)?;
    // What the disk cannot read now must not be cut.
    if map.has_faulted() {
        return Err(Error::unreadable(path));
    }
    let len = map.len() as u64;
    drop(map);
    let end = found.cut_at.unwrap_or(len);
    let rows = report.take(path, found, len);
    let Some((salt, buffer, lost)) = rows else { return Ok(None) };
    lost.inspect(|&highest| registry.skip_ids_to(highest));
    // After a mere kill the log may be in memory only; from now on it counts as synced. One that the witness
    // knows to be is not synced again: a node killed again and again before it has flushed has many.
    let is_synced = end.next_multiple_of(8) == len && len <= proven;
    let resume = if is_synced { AppendFile::resume_synced } else { AppendFile::resume };
    let file = resume(&*env.disk, path, salt, end)?;
    Ok(Some((buffer, Arc::new(file))))
}
