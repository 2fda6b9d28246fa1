//! Names read at a start: parts, then names logs, oldest first.
//!
//! What a part holds is not looked at here beyond its checksums. From a damaged part on names go back
//! to memory, to be sealed again; those that are lost may be found in segments.

use super::coded::Walk;
use super::log::{self, NamesLog};
use super::part::Part;
use super::tail::Tail;
use crate::bytes::Reader;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::limits::LOST_IDS_MAX;
use crate::log::append::AppendFile;
use crate::log::record;
use crate::manifest::NamesEntry;
use crate::series::{NAMES_DIR, OLD_NAMES_FILE};
use crate::types::SeriesId;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What recovery found in the names files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NamesReport {
    /// Which files' ends were cut, where and by how many bytes; they were never proven synced.
    pub cuts: Vec<(PathBuf, u64, u64)>,
    /// What could not be read, one sentence each.
    pub faults: Vec<String>,
    /// The highest number that a names file has.
    pub number: u64,
}

/// The names of a data directory.
#[derive(Debug)]
pub struct Loaded {
    /// Seed of all hashes of names.
    pub seed: u64,
    /// Ascending, without gaps, from the first id.
    pub parts: Vec<Part>,
    /// What no part holds.
    pub tail: Tail,
    /// The names log in use.
    pub file: AppendFile,
}

/// Reads all names and goes on in the names log in use. `entries` are the parts.
pub fn load(env: &Env, dir: &Path, entries: &[NamesEntry]) -> Result<(Loaded, NamesReport)> {
    let (found, mut report) = read(env, dir, entries)?;
    if let Some((path, tail)) = &found.torn {
        keep_torn_tail(env, path, tail);
    }
    for path in &found.needless_logs {
        env.disk.remove(path).map_err(|error| Error::io("remove", path, error))?;
    }
    let file = match found.in_use {
        Some((path, salt, end)) => AppendFile::resume(&*env.disk, &path, salt, end)?,
        None => {
            report.number += 1;
            NamesLog::create(env, &dir.join(NAMES_DIR), report.number)?
        }
    };
    let Found { seed, parts, tail, .. } = found;
    Ok((Loaded { seed, parts, tail, file }, report))
}

/// The names of a data directory, and what a start has to do to its files.
#[derive(Debug)]
pub struct Found {
    /// See [`Loaded`].
    pub seed: u64,
    /// See [`Loaded`].
    pub parts: Vec<Part>,
    /// See [`Loaded`].
    pub tail: Tail,
    /// The names log in use, its salt, and where it ends.
    in_use: Option<(PathBuf, u64, u64)>,
    /// Names logs that hold nothing which is not in parts.
    needless_logs: Vec<PathBuf>,
    /// What stands behind the end of the names log in use.
    torn: Option<(PathBuf, Vec<u8>)>,
}

/// Reads all names and changes nothing. `entries` are the parts.
pub fn read(env: &Env, dir: &Path, entries: &[NamesEntry]) -> Result<(Found, NamesReport)> {
    let mut report = NamesReport::default();
    let mut loader = Loader::open_parts(env, dir, entries, &mut report)?;
    let (logs, mut needless_logs) = split_unused(env, list_logs(env, dir, &mut report)?)?;
    let last = logs.last().cloned();
    let mut in_use = None;
    for path in logs {
        let is_last = Some(&path) == last.as_ref();
        let (end, log_end) = loader.read_log(env, &path, is_last, &mut report)?;
        if is_last {
            in_use = Some((path, end.0, end.1));
        } else if log_end <= loader.sealed {
            needless_logs.push(path);
        }
    }
    let Loader { seed, parts, tail, torn, .. } = loader;
    Ok((Found { seed, parts, tail, in_use, needless_logs, torn }, report))
}

