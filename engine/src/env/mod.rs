//! The one door to the outside: disk, clock and chance.
//!
//! Nothing else in the engine touches files, reads the time or draws random numbers, so a test can
//! put a simulated world behind these traits and say "this write is lost" or "it is 1970".
//!
//! Contract of a disk: a write is visible to later reads at once; it survives the process when the
//! call returns, and a power cut only after `sync` of that file returned. A created, renamed or
//! removed name survives a power cut only after `sync_dir` of its directory. After a failed `sync`
//! nothing may be assumed about the unsynced bytes of that file, and it is not synced again.

mod fault;
pub mod memory;
mod os;

pub use os::real;

use std::fmt::Debug;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The outside world, as the engine sees it.
#[derive(Clone, Debug)]
pub struct Env {
    /// Files and directories.
    pub disk: Arc<dyn Disk>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub chance: Arc<dyn Chance>,
}

/// Files and directories.
pub trait Disk: Send + Sync + Debug {
    /// Creates a file that must not exist, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Maps a sealed file for reading.
    fn map(&self, path: &Path) -> io::Result<Mapping>;
    /// Reads a whole file; a part of it is an error.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Names in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates a directory and its parents; existing ones are fine.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Renames a file over any file of the new name, or a directory, within one directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name, which must not exist.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a directory and all that is in it.
    fn remove_tree(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes that may still be written to the disk of a directory. A disk that cannot tell says
    /// that there is room.
    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
    /// Takes the lock file, or says who holds it. Held until dropped or the process ends.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Lock, String>>;
}

/// One open file. Written at explicit offsets only, by one thread at a time.
pub trait File: Send + Sync + Debug {
    /// Writes all bytes at an offset.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the file's bytes and length durable.
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file.
    fn cut(&self, len: u64) -> io::Result<()>;
}

/// Holds a data directory for as long as it lives.
#[derive(Debug)]
#[expect(dead_code, reason = "held for its drop")]
pub struct Lock(Box<dyn Debug + Send + Sync>);

impl Lock {
    /// Wraps what gives the lock back when it is dropped.
    pub fn new(held: impl Debug + Send + Sync + 'static) -> Lock {
        Lock(Box::new(held))
    }
}

/// The bytes of a mapped file.
#[derive(Debug)]
pub struct Mapping {
    /// Goes before the bytes do.
    watch: Option<fault::Watch>,
    bytes: Box<dyn Bytes>,
}

/// Something that is a byte slice for as long as it lives.
pub trait Bytes: Deref<Target = [u8]> + Send + Sync + Debug {}
impl<T: Deref<Target = [u8]> + Send + Sync + Debug> Bytes for T {}

impl Mapping {
    /// Wraps the owner of the bytes.
    pub fn new(bytes: impl Bytes + 'static) -> Mapping {
        Mapping { watch: None, bytes: Box::new(bytes) }
    }

    /// Whether some of the file could not be read when it was touched, because it was cut or the
    /// disk failed: zeros were read in its place. To be asked after reading and before believing.
    #[inline]
    pub fn has_faulted(&self) -> bool {
        self.watch.as_ref().is_some_and(fault::Watch::has_faulted)
    }
}

impl Deref for Mapping {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Time.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the Unix epoch, as the system believes. May jump.
    fn wall_ms(&self) -> i64;
    /// Time since some fixed moment. Never goes back.
    fn monotonic(&self) -> Duration;
}

/// Random numbers.
pub trait Chance: Send + Sync + Debug {
    /// A number that nobody outside can guess: hash seeds, salts of files.
    fn number(&self) -> u64;
}
