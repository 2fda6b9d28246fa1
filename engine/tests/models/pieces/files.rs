//! Append-only files: one thread writes, another syncs.

use std::io::{Error, Result};
use std::path::Path;
use std::sync::{Arc, Mutex};

use irontsd_engine::env::{self, Disk, Env, File, Lock, Mapping};
use irontsd_engine::header::{FileKind, HEADER_BYTES, Header};
use irontsd_engine::log::append::AppendFile;
use irontsd_engine::log::record;
use irontsd_engine::names::log::NamesLog;
use irontsd_engine::sync::atomic::{AtomicU64, Ordering::*};

use super::thread;

/// A file whose every operation is one step. What it keeps is not part of the model.
#[derive(Debug, Default)]
struct Steps {
    /// A step of the checker, so that others may come in between.
    step: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    durable_bytes: usize,
    syncs: usize,
    fails_at_sync: Option<usize>,
}

impl File for Steps {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.step.fetch_add(1, AcqRel);
        let mut kept = self.kept.lock().expect("no panic");
        assert_eq!(offset as usize, kept.bytes.len(), "records stand behind each other");
        if kept.bytes.len() >= HEADER_BYTES {
            let mark = u64::from_le_bytes(bytes[16..24].try_into().expect("a record"));
            assert!(mark as usize <= kept.durable_bytes, "{mark} is ahead of {kept:?}");
        }
        kept.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let bytes = self.kept.lock().expect("no panic").bytes.len();
        self.step.fetch_add(1, AcqRel);
        let mut kept = self.kept.lock().expect("no panic");
        kept.syncs += 1;
        if kept.fails_at_sync == Some(kept.syncs) {
            return Err(Error::other("as planned"));
        }
        kept.durable_bytes = kept.durable_bytes.max(bytes);
        Ok(())
    }

    fn cut(&self, _: u64) -> Result<()> {
        Ok(())
    }
}

/// A disk that gives out one file after the other.
#[derive(Debug, Default)]
struct OneByOne(Mutex<Vec<Arc<Steps>>>);

impl Disk for OneByOne {
    fn create(&self, _: &Path) -> Result<Arc<dyn File>> {
        let file = Arc::new(Steps::default());
        self.0.lock().expect("no panic").push(file.clone());
        Ok(file)
    }

    fn open(&self, _: &Path) -> Result<Arc<dyn File>> {
        unreachable!("files are created")
    }

    fn map(&self, _: &Path) -> Result<Mapping> {
        unreachable!("nothing is read")
    }

    fn read(&self, _: &Path) -> Result<Vec<u8>> {
        unreachable!("nothing is read")
    }

    fn list(&self, _: &Path) -> Result<Vec<String>> {
        unreachable!("nothing is read")
    }

    fn create_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<()> {
        Ok(())
    }

    fn link(&self, _: &Path, _: &Path) -> Result<()> {
        Ok(())
    }

    fn remove_tree(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path, _: &str) -> Result<std::result::Result<Lock, String>> {
        unreachable!("nothing is locked")
    }
}

impl OneByOne {
    fn file(&self, at: usize) -> Arc<Steps> {
        self.0.lock().expect("no panic")[at].clone()
    }
}

fn new_file() -> (Arc<AppendFile>, Arc<Steps>) {
    let disk = OneByOne::default();
    let header = Header { kind: FileKind::Log, salt: 1, epoch: 1, shard: 0 };
    let file = AppendFile::create(&disk, Path::new("x.log"), &header).expect("created");
    (Arc::new(file), disk.file(0))
}

fn append(file: &AppendFile, number: u64) -> bool {
    let mut buffer = Vec::new();
    record::begin(&mut buffer);
    buffer.extend_from_slice(&number.to_le_bytes());
    file.append(&mut buffer, number).is_ok()
}

/// The mark that a record carries says no more than what was durable when it was written.
pub fn append_and_sync(records: u64) {
    let (file, steps) = new_file();
    let syncer = {
        let file = file.clone();
        thread::spawn(move || (0..2).for_each(|_| file.sync().expect("synced")))
    };
    (0..records).for_each(|number| assert!(append(&file, number)));
    syncer.join().expect("the syncer ends");
    file.sync().expect("synced");
    let kept = steps.kept.lock().expect("no panic");
    assert_eq!(kept.durable_bytes, kept.bytes.len());
    assert_eq!(record::scan(&kept.bytes, 1).records.len() as u64, records);
}

/// Of two threads that sync, one is told of the failure by the system; neither says that all is well, nobody
/// asks the system again, and no record follows.
pub fn failing_sync() {
    let (file, steps) = new_file();
    // The first sync was that of the header.
    steps.kept.lock().expect("no panic").fails_at_sync = Some(2);
    assert!(append(&file, 0));
    let other = {
        let file = file.clone();
        thread::spawn(move || file.sync().is_err())
    };
    assert!(file.sync().is_err());
    assert!(other.join().expect("it ends"));
    assert!(file.has_failed() && !append(&file, 1));
    assert_eq!(steps.kept.lock().expect("no panic").syncs, 2);
}

/// Names that somebody may use stand in a file; those of an earlier file are durable before the next is used.
pub fn names() {
    let disk = Arc::new(OneByOne::default());
    let env = Env { disk: disk.clone(), ..env::real() };
    let first = NamesLog::create(&env, Path::new("names"), 1).expect("created");
    let log = Arc::new(NamesLog::over(first, 0));
    let shards: Vec<_> = (0..2u32)
        .map(|highest| {
            let log = log.clone();
            thread::spawn(move || {
                let written = log.ensure_written(highest, |first, buffer| {
                    record::begin(buffer);
                    buffer.extend_from_slice(&first.to_le_bytes());
                    first + 1
                });
                written.expect("written");
                assert!(log.written() > highest);
            })
        })
        .collect();
    let (next, _) = log.rotate(&env, Path::new("names"), 2).expect("rotated");
    let old = disk.file(0);
    let (old_bytes, durable) = {
        let kept = old.kept.lock().expect("no panic");
        (kept.bytes.clone(), kept.durable_bytes)
    };
    assert_eq!(durable, old_bytes.len(), "the file before is durable");
    shards.into_iter().for_each(|shard| shard.join().expect("a shard ends"));
    assert_eq!(
        old.kept.lock().expect("no panic").bytes.len(),
        old_bytes.len(),
        "and it is complete"
    );
    let firsts = |file: Arc<Steps>| {
        let kept = file.kept.lock().expect("no panic");
        let salt = u64::from_le_bytes(kept.bytes[16..24].try_into().expect("a header"));
        let records = record::scan(&kept.bytes, salt).records;
        records.iter().map(|record| record.sequence).collect::<Vec<_>>()
    };
    let (before, behind) = (firsts(old), firsts(disk.file(1)));
    assert!(before.iter().all(|&id| id < next.into()));
    assert_eq!([before, behind].concat(), [0, 1]);
}