/// The names logs in the order in which they were written.
fn list_logs(env: &Env, dir: &Path, report: &mut NamesReport) -> Result<Vec<PathBuf>> {
    let names_dir = dir.join(NAMES_DIR);
    let names = match env.disk.list(&names_dir) {
        // Versions 1 and 2 had no such directory.
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|error| Error::io("list", &names_dir, error))?,
    };
    let mut numbers: Vec<u64> =
        names.iter().filter_map(|name| log::parse_file_name(name)).collect();
    numbers.sort_unstable();
    report.number = report.number.max(numbers.last().copied().unwrap_or(0));
    let old = env.disk.list(dir).map_err(|error| Error::io("list", dir, error))?;
    let old = old.iter().any(|name| name == OLD_NAMES_FILE).then(|| dir.join(OLD_NAMES_FILE));
    let numbered = numbers.into_iter().map(|number| names_dir.join(log::file_name(number)));
    Ok(old.into_iter().chain(numbered).collect())
}

/// Tells the logs that were begun and never used from the others: a name in one proves that all before
/// were synced as a whole, a mere header does not. If none was used, the first with a whole header is.
fn split_unused(env: &Env, logs: Vec<PathBuf>) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut used, mut unused) = (Vec::new(), Vec::new());
    for path in logs {
        let bytes = env.disk.map(&path).map_err(|error| Error::io("open", &path, error))?;
        let is_whole = Header::decode(&path, &bytes, FileKind::Names).is_ok();
        if bytes.len() > HEADER_BYTES { used.push(path) } else { unused.push((path, is_whole)) }
    }
    if let (true, Some(at)) = (used.is_empty(), unused.iter().position(|(_, whole)| *whole)) {
        used.push(unused.remove(at).0);
    }
    Ok((used, unused.into_iter().map(|(path, _)| path).collect()))
}

/// Parts from a damaged one on, by their first id; `None` for one that cannot be read.
type Loose = BTreeMap<SeriesId, (Range<SeriesId>, Option<Part>)>;

/// Names being read at a start.
struct Loader {
    seed: u64,
    secrets: RapidSecrets,
    parts: Vec<Part>,
    tail: Tail,
    /// Ids below it are in parts.
    sealed: SeriesId,
    /// See [`Found`].
    torn: Option<(PathBuf, Vec<u8>)>,
}

impl Loader {
    /// Opens the parts. From a damaged one on names go back to memory, to be sealed again; those
    /// that are lost may be found in segments.
    fn open_parts(
        env: &Env,
        dir: &Path,
        entries: &[NamesEntry],
        report: &mut NamesReport,
    ) -> Result<Loader> {
        let mut parts: Vec<Part> = Vec::new();
        let mut loose = Loose::new();
        for entry in entries {
            let path = dir.join(NAMES_DIR).join(&entry.name);
            let part = match Part::open(env, &path) {
                Err(error @ Error::Version { .. }) => return Err(error),
                // Another start may read it. Rows in logs whose names pass for lost would be dropped.
                Err(error @ Error::Io { .. }) if !error.is_not_found() => return Err(error),
                Ok(part) if part.ids() != entry.ids() || part.bytes() != entry.bytes => {
                    let error = Error::damaged(&path, 0, "not the file that the manifest names");
                    report.faults.push(error.to_string());
                    None
                }
                Ok(part) => Some(part),
                Err(error) => {
                    report.faults.push(error.to_string());
                    None
                }
            };
            let next = parts.last().map_or(0, |part| part.ids().end);
            let seed = parts.first().and_then(Part::seed);
            let fits = |part: &Part| {
                loose.is_empty()
                    && part.ids().start == next
                    && part.seed().is_some_and(|own| seed.is_none_or(|seed| seed == own))
            };
            match part {
                Some(part) if fits(&part) => parts.push(part),
                part => _ = loose.insert(entry.first, (entry.ids(), part)),
            }
        }
        let seed = parts.first().and_then(Part::seed).unwrap_or_else(|| env.chance.number());
        let sealed = parts.last().map_or(0, |part| part.ids().end);
        let secrets = RapidSecrets::seed(seed);
        let tail = Tail::new(sealed);
        let mut loader = Loader { seed, secrets, parts, tail, sealed, torn: None };
        check_lost(dir, entries, &loose)?;
        for (ids, part) in loose.into_values() {
            let mut walk = Walk::default();
            for series in ids {
                let mut name = Vec::new();
                if let Some(part) = &part {
                    part.read(series, &mut walk, &mut name);
                }
                loader.add(series, &name);
            }
        }
        Ok(loader)
    }

