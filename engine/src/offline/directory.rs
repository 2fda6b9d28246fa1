//! Opens a data directory that a node may be writing to.
//!
//! A node makes what replaces a file durable, then replaces the manifest, then removes the file. So
//! if the manifest still says the same about flushed epochs and names after all was read, nothing
//! that was needed had gone; otherwise all is read again. Logs are read before names, for names are
//! written before the rows that use them. Segments that a merge replaced meanwhile stay mapped.

use super::store::{Origin, Store};
use crate::buffer::{ChunkPool, WriteBuffer};
use crate::deletes;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::log::{self, replay::replay};
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::recover::{Recovery, list, open_segments, restore_names};
use crate::series::{NAMES_DIR, Registry};
use crate::witness::Witness;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Readings until a directory that changes all the time is given up.
const READINGS_MAX: usize = 100;
/// Readings until a file that is not there counts as missing. A file that the manifest does without may
/// still go after the manifest was read, between being listed and being opened.
const MISSING_MAX: usize = 10;

pub fn open(env: &Env, dir: &Path) -> Result<Store> {
    let mut missing = 0;
    for _ in 0..READINGS_MAX {
        // What it tells is true of all that is read after it.
        let witness = Witness::read(env, dir);
        let before = read_manifest(env, dir)?;
        let outcome = read(env, dir, before.clone(), &witness);
        let after = read_manifest(env, dir)?;
        match outcome {
            Ok(store) if is_whole(&store, &before, &after) => return Ok(store),
            Err(error) if before == after => {
                missing += 1;
                if !is_missing(&error) || missing == MISSING_MAX {
                    return Err(error);
                }
            }
            _ => {}
        }
    }
    let what = "changes faster than it can be read: read a snapshot of it".to_owned();
    Err(Error::Directory { path: dir.to_owned(), what })
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}

fn read_manifest(env: &Env, dir: &Path) -> Result<Manifest> {
    Manifest::read(env, dir)?.ok_or_else(|| {
        let what = format!("no data directory: it has no {MANIFEST_FILE}");
        Error::Directory { path: dir.to_owned(), what }
    })
}

/// Whether nothing that was to be read had gone before it was.
fn is_whole(store: &Store, before: &Manifest, after: &Manifest) -> bool {
    let is_named = |name: &str| after.segments.iter().any(|entry| entry.name == name);
    before == after
        || (before.flushed_epoch == after.flushed_epoch
            && before.names == after.names
            && store.aside.iter().all(|aside| is_named(&aside.entry.name)))
}

fn read(env: &Env, dir: &Path, mut manifest: Manifest, witness: &Witness) -> Result<Store> {
    witness.check_manifest(dir, &manifest)?;
    let (logs, missing) = read_logs(env, dir, manifest.flushed_epoch, witness)?;
    let mut found = Recovery::default();
    found.faults.extend(missing.iter().map(Error::to_string));
    let (registry, names) = Registry::read_only(env, dir, &manifest.names)?;
    names.cuts.iter().for_each(|(path, at, bytes)| found.cut(path, *at, *bytes));
    found.faults.extend(names.faults);
    found.faults.extend(witness.check_names(dir, registry.len()).map(|error| error.to_string()));
    let (segments, aside) = open_segments(env, dir, &mut manifest, &mut found)?;
    let segment_dir = dir.join("segments");
    let read_delete = |entry| deletes::read(env, &segment_dir, entry).map(Arc::new);
    let deletes = manifest.deletes.iter().map(read_delete).collect::<Result<Vec<_>>>()?;
    restore_names(&dir.join(NAMES_DIR), &registry, &segments, &mut found);
    let mut epochs: BTreeMap<u32, Vec<Arc<WriteBuffer>>> = BTreeMap::new();
    let known = registry.known();
    for Log { path, place, bytes } in logs {
        let proven = witness.log_bytes(place);
        let rows = replay(&path, &bytes, place, (&known, proven), &Arc::new(ChunkPool::default()))?;
        if let Some((_, buffer, lost)) = found.take(&path, rows, bytes.len() as u64) {
            lost.inspect(|&highest| registry.skip_ids_to(highest));
            epochs.entry(place.0).or_default().push(buffer);
        }
    }
    found.series = registry.len();
    Ok(Store {
        path: dir.to_owned(),
        origin: Origin::Directory,
        manifest,
        segments,
        aside,
        deletes,
        epochs: epochs.into_values().collect(),
        registry,
        index: Index::new(env.chance.number()),
        found,
    })
}

/// A log's bytes, copied: a start beside this reader may cut the file.
struct Log {
    path: PathBuf,
    /// Epoch and shard.
    place: (u32, usize),
    bytes: Vec<u8>,
}

/// The logs whose rows are in no segment, in the order in which a start reads them, and those that
/// are missing.
fn read_logs(
    env: &Env,
    dir: &Path,
    flushed_epoch: u32,
    witness: &Witness,
) -> Result<(Vec<Log>, Vec<Error>)> {
    let data_dir = dir;
    let dir = data_dir.join("log");
    let mut names = match list(env, &dir) {
        // A copy of what the manifest names may do without.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    names.sort_unstable();
    let missing = witness.missing_logs(data_dir, flushed_epoch, &names);
    let mut logs = Vec::new();
    for name in names {
        let Some(place) = log::parse_file_name(&name) else { continue };
        let path = dir.join(name);
        if place.0 > flushed_epoch {
            let bytes = env.disk.read(&path).map_err(|error| Error::io("open", &path, error))?;
            logs.push(Log { path, place, bytes });
        }
    }
    Ok((logs, missing))
}
