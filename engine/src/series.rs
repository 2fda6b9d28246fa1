//! Series names and their ids: found by name, by id, and kept in the names file.
//!
//! An id is given out before its name is on disk; whoever commits a row calls
//! [`Registry::ensure_written`] first, so no log ever names a series that the names file lacks.
//! The names file is one append-only file of records; a record's sequence is its first id.

use crate::bytes::{Reader, put_varint};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, Header};
use crate::limits::NAME_BYTES_MAX;
use crate::log::append::AppendFile;
use crate::log::record;
use crate::types::SeriesId;
use hashbrown::HashTable;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Name of the names file in a data directory.
pub const NAMES_FILE: &str = "series.names";

const PIECE_BYTES: usize = 1 << 20;
/// A names record is closed at about this many bytes.
const RECORD_BYTES: usize = 4 << 20;
/// Names copied before new series may be added again.
const NAMES_AT_ONCE: usize = 512;

/// All series of a data directory.
#[derive(Debug)]
pub struct Registry {
    secrets: RapidSecrets,
    table: RwLock<Table>,
    file: AppendFile,
    /// The record being built; whoever holds it writes.
    record: Mutex<Vec<u8>>,
    written: AtomicU32,
}

/// Names in memory: pieces that never move, an offset per id, a hash table of ids.
#[derive(Debug, Default)]
struct Table {
    pieces: Vec<Vec<u8>>,
    offsets: Vec<u64>,
    ids: HashTable<SeriesId>,
}

/// Names, readable by id; series may not be added meanwhile.
#[derive(Debug)]
pub struct Names<'a>(RwLockReadGuard<'a, Table>);

impl Names<'_> {
    /// The canonical name; empty if damage took it.
    pub fn get(&self, series: SeriesId) -> &[u8] {
        self.0.name(series)
    }

    /// Number of series; ids are below it.
    pub fn len(&self) -> u32 {
        self.0.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    fn len(&self) -> u32 {
        self.offsets.len() as u32
    }

    fn name(&self, series: SeriesId) -> &[u8] {
        let offset = self.offsets[series as usize];
        let mut reader =
            Reader::new(&self.pieces[(offset >> 32) as usize][offset as u32 as usize..]);
        let len = reader.varint().unwrap_or(0);
        reader.take(len as usize).unwrap_or_default()
    }

    fn push(&mut self, name: &[u8]) -> SeriesId {
        let needed = name.len() + 10;
        if self.pieces.last().is_none_or(|piece| piece.capacity() - piece.len() < needed) {
            self.pieces.push(Vec::with_capacity(needed.max(PIECE_BYTES)));
        }
        let number = self.pieces.len() - 1;
        let piece = &mut self.pieces[number];
        self.offsets.push((number as u64) << 32 | piece.len() as u64);
        put_varint(piece, name.len() as u64);
        piece.extend_from_slice(name);
        self.len() - 1
    }

    fn find(&self, hash: u64, name: &[u8]) -> Option<SeriesId> {
        self.ids.find(hash, |&id| self.name(id) == name).copied()
    }

    /// Gives a name to an id that has none.
    fn replace(&mut self, series: SeriesId, hash: u64, name: &[u8], rehash: impl Fn(&[u8]) -> u64) {
        let copy = self.push(name);
        self.offsets[series as usize] = self.offsets[copy as usize];
        self.offsets.truncate(copy as usize);
        let mut ids = std::mem::take(&mut self.ids);
        ids.insert_unique(hash, series, |&id| rehash(self.name(id)));
        self.ids = ids;
    }

    fn insert(&mut self, hash: u64, name: &[u8], rehash: impl Fn(&[u8]) -> u64) -> SeriesId {
        let id = self.push(name);
        let mut ids = std::mem::take(&mut self.ids);
        ids.insert_unique(hash, id, |&id| rehash(self.name(id)));
        self.ids = ids;
        id
    }
}

/// What recovery found in the names file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NamesReport {
    /// Where its end was cut and by how many bytes; they were never proven synced.
    pub cut: Option<(u64, u64)>,
    /// Unreadable ranges, from and to.
    pub damaged: Vec<(u64, u64)>,
}

impl Registry {
    /// Creates the names file of a new data directory.
    pub fn create(env: &Env, dir: &Path) -> Result<Registry> {
        let salt = env.chance.number();
        let header = Header { kind: FileKind::Names, salt, epoch: 0, shard: 0 };
        let file = AppendFile::create(&*env.disk, &dir.join(NAMES_FILE), &header)?;
        Ok(Registry::over(env, Table::default(), file))
    }

