//! An append-only file of records, written by one thread and synced by another.
//!
//! The first failed write or sync is the last: whatever that file holds behind its last good byte
//! is unknown then, so nothing more is promised for it (PostgreSQL's lesson of 2018). Only a write that
//! found the disk full is known to have ended half way: that half is cut, and the file goes on. Until the next
//! sync it may come back, so that is due even if nothing was appended.

use crate::env::{Disk, File};
use crate::error::{Error, Result, is_disk_full};
use crate::header::{HEADER_BYTES, Header};
use crate::log::record;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An append-only file, open for appending.
#[derive(Debug)]
pub struct AppendFile {
    path: PathBuf,
    file: Arc<dyn File>,
    salt: u64,
    written: AtomicU64,
    synced: AtomicU64,
    failed: AtomicBool,
    /// A half record was cut, and a power cut may bring it back.
    has_cut: AtomicBool,
    /// One sync at a time: the system tells of a lost write only once, to whoever asks first.
    syncing: Mutex<()>,
}

/// Nothing to write to.
#[derive(Debug)]
struct Closed;

impl File for Closed {
    fn write_at(&self, _: &[u8], _: u64) -> std::io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> std::io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn cut(&self, _: u64) -> std::io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl AppendFile {
    /// Creates the file with its header, durable except for its directory entry.
    pub fn create(disk: &dyn Disk, path: &Path, header: &Header) -> Result<AppendFile> {
        let file = disk.create(path).map_err(|error| Error::io("create", path, error))?;
        let begun = file.write_at(&header.encode(), 0);
        let begun = begun.map_err(|error| Error::io("write", path, error));
        let begun = begun.and_then(|()| file.sync().map_err(|e| Error::io("sync", path, e)));
        if let Err(error) = begun {
            // A file without a header must not be found by the next start.
            let _stays = disk.remove(path);
            return Err(error);
        }
        Ok(AppendFile::over(path, file, header.salt, HEADER_BYTES as u64))
    }

    /// Continues a recovered file behind its last valid record, whose padding may be missing.
    pub fn resume(disk: &dyn Disk, path: &Path, salt: u64, end: u64) -> Result<AppendFile> {
        let end = end.next_multiple_of(8);
        let file = disk.open(path).map_err(|error| Error::io("open", path, error))?;
        file.cut(end).map_err(|error| Error::io("cut", path, error))?;
        file.sync().map_err(|error| Error::io("sync", path, error))?;
        Ok(AppendFile::over(path, file, salt, end))
    }

    /// The same of a file that was synced to its end, where a whole record ends.
    pub fn resume_synced(disk: &dyn Disk, path: &Path, salt: u64, end: u64) -> Result<AppendFile> {
        let file = disk.open(path).map_err(|error| Error::io("open", path, error))?;
        Ok(AppendFile::over(path, file, salt, end))
    }

    /// A file that is only read: every append is refused.
    pub fn closed(path: &Path) -> AppendFile {
        let file = AppendFile::over(path, Arc::new(Closed), 0, 0);
        file.failed.store(true, Ordering::Release);
        file
    }

    fn over(path: &Path, file: Arc<dyn File>, salt: u64, end: u64) -> AppendFile {
        let (written, synced) = (AtomicU64::new(end), AtomicU64::new(end));
        let (failed, has_cut) = (AtomicBool::new(false), AtomicBool::new(false));
        let (path, syncing) = (path.to_owned(), Mutex::new(()));
        AppendFile { path, file, salt, written, synced, failed, has_cut, syncing }
    }

    /// Appends the record whose payload the caller put behind [`record::begin`]. When this
    /// returns the record survives the death of the process.
    pub fn append(&self, buffer: &mut Vec<u8>, sequence: u64) -> Result<()> {
        self.check()?;
        let offset = self.written.load(Ordering::Relaxed);
        record::finish(buffer, self.salt, offset, sequence, self.synced.load(Ordering::Relaxed));
        if let Err(error) = self.file.write_at(buffer, offset) {
            if !is_disk_full(&error) || self.file.cut(offset).is_err() {
                self.fail();
            }
            // Behind the cut: a sync that began before it has made nothing of it durable.
            self.has_cut.store(true, Ordering::Release);
            return Err(Error::io("write", &self.path, error));
        }
        self.written.store(offset + buffer.len() as u64, Ordering::Release);
        Ok(())
    }

    /// Makes everything appended so far survive a power cut.
    pub fn sync(&self) -> Result<()> {
        self.sync_proving(u64::MAX)
    }

    /// The same, but no record will claim more than these first bytes: what the rest needs in another
    /// file may not survive.
    pub fn sync_proving(&self, bytes: u64) -> Result<()> {
        let _one = self.syncing.lock();
        self.check()?;
        // Before what is written is looked at: what is cut later belongs to the next sync.
        let has_cut = self.has_cut.swap(false, Ordering::AcqRel);
        let written = self.written.load(Ordering::Acquire);
        if has_cut || written > self.synced.load(Ordering::Relaxed) {
            self.judge("sync", self.file.sync())?;
            self.synced.fetch_max(written.min(bytes), Ordering::Release);
        }
        Ok(())
    }

    /// Takes no more: somebody else knows that what was appended is not to be continued.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Whether nothing more can be promised for this file.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    fn check(&self) -> Result<()> {
        if self.has_failed() {
            return Err(Error::Stopped(format!("an earlier failure of {}", self.path.display())));
        }
        Ok(())
    }

    fn judge(&self, action: &'static str, outcome: std::io::Result<()>) -> Result<()> {
        outcome.map_err(|error| {
            self.fail();
            Error::io(action, &self.path, error)
        })
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Bytes from its begin that survive a power cut, with what they need.
    pub fn synced_bytes(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
