//! A sealed file of names: those of a range of ids, and a table to find them by.
//!
//! It is mapped, so its names take no memory that the system could not take back. Every byte is
//! checked when it is opened. Layout: `FORMAT.md`, section "Names part".

use super::coded::{Coded, Encoder, Walk};
use super::filter::Filter;
use super::slots::{self, Slots};
use crate::bytes::{Reader, pad8};
use crate::checksum;
use crate::env::{Env, Mapping};
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::types::SeriesId;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of the footer.
pub const FOOTER_BYTES: usize = 64;
/// Bytes that share a checksum.
pub const CHUNK_BYTES: usize = 64 << 10;
const MAGIC: &[u8; 8] = b"NAMFOOT\n";
const CHECKSUM_AT: usize = 60;
/// Its hash tells whether this build hashes as the one that made the file.
const PROBE: &[u8] = b"irontsd";

/// File name of a part.
pub fn file_name(number: u64) -> String {
    format!("{number:010}.part")
}

/// Whether a file in the names directory is a part.
pub fn is_file_name(name: &str) -> bool {
    let number = name.strip_suffix(".part").and_then(|number| number.parse().ok());
    number.is_some_and(|number| file_name(number) == name)
}

/// Names being gathered for a part.
#[derive(Debug)]
pub struct Builder {
    first: SeriesId,
    seed: u64,
    secrets: RapidSecrets,
    list: Encoder,
    hashes: Vec<u64>,
}

impl Builder {
    /// For ids from `first` on, hashed with this seed.
    pub fn new(first: SeriesId, seed: u64) -> Builder {
        let secrets = RapidSecrets::seed(seed);
        Builder { first, seed, secrets, list: Encoder::new(secrets), hashes: Vec::new() }
    }

    /// Adds the name of the next id; an empty one was lost.
    pub fn add(&mut self, name: &[u8]) {
        self.list.add(name);
        self.hashes.push(rapidhash_v3_seeded(name, &self.secrets));
    }

    /// Whether the next name belongs into another part.
    pub fn is_full(&self) -> bool {
        self.list.len() >= slots::NAMES_MAX || self.list.is_full()
    }

    /// Bytes of the names so far, packed; in memory twice when the part is written.
    pub fn bytes(&self) -> u64 {
        self.list.bytes()
    }

    /// Number of names.
    pub fn len(&self) -> u32 {
        self.list.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the part and syncs it; durable when this returns.
    pub fn seal(self, env: &Env, dir: &Path, number: u64) -> Result<Part> {
        let path = dir.join(file_name(number));
        let temporary = path.with_extension("part.tmp");
        let bytes = self.encode(env.chance.number());
        let _leftover = env.disk.remove(&temporary);
        let file = env.disk.create(&temporary);
        let file = file.map_err(|error| Error::io("create", &temporary, error))?;
        let wrote = file.write_at(&bytes, 0).map_err(|error| Error::io("write", &temporary, error));
        let synced = wrote.and_then(|()| file.sync().map_err(|e| Error::io("sync", &temporary, e)));
        synced.inspect_err(|_| drop(env.disk.remove(&temporary)))?;
        let renamed = env.disk.rename(&temporary, &path);
        renamed.map_err(|error| Error::io("rename", &temporary, error))?;
        env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
        drop(bytes);
        Part::open(env, &path)
    }

    fn encode(self, salt: u64) -> Vec<u8> {
        let Builder { first, seed, secrets, list, hashes } = self;
        let names = list.len();
        let header = Header { kind: FileKind::NamesPart, salt, epoch: 0, shard: 0 };
        let mut out = header.encode().to_vec();
        list.finish(&mut out);
        pad8(&mut out);
        let slots_at = out.len() as u64;
        slots::encode(&hashes, &mut out);
        pad8(&mut out);
        let checks_at = out.len();
        let mut checks = Vec::new();
        for chunk in chunks(checks_at) {
            let sum = checksum::seeded(salt, chunk.start as u64, &out[chunk]);
            checks.extend_from_slice(&sum.to_le_bytes());
        }
        let sum_of_checks = checksum::seeded(salt, checks_at as u64, &checks);
        out.extend_from_slice(&checks);
        let start = out.len();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&slots_at.to_le_bytes());
        out.extend_from_slice(&(checks_at as u64).to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&names.to_le_bytes());
        out.extend_from_slice(&seed.to_le_bytes());
        out.extend_from_slice(&rapidhash_v3_seeded(PROBE, &secrets).to_le_bytes());
        out.extend_from_slice(&sum_of_checks.to_le_bytes());
        out.resize(start + CHECKSUM_AT, 0);
        let sum = checksum::seeded(salt, start as u64, &out[start..]);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }
}

