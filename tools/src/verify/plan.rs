//! Which files there are to check. Nothing is opened but the manifest.

use super::check::log::Content;
use super::fault::{Affected, Fault, Faults, Kind};
use crate::hints::WHAT_TO_GIVE;
use irontsd_engine::assigned::ASSIGNED_FILE;
use irontsd_engine::env::Env;
use irontsd_engine::error::Error;
use irontsd_engine::header::{FileKind, Header};
use irontsd_engine::manifest::{DeleteEntry, MANIFEST_FILE, Manifest, NamesEntry, SegmentEntry};
use irontsd_engine::offline::correct;
use irontsd_engine::series::{NAMES_DIR, OLD_NAMES_FILE};
use irontsd_engine::snapshots::SNAPSHOTS_DIR;
use irontsd_engine::witness::{self, WITNESS_FILE, Witness};
use irontsd_engine::{deletes, log, names, segment};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// One file to check.
#[derive(Debug, Clone)]
pub enum Item {
    /// A segment, and what the manifest says of it.
    Segment(PathBuf, Option<SegmentEntry>),
    /// An append-only file.
    Records(PathBuf, Content),
    /// A sealed part of names.
    Part(PathBuf, NamesEntry),
    /// The list of a delete.
    Delete(PathBuf, DeleteEntry),
}

impl Item {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Item::Segment(path, _)
            | Item::Records(path, _)
            | Item::Part(path, _)
            | Item::Delete(path, _) => path,
        }
    }
}

/// Everything to check.
#[derive(Debug, Default)]
pub struct Plan {
    /// The files.
    pub items: Vec<Item>,
    /// The manifest, if it could be read; none for a single file.
    pub manifest: Option<Manifest>,
    /// Faults that are known already.
    pub faults: Vec<Fault>,
    /// What is not looked at, and why.
    pub notes: Vec<String>,
    /// Bytes of files that are in no item.
    pub bytes: u64,
}

/// Plans the check of a directory or a file. An error if the path is neither.
pub fn plan(env: &Env, path: &Path) -> Result<Plan, String> {
    match env.disk.list(path) {
        Ok(_) => directory(env, path),
        Err(error) if error.kind() == ErrorKind::NotADirectory => file(env, path),
        Err(error) => Err(format!("cannot {}; {WHAT_TO_GIVE}", Error::io("open", path, error))),
    }
}

fn directory(env: &Env, dir: &Path) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let path = dir.join(MANIFEST_FILE);
    // What it tells is true of all that is read after it.
    let witness = Witness::read(env, dir);
    match Manifest::read(env, dir) {
        Ok(Some(manifest)) => {
            let mut faults = Faults::new(dir, &path);
            super::check::manifest::check(&manifest, &mut faults);
            if let Err(error) = witness.check_manifest(dir, &manifest) {
                faults.error(Kind::Manifest, &error, Affected::default());
            }
            plan.faults = faults.found;
            plan.bytes = env.disk.read(&path).map_or(0, |bytes| bytes.len() as u64);
            plan.manifest = Some(manifest);
        }
        Ok(None) => {
            let dir = dir.display();
            let what = format!("no data directory: it has no {MANIFEST_FILE}; {WHAT_TO_GIVE}");
            return Err(format!("{dir}: {what}"));
        }
        Err(error @ Error::Damaged { .. }) => {
            let mut faults = Faults::new(dir, &path);
            faults.error(Kind::Manifest, &error, Affected::default());
            plan.faults = faults.found;
            plan.manifest = put_right(env, &path);
            if plan.manifest.is_none() {
                let what = "without a manifest all segments and logs there are were read";
                plan.notes.push(what.into());
            }
        }
        Err(error) => return Err(error.to_string()),
    }
    segments(env, dir, &mut plan);
    names(env, dir, &mut plan);
    logs(env, dir, &witness, &mut plan);
    let is_torn = |bytes: Vec<u8>| Witness::parse(&bytes).is_none();
    if env.disk.read(&dir.join(WITNESS_FILE)).is_ok_and(is_torn) {
        plan.notes.push(format!("{WITNESS_FILE} is not whole: missing logs are not noticed"));
    }
    let assigned = dir.join(ASSIGNED_FILE);
    if env.disk.read(&assigned).is_ok() {
        plan.items.push(Item::Records(assigned, Content::Assigned));
    }
    let snapshots = list(env, &dir.join(SNAPSHOTS_DIR));
    if !snapshots.is_empty() {
        let all = snapshots.join(", ");
        plan.notes.push(format!("snapshots are directories of their own, not read here: {all}"));
    }
    Ok(plan)
}

/// A manifest with one wrong byte still says what there is.
fn put_right(env: &Env, path: &Path) -> Option<Manifest> {
    let bytes = env.disk.read(path).ok()?;
    let parse = |bytes: &[u8]| Manifest::parse(path, bytes).ok();
    let (_, bytes) = correct::one_byte(&bytes, |bytes| parse(bytes).is_some())?;
    parse(&bytes)
}

fn list(env: &Env, dir: &Path) -> Vec<String> {
    let mut names = env.disk.list(dir).unwrap_or_default();
    names.sort_unstable();
    names
}

