//! The manifest: which segments make up the data directory, and which logs are done with.
//!
//! What it names exists; what it omits is a leftover. It is a short text that people can read,
//! replaced as a whole: written under another name, synced, renamed, directory synced. One atomic
//! rename is easier to prove than a log of edits. Layout: `FORMAT.md`, section "Manifest".

use crate::deletes::hits;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::merge::days::DAY_MS;
use crate::names::part::Part;
use crate::names::slots::NAMES_MAX;
use crate::segment;
use crate::types::SeriesId;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

/// File name in a data directory.
pub const MANIFEST_FILE: &str = "MANIFEST";
/// The version this build writes. It reads version 1, which knew no merges, and version 2, which
/// knew no parts of names and no partitions but days.
const VERSION: u32 = 4;

/// The manifest's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Rows of this epoch and all before it lie in the segments; their logs are leftovers.
    pub flushed_epoch: u32,
    /// Number of the last file that a merge, delete or seal made; the first is 1.
    pub last_file: u64,
    /// Everything before this timestamp was dropped and is not served any more.
    pub floor_ms: i64,
    /// Merged segments are cut at multiples of it, counted from 1970 in UTC.
    pub partition_ms: i64,
    /// Sealed names, ascending by id, without gaps from the first.
    pub names: Vec<NamesEntry>,
    /// Deletes in force, ascending by number.
    pub deletes: Vec<DeleteEntry>,
    /// The segments. Where two overlap in time their epochs do not, and the later one wins.
    pub segments: Vec<SegmentEntry>,
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest {
            flushed_epoch: 0,
            last_file: 0,
            floor_ms: 0,
            partition_ms: DAY_MS,
            names: Vec::new(),
            deletes: Vec::new(),
            segments: Vec::new(),
        }
    }
}

/// One part of names as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesEntry {
    /// File name in the names directory.
    pub name: String,
    /// The first id.
    pub first: SeriesId,
    /// How many ids.
    pub count: u32,
    /// Size of the file.
    pub bytes: u64,
}

impl NamesEntry {
    /// What the manifest says of a part.
    pub fn of(part: &Part) -> NamesEntry {
        let name = part.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ids = part.ids();
        NamesEntry { name, first: ids.start, count: ids.end - ids.start, bytes: part.bytes() }
    }

    /// The ids whose names it holds.
    pub fn ids(&self) -> Range<SeriesId> {
        self.first..self.first.saturating_add(self.count)
    }
}

/// One delete as the manifest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteEntry {
    /// Its number, which names its file.
    pub number: u64,
    /// First and last timestamp.
    pub times: (i64, i64),
}

/// One segment as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// File name in the segment directory.
    pub name: String,
    /// Size of the file.
    pub bytes: u64,
    /// Level: 0 is fresh from a flush; a merge gives at least one more than its inputs.
    pub level: u32,
    /// Rows of these epochs may be in it, first and last.
    pub epochs: (u32, u32),
    /// Smallest and largest timestamp.
    pub times: (i64, i64),
    /// Deletes up to this number hit nothing in it.
    pub deletes: u64,
}

impl SegmentEntry {
    /// Whether it may hold timestamps that the other holds.
    pub fn overlaps(&self, times: (i64, i64)) -> bool {
        self.times.0 <= times.1 && times.0 <= self.times.1
    }
}

impl Manifest {
    /// Lets deletes go that hit no segment any more.
    pub fn forget_deletes(&mut self) {
        let Manifest { segments, deletes, .. } = self;
        deletes.retain(|delete| segments.iter().any(|segment| hits(delete, segment)));
    }

    /// How many segments there are of each level, of the lowest at any rate.
    pub fn segments_by_level(&self) -> BTreeMap<u32, u64> {
        let mut levels = BTreeMap::from([(0, 0)]);
        for entry in &self.segments {
            *levels.entry(entry.level).or_default() += 1;
        }
        levels
    }

