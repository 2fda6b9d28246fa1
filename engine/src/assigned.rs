//! Names assigned by hand: metrics, tag keys and tag values that may be used although the node does
//! not let new ones come into being, each with a number of its own.
//!
//! One append-only file of records like a names log, made when the first name is assigned. A
//! name counts, and has its number, once its record is synced.

use crate::bytes::{Reader, put_varint};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::limits::NAME_BYTES_MAX;
use crate::log::append::AppendFile;
use crate::log::record::{self, Record};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Name of the file in a data directory.
pub const ASSIGNED_FILE: &str = "assigned.names";

/// A record is closed at about this many bytes.
const RECORD_BYTES: usize = 4 << 20;

/// What a name is used for. All kinds are numbered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NameKind {
    /// Metrics.
    Metric = 1,
    /// Tag keys.
    Tagk = 2,
    /// Tag values.
    Tagv = 3,
}

impl NameKind {
    fn from_byte(byte: u8) -> Option<NameKind> {
        [NameKind::Metric, NameKind::Tagk, NameKind::Tagv].into_iter().find(|&k| k as u8 == byte)
    }
}

/// The number of a name, and whether it was given just now.
pub type Given = (u32, bool);

/// What was found in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Where its end was cut and by how many bytes.
    pub cut: Option<(u64, u64)>,
    /// Unreadable ranges, from and to.
    pub damaged: Vec<(u64, u64)>,
    /// Other damage, one sentence each.
    pub faults: Vec<String>,
}

/// All assigned names of a data directory.
#[derive(Debug)]
pub struct Assigned {
    env: Env,
    dir: PathBuf,
    names: RwLock<Names>,
    /// Whoever holds it assigns. `None` until the first name.
    file: Mutex<Option<AppendFile>>,
    /// Bytes of the file that survive a power cut.
    synced_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Names {
    kinds: [BTreeMap<Vec<u8>, u32>; 3],
    /// The number of the next name.
    next: u32,
}

impl Names {
    fn of(&self, kind: NameKind) -> &BTreeMap<Vec<u8>, u32> {
        &self.kinds[kind as usize - 1]
    }

    fn add(&mut self, kind: NameKind, name: &[u8], number: u32) {
        self.kinds[kind as usize - 1].entry(name.to_vec()).or_insert(number);
        self.next = self.next.max(number + 1);
    }
}

impl Assigned {
    /// Reads the file of a data directory, if there is one, and continues it.
    pub fn open(env: &Env, dir: &Path) -> Result<(Assigned, Report)> {
        let mut report = Report::default();
        let path = dir.join(ASSIGNED_FILE);
        let (mut names, mut file) = (Names::default(), None);
        match env.disk.read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", &path, error)),
            Ok(bytes) => match Header::decode(&path, &bytes, FileKind::Assigned) {
                Ok(header) => {
                    file = Some(read(env, &path, &bytes, &header, &mut names, &mut report)?)
                }
                Err(error @ Error::Version { .. }) => return Err(error),
                Err(error) => set_aside(env, dir, &bytes, &error, &mut report)?,
            },
        }
        let synced_bytes = AtomicU64::new(file.as_ref().map_or(0, AppendFile::synced_bytes));
        let (names, file) = (RwLock::new(names), Mutex::new(file));
        Ok((Assigned { env: env.clone(), dir: dir.to_owned(), names, file, synced_bytes }, report))
    }

    /// The number of a name, if it was assigned.
    pub fn find(&self, kind: NameKind, name: &[u8]) -> Option<u32> {
        self.names.read().of(kind).get(name).copied()
    }

    /// The first names, in byte order, that start with these bytes.
    pub fn starting_with(&self, kind: NameKind, start: &[u8], max: usize) -> Vec<Vec<u8>> {
        let names = self.names.read();
        let from = names.of(kind).range(start.to_vec()..).map(|(name, _)| name);
        from.take_while(|name| name.starts_with(start)).take(max).cloned().collect()
    }