    /// Notes a name where it is not known yet. A gap before it is what damage took.
    fn add(&mut self, series: SeriesId, name: &[u8]) {
        if series < self.sealed {
            return;
        }
        while self.tail.end() < series {
            self.tail.push_lost();
        }
        let hash = |name: &[u8]| rapidhash_v3_seeded(name, &self.secrets);
        if self.tail.end() > series {
            if !name.is_empty() && self.tail.name(series).is_empty() {
                self.tail.replace(series, hash(name), name);
            }
        } else if name.is_empty() {
            self.tail.push_lost();
        } else {
            self.tail.insert(hash(name), name);
        }
    }

    /// Reads a names log. Returns its salt and where it ends, and the id behind its last name.
    fn read_log(
        &mut self,
        env: &Env,
        path: &Path,
        is_last: bool,
        report: &mut NamesReport,
    ) -> Result<((u64, u64), SeriesId)> {
        // Not mapped: a start beside a reader may cut it.
        let map = env.disk.read(path).map_err(|error| Error::io("open", path, error))?;
        let header = Header::decode(path, &map, FileKind::Names)?;
        let scan = record::scan(&map, header.salt);
        let mut next = 0;
        for found in &scan.records {
            next = self.read_record(path, found)?;
        }
        let len = map.len() as u64;
        let mut damaged = scan.damaged;
        let mut end = len;
        match scan.torn_at {
            Some(at) if is_last => {
                end = at;
                self.torn = Some((path.to_owned(), map[at as usize..].to_vec()));
                report.cuts.push((path.to_owned(), at, len - at));
            }
            // It was synced before the next one began.
            Some(at) => damaged.push((at, len)),
            None => {}
        }
        let sentence =
            |(from, to)| format!("{} is damaged from offset {from} to offset {to}", path.display());
        report.faults.extend(damaged.into_iter().map(sentence));
        Ok(((header.salt, end), next))
    }

    fn read_record(&mut self, path: &Path, found: &record::Record<'_>) -> Result<SeriesId> {
        let damaged = |what: &str| Error::damaged(path, found.offset, what);
        let first = u32::try_from(found.sequence).map_err(|_| damaged("impossible series id"))?;
        if first.saturating_sub(self.tail.end()) > LOST_IDS_MAX {
            return Err(damaged("impossible series id"));
        }
        let mut reader = Reader::new(found.payload);
        let mut next = first;
        while !reader.is_done() {
            let name = reader.varint().and_then(|len| reader.take(len as usize));
            let name = name.map_err(|_| damaged("a record's names are cut"))?;
            self.add(next, name);
            next = next.checked_add(1).ok_or_else(|| damaged("impossible series id"))?;
        }
        Ok(next)
    }
}

/// Fails if the parts that cannot be read should hold more names than memory may be taken for.
fn check_lost(dir: &Path, entries: &[NamesEntry], loose: &Loose) -> Result<()> {
    let is_lost = |entry: &&NamesEntry| matches!(loose.get(&entry.first), Some((_, None)));
    let lost: u64 = entries.iter().filter(is_lost).map(|entry| u64::from(entry.count)).sum();
    match entries.iter().find(is_lost) {
        Some(first) if lost > LOST_IDS_MAX.into() => {
            let path = dir.join(NAMES_DIR).join(&first.name);
            let what = format!(
                "it and other parts should hold {lost} names, and cannot be read: restore them"
            );
            Err(Error::damaged(&path, 0, what))
        }
        _ => Ok(()),
    }
}

/// What is cut from the names is kept beside the file, in case it was damage: names cost little.
fn keep_torn_tail(env: &Env, path: &Path, tail: &[u8]) {
    if !tail.is_empty() {
        let mut path = path.as_os_str().to_owned();
        path.push(".torn");
        let path = PathBuf::from(path);
        let _earlier = env.disk.remove(&path);
        let kept = env.disk.create(&path).and_then(|file| file.write_at(tail, 0));
        kept.unwrap_or_else(|error| tracing::warn!("cannot keep {}: {error}", path.display()));
    }
}