/// The ranges from the header to `end` that share a checksum.
fn chunks(end: usize) -> impl Iterator<Item = Range<usize>> {
    (HEADER_BYTES..end).step_by(CHUNK_BYTES).map(move |at| at..end.min(at + CHUNK_BYTES))
}

/// A part, mapped and checked.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    map: Mapping,
    first: SeriesId,
    list: Coded,
    slots: Slots,
    slots_at: usize,
    filter: Filter,
    seed: u64,
    hashes_alike: bool,
}

impl Part {
    /// Maps the file and checks all of it.
    pub fn open(env: &Env, path: &Path) -> Result<Part> {
        let map = env.disk.map(path).map_err(|error| Error::io("open", path, error))?;
        let header = Header::decode(path, &map, FileKind::NamesPart)?;
        let damaged = |at: usize, what: &str| Error::damaged(path, at as u64, what);
        let footer_at = map.len().saturating_sub(FOOTER_BYTES).max(HEADER_BYTES);
        let footer = Footer::decode(&map[footer_at..], header.salt, footer_at);
        let footer = footer.ok_or_else(|| damaged(footer_at, "unreadable footer"))?;
        let malformed = || damaged(footer_at, "the footer points outside");
        let checks = map.get(footer.checks_at..footer_at).ok_or_else(malformed)?;
        if checksum::seeded(header.salt, footer.checks_at as u64, checks) != footer.sum_of_checks {
            return Err(damaged(footer.checks_at, "the list of checksums does not match"));
        }
        let (sums, _) = checks.as_chunks::<4>();
        if sums.len() != chunks(footer.checks_at).count() {
            return Err(malformed());
        }
        for (chunk, sum) in chunks(footer.checks_at).zip(sums) {
            let start = chunk.start;
            if checksum::seeded(header.salt, start as u64, &map[chunk]) != u32::from_le_bytes(*sum)
            {
                return Err(damaged(start, "names do not match their checksum"));
            }
        }
        let list = map.get(HEADER_BYTES..footer.slots_at).and_then(Coded::parse);
        let list = list.filter(|list| list.len() == footer.names);
        let list = list.ok_or_else(|| damaged(HEADER_BYTES, "malformed list of names"))?;
        let slots = map.get(footer.slots_at..footer.checks_at).and_then(Slots::parse);
        let slots = slots.filter(|slots| slots.len() == footer.names as usize);
        let slots = slots.ok_or_else(|| damaged(footer.slots_at, "malformed name slots"))?;
        let mut filter = Filter::new(slots.len());
        slots.each_known(&map[footer.slots_at..], |known| filter.add(known));
        if map.has_faulted() {
            return Err(Error::unreadable(path));
        }
        let probe = rapidhash_v3_seeded(PROBE, &RapidSecrets::seed(footer.seed));
        Ok(Part {
            path: path.to_owned(),
            map,
            first: footer.first,
            list,
            slots,
            slots_at: footer.slots_at,
            filter,
            seed: footer.seed,
            hashes_alike: probe == footer.probe,
        })
    }

