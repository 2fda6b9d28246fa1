//! The real disk, clock and chance. One of the few places with `unsafe`: mapping a file. It gains that
//! nothing is read but what is wanted and that the system can take its memory back: the first byte of one of
//! two million series after 0.09 ms, with a few MiB of this process's own (`benches/records`, export).

use super::fault::Watch;
use super::{Chance, Clock, Disk, Env, File, Lock, Mapping};
use rustix::fs::FlockOperation;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The real world.
pub fn real() -> Env {
    Env {
        disk: Arc::new(OsDisk),
        clock: Arc::new(OsClock { started: now() }),
        chance: Arc::new(OsChance),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door to the clock")]
fn now() -> Instant {
    Instant::now()
}

#[derive(Debug)]
struct OsDisk;

#[derive(Debug)]
struct OsFile(fs::File);

#[expect(clippy::disallowed_methods, reason = "this is the door to the disk")]
impl Disk for OsDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(OsFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(OsFile(file)))
    }

    fn map(&self, path: &Path) -> io::Result<Mapping> {
        let file = fs::File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Mapping::new(Vec::new()));
        }
        // SAFETY: a sealed segment is never written or cut by this node, and the directory lock
        // keeps other nodes out. Where someone else cuts it meanwhile, or the disk fails, readers
        // find zeros and a mark (`fault`). Event loops read no mapping but those of names parts.
        #[expect(unsafe_code, reason = "mapping sealed files is the read path")]
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Mapping { watch: Watch::over(&map), bytes: Box::new(map) })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let len = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(len as usize);
        file.read_to_end(&mut bytes)?;
        // Less than there is must not pass for the file: what is missing would count as never written.
        if (bytes.len() as u64) < len {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(bytes)
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Lock, String>> {
        let options = fs::OpenOptions::new().read(true).write(true).create(true).to_owned();
        let mut file = options.open(path)?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut other = String::new();
            file.read_to_string(&mut other)?;
            return Ok(Err(other.trim().to_owned()));
        }
        file.set_len(0)?;
        file.write_all_at(holder.as_bytes(), 0)?;
        Ok(Ok(Lock(Box::new(file))))
    }
}

impl File for OsFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

#[derive(Debug)]
struct OsClock {
    started: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the door to the clock")]
impl Clock for OsClock {
    fn wall_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

#[derive(Debug)]
struct OsChance;

impl Chance for OsChance {
    /// The system's random numbers are always there once it has booted; a machine without them
    /// cannot run a node safely.
    fn number(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|error| panic!("no random numbers: {error}"))
    }
}
