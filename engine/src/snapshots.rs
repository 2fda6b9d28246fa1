//! Snapshots: copies of a data directory as it was at a moment, made without copying.
//!
//! Sealed files never change, so a hard link keeps one for as long as somebody wants it. The keeper
//! flushes and seals the names first; then everything accepted is in files that the manifest names,
//! and these are linked while the manifest is held. What is made has a name only when it is durable.
//! Layout: `FORMAT.md`, section "Snapshots".

use crate::assigned::ASSIGNED_FILE;
use crate::deletes;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::retention::{self, Keep};
use crate::series::NAMES_DIR;
use crate::state::Shared;
use std::io;
use std::path::{Path, PathBuf};

/// Directory of the snapshots in a data directory.
pub const SNAPSHOTS_DIR: &str = "snapshots";
const SUBDIRS: [&str; 3] = ["log", "segments", NAMES_DIR];

/// Whether a text may name a snapshot: digits, letters and hyphens, 1 to 64 of them.
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Makes a snapshot of what the manifest names; durable when this returns.
pub(crate) fn create(shared: &Shared, name: &str) -> Result<()> {
    let (env, dir) = (&shared.env, shared.config.dir.join(SNAPSHOTS_DIR));
    make_dir(env, &dir)?;
    let temporary = dir.join(format!("{name}.tmp"));
    remove_tree(env, &temporary)?;
    // Links that nobody asked for any more would keep files from going.
    fill(shared, &temporary).inspect_err(|_| drop(remove_tree(env, &temporary)))?;
    let path = dir.join(name);
    let renamed = env.disk.rename(&temporary, &path);
    renamed.map_err(|error| Error::io("rename", &temporary, error))?;
    sync_dir(env, &dir)?;
    sync_dir(env, &shared.config.dir)
}

/// Makes a directory what the snapshot is to be, durable but for its name.
fn fill(shared: &Shared, temporary: &Path) -> Result<()> {
    let env = &shared.env;
    make_dir(env, temporary)?;
    for sub in SUBDIRS {
        make_dir(env, &temporary.join(sub))?;
    }
    {
        // While it is held, nothing that it names is removed.
        let manifest = shared.manifest.lock();
        link_files(shared, &manifest, temporary)?;
        // What retention hides must not show up where there is none; but what only a clock hides that
        // runs ahead is back when it is right, and must be in the copy.
        let keep = Keep { bytes_max: None, ..shared.config.keep };
        let now_ms = shared.env.clock.wall_ms();
        let floor_ms = retention::floor_ms(&manifest.segments, keep, manifest.floor_ms, now_ms);
        let copy = Manifest { floor_ms, ..manifest.clone() };
        copy.write(env, temporary)?;
    }
    for sub in SUBDIRS {
        sync_dir(env, &temporary.join(sub))?;
    }
    sync_dir(env, temporary)
}

fn link_files(shared: &Shared, manifest: &Manifest, to: &Path) -> Result<()> {
    let (env, dir) = (&shared.env, &shared.config.dir);
    let segments = manifest.segments.iter().map(|entry| ("segments", entry.name.clone()));
    let deletes = manifest.deletes.iter().map(|entry| deletes::file_name(entry.number));
    let names = manifest.names.iter().map(|entry| (NAMES_DIR, entry.name.clone()));
    for (sub, name) in segments.chain(deletes.map(|name| ("segments", name))).chain(names) {
        let (from, to) = (dir.join(sub).join(&name), to.join(sub).join(&name));
        match env.disk.link(&from, &to) {
            // What is missing here is missing there; a start on the copy says so, too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            linked => linked.map_err(|error| Error::io("link", &to, error))?,
        }
    }
    let assigned = dir.join(ASSIGNED_FILE);
    match env.disk.read(&assigned) {
        Ok(bytes) => copy(env, &to.join(ASSIGNED_FILE), &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", &assigned, error)),
    }
}

/// The file goes on growing, so it is not linked. A name being added just now may be cut.
fn copy(env: &Env, to: &Path, bytes: &[u8]) -> Result<()> {
    let file = env.disk.create(to).map_err(|error| Error::io("create", to, error))?;
    file.write_at(bytes, 0).map_err(|error| Error::io("write", to, error))?;
    file.sync().map_err(|error| Error::io("sync", to, error))
}

/// Names of the snapshots, ascending.
pub(crate) fn list(env: &Env, data_dir: &Path) -> Result<Vec<String>> {
    let dir = data_dir.join(SNAPSHOTS_DIR);
    let mut names = match env.disk.list(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|error| Error::io("list", &dir, error))?,
    };
    names.retain(|name| is_name(name));
    names.sort_unstable();
    Ok(names)
}

/// Removes a snapshot; whether there was one.
pub(crate) fn remove(env: &Env, data_dir: &Path, name: &str) -> Result<bool> {
    if !list(env, data_dir)?.iter().any(|other| other == name) {
        return Ok(false);
    }
    let dir = data_dir.join(SNAPSHOTS_DIR);
    let (path, temporary) = (dir.join(name), dir.join(format!("{name}.tmp")));
    env.disk.rename(&path, &temporary).map_err(|error| Error::io("rename", &path, error))?;
    sync_dir(env, &dir)?;
    remove_tree(env, &temporary)?;
    Ok(true)
}

/// Snapshots that a crash left half made or half removed.
pub(crate) fn remove_leftovers(env: &Env, data_dir: &Path) -> Result<()> {
    let dir = data_dir.join(SNAPSHOTS_DIR);
    let names = env.disk.list(&dir).unwrap_or_default();
    let half = names.iter().filter(|name| name.strip_suffix(".tmp").is_some_and(is_name));
    let paths: Vec<PathBuf> = half.map(|name| dir.join(name)).collect();
    paths.iter().try_for_each(|path| remove_tree(env, path))
}

fn make_dir(env: &Env, dir: &Path) -> Result<()> {
    env.disk.create_dir(dir).map_err(|error| Error::io("create", dir, error))
}

fn sync_dir(env: &Env, dir: &Path) -> Result<()> {
    env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))
}

fn remove_tree(env: &Env, path: &Path) -> Result<()> {
    match env.disk.remove_tree(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|error| Error::io("remove", path, error)),
    }
}
