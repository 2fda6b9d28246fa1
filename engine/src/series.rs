//! Series names and their ids: found by name, by id, and kept on disk.
//!
//! An id is given out before its name is on disk; whoever commits a row calls
//! [`Registry::ensure_written`] first, so no log ever names a series that the names lack. New names
//! are in memory and in an append-only file; from time to time they are sealed into a mapped part
//! ([`crate::names`]) and leave memory, so series that nobody sends cost none.

use crate::bytes::{Reader, put_varint};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, Header};
use crate::limits::NAME_BYTES_MAX;
use crate::log::append::AppendFile;
use crate::log::record;
use crate::manifest::NamesEntry;
use crate::names::coded::Walk;
use crate::names::log::{self, NamesLog};
use crate::names::part::{Builder, Part};
use crate::names::tail::Tail;
use crate::types::SeriesId;
use parking_lot::RwLock;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Directory of the names in a data directory.
pub const NAMES_DIR: &str = "names";
/// Versions 1 and 2 had one names file, in the data directory itself. It is a names log.
pub const OLD_NAMES_FILE: &str = "series.names";

/// A names record is closed at about this many bytes.
const RECORD_BYTES: usize = 4 << 20;
/// Names copied before new series may be added again.
const NAMES_AT_ONCE: usize = 512;

/// All series of a data directory.
#[derive(Debug)]
pub struct Registry {
    seed: u64,
    secrets: RapidSecrets,
    state: RwLock<State>,
    log: NamesLog,
}

#[derive(Debug)]
struct State {
    /// Ascending, without gaps, from the first id to the first of the tail.
    parts: Arc<Vec<Arc<Part>>>,
    tail: Tail,
}

/// A name that was not known when it was looked up.
#[derive(Debug)]
pub struct Unknown {
    hash: u64,
    /// The parts it is not in.
    parts: Arc<Vec<Arc<Part>>>,
    /// The next id then.
    end: SeriesId,
}

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

impl Registry {
    /// Creates the names of a new data directory.
    pub fn create(env: &Env, dir: &Path) -> Result<Registry> {
        let names_dir = dir.join(NAMES_DIR);
        env.disk.create_dir(&names_dir).map_err(|error| Error::io("create", &names_dir, error))?;
        let file = NamesLog::create(env, &names_dir, 0)?;
        let (seed, log) = (env.chance.number(), NamesLog::over(file, 0));
        let state = RwLock::new(State { parts: Arc::new(Vec::new()), tail: Tail::new(0) });
        Ok(Registry { seed, secrets: RapidSecrets::seed(seed), state, log })
    }

    /// Reads the names of an existing data directory and continues them. `entries` are the parts.
    pub fn open(env: &Env, dir: &Path, entries: &[NamesEntry]) -> Result<(Registry, NamesReport)> {
        let mut report = NamesReport::default();
        let mut loader = Loader::open_parts(env, dir, entries, &mut report)?;
        let logs = list_logs(env, dir, &mut report)?;
        let last = logs.last().cloned();
        let mut resumed = None;
        for path in logs {
            let is_last = Some(&path) == last.as_ref();
            let (end, log_end) = loader.read_log(env, &path, is_last, &mut report)?;
            if is_last {
                resumed = Some((path, end.0, end.1));
            } else if log_end <= loader.sealed {
                env.disk.remove(&path).map_err(|error| Error::io("remove", &path, error))?;
            }
        }
        let file = match resumed {
            Some((path, salt, end)) => AppendFile::resume(&*env.disk, &path, salt, end)?,
            None => {
                report.number += 1;
                NamesLog::create(env, &dir.join(NAMES_DIR), report.number)?
            }
        };
        let Loader { seed, secrets, parts, tail, .. } = loader;
        let log = NamesLog::over(file, tail.end());
        let parts = Arc::new(parts.into_iter().map(Arc::new).collect());
        let state = RwLock::new(State { parts, tail });
        Ok((Registry { seed, secrets, state, log }, report))
    }

    fn hash(&self, name: &[u8]) -> u64 {
        rapidhash_v3_seeded(name, &self.secrets)
    }

    /// What nobody outside can guess, for other tables of texts that senders choose.
    pub fn secrets(&self) -> RapidSecrets {
        self.secrets
    }

    /// Takes names that the names files lost from where else they stand; returns how many were
    /// missing. Ids between them that nobody knows stay without a name.
    pub fn restore(&self, names: impl IntoIterator<Item = (SeriesId, Vec<u8>)>) -> usize {
        let state = &mut *self.state.write();
        let mut restored = 0;
        for (series, name) in names {
            let hash = self.hash(&name);
            let tail = &mut state.tail;
            while tail.end() <= series {
                tail.push_lost();
            }
            if series >= tail.first()
                && tail.name(series).is_empty()
                && tail.find(hash, &name).is_none()
                && find_in(&state.parts, hash, &name).is_none()
            {
                tail.replace(series, hash, &name);
                restored += 1;
            }
        }
        restored
    }

