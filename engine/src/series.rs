//! Series names and their ids: found by name, by id, and kept on disk.
//!
//! An id is given out before its name is on disk; whoever commits a row calls
//! [`Registry::ensure_written`] first, so no log ever names a series that the names lack. New names
//! are in memory and in an append-only file; from time to time they are sealed into a mapped part
//! ([`crate::names`]) and leave memory, so series that nobody sends cost none.

use crate::bytes::put_varint;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::limits::NAME_BYTES_MAX;
use crate::log::append::AppendFile;
use crate::log::record;
use crate::manifest::NamesEntry;
use crate::names::coded::Walk;
use crate::names::load::{Loaded, NamesReport, load, read};
use crate::names::log::NamesLog;
use crate::names::part::{Builder, Part};
use crate::names::tail::Tail;
use crate::types::SeriesId;
use parking_lot::RwLock;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use roaring::RoaringBitmap;
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
    parts: Arc<Vec<Arc<Part>>>,
    tail: Tail,
}

/// The sealed parts as whoever looks up many names saw them last: kept by each event loop, so that a
/// lookup writes to nothing that loops share but the lock.
#[derive(Debug, Default)]
pub struct Seen {
    /// Ascending, without gaps, from the first id to the first in memory.
    parts: Arc<Vec<Arc<Part>>>,
}

impl Seen {
    fn update(&mut self, parts: &Arc<Vec<Arc<Part>>>) {
        if !Arc::ptr_eq(&self.parts, parts) {
            self.parts = parts.clone();
        }
    }

    /// Fails if a part that was looked through could not be read: a name not found may be there.
    pub fn check(&self) -> Result<()> {
        check_parts(&self.parts)
    }
}

/// Which series had a name at a moment.
#[derive(Debug)]
pub struct Known {
    /// No id from it on was given out.
    pub end: SeriesId,
    /// Ids below it whose names damage took.
    pub lost: RoaringBitmap,
}

impl Known {
    /// Whether the series has a name.
    pub fn has(&self, series: SeriesId) -> bool {
        series < self.end && !self.lost.contains(series)
    }
}