fn segments(env: &Env, dir: &Path, plan: &mut Plan) {
    let dir = dir.join("segments");
    match &plan.manifest {
        Some(manifest) => {
            let segment =
                |entry: &SegmentEntry| Item::Segment(dir.join(&entry.name), Some(entry.clone()));
            plan.items.extend(manifest.segments.iter().map(segment));
            let delete = |entry: &DeleteEntry| {
                Item::Delete(dir.join(deletes::file_name(entry.number)), *entry)
            };
            plan.items.extend(manifest.deletes.iter().map(delete));
        }
        None => {
            let names = list(env, &dir).into_iter().filter(|name| segment::is_file_name(name));
            plan.items.extend(names.map(|name| Item::Segment(dir.join(name), None)));
        }
    }
}

fn names(env: &Env, dir: &Path, plan: &mut Plan) {
    let names_dir = dir.join(NAMES_DIR);
    if let Some(manifest) = &plan.manifest {
        let part = |entry: &NamesEntry| Item::Part(names_dir.join(&entry.name), entry.clone());
        plan.items.extend(manifest.names.iter().map(part));
    }
    let old = dir.join(OLD_NAMES_FILE);
    let old = env.disk.read(&old).is_ok().then_some(old);
    let is_log = |name: &String| names::log::parse_file_name(name).is_some();
    let logs = list(env, &names_dir).into_iter().filter(is_log).map(|name| names_dir.join(name));
    let logs: Vec<PathBuf> = old.into_iter().chain(logs).collect();
    let last = logs.len();
    let item = |(number, path)| Item::Records(path, Content::Names(number + 1 == last));
    plan.items.extend(logs.into_iter().enumerate().map(item));
}

/// Those that are there, and those that the witness tells of: a start wants them, too.
fn logs(env: &Env, root: &Path, witness: &Witness, plan: &mut Plan) {
    let dir = root.join("log");
    let flushed = plan.manifest.as_ref().map_or(0, |manifest| manifest.flushed_epoch);
    let found = list(env, &dir).into_iter().filter_map(|name| log::parse_file_name(&name));
    let places: BTreeSet<_> = found.chain(witness.logs.keys().copied()).collect();
    for (epoch, shard) in places.into_iter().filter(|(epoch, _)| *epoch > flushed) {
        let path = dir.join(log::file_name(epoch, shard));
        let (len, synced) = (env.disk.map(&path), witness.log_bytes((epoch, shard)));
        if let Some(len) = len.ok().map(|map| map.len() as u64).filter(|&len| len < synced) {
            let mut faults = Faults::new(root, &path);
            let error = witness::cut_short(&path, len, synced);
            faults.error(Kind::Record, &error, Affected::default());
            plan.faults.append(&mut faults.found);
        }
        plan.items.push(Item::Records(path, Content::Rows(epoch, shard)));
    }
}

/// One file by itself, of the kind that its header says.
fn file(env: &Env, path: &Path) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name == MANIFEST_FILE {
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut faults = Faults::new(path, path);
        match Manifest::read(env, dir) {
            Ok(Some(manifest)) => super::check::manifest::check(&manifest, &mut faults),
            Ok(None) => {}
            Err(error) => faults.error(Kind::Manifest, &error, Affected::default()),
        }
        plan.faults = faults.found;
        plan.bytes = env.disk.read(path).map_or(0, |bytes| bytes.len() as u64);
        return Ok(plan);
    }
    let map = env.disk.map(path).map_err(|error| Error::io("open", path, error).to_string())?;
    let found = Header::peek(&map).map(|(_, _, header)| header);
    // A damaged header does not say what the file is; its name may.
    let of_name = || {
        let log = log::parse_file_name(&name).map(|_| FileKind::Log);
        let names = names::log::parse_file_name(&name).map(|_| FileKind::Names);
        let other = match name.rsplit('.').next() {
            Some("seg") => Some(FileKind::Segment),
            Some("part") => Some(FileKind::NamesPart),
            _ => None,
        };
        log.or(names).or(other)
    };
    let kind = found.map(|header| header.kind).or_else(of_name);
    let path = path.to_owned();
    plan.items.push(match kind {
        Some(FileKind::Segment) => Item::Segment(path, None),
        Some(FileKind::Log) => {
            let place = log::parse_file_name(&name);
            let of_header = found.map(|header| (header.epoch as u32, header.shard as usize));
            let (epoch, shard) = of_header.or(place).unwrap_or_default();
            Item::Records(path, Content::Rows(epoch, shard))
        }
        Some(FileKind::Names) => Item::Records(path, Content::Names(true)),
        Some(FileKind::Assigned) => Item::Records(path, Content::Assigned),
        Some(FileKind::Delete | FileKind::NamesPart) => {
            let what = "is read together with its data directory: give that";
            return Err(format!("{}: {what}", path.display()));
        }
        None => {
            let path = path.display();
            return Err(format!("{path}: no file of a data directory; {WHAT_TO_GIVE}"));
        }
    });
    Ok(plan)
}