    /// Gives out an id to a name that [`Registry::look_up`] did not know, if `admit` lets one more
    /// than these many be. It is asked by one thread at a time, and refuses at `u32::MAX`, where ids
    /// are used up. The name has at most [`NAME_BYTES_MAX`] bytes. If somebody was faster, that id.
    pub fn admit<E>(
        &self,
        unknown: Unknown,
        name: &[u8],
        admit: impl FnOnce(u32) -> std::result::Result<(), E>,
    ) -> std::result::Result<SeriesId, E> {
        assert!(name.len() <= NAME_BYTES_MAX, "protocols refuse longer names");
        let Unknown { hash, parts, end } = unknown;
        let mut state = self.state.write();
        // Names that were sealed in the meantime are in new parts.
        let has_new = !Arc::ptr_eq(&parts, &state.parts);
        let sealed = || has_new.then(|| find_in(&state.parts, hash, name)).flatten();
        if let Some(id) = state.tail.find_behind(end, hash, name).or_else(sealed) {
            return Ok(id);
        }
        admit(state.tail.end())?;
        Ok(state.tail.insert(hash, name))
    }

    /// The id of a canonical name, given out now if it is new. `None` when ids are used up or the
    /// name is longer than any protocol lets through.
    pub fn find_or_reserve(&self, name: &[u8]) -> Option<SeriesId> {
        let room = |series| if series < u32::MAX { Ok(()) } else { Err(()) };
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        self.look_up(name).or_else(|unknown| self.admit(unknown, name, room)).ok()
    }

    /// The id of a canonical name, or what [`Registry::admit`] needs to give it one.
    pub fn look_up(&self, name: &[u8]) -> std::result::Result<SeriesId, Unknown> {
        let hash = self.hash(name);
        let (parts, end) = {
            let state = self.state.read();
            if let Some(id) = state.tail.find(hash, name) {
                return Ok(id);
            }
            (state.parts.clone(), state.tail.end())
        };
        find_in(&parts, hash, name).ok_or(Unknown { hash, parts, end })
    }

    /// The id of a canonical name, if there is one.
    pub fn find(&self, name: &[u8]) -> Option<SeriesId> {
        self.look_up(name).ok()
    }

    /// The canonical name of a series; empty if damage took it.
    pub fn name(&self, series: SeriesId) -> Vec<u8> {
        let mut found = Vec::new();
        self.each_name([series], |_, name| found.extend_from_slice(name));
        found
    }

    /// Passes on each of the series that has a name. Names are copied in small lots, so new series
    /// never wait for what `sink` does.
    pub fn each_name(
        &self,
        series: impl IntoIterator<Item = SeriesId>,
        mut sink: impl FnMut(SeriesId, &[u8]),
    ) {
        self.each(series, |id, name| {
            if !name.is_empty() {
                sink(id, name);
            }
        });
    }

    /// The same, with an empty name for what was lost.
    pub fn each(
        &self,
        series: impl IntoIterator<Item = SeriesId>,
        mut sink: impl FnMut(SeriesId, &[u8]),
    ) {
        let (mut names, mut lot) = (Vec::new(), Vec::new());
        let (mut walk, mut walked) = (Walk::default(), None);
        let mut series = series.into_iter().peekable();
        while series.peek().is_some() {
            names.clear();
            lot.clear();
            let parts = {
                let state = self.state.read();
                for id in series.by_ref().take(NAMES_AT_ONCE) {
                    if id >= state.tail.first() {
                        names.extend_from_slice(state.tail.name(id));
                    }
                    lot.push((id, names.len(), id < state.tail.first()));
                }
                state.parts.clone()
            };
            let (mut start, mut sealed) = (0, Vec::new());
            for &(id, end, is_sealed) in &lot {
                if !is_sealed {
                    sink(id, &names[start..end]);
                } else if let Some(part) = part_of(&parts, id) {
                    if walked.as_ref().is_none_or(|walked| !Arc::ptr_eq(walked, part)) {
                        walk.restart();
                        walked = Some(part.clone());
                    }
                    sealed.clear();
                    part.read(id, &mut walk, &mut sealed);
                    sink(id, &sealed);
                }
                start = end;
            }
        }
    }

    /// Number of series known; ids are below it.
    pub fn len(&self) -> u32 {
        self.state.read().tail.end()
    }

    /// Whether no series is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any id in memory lost its name.
    pub fn has_gaps(&self) -> bool {
        let tail = &self.state.read().tail;
        (tail.first()..tail.end()).any(|series| tail.name(series).is_empty())
    }