/// A name that was not known when it was looked up.
#[derive(Debug)]
pub struct Unknown {
    hash: u64,
    /// The next id then.
    pub end: SeriesId,
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
        let (loaded, report) = load(env, dir, entries)?;
        let Loaded { seed, parts, tail, file } = loaded;
        let log = NamesLog::over(file, tail.end());
        let parts = Arc::new(parts.into_iter().map(Arc::new).collect());
        let state = RwLock::new(State { parts, tail });
        Ok((Registry { seed, secrets: RapidSecrets::seed(seed), state, log }, report))
    }

    /// Reads the names of a data directory that somebody else may be writing to, and changes nothing.
    /// Names may be looked up, restored and given out, but none can be written.
    pub fn read_only(
        env: &Env,
        dir: &Path,
        entries: &[NamesEntry],
    ) -> Result<(Registry, NamesReport)> {
        let (found, report) = read(env, dir, entries)?;
        Ok((Registry::closed(dir, found.seed, found.parts, found.tail), report))
    }

    /// Without names yet, and with no file to write any to.
    pub fn in_memory(env: &Env, dir: &Path) -> Registry {
        Registry::closed(dir, env.chance.number(), Vec::new(), Tail::new(0))
    }

    fn closed(dir: &Path, seed: u64, parts: Vec<Part>, tail: Tail) -> Registry {
        let log = NamesLog::over(AppendFile::closed(dir), tail.end());
        let parts = Arc::new(parts.into_iter().map(Arc::new).collect());
        let state = RwLock::new(State { parts, tail });
        Registry { seed, secrets: RapidSecrets::seed(seed), state, log }
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

    /// Gives out an id to a name that [`Registry::look_up`] did not know in `seen`, if `admit` lets one
    /// more than these many be. It is asked by one thread at a time, and refuses at `u32::MAX`, where
    /// ids are used up. The name has at most [`NAME_BYTES_MAX`] bytes. If somebody was faster, that id.
    pub fn admit<E>(
        &self,
        unknown: Unknown,
        seen: &Seen,
        name: &[u8],
        admit: impl FnOnce(u32) -> std::result::Result<(), E>,
    ) -> std::result::Result<SeriesId, E> {
        assert!(name.len() <= NAME_BYTES_MAX, "protocols refuse longer names");
        let Unknown { hash, end } = unknown;
        let mut state = self.state.write();
        // Names that were sealed in the meantime are in new parts.
        let has_new = !Arc::ptr_eq(&seen.parts, &state.parts);
        let sealed = || has_new.then(|| find_in(&state.parts, hash, name)).flatten();
        if let Some(id) = state.tail.find_behind(end, hash, name).or_else(sealed) {
            return Ok(id);
        }
        admit(state.tail.end())?;
        Ok(state.tail.insert(hash, name))
    }

    /// The id of a canonical name that is probably new, and whether it was: one lock where
    /// [`Registry::look_up`] and [`Registry::admit`] take two, but one that all wait for. `None` if
    /// `admit` refuses, or if these must be asked: parts were sealed meanwhile or could not be read.
    pub fn make(
        &self,
        seen: &Seen,
        name: &[u8],
        admit: impl FnOnce(u32) -> bool,
    ) -> Option<(SeriesId, bool)> {
        assert!(name.len() <= NAME_BYTES_MAX, "protocols refuse longer names");
        let hash = self.hash(name);
        if let Some(id) = find_in(&seen.parts, hash, name) {
            return Some((id, false));
        }
        seen.check().ok()?;
        let mut state = self.state.write();
        if !Arc::ptr_eq(&seen.parts, &state.parts) {
            return None;
        }
        if let Some(id) = state.tail.find(hash, name) {
            return Some((id, false));
        }
        admit(state.tail.end()).then(|| (state.tail.insert(hash, name), true))
    }

    /// The id of a canonical name, given out now if it is new. `None` when ids are used up or the
    /// name is longer than any protocol lets through.
    pub fn find_or_reserve(&self, name: &[u8]) -> Option<SeriesId> {
        let room = |series| if series < u32::MAX { Ok(()) } else { Err(()) };
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut seen = Seen::default();
        let unknown = match self.look_up(name, &mut seen) {
            Ok(series) => return Some(series),
            Err(unknown) => unknown,
        };
        seen.check().ok()?;
        self.admit(unknown, &seen, name, room).ok()
    }

    /// The id of a canonical name, or what [`Registry::admit`] needs to give it one, which must not be
    /// used if [`Seen::check`] fails.
    pub fn look_up(&self, name: &[u8], seen: &mut Seen) -> std::result::Result<SeriesId, Unknown> {
        let hash = self.hash(name);
        let end = {
            let state = self.state.read();
            if let Some(id) = state.tail.find(hash, name) {
                return Ok(id);
            }
            seen.update(&state.parts);
            state.tail.end()
        };
        find_in(&seen.parts, hash, name).ok_or(Unknown { hash, end })
    }

    /// The id of a canonical name, if there is one.
    pub fn find(&self, name: &[u8]) -> Option<SeriesId> {
        self.look_up(name, &mut Seen::default()).ok()
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

    /// Which series have a name. What parts hold has one.
    pub fn known(&self) -> Known {
        let tail = &self.state.read().tail;
        let lost = (tail.first()..tail.end()).filter(|&series| tail.name(series).is_empty());
        Known { end: tail.end(), lost: lost.collect() }
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

    /// Fails once a part of the names could not be read: what was not found since may be there.
    pub fn check(&self) -> Result<()> {
        let parts = self.state.read().parts.clone();
        check_parts(&parts)
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

    /// Ids below it have names that survive a power cut; and the file that names go to.
    pub fn synced(&self) -> (SeriesId, PathBuf) {
        self.log.synced()
    }

    /// Number and bytes of the names that no part holds yet.
    pub fn unsealed(&self) -> (u32, usize) {
        let tail = &self.state.read().tail;
        (tail.end() - tail.first(), tail.bytes())
    }

    /// Ids that no part holds and that are written.
    pub fn unsealed_written(&self) -> Range<SeriesId> {
        let first = self.state.read().tail.first();
        first..self.log.written().max(first)
    }

    /// Begins another names log. Returns the ids that no part holds and that are all written, and
    /// the file that may go once a part does. One thread seals.
    pub fn rotate(&self, env: &Env, dir: &Path, number: u64) -> Result<(Range<SeriesId>, PathBuf)> {
        let (end, path) = self.log.rotate(env, &dir.join(NAMES_DIR), number)?;
        Ok((self.state.read().tail.first()..end, path))
    }

    /// Seals the names of a range of ids into parts of about `part_bytes_max` at the most, whose numbers
    /// `number` gives.
    pub fn seal(
        &self,
        env: &Env,
        dir: &Path,
        ids: Range<SeriesId>,
        part_bytes_max: u64,
        mut number: impl FnMut() -> u64,
    ) -> Result<Vec<Part>> {
        let dir = dir.join(NAMES_DIR);
        let mut parts = Vec::new();
        let mut next = ids.start;
        while next < ids.end {
            let mut builder = Builder::new(next, self.seed);
            loop {
                let lot = next..ids.end.min(next + NAMES_AT_ONCE as u32);
                next = lot.end;
                self.each(lot, |_, name| builder.add(name));
                if next == ids.end || builder.is_full() || builder.bytes() >= part_bytes_max {
                    break;
                }
            }
            self.check()?;
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

fn check_parts(parts: &[Arc<Part>]) -> Result<()> {
    match parts.iter().find(|part| part.has_faulted()) {
        Some(part) => Err(Error::unreadable(part.path())),
        None => Ok(()),
    }
}

fn find_in(parts: &[Arc<Part>], hash: u64, name: &[u8]) -> Option<SeriesId> {
    parts.iter().rev().find_map(|part| part.find(hash, name))
}

fn part_of(parts: &[Arc<Part>], id: SeriesId) -> Option<&Arc<Part>> {
    let at = parts.partition_point(|part| part.ids().end <= id);
    parts.get(at).filter(|part| part.ids().contains(&id))
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
    fn names_are_made_once_by_either_way_whatever_is_sealed_meanwhile() {
        let (dir, env) = (tempfile::tempdir().expect("a directory"), env::real());
        let registry = registry(dir.path());
        let (mut seen, yes) = (Seen::default(), |_| true);
        assert_eq!(registry.make(&seen, b"a", yes), None, "nothing was seen yet");
        assert!(registry.look_up(b"a", &mut seen).is_err());
        assert_eq!(registry.make(&seen, b"a", |end| end > 0), None, "refused");
        assert_eq!(registry.make(&seen, b"a", yes), Some((0, true)));
        assert_eq!(registry.make(&seen, b"a", |_| false), Some((0, false)));
        assert_eq!(registry.look_up(b"a", &mut seen).ok(), Some(0));
        registry.ensure_written(0).expect("written");
        let (ids, _) = registry.rotate(&env, dir.path(), 1).expect("rotated");
        let parts = registry.seal(&env, dir.path(), ids, u64::MAX, || 2).expect("sealed");
        registry.adopt(parts);
        assert_eq!(registry.make(&seen, b"a", yes), None, "it may be in the new part");
        assert_eq!(registry.make(&seen, b"b", yes), None);
        assert!(registry.look_up(b"b", &mut seen).is_err());
        assert_eq!(registry.make(&seen, b"a", yes), Some((0, false)));
        assert_eq!(registry.make(&seen, b"b", yes), Some((1, true)));
        assert_eq!((registry.len(), registry.find(b"b")), (2, Some(1)));
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
            let parts =
                registry.seal(&env, dir.path(), ids, u64::MAX, || number + 1).expect("sealed");
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
        let merged =
            registry.seal(&env, dir.path(), 0..1000, u64::MAX, || 9).expect("sealed").remove(0);
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