    /// Reads the names file of an existing data directory and continues it.
    pub fn open(env: &Env, dir: &Path) -> Result<(Registry, NamesReport)> {
        let path = dir.join(NAMES_FILE);
        let map = env.disk.map(&path).map_err(|error| Error::io("open", &path, error))?;
        let header = Header::decode(&path, &map, FileKind::Names)?;
        let scan = record::scan(&map, header.salt);
        let secrets = RapidSecrets::seed(env.chance.number());
        let mut table = Table::default();
        for found in &scan.records {
            read_names(&mut table, &secrets, &path, found)?;
        }
        let len = map.len() as u64;
        let end = scan.torn_at.unwrap_or(len);
        keep_torn_tail(env, dir, &map[end as usize..]);
        let cut = scan.torn_at.map(|at| (at, len - at));
        let report = NamesReport { cut, damaged: scan.damaged };
        drop(map);
        let file = AppendFile::resume(&*env.disk, &path, header.salt, end)?;
        let registry = Registry { secrets, ..Registry::over(env, table, file) };
        Ok((registry, report))
    }

    /// Takes names that the names file lost from where else they stand; returns how many were
    /// missing. Ids between them that nobody knows stay without a name.
    pub fn restore(&self, names: impl IntoIterator<Item = (SeriesId, Vec<u8>)>) -> usize {
        let mut table = self.table.write();
        let mut restored = 0;
        for (series, name) in names {
            while table.len() <= series {
                table.push(b"");
            }
            if table.name(series).is_empty() && table.find(self.hash(&name), &name).is_none() {
                table.replace(series, self.hash(&name), &name, |name| self.hash(name));
                restored += 1;
            }
        }
        restored
    }

    fn over(env: &Env, table: Table, file: AppendFile) -> Registry {
        Registry {
            secrets: RapidSecrets::seed(env.chance.number()),
            written: AtomicU32::new(table.len()),
            table: RwLock::new(table),
            file,
            record: Mutex::new(Vec::new()),
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        rapidhash_v3_seeded(name, &self.secrets)
    }

    /// Like [`Registry::find`], but gives out an id if the name is new and `admit` lets one more
    /// than these many be. It is asked by one thread at a time, and refuses at `u32::MAX`, where ids
    /// are used up. The name has at most [`NAME_BYTES_MAX`] bytes.
    pub fn find_or_admit<E>(
        &self,
        name: &[u8],
        admit: impl FnOnce(u32) -> std::result::Result<(), E>,
    ) -> std::result::Result<SeriesId, E> {
        assert!(name.len() <= NAME_BYTES_MAX, "protocols refuse longer names");
        let hash = self.hash(name);
        let mut table = self.table.write();
        if let Some(id) = table.find(hash, name) {
            return Ok(id);
        }
        admit(table.len())?;
        Ok(table.insert(hash, name, |name| self.hash(name)))
    }

    /// The id of a canonical name, given out now if it is new. `None` when ids are used up or the
    /// name is longer than any protocol lets through.
    pub fn find_or_reserve(&self, name: &[u8]) -> Option<SeriesId> {
        let room = |series| if series < u32::MAX { Ok(()) } else { Err(()) };
        let reserve = || self.find_or_admit(name, room).ok();
        if name.len() <= NAME_BYTES_MAX { self.find(name).or_else(reserve) } else { None }
    }

    /// The id of a canonical name, if there is one.
    pub fn find(&self, name: &[u8]) -> Option<SeriesId> {
        self.table.read().find(self.hash(name), name)
    }

    /// Names by id, for a short while: new series wait.
    pub fn names(&self) -> Names<'_> {
        Names(self.table.read())
    }

    /// Passes on each of the series that has a name. Names are copied in small lots, so new series
    /// never wait for what `sink` does.
    pub fn each_name(
        &self,
        series: impl IntoIterator<Item = SeriesId>,
        mut sink: impl FnMut(SeriesId, &[u8]),
    ) {
        let (mut names, mut lot) = (Vec::new(), Vec::new());
        let mut series = series.into_iter().peekable();
        while series.peek().is_some() {
            names.clear();
            lot.clear();
            {
                let table = self.table.read();
                for id in series.by_ref().take(NAMES_AT_ONCE) {
                    names.extend_from_slice(table.name(id));
                    lot.push((id, names.len()));
                }
            }
            let mut start = 0;
            for &(id, end) in &lot {
                if end > start {
                    sink(id, &names[start..end]);
                }
                start = end;
            }
        }
    }

    /// Number of series known.
    pub fn len(&self) -> u32 {
        self.table.read().len()
    }