    /// Returns once the names of all ids up to `highest` survive the death of the process.
    #[inline]
    pub fn ensure_written(&self, highest: SeriesId) -> Result<()> {
        self.log.ensure_written(highest, |first, record| self.encode_names(first, record))
    }

    /// Puts the names from `first` on into a record; returns the first id left out.
    fn encode_names(&self, first: SeriesId, buffer: &mut Vec<u8>) -> SeriesId {
        let state = self.state.read();
        record::begin(buffer);
        let mut next = first;
        while next < state.tail.end() && buffer.len() < RECORD_BYTES {
            let name = state.tail.name(next);
            put_varint(buffer, name.len() as u64);
            buffer.extend_from_slice(name);
            next += 1;
        }
        next
    }

    /// Whether no further names can be kept.
    pub fn has_failed(&self) -> bool {
        self.log.has_failed()
    }

    /// Keeps ids from being given out that were used by rows whose series nobody knows any more.
    pub fn skip_ids_to(&self, highest: SeriesId) {
        let tail = &mut self.state.write().tail;
        while tail.end() <= highest {
            tail.push_lost();
        }
    }

    /// Makes all written names survive a power cut.
    pub fn sync(&self) -> Result<()> {
        self.log.sync()
    }

    /// Number and bytes of the names that no part holds yet.
    pub fn unsealed(&self) -> (u32, usize) {
        let tail = &self.state.read().tail;
        (tail.end() - tail.first(), tail.bytes())
    }

    /// Begins another names log. Returns the ids that no part holds and that are all written, and
    /// the file that may go once a part does. One thread seals.
    pub fn rotate(&self, env: &Env, dir: &Path, number: u64) -> Result<(Range<SeriesId>, PathBuf)> {
        let (end, path) = self.log.rotate(env, &dir.join(NAMES_DIR), number)?;
        Ok((self.state.read().tail.first()..end, path))
    }

    /// Seals the names of a range of ids into parts, whose numbers `number` gives.
    pub fn seal(
        &self,
        env: &Env,
        dir: &Path,
        ids: Range<SeriesId>,
        mut number: impl FnMut() -> u64,
    ) -> Result<Vec<Part>> {
        let dir = dir.join(NAMES_DIR);
        let mut parts = Vec::new();
        let mut next = ids.start;
        while next < ids.end {
            let mut builder = Builder::new(next, self.seed);
            while next < ids.end && !builder.is_full() {
                let lot = next..ids.end.min(next + NAMES_AT_ONCE as u32);
                next = lot.end;
                self.each(lot, |_, name| builder.add(name));
            }
            parts.push(builder.seal(env, &dir, number())?);
        }
        Ok(parts)
    }

    /// Takes sealed names out of memory.
    pub fn adopt(&self, parts: Vec<Part>) {
        let Some(end) = parts.last().map(|part| part.ids().end) else { return };
        let mut state = self.state.write();
        let mut all = Vec::clone(&state.parts);
        all.extend(parts.into_iter().map(Arc::new));
        state.parts = Arc::new(all);
        state.tail = state.tail.behind(end);
    }

    /// Puts one part in the place of those whose ids it holds.
    pub fn replace_parts(&self, merged: Part) {
        let ids = merged.ids();
        let mut state = self.state.write();
        let mut all = Vec::clone(&state.parts);
        let is_merged = |part: &Arc<Part>| ids.contains(&part.ids().start);
        let at = all.iter().position(is_merged).unwrap_or(all.len());
        all.retain(|part| !is_merged(part));
        all.insert(at, Arc::new(merged));
        state.parts = Arc::new(all);
    }
}

fn find_in(parts: &[Arc<Part>], hash: u64, name: &[u8]) -> Option<SeriesId> {
    parts.iter().rev().find_map(|part| part.find(hash, name))
}

fn part_of(parts: &[Arc<Part>], id: SeriesId) -> Option<&Arc<Part>> {
    let at = parts.partition_point(|part| part.ids().end <= id);
    parts.get(at).filter(|part| part.ids().contains(&id))
}

/// The names logs in the order in which they were written.
fn list_logs(env: &Env, dir: &Path, report: &mut NamesReport) -> Result<Vec<PathBuf>> {
    let names_dir = dir.join(NAMES_DIR);
    let names = env.disk.list(&names_dir).map_err(|error| Error::io("list", &names_dir, error))?;
    let mut numbers: Vec<u64> =
        names.iter().filter_map(|name| log::parse_file_name(name)).collect();
    numbers.sort_unstable();
    report.number = report.number.max(numbers.last().copied().unwrap_or(0));
    let old = env.disk.list(dir).map_err(|error| Error::io("list", dir, error))?;
    let old = old.iter().any(|name| name == OLD_NAMES_FILE).then(|| dir.join(OLD_NAMES_FILE));
    let numbered = numbers.into_iter().map(|number| names_dir.join(log::file_name(number)));
    Ok(old.into_iter().chain(numbered).collect())
}

