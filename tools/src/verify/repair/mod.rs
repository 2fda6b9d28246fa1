//! Writes everything that is not damaged to a new data directory.
//!
//! Sound segments are copied as they are; of others the sound runs are written anew, whatever became of
//! their indexes. Rows that are in logs only become segments, as at a start; a record is taken wherever
//! it stands, for its checksum knows the file and the place. Names come from parts and names logs, and
//! what these lost from the segments. The manifest is written last: without it DEST is no directory.

mod names;
mod rows;
mod segments;

use super::flags::Verify;
use super::run::Found;
use irontsd_engine::assigned::ASSIGNED_FILE;
use irontsd_engine::deletes;
use irontsd_engine::env::Env;
use irontsd_engine::error::{Error, Result as Outcome};
use irontsd_engine::header::{FileKind, Header};
use irontsd_engine::log::append::AppendFile;
use irontsd_engine::log::record;
use irontsd_engine::manifest::{MANIFEST_FILE, Manifest};
use irontsd_engine::offline::correct;
use irontsd_engine::series::NAMES_DIR;
use std::io::ErrorKind;
use std::path::Path;

/// What was written.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Segments.
    pub segments: u64,
    /// Samples in them.
    pub samples: u64,
    /// What could not be, and what that means.
    pub notes: Vec<String>,
}

/// Repairs the directory that was verified.
pub fn repair(env: &Env, flags: &Verify, found: &Found, to: &Path) -> Result<Repaired, String> {
    match env.disk.list(to) {
        Ok(files) if !files.is_empty() => {
            return Err(format!("{} is not empty: name a new directory", to.display()));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io("open", to, error).to_string());
        }
        _ => {}
    }
    if env.disk.list(&flags.path).is_err() {
        let path = flags.path.display();
        return Err(format!("--repair is for a data directory, and {path} is a file"));
    }
    let repair = Repair { env, from: &flags.path, to, found };
    repair.run().map_err(|error| error.to_string())
}

/// A repair in progress.
struct Repair<'a> {
    env: &'a Env,
    from: &'a Path,
    to: &'a Path,
    found: &'a Found,
}

impl Repair<'_> {
    fn run(&self) -> Outcome<Repaired> {
        let mut report = Repaired::default();
        for sub in ["log", "segments", NAMES_DIR] {
            let path = self.to.join(sub);
            self.env.disk.create_dir(&path).map_err(|error| Error::io("create", &path, error))?;
        }
        let mut manifest = self.manifest(&mut report)?;
        let registry = names::gather(self, &manifest, &mut report)?;
        let floor = (manifest.flushed_epoch, manifest.last_file);
        segments::write(self, &mut manifest, &registry, &mut report)?;
        rows::write(self, &mut manifest, floor, &registry, &mut report)?;
        self.deletes(&mut manifest, &mut report)?;
        self.assigned(&mut report)?;
        manifest.names.clear();
        manifest.write(self.env, self.to)?;
        Ok(report)
    }

    /// Whether verifying found anything wrong with a file.
    fn is_damaged(&self, path: &Path) -> bool {
        let below = path.strip_prefix(self.from).unwrap_or(path).display().to_string();
        self.found.faults.iter().any(|fault| fault.file == below)
    }

    /// The manifest, with one byte put right if that does it; else what the segments say by themselves.
    fn manifest(&self, report: &mut Repaired) -> Outcome<Manifest> {
        let path = self.from.join(MANIFEST_FILE);
        let bytes = self.env.disk.read(&path).map_err(|error| Error::io("read", &path, error))?;
        let parse = |bytes: &[u8]| Manifest::parse(&path, bytes);
        if let Err(Error::Damaged { .. }) = parse(&bytes) {
            let found = correct::one_byte(&bytes, |bytes| parse(bytes).is_ok());
            return match found {
                Some((at, bytes)) => {
                    report.notes.push(format!("the manifest's byte {at} was put right"));
                    parse(&bytes)
                }
                None => Ok(segments::made_up_manifest(self, report)),
            };
        }
        parse(&bytes)
    }

    fn deletes(&self, manifest: &mut Manifest, report: &mut Repaired) -> Outcome<()> {
        manifest.forget_deletes();
        let (from, to) = (self.from.join("segments"), self.to.join("segments"));
        let mut kept = Vec::new();
        for entry in &manifest.deletes {
            let name = deletes::file_name(entry.number);
            match deletes::read(self.env, &from, entry) {
                Ok(_) => {
                    self.copy(&from.join(&name), &to.join(&name))?;
                    kept.push(*entry);
                }
                Err(error) => {
                    report.notes.push(format!("what it deleted is there again: {error}"));
                }
            }
        }
        manifest.deletes = kept;
        Ok(())
    }

    fn assigned(&self, report: &mut Repaired) -> Outcome<()> {
        let (from, to) = (self.from.join(ASSIGNED_FILE), self.to.join(ASSIGNED_FILE));
        let Ok(bytes) = self.env.disk.read(&from) else { return Ok(()) };
        if !self.is_damaged(&from) {
            return self.copy(&from, &to);
        }
        let Some(header) = header(&from, &bytes, FileKind::Assigned) else {
            report.notes.push("names assigned by hand are lost".to_owned());
            return Ok(());
        };
        let salt = self.env.chance.number();
        let file = AppendFile::create(&*self.env.disk, &to, &Header { salt, ..header })?;
        let mut buffer = Vec::new();
        for found in record::salvage(&bytes, header.salt).0 {
            record::begin(&mut buffer);
            buffer.extend_from_slice(found.payload);
            file.append(&mut buffer, found.sequence)?;
        }
        file.sync()
    }

    /// Copies a file; durable but for its name.
    fn copy(&self, from: &Path, to: &Path) -> Outcome<()> {
        let bytes = self.env.disk.map(from).map_err(|error| Error::io("open", from, error))?;
        let file = self.env.disk.create(to).map_err(|error| Error::io("create", to, error))?;
        file.write_at(&bytes, 0).map_err(|error| Error::io("write", to, error))?;
        file.sync().map_err(|error| Error::io("sync", to, error))
    }
}

/// The header of a file, with one byte put right if that does it.
fn header(path: &Path, bytes: &[u8], kind: FileKind) -> Option<Header> {
    let whole = Header::decode(path, bytes, kind).ok();
    whole.or_else(|| correct::header(bytes, kind).map(|(_, header)| header))
}
