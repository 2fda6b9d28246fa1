//! Finds out what a path is, and opens it.

use super::Failed;
use super::names::List;
use super::records::Log;
use crate::hints::WHAT_TO_GIVE;
use irontsd_engine::env::Env;
use irontsd_engine::error::{Error, Result};
use irontsd_engine::header::{FileKind, Header};
use irontsd_engine::manifest::{MANIFEST_FILE, Manifest, SegmentEntry};
use irontsd_engine::offline::damaged;
use irontsd_engine::segment::Segment;
use irontsd_engine::series::{NAMES_DIR, OLD_NAMES_FILE, Registry};
use irontsd_engine::{log, names};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What was found.
pub enum Opened {
    /// A data directory, a snapshot, or the manifest of one.
    Directory(Box<Directory>),
    /// A segment, and what is wrong with its indexes.
    Segment(Box<Segment>, Vec<String>),
    /// A log.
    Log(Log),
    /// A file of names.
    Names(List),
}

/// A data directory at a moment.
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// Version of the manifest.
    pub version: u32,
    /// What it says.
    pub manifest: Manifest,
    /// The segments that could be opened, and their lines in the manifest.
    pub segments: Vec<(SegmentEntry, Segment)>,
    /// The logs whose rows are in no segment.
    pub logs: Vec<Log>,
    /// Known series, if the names can be read.
    pub series: Option<u32>,
    /// Snapshots.
    pub snapshots: Vec<String>,
    /// What could not be opened.
    pub faults: Vec<String>,
}

/// Readings until a directory that changes all the time is taken as it is.
const READINGS_MAX: usize = 20;

/// Opens what is there.
pub fn open(env: &Env, path: &Path) -> std::result::Result<Opened, Failed> {
    match env.disk.list(path) {
        Ok(_) => directory(env, path),
        Err(error) if error.kind() == ErrorKind::NotADirectory => file(env, path),
        Err(error) => {
            let error = Error::io("open", path, error);
            Err(Failed::CannotRun(format!("cannot {error}; {WHAT_TO_GIVE}")))
        }
    }
}

fn directory(env: &Env, path: &Path) -> std::result::Result<Opened, Failed> {
    let manifest = || {
        Manifest::read(env, path)?.ok_or_else(|| {
            let what = format!("no data directory: it has no {MANIFEST_FILE}; {WHAT_TO_GIVE}");
            Error::Directory { path: path.to_owned(), what }
        })
    };
    for left in (0..READINGS_MAX).rev() {
        let before = manifest()?;
        let found = read(env, path, before.clone());
        if left == 0 || before == manifest()? {
            return Ok(Opened::Directory(Box::new(found)));
        }
    }
    unreachable!("the last reading is taken")
}

fn read(env: &Env, path: &Path, manifest: Manifest) -> Directory {
    let (mut segments, mut faults) = (Vec::new(), Vec::new());
    for entry in &manifest.segments {
        match damaged::open(env, &path.join("segments").join(&entry.name)) {
            Ok((segment, errors)) => {
                faults.extend(errors.iter().map(Error::to_string));
                segments.push((entry.clone(), segment));
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    let mut logs = Vec::new();
    let dir = path.join("log");
    let mut files = env.disk.list(&dir).unwrap_or_default();
    files.sort_unstable();
    for name in files {
        let is_due = log::parse_file_name(&name).is_some_and(|it| it.0 > manifest.flushed_epoch);
        if is_due {
            match Log::read(env, &dir.join(name)) {
                Ok(log) => logs.push(log),
                Err(error) => faults.push(error.to_string()),
            }
        }
    }
    faults.extend(logs.iter().flat_map(|log| log.faults.iter().cloned()));
    let series = match Registry::read_only(env, path, &manifest.names) {
        Ok((registry, report)) => {
            faults.extend(report.faults);
            Some(registry.len())
        }
        Err(error) => {
            faults.push(error.to_string());
            None
        }
    };
    let snapshots = path.join(irontsd_engine::snapshots::SNAPSHOTS_DIR);
    let mut snapshots = env.disk.list(&snapshots).unwrap_or_default();
    snapshots.sort_unstable();
    let version = version_of_manifest(env, path).unwrap_or(0);
    let path = path.to_owned();
    Directory { path, version, manifest, segments, logs, series, snapshots, faults }
}

fn version_of_manifest(env: &Env, dir: &Path) -> Option<u32> {
    let bytes = env.disk.read(&dir.join(MANIFEST_FILE)).ok()?;
    let first = std::str::from_utf8(&bytes).ok()?.lines().next()?;
    first.rsplit(' ').next()?.parse().ok()
}

fn file(env: &Env, path: &Path) -> std::result::Result<Opened, Failed> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name == MANIFEST_FILE {
        return directory(env, path.parent().unwrap_or(Path::new(".")));
    }
    let kind = kind(env, path, &name)?;
    match kind {
        Some(FileKind::Segment) => {
            let (segment, errors) = damaged::open(env, path)?;
            let faults = errors.iter().map(Error::to_string).collect();
            Ok(Opened::Segment(Box::new(segment), faults))
        }
        Some(FileKind::Log) => Ok(Opened::Log(Log::read(env, path)?)),
        Some(kind) => Ok(Opened::Names(List::read(env, path, kind)?)),
        None => {
            let what = format!("{}: no file of a data directory; {WHAT_TO_GIVE}", path.display());
            Err(Failed::CannotRun(what))
        }
    }
}

/// The kind that the header says, or the name where the header is damaged.
fn kind(env: &Env, path: &Path, name: &str) -> Result<Option<FileKind>> {
    let map = env.disk.map(path).map_err(|error| Error::io("open", path, error))?;
    if let Some((_, _, header)) = Header::peek(&map) {
        return Ok(Some(header.kind));
    }
    let in_names = path.parent().is_some_and(|dir| dir.ends_with(NAMES_DIR));
    Ok(if log::parse_file_name(name).is_some() {
        Some(FileKind::Log)
    } else if name.ends_with(".seg") {
        Some(FileKind::Segment)
    } else if name == OLD_NAMES_FILE || (in_names && names::log::parse_file_name(name).is_some()) {
        Some(FileKind::Names)
    } else {
        None
    })
}