/// Names being read at a start.
struct Loader {
    seed: u64,
    secrets: RapidSecrets,
    parts: Vec<Part>,
    tail: Tail,
    /// Ids below it are in parts.
    sealed: SeriesId,
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
        let mut loose = BTreeMap::new();
        for entry in entries {
            let path = dir.join(NAMES_DIR).join(&entry.name);
            let part = match Part::open(env, &path) {
                Err(error @ Error::Version { .. }) => return Err(error),
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
        let mut loader = Loader { seed, secrets, parts, tail: Tail::new(sealed), sealed };
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
        let map = env.disk.map(path).map_err(|error| Error::io("open", path, error))?;
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
                keep_torn_tail(env, path, &map[at as usize..]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    fn registry(dir: &Path) -> Registry {
        Registry::create(&env::real(), dir).expect("new")
    }

    #[test]
    fn names_fill_pieces_and_records() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = |number: u8| vec![number; NAME_BYTES_MAX - usize::from(number)];
        let count = (RECORD_BYTES / NAME_BYTES_MAX * 2 + 3) as u8;
        let registry = registry(dir.path());
        for number in 0..count {
            assert_eq!(registry.find_or_reserve(&name(number)), Some(u32::from(number)));
        }
        registry.ensure_written(u32::from(count) - 1).expect("written");
        drop(registry);
        let (registry, _) = Registry::open(&env::real(), dir.path(), &[]).expect("readable");
        for number in 0..count {
            assert_eq!(registry.find(&name(number)), Some(u32::from(number)));
        }
    }

    #[test]
    fn ids_are_dense_and_survive_reopening() {
        let dir = tempfile::tempdir().expect("a directory");
        let registry = registry(dir.path());
        let long = vec![b'x'; NAME_BYTES_MAX];
        for (id, name) in [&b"a"[..], b"b k=v", &long, b"c"].iter().enumerate() {
            assert_eq!(registry.find_or_reserve(name), Some(id as u32));
            assert_eq!(registry.find_or_reserve(name), Some(id as u32));
        }
        registry.ensure_written(2).expect("written");
        drop(registry);
        let (registry, report) = Registry::open(&env::real(), dir.path(), &[]).expect("readable");
        assert_eq!(report, NamesReport::default());
        assert_eq!(registry.name(1), b"b k=v");
        assert_eq!(registry.name(2), long);
        assert_eq!(registry.find(b"c"), Some(3));
        assert_eq!(registry.find_or_reserve(b"d"), Some(4));
    }

    #[test]
    fn sealed_names_leave_memory_and_stay_known() {
        let (dir, env) = (tempfile::tempdir().expect("a directory"), env::real());
        let registry = registry(dir.path());
        let name = |id: u32| format!("m{} host=h{}", id % 3, id / 3).into_bytes();
        let mut entries = Vec::new();
        for (number, end) in [(1, 900), (3, 1000), (5, 2500)] {
            let reserve = |id| assert_eq!(registry.find_or_reserve(&name(id)), Some(id));
            (registry.len()..end).for_each(reserve);
            registry.ensure_written(end - 1).expect("written");
            let (ids, before) = registry.rotate(&env, dir.path(), number).expect("rotated");
            (end..end + 50).for_each(reserve);
            let parts = registry.seal(&env, dir.path(), ids, || number + 1).expect("sealed");
            entries.extend(parts.iter().map(NamesEntry::of));
            registry.adopt(parts);
            assert_eq!(registry.unsealed().0, 50);
            env.disk.remove(&before).expect("there");
            for id in 0..end + 50 {
                assert_eq!(registry.find(&name(id)), Some(id));
                assert_eq!(registry.find_or_reserve(&name(id)), Some(id));
                assert_eq!(registry.name(id), name(id));
            }
            let mut walked = Vec::new();
            registry.each_name((0..end + 50).rev(), |id, found| {
                assert_eq!(found, name(id));
                walked.push(id);
            });
            assert_eq!(walked.len(), end as usize + 50);
        }
        let merged = registry.seal(&env, dir.path(), 0..1000, || 9).expect("sealed").remove(0);
        entries.splice(0..2, [NamesEntry::of(&merged)]);
        registry.replace_parts(merged);
        registry.ensure_written(2549).expect("written");
        assert_eq!(registry.find(&name(7)), Some(7));
        drop(registry);
        let (registry, report) = Registry::open(&env, dir.path(), &entries).expect("readable");
        assert_eq!((report.faults, report.cuts), (Vec::new(), Vec::new()));
        assert_eq!((registry.len(), registry.unsealed().0), (2550, 50));
        (0..2550).for_each(|id| assert_eq!(registry.name(id), name(id)));
        assert_eq!(registry.find_or_reserve(b"new"), Some(2550));
    }
}