    /// The ids whose names it holds.
    pub fn ids(&self) -> Range<SeriesId> {
        self.first..self.first + self.list.len()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Whether some of the file could not be read: what it did not find may be there.
    pub fn has_faulted(&self) -> bool {
        self.map.has_faulted()
    }

    /// The seed of its hashes, if this build hashes as the one that made the file.
    pub fn seed(&self) -> Option<u64> {
        self.hashes_alike.then_some(self.seed)
    }

    /// Appends the name of one of its ids; nothing if it was lost or is malformed.
    pub fn read(&self, series: SeriesId, walk: &mut Walk, out: &mut Vec<u8>) {
        let start = out.len();
        let at = series - self.first;
        if self.list.read(&self.map[HEADER_BYTES..], at, walk, out).is_none() {
            out.truncate(start);
        }
    }

    /// The id of a name with this hash.
    #[inline]
    pub fn find(&self, hash: u64, name: &[u8]) -> Option<SeriesId> {
        if self.filter.may_have(self.slots.known_of(hash)) { self.search(hash, name) } else { None }
    }

    fn search(&self, hash: u64, name: &[u8]) -> Option<SeriesId> {
        let places = self.slots.find(&self.map[self.slots_at..], hash);
        let mut found = Vec::new();
        let is_it = |&series: &SeriesId| {
            found.clear();
            self.read(series, &mut Walk::default(), &mut found);
            found == name
        };
        places.filter(|&place| place < self.list.len()).map(|place| self.first + place).find(is_it)
    }
}

struct Footer {
    slots_at: usize,
    checks_at: usize,
    first: SeriesId,
    names: u32,
    seed: u64,
    probe: u64,
    sum_of_checks: u32,
}

impl Footer {
    fn decode(bytes: &[u8], salt: u64, at: usize) -> Option<Footer> {
        let bytes: &[u8; FOOTER_BYTES] = bytes.try_into().ok()?;
        let sum = checksum::seeded(salt, at as u64, &bytes[..CHECKSUM_AT]);
        if bytes[CHECKSUM_AT..] != sum.to_le_bytes() {
            return None;
        }
        let mut reader = Reader::new(bytes);
        if reader.take(8).ok()? != MAGIC {
            return None;
        }
        let footer = Footer {
            slots_at: usize::try_from(reader.u64().ok()?).ok()?,
            checks_at: usize::try_from(reader.u64().ok()?).ok()?,
            first: reader.u32().ok()?,
            names: reader.u32().ok()?,
            seed: reader.u64().ok()?,
            probe: reader.u64().ok()?,
            sum_of_checks: reader.u32().ok()?,
        };
        (footer.first.checked_add(footer.names).is_some()).then_some(footer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    fn name(id: u32) -> Vec<u8> {
        format!("metric{} host=h{} k=v", id % 7, id / 7).into_bytes()
    }

    fn sealed(dir: &Path, ids: Range<u32>) -> Part {
        let mut builder = Builder::new(ids.start, 5);
        ids.for_each(|id| builder.add(&name(id)));
        builder.seal(&env::real(), dir, 3).expect("sealed")
    }

    #[test]
    fn names_are_found_by_id_and_ids_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let part = sealed(dir.path(), 10..5010);
        assert_eq!(part.ids(), 10..5010);
        assert_eq!(part.seed(), Some(5));
        let hash = |name: &[u8]| rapidhash_v3_seeded(name, &RapidSecrets::seed(5));
        let mut walk = Walk::default();
        for id in (10..5010).chain([77, 76, 4000]) {
            let mut found = Vec::new();
            part.read(id, &mut walk, &mut found);
            assert_eq!(found, name(id));
            assert_eq!(part.find(hash(&found), &found), Some(id));
        }
        assert_eq!(part.find(hash(&name(5010)), &name(5010)), None);
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = sealed(dir.path(), 0..40).path().to_owned();
        let bytes = env::real().disk.read(&path).expect("readable");
        let file = env::real().disk.open(&path).expect("there");
        for at in 0..bytes.len() {
            file.write_at(&[bytes[at] ^ 0x10], at as u64).expect("written");
            assert!(Part::open(&env::real(), &path).is_err(), "byte {at}");
            file.write_at(&bytes[at..=at], at as u64).expect("written");
        }
        Part::open(&env::real(), &path).expect("as it was");
        for len in 0..bytes.len() as u64 {
            file.cut(len).expect("cut");
            file.sync().expect("synced");
            assert!(Part::open(&env::real(), &path).is_err(), "{len} bytes");
            file.write_at(&bytes, 0).expect("written");
        }
    }
}
