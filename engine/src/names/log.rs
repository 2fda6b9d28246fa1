//! The files that names go to first: append-only, read back at a start, let go when a part holds
//! their names.
//!
//! One is in use at a time. It is synced as a whole before the next one begins, so names of a later
//! file never outlive a power cut that those of an earlier one did not.

use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, Header};
use crate::log::append::AppendFile;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::types::SeriesId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// File name of a names log.
pub fn file_name(number: u64) -> String {
    format!("{number:010}.names")
}

/// The number of a names log.
pub fn parse_file_name(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".names").and_then(|number| number.parse().ok());
    number.filter(|&number| file_name(number) == name)
}

/// See the module.
#[derive(Debug)]
pub struct NamesLog {
    /// Whoever holds it writes.
    writer: Mutex<Writer>,
    /// The file in use, for whoever syncs.
    current: Mutex<Arc<AppendFile>>,
    written: AtomicU32,
    synced: AtomicU32,
}

#[derive(Debug)]
struct Writer {
    /// The record being built.
    record: Vec<u8>,
    file: Arc<AppendFile>,
}

impl NamesLog {
    /// Creates a file, durable, name included.
    pub fn create(env: &Env, dir: &Path, number: u64) -> Result<AppendFile> {
        let path = dir.join(file_name(number));
        let header =
            Header { kind: FileKind::Names, salt: env.chance.number(), epoch: 0, shard: 0 };
        let file = AppendFile::create(&*env.disk, &path, &header)?;
        env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
        Ok(file)
    }

    /// Goes on in a file; ids below `written` need not be written any more, nor synced.
    pub fn over(file: AppendFile, written: SeriesId) -> NamesLog {
        let file = Arc::new(file);
        let writer = Mutex::new(Writer { record: Vec::new(), file: file.clone() });
        let (written, synced) = (AtomicU32::new(written), AtomicU32::new(written));
        NamesLog { writer, current: Mutex::new(file), written, synced }
    }

    /// Ids below it are written.
    pub fn written(&self) -> SeriesId {
        self.written.load(Ordering::Acquire)
    }

    /// Returns once all ids up to `highest` survive the death of the process. `encode` puts the
    /// names from an id on into a record and says which is the first left out.
    pub fn ensure_written(
        &self,
        highest: SeriesId,
        encode: impl Fn(SeriesId, &mut Vec<u8>) -> SeriesId,
    ) -> Result<()> {
        while self.written() <= highest {
            let Writer { record, file } = &mut *self.writer.lock();
            let first = self.written();
            if first > highest {
                break;
            }
            let next = encode(first, record);
            assert!(next > first, "series {highest} was never given out");
            file.append(record, u64::from(first))?;
            self.written.store(next, Ordering::Release);
        }
        Ok(())
    }

    /// Begins another file. Returns the first id that will stand in it, and the file before, which
    /// is durable and gets no more names.
    pub fn rotate(&self, env: &Env, dir: &Path, number: u64) -> Result<(SeriesId, PathBuf)> {
        let next = Arc::new(NamesLog::create(env, dir, number)?);
        // Most of it before anybody has to wait.
        self.sync()?;
        let mut writer = self.writer.lock();
        self.sync()?;
        let before = std::mem::replace(&mut writer.file, next.clone());
        *self.current.lock() = next;
        Ok((self.written(), before.path().to_owned()))
    }

    /// Makes all written names survive a power cut.
    pub fn sync(&self) -> Result<()> {
        // Before the file is looked at: what is in an earlier one was synced when that was done with.
        let written = self.written();
        let file = self.current.lock().clone();
        file.sync()?;
        self.synced.fetch_max(written, Ordering::Release);
        Ok(())
    }

    /// Ids below it survive a power cut; and the file in use.
    pub fn synced(&self) -> (SeriesId, PathBuf) {
        let path = self.current.lock().path().to_owned();
        (self.synced.load(Ordering::Acquire), path)
    }

    /// Whether no further names can be kept.
    pub fn has_failed(&self) -> bool {
        self.current.lock().has_failed()
    }
}