    /// Its text, checksum included.
    pub fn encode(&self) -> String {
        let mut out = format!("irontsd manifest {VERSION}\nflushed_epoch {}\n", self.flushed_epoch);
        let _ = writeln!(out, "last_file {}", self.last_file);
        let _ = writeln!(out, "floor {}", self.floor_ms);
        let _ = writeln!(out, "partition {}", self.partition_ms);
        for NamesEntry { name, first, count, bytes } in &self.names {
            let _ = writeln!(out, "names {name} first {first} count {count} bytes {bytes}");
        }
        for DeleteEntry { number, times: (from, to) } in &self.deletes {
            let _ = writeln!(out, "delete {number} times {from} {to}");
        }
        for SegmentEntry { name, bytes, level, epochs, times, deletes } in &self.segments {
            let ((a, b), (from, to)) = (epochs, times);
            let _ = write!(out, "segment {name} level {level} bytes {bytes} ");
            let _ = writeln!(out, "epochs {a} {b} times {from} {to} deletes {deletes}");
        }
        let sum = crc32c::crc32c(out.as_bytes());
        let _ = writeln!(out, "checksum {sum:08x}");
        out
    }

    /// Reads the manifest of a directory; `None` if there is none.
    pub fn read(env: &Env, dir: &Path) -> Result<Option<Manifest>> {
        let path = dir.join(MANIFEST_FILE);
        let bytes = match env.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        decode(&path, &bytes).map(Some)
    }

    /// Reads a manifest's text; `path` is for errors.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest> {
        decode(path, bytes)
    }

    /// Replaces the manifest of a directory; durable when this returns.
    pub fn write(&self, env: &Env, dir: &Path) -> Result<()> {
        let (path, temporary) = (dir.join(MANIFEST_FILE), dir.join("MANIFEST.tmp"));
        let _leftover = env.disk.remove(&temporary);
        let file = env.disk.create(&temporary);
        let file = file.map_err(|error| Error::io("create", &temporary, error))?;
        let wrote = file.write_at(self.encode().as_bytes(), 0);
        wrote.map_err(|error| Error::io("write", &temporary, error))?;
        file.sync().map_err(|error| Error::io("sync", &temporary, error))?;
        let renamed = env.disk.rename(&temporary, &path);
        renamed.map_err(|error| Error::io("rename", &temporary, error))?;
        env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))
    }
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Manifest> {
    let damaged = |offset: usize, what: &str| Error::damaged(path, offset as u64, what);
    let text = std::str::from_utf8(bytes).map_err(|e| damaged(e.valid_up_to(), "not a text"))?;
    let body_bytes = text.rfind("checksum ").ok_or_else(|| damaged(0, "no checksum line"))?;
    let (body, last) = text.split_at(body_bytes);
    if last != format!("checksum {:08x}\n", crc32c::crc32c(body.as_bytes())) {
        // It is of all bytes before it, and none of them is trusted.
        return Err(damaged(0, "checksum does not match"));
    }
    let mut manifest = Manifest::default();
    let mut at = 0;
    for (line_number, line) in body.split_inclusive('\n').enumerate() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |word: &str| word.parse().map_err(|_| damaged(at, "not a number"));
        match (line_number, &words[..]) {
            (0, ["irontsd", "manifest", version]) => check_version(path, number(version)?)?,
            (1, ["flushed_epoch", epoch]) => manifest.flushed_epoch = number(epoch)?,
            (2, ["last_file", next]) => {
                manifest.last_file = next.parse().map_err(|_| damaged(at, "not a number"))?;
            }
            (3, ["floor", floor]) => {
                manifest.floor_ms = floor.parse().map_err(|_| damaged(at, "not a number"))?;
            }
            (4, ["partition", ms]) => {
                let ms = ms.parse().ok().filter(|&ms| ms > 0);
                manifest.partition_ms = ms.ok_or_else(|| damaged(at, "not a partition"))?;
            }
            (5.., ["names", rest @ ..]) => {
                let entry = names(rest).ok_or_else(|| damaged(at, "not a part of names"))?;
                check_names(&manifest.names, &entry).map_err(|what| damaged(at, what))?;
                manifest.names.push(entry);
            }
            (4.., ["delete", rest @ ..]) => {
                let entry = delete(rest).ok_or_else(|| damaged(at, "not a delete"))?;
                manifest.deletes.push(entry);
            }
            (2.., ["segment", name, rest @ ..]) => {
                let entry = segment(name, rest).ok_or_else(|| damaged(at, "not a segment"))?;
                manifest.segments.push(entry);
            }
            _ => return Err(damaged(at, "an unknown line, or one in the wrong place")),
        }
        at += line.len();
    }
    if body.lines().count() < 2 {
        return Err(damaged(at, "the version or flushed_epoch line is missing"));
    }
    Ok(manifest)
}