    /// Gives each name its number; durable when this returns. It waits for the disk.
    pub fn assign(&self, names: &[(NameKind, &[u8])]) -> Result<Vec<Given>> {
        let mut file = self.file.lock();
        let mut next = self.names.read().next;
        let first = next;
        let (mut given, mut new) = (Vec::with_capacity(names.len()), Vec::new());
        let mut seen = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for &(kind, name) in names {
            let known = self.find(kind, name);
            given.push(match (known, seen[kind as usize - 1].entry(name)) {
                (Some(number), _) => (number, false),
                (None, Entry::Occupied(number)) => (*number.get(), false),
                (None, Entry::Vacant(place)) => {
                    let number = *place.insert(next);
                    next = next.checked_add(1).ok_or_else(no_more)?;
                    new.push((kind, name));
                    (number, true)
                }
            });
        }
        if !new.is_empty() {
            self.write(&mut file, first, &new)?;
            let mut all = self.names.write();
            for (number, (kind, name)) in (first..).zip(new) {
                all.add(kind, name, number);
            }
        }
        Ok(given)
    }

    fn write(
        &self,
        file: &mut Option<AppendFile>,
        mut first: u32,
        mut names: &[(NameKind, &[u8])],
    ) -> Result<()> {
        let file = match file {
            Some(file) => file,
            none => none.insert(self.create()?),
        };
        let (mut buffer, start) = (Vec::new(), first);
        while !names.is_empty() {
            record::begin(&mut buffer);
            let mut count = 0;
            for (kind, name) in names {
                if buffer.len() >= RECORD_BYTES {
                    break;
                }
                assert!(name.len() <= NAME_BYTES_MAX, "the caller bounds names");
                buffer.push(*kind as u8);
                put_varint(&mut buffer, name.len() as u64);
                buffer.extend_from_slice(name);
                count += 1;
            }
            let appended = file.append(&mut buffer, u64::from(first));
            // Numbers that stand in the file already must not be given again.
            appended.inspect_err(|_| {
                if first > start {
                    file.fail()
                }
            })?;
            names = &names[count..];
            first += count as u32;
        }
        file.sync()?;
        self.synced_bytes.store(file.synced_bytes(), Ordering::Release);
        Ok(())
    }

    /// Bytes of the file that survive a power cut; 0 if there is none.
    pub fn synced_bytes(&self) -> u64 {
        self.synced_bytes.load(Ordering::Acquire)
    }

    fn create(&self) -> Result<AppendFile> {
        let path = self.dir.join(ASSIGNED_FILE);
        // What a crash left of an earlier beginning holds nothing.
        let _leftover = self.env.disk.remove(&path);
        let salt = self.env.chance.number();
        let header = Header { kind: FileKind::Assigned, salt, epoch: 0, shard: 0 };
        let file = AppendFile::create(&*self.env.disk, &path, &header)?;
        let synced = self.env.disk.sync_dir(&self.dir);
        synced.map_err(|error| Error::io("sync", &self.dir, error))?;
        Ok(file)
    }
}

fn no_more() -> Error {
    Error::Stopped("no more names can be numbered".into())
}

fn read(
    env: &Env,
    path: &Path,
    bytes: &[u8],
    header: &Header,
    names: &mut Names,
    report: &mut Report,
) -> Result<AppendFile> {
    let scan = record::scan(bytes, header.salt);
    for found in &scan.records {
        if read_record(found, names).is_none() {
            let error = Error::damaged(path, found.offset, "a record's names are malformed");
            report.faults.push(error.to_string());
        }
    }
    let len = bytes.len() as u64;
    report.cut = scan.torn_at.map(|at| (at, len - at));
    report.damaged = scan.damaged;
    AppendFile::resume(&*env.disk, path, header.salt, scan.torn_at.unwrap_or(len))
}

fn read_record(found: &Record<'_>, names: &mut Names) -> Option<()> {
    let mut reader = Reader::new(found.payload);
    let mut number = u32::try_from(found.sequence).ok()?;
    while !reader.is_done() {
        let kind = NameKind::from_byte(reader.u8().ok()?)?;
        let len = usize::try_from(reader.varint().ok()?).ok()?;
        names.add(kind, reader.take(len).ok()?, number);
        number = number.checked_add(1)?;
    }
    Some(())
}

/// Whether a record's payload is names.
pub fn is_sound(found: &Record<'_>) -> bool {
    read_record(found, &mut Names::default()).is_some()
}