    /// Whether no series is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns once the names of all ids up to `highest` survive the death of the process.
    pub fn ensure_written(&self, highest: SeriesId) -> Result<()> {
        while self.written.load(Ordering::Acquire) <= highest {
            let buffer = &mut *self.record.lock();
            let first = self.written.load(Ordering::Acquire);
            if first > highest {
                break;
            }
            let next = self.encode_names(first, buffer);
            assert!(next > first, "series {highest} was never given out");
            self.file.append(buffer, u64::from(first))?;
            self.written.store(next, Ordering::Release);
        }
        Ok(())
    }

    /// Puts the names from `first` on into a record; returns the first id left out.
    fn encode_names(&self, first: SeriesId, buffer: &mut Vec<u8>) -> SeriesId {
        let table = self.table.read();
        record::begin(buffer);
        let mut next = first;
        while next < table.len() && buffer.len() < RECORD_BYTES {
            let name = table.name(next);
            put_varint(buffer, name.len() as u64);
            buffer.extend_from_slice(name);
            next += 1;
        }
        next
    }

    /// Whether no further names can be kept.
    pub fn has_failed(&self) -> bool {
        self.file.has_failed()
    }

    /// Keeps ids from being given out that were used by rows whose series nobody knows any more.
    pub fn skip_ids_to(&self, highest: SeriesId) {
        let mut table = self.table.write();
        while table.len() <= highest {
            table.push(b"");
        }
    }

    /// Makes all written names survive a power cut.
    pub fn sync(&self) -> Result<()> {
        self.file.sync()
    }
}

/// What is cut from the names is kept beside the file, in case it was damage: names cost little.
fn keep_torn_tail(env: &Env, dir: &Path, tail: &[u8]) {
    if !tail.is_empty() {
        let path = dir.join("series.names.torn");
        let _earlier = env.disk.remove(&path);
        let kept = env.disk.create(&path).and_then(|file| file.write_at(tail, 0));
        kept.unwrap_or_else(|error| tracing::warn!("cannot keep {}: {error}", path.display()));
    }
}

fn read_names(
    table: &mut Table,
    secrets: &RapidSecrets,
    path: &Path,
    found: &record::Record<'_>,
) -> Result<()> {
    let damaged = |what: &str| Error::damaged(path, found.offset, what);
    let first = u32::try_from(found.sequence).map_err(|_| damaged("impossible series id"))?;
    if first < table.len() {
        return Err(damaged("a record repeats series ids"));
    }
    // A gap is what a damaged range held: those series have no name any more.
    while table.len() < first {
        table.push(b"");
    }
    let mut reader = Reader::new(found.payload);
    while !reader.is_done() {
        let name = reader.varint().and_then(|len| reader.take(len as usize));
        let name = name.map_err(|_| damaged("a record's names are cut"))?;
        if name.is_empty() {
            // Lost to damage before this record was written.
            table.push(b"");
            continue;
        }
        let hash = rapidhash_v3_seeded(name, secrets);
        table.insert(hash, name, |name| rapidhash_v3_seeded(name, secrets));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    #[test]
    fn names_fill_pieces_and_records() {
        let dir = tempfile::tempdir().expect("a directory");
        let env = env::real();
        let name = |number: u8| vec![number; NAME_BYTES_MAX - usize::from(number)];
        let count = (RECORD_BYTES / NAME_BYTES_MAX * 2 + 3) as u8;
        let registry = Registry::create(&env, dir.path()).expect("new");
        for number in 0..count {
            assert_eq!(registry.find_or_reserve(&name(number)), Some(u32::from(number)));
        }
        registry.ensure_written(u32::from(count) - 1).expect("written");
        drop(registry);
        let (registry, _) = Registry::open(&env, dir.path()).expect("readable");
        for number in 0..count {
            assert_eq!(registry.find(&name(number)), Some(u32::from(number)));
        }
    }

    #[test]
    fn ids_are_dense_and_survive_reopening() {
        let dir = tempfile::tempdir().expect("a directory");
        let env = env::real();
        let registry = Registry::create(&env, dir.path()).expect("new");
        let long = vec![b'x'; NAME_BYTES_MAX];
        for (id, name) in [&b"a"[..], b"b k=v", &long, b"c"].iter().enumerate() {
            assert_eq!(registry.find_or_reserve(name), Some(id as u32));
            assert_eq!(registry.find_or_reserve(name), Some(id as u32));
        }
        registry.ensure_written(2).expect("written");
        drop(registry);
        let (registry, report) = Registry::open(&env, dir.path()).expect("readable");
        assert_eq!(report, NamesReport::default());
        assert_eq!(registry.names().get(1), b"b k=v");
        assert_eq!(registry.names().get(2), &long);
        assert_eq!(registry.find(b"c"), Some(3));
        assert_eq!(registry.find_or_reserve(b"d"), Some(4));
    }
}