fn segment(name: &str, words: &[&str]) -> Option<SegmentEntry> {
    let (level, bytes, epochs, times, deletes) = match words {
        ["level", level, "bytes", bytes, "epochs", a, b, "times", from, to, "deletes", deletes] => {
            let epochs = (a.parse().ok()?, b.parse().ok()?);
            let times = (from.parse().ok()?, to.parse().ok()?);
            (level, bytes, epochs, times, deletes.parse().ok()?)
        }
        // Version 1: fresh segments only, whose name is their epoch. The times are not known.
        ["level", level, "bytes", bytes] => {
            let epoch = segment::parse_file_name(name)?;
            (level, bytes, (epoch, epoch), (i64::MIN, i64::MAX), 0)
        }
        _ => return None,
    };
    let (level, bytes) = (level.parse().ok()?, bytes.parse().ok()?);
    Some(SegmentEntry { name: name.to_owned(), bytes, level, epochs, times, deletes })
}

fn names(words: &[&str]) -> Option<NamesEntry> {
    let [name, "first", first, "count", count, "bytes", bytes] = words else { return None };
    let (first, count) = (first.parse().ok()?, count.parse().ok()?);
    Some(NamesEntry { name: (*name).to_owned(), first, count, bytes: bytes.parse().ok()? })
}

/// Each id costs memory where its part cannot be read, so no more are believed than a part can hold.
fn check_names(before: &[NamesEntry], entry: &NamesEntry) -> std::result::Result<(), &'static str> {
    if entry.first != before.last().map_or(0, |entry| entry.ids().end) {
        return Err("a part of names does not begin where the one before it ends");
    }
    let fits = entry.count <= NAMES_MAX && entry.first.checked_add(entry.count).is_some();
    if fits { Ok(()) } else { Err("a part with more names than a part can hold") }
}

fn delete(words: &[&str]) -> Option<DeleteEntry> {
    let [number, "times", from, to] = words else { return None };
    let times = (from.parse().ok()?, to.parse().ok()?);
    Some(DeleteEntry { number: number.parse().ok()?, times })
}

fn check_version(path: &Path, found: u32) -> Result<()> {
    if (1..=VERSION).contains(&found) {
        return Ok(());
    }
    Err(Error::Version { path: path.to_owned(), found, readable: (1, VERSION) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    #[test]
    fn survives_and_notices_every_flipped_bit() {
        let dir = tempfile::tempdir().expect("a directory");
        let env = env::real();
        assert_eq!(Manifest::read(&env, dir.path()).expect("readable"), None);
        let name = "0000000001.seg".to_owned();
        let entry =
            SegmentEntry { name, bytes: 9, level: 0, epochs: (1, 2), times: (-3, 4), deletes: 5 };
        let manifest = Manifest {
            flushed_epoch: 7,
            last_file: 3,
            floor_ms: 12,
            partition_ms: 3_600_000,
            names: vec![NamesEntry { name: "n.part".to_owned(), first: 0, count: 4, bytes: 5 }],
            deletes: vec![DeleteEntry { number: 6, times: (1, 2) }],
            segments: vec![entry.clone(), entry],
        };
        manifest.write(&env, dir.path()).expect("written");
        manifest.write(&env, dir.path()).expect("replaced");
        assert_eq!(Manifest::read(&env, dir.path()).expect("readable"), Some(manifest.clone()));
        let bytes = manifest.encode().into_bytes();
        assert_eq!(Manifest::parse(Path::new("m"), &bytes).expect("readable"), manifest);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(Path::new("m"), &bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_line_that_says_nothing_is_named_with_its_offset() {
        let text = Manifest::default().encode();
        let at = text.find("floor ").expect("the fourth line");
        let body =
            text[..text.find("checksum").expect("the last line")].replace("floor ", "floor x");
        let bad = format!("{body}checksum {:08x}\n", crc32c::crc32c(body.as_bytes()));
        let error = decode(Path::new("m"), bad.as_bytes()).expect_err("not a number").to_string();
        assert_eq!(error, format!("m is damaged at offset {at}: not a number"));
    }

    #[test]
    fn times_overlap_where_both_have_a_moment() {
        let name = "0000000001.seg".to_owned();
        let entry =
            SegmentEntry { name, bytes: 9, level: 0, epochs: (1, 2), times: (10, 20), deletes: 5 };
        for (times, overlaps) in [
            ((1, 9), false),
            ((1, 10), true),
            ((12, 13), true),
            ((20, 30), true),
            ((21, 30), false),
        ] {
            assert_eq!(entry.overlaps(times), overlaps, "{times:?}");
        }
    }
}