/// A file without a readable header. If it is no longer than one it was never used: its header is
/// durable before the first name.
fn set_aside(
    env: &Env,
    dir: &Path,
    bytes: &[u8],
    error: &Error,
    report: &mut Report,
) -> Result<()> {
    let path = dir.join(ASSIGNED_FILE);
    if bytes.len() <= HEADER_BYTES {
        report.cut = Some((0, bytes.len() as u64));
        return Ok(());
    }
    report.faults.push(error.to_string());
    let kept = dir.join("assigned.names.damaged");
    env.disk.rename(&path, &kept).map_err(|error| Error::io("rename", &path, error))?;
    env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the file is cut and damaged behind the engine")]
mod tests {
    use super::*;
    use crate::env;
    use NameKind::{Metric, Tagk, Tagv};

    fn open(dir: &Path) -> (Assigned, Report) {
        Assigned::open(&env::real(), dir).expect("opens")
    }

    #[test]
    fn numbers_stay_with_their_names() {
        let dir = tempfile::tempdir().expect("a directory");
        let names: [(NameKind, &[u8]); 4] =
            [(Metric, b"a"), (Tagk, b"a"), (Metric, b"a"), (Tagv, b"")];
        let (assigned, report) = open(dir.path());
        assert_eq!(report, Report::default());
        assert_eq!(assigned.find(Metric, b"a"), None);
        let given = assigned.assign(&names).expect("assigned");
        assert_eq!(given, [(0, true), (1, true), (0, false), (2, true)]);
        let (assigned, report) = open(dir.path());
        assert_eq!(report, Report::default());
        let given = assigned.assign(&[(Tagk, b"b"), (Tagk, b"a")]).expect("assigned");
        assert_eq!(given, [(3, true), (1, false)]);
        assert_eq!(assigned.starting_with(Tagk, b"", 9), [b"a", b"b"]);
        assert_eq!(assigned.starting_with(Tagk, b"b", 9), [b"b"]);
        assert_eq!(assigned.starting_with(Tagk, b"", 1), [b"a"]);
    }

    #[test]
    fn a_cut_at_every_length_keeps_the_records_before_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(ASSIGNED_FILE);
        let (assigned, _) = open(dir.path());
        let mut ends = Vec::new();
        for name in [b"one", b"two"] {
            assigned.assign(&[(Metric, name)]).expect("assigned");
            ends.push(std::fs::read(&path).expect("the file").len());
        }
        let bytes = std::fs::read(&path).expect("the file");
        for len in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..len]).expect("a shorter file");
            let (assigned, report) = open(dir.path());
            assert_eq!((report.damaged, report.faults), (vec![], vec![]), "{len}");
            let found = assigned.starting_with(Metric, b"", 9).len();
            let whole = ends.iter().filter(|&&end| end <= len).count();
            // A record whose padding alone is missing is whole.
            assert!(found == whole || found == whole + 1, "{len}: {found}");
            assigned.assign(&[(Metric, b"more")]).expect("assigned");
            let (assigned, report) = open(dir.path());
            assert_eq!(report, Report::default());
            assert!(assigned.find(Metric, b"more").is_some(), "{len}");
        }
    }

    #[test]
    fn damage_is_a_fault_and_the_rest_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(ASSIGNED_FILE);
        let (assigned, _) = open(dir.path());
        for name in [b"one", b"two"] {
            assigned.assign(&[(Metric, name)]).expect("assigned");
        }
        let bytes = std::fs::read(&path).expect("the file");
        let mut bad = bytes.clone();
        bad[HEADER_BYTES + record::RECORD_HEAD_BYTES] ^= 1;
        std::fs::write(&path, &bad).expect("a damaged file");
        let (assigned, report) = open(dir.path());
        assert_eq!(report.damaged.len(), 1, "{report:?}");
        assert_eq!(assigned.find(Metric, b"two"), Some(1));
        assert_eq!(assigned.find(Metric, b"one"), None);
        bad = bytes;
        bad[0] ^= 1;
        std::fs::write(&path, &bad).expect("a damaged file");
        let (assigned, report) = open(dir.path());
        assert_eq!(report.faults.len(), 1, "{report:?}");
        assert!(dir.path().join("assigned.names.damaged").exists());
        assert_eq!(assigned.assign(&[(Metric, b"one")]).expect("assigned"), [(0, true)]);
    }
}
