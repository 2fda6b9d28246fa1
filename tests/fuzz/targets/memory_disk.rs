//! A disk of a few files that are only read.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use irontsd_engine::env::{self, Disk, Env, File, Lock, Mapping};

/// See the module.
#[derive(Debug)]
pub struct MemoryDisk(BTreeMap<PathBuf, Vec<u8>>);

/// The outside world with these files alone.
pub fn world<P: Into<PathBuf>>(files: impl IntoIterator<Item = (P, Vec<u8>)>) -> Env {
    let files = files.into_iter().map(|(path, bytes)| (path.into(), bytes)).collect();
    Env { disk: Arc::new(MemoryDisk(files)), ..env::real() }
}

fn refused<T>() -> Result<T> {
    Err(ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for MemoryDisk {
    fn create(&self, _: &Path) -> Result<Arc<dyn File>> {
        refused()
    }

    fn open(&self, _: &Path) -> Result<Arc<dyn File>> {
        refused()
    }

    fn map(&self, path: &Path) -> Result<Mapping> {
        self.read(path).map(Mapping::new)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| Error::from(ErrorKind::NotFound))
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        let name = |path: &PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
        Ok(self.0.keys().filter(|path| path.parent() == Some(dir)).filter_map(name).collect())
    }

    fn create_dir(&self, _: &Path) -> Result<()> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<()> {
        refused()
    }

    fn link(&self, _: &Path, _: &Path) -> Result<()> {
        refused()
    }

    fn remove_tree(&self, _: &Path) -> Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> Result<()> {
        refused()
    }

    fn lock(&self, _: &Path, _: &str) -> Result<std::result::Result<Lock, String>> {
        refused()
    }
}
