//! The witness: what was durable when it was last told, in a file apart from those it tells of.
//!
//! A log cannot say that it was longer, nor a manifest that there was a newer one: that is said here.
//! Every sentence stays true whatever happens later: so much of a file was synced, so many names
//! were, the manifest was at least so new. So the file is written over in place, after what it tells of is
//! durable, and needs no sync of its own: after a power cut it may be older, torn or gone, and then
//! it proves less. A start that finds less than it tells has found damage.
//! Layout: `FORMAT.md`, section "Witness".

use crate::assigned::{ASSIGNED_FILE, Assigned};
use crate::env::{Env, File};
use crate::error::{Error, Result};
use crate::limits::LOST_IDS_MAX;
use crate::log;
use crate::log::append::AppendFile;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::series::Registry;
use crate::types::SeriesId;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// File name in a data directory.
pub const WITNESS_FILE: &str = "WITNESS";
const TEMPORARY_FILE: &str = "WITNESS.tmp";
const FIRST_LINE: &str = "irontsd witness 1\n";

/// Epoch and shard of a log.
type Place = (u32, usize);

/// What was durable at a moment. The default is what holds of every directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// See [`Manifest`]. Every change of a manifest that matters raises one of the three.
    pub flushed_epoch: u32,
    /// See `flushed_epoch`.
    pub last_file: u64,
    /// See `flushed_epoch`.
    pub floor_ms: i64,
    /// The names of all ids below it were.
    pub names: SeriesId,
    /// The names log in use then, below the data directory.
    pub names_log: String,
    /// Bytes of `assigned.names`.
    pub assigned_bytes: u64,
    /// Bytes of each log whose rows were not in a segment.
    pub logs: BTreeMap<Place, u64>,
}

impl Witness {
    /// Reads that of a data directory. One that is not there or not whole proves nothing.
    pub fn read(env: &Env, dir: &Path) -> Witness {
        let bytes = env.disk.read(&dir.join(WITNESS_FILE)).unwrap_or_default();
        Witness::parse(&bytes).unwrap_or_default()
    }

    /// Its text, checksum included.
    pub fn encode(&self) -> String {
        let Witness { flushed_epoch, last_file, floor_ms, names, names_log, .. } = self;
        let mut out = format!("{FIRST_LINE}flushed_epoch {flushed_epoch}\nlast_file {last_file}\n");
        let _ = writeln!(out, "floor {floor_ms}\nnames {names} {names_log}");
        let _ = writeln!(out, "assigned {}", self.assigned_bytes);
        for (&(epoch, shard), bytes) in &self.logs {
            let _ = writeln!(out, "log {} bytes {bytes}", log::file_name(epoch, shard));
        }
        let sum = crc32c::crc32c(out.as_bytes());
        let _ = writeln!(out, "checksum {sum:08x}");
        out
    }

    /// Reads its text, behind which line feeds may stand.
    pub fn parse(bytes: &[u8]) -> Option<Witness> {
        let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\n');
        let (body, sum) = text.split_at(text.rfind("checksum ")?);
        if sum != format!("checksum {:08x}", crc32c::crc32c(body.as_bytes())) {
            return None;
        }
        let mut witness = Witness::default();
        for line in body.strip_prefix(FIRST_LINE)?.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["flushed_epoch", epoch] => witness.flushed_epoch = epoch.parse().ok()?,
                ["last_file", number] => witness.last_file = number.parse().ok()?,
                ["floor", floor] => witness.floor_ms = floor.parse().ok()?,
                ["names", count, log] => {
                    (witness.names, witness.names_log) = (count.parse().ok()?, log.to_owned());
                }
                ["assigned", bytes] => witness.assigned_bytes = bytes.parse().ok()?,
                ["log", name, "bytes", bytes] => {
                    witness.logs.insert(log::parse_file_name(name)?, bytes.parse().ok()?);
                }
                _ => return None,
            }
        }
        Some(witness)
    }

    /// Whether it tells of anything that a new directory does not have.
    pub fn tells_of_data(&self) -> bool {
        self.flushed_epoch > 0 || self.last_file > 0 || self.names > 0 || self.assigned_bytes > 0
    }

    /// Fails if the manifest is older than one that was durable: what it does not name must not go.
    pub fn check_manifest(&self, dir: &Path, manifest: &Manifest) -> Result<()> {
        let Manifest { flushed_epoch, last_file, floor_ms, .. } = manifest;
        let pairs = [
            ("flushed_epoch", i128::from(*flushed_epoch), self.flushed_epoch.into()),
            ("last_file", (*last_file).into(), self.last_file.into()),
            ("floor", (*floor_ms).into(), self.floor_ms.into()),
        ];
        match pairs.into_iter().find(|(_, is, was)| is < was) {
            Some((what, is, was)) => {
                let what = format!(
                    "it is older than one that was in force: {what} {is}, and {WITNESS_FILE} tells of \
                     {was}; restore the whole directory"
                );
                Err(Error::damaged(&dir.join(MANIFEST_FILE), 0, what))
            }
            None => Ok(()),
        }
    }

    /// Bytes of a log that were synced.
    pub fn log_bytes(&self, place: Place) -> u64 {
        self.logs.get(&place).copied().unwrap_or(0)
    }

    /// The logs that must be there, and are not.
    pub fn missing_logs(&self, dir: &Path, flushed_epoch: u32, found: &[String]) -> Vec<Error> {
        let due = self.logs.iter().filter(|((epoch, _), _)| *epoch > flushed_epoch);
        let names = due.map(|(&(epoch, shard), bytes)| (log::file_name(epoch, shard), bytes));
        let missing = names.filter(|(name, _)| !found.contains(name));
        let error = |(name, bytes): (String, &u64)| {
            let what = format!("the file is missing; {bytes} bytes of it were synced");
            Error::damaged(&dir.join("log").join(name), 0, what)
        };
        missing.map(error).collect()
    }

    /// Whether names are lost that were synced, if these many were found.
    pub fn check_names(&self, dir: &Path, known: SeriesId) -> Option<Error> {
        let lost = self.names.checked_sub(known).filter(|&lost| lost > 0)?;
        let what = format!("{lost} names that were synced are lost, from id {known} on");
        Some(Error::damaged(&dir.join(&self.names_log), 0, what))
    }

    /// Keeps the ids of lost names from being given out again. To be called when the logs are read:
    /// rows of such a series are lost with its name.
    pub(crate) fn skip_lost_ids(&self, registry: &Registry) {
        let lost = self.names.saturating_sub(registry.len());
        if (1..=LOST_IDS_MAX).contains(&lost) {
            registry.skip_ids_to(self.names - 1);
        }
    }

    /// Whether less is left of `assigned.names` than was synced.
    pub(crate) fn check_assigned(&self, env: &Env, dir: &Path) -> Option<Error> {
        let path = dir.join(ASSIGNED_FILE);
        let len = env.disk.map(&path).map_or(0, |map| map.len() as u64);
        (len < self.assigned_bytes).then(|| cut_short(&path, len, self.assigned_bytes))
    }
}

/// What is said of a file that is shorter than it was.
pub fn cut_short(path: &Path, len: u64, synced: u64) -> Error {
    Error::damaged(path, len, format!("the file ends here; {synced} bytes of it were synced"))
}

/// Writes the witness of an open data directory.
#[derive(Debug)]
pub struct Teller(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` until it is begun, and if that failed.
    file: Option<Arc<dyn File>>,
    /// The longest text so far: a shorter one is filled up.
    text_bytes: usize,
    /// `flushed_epoch`, `last_file` and `floor_ms` of the manifest as it is on the disk.
    manifest: (u32, u64, i64),
    /// Logs whose rows are not in a segment. Their names are durable.
    logs: BTreeMap<Place, Arc<AppendFile>>,
}

impl Teller {
    /// For a directory with this manifest on the disk and these logs.
    pub fn new(manifest: (u32, u64, i64), logs: BTreeMap<Place, Arc<AppendFile>>) -> Teller {
        Teller(Mutex::new(State { manifest, logs, ..State::default() }))
    }

    /// Makes the file anew. Before that is done the one of the last run stands, and is as true.
    pub fn begin(&self, env: &Env, dir: &Path, names: &Registry, assigned: &Assigned) {
        let state = &mut *self.0.lock();
        let text = state.witness(dir, names, assigned).encode();
        let (path, temporary) = (dir.join(WITNESS_FILE), dir.join(TEMPORARY_FILE));
        let _leftover = env.disk.remove(&temporary);
        // Synced once, so that no block of it ever shows what another file left there.
        let made = env.disk.create(&temporary).and_then(|file| {
            file.write_at(text.as_bytes(), 0)?;
            file.sync()?;
            env.disk.rename(&temporary, &path)?;
            Ok(file)
        });
        match made {
            Ok(file) => (state.file, state.text_bytes) = (Some(file), text.len()),
            Err(error) => cannot_tell(&path, &error),
        }
    }

    /// From now on it tells of these logs, which are durable with their names.
    pub fn add_logs(&self, epoch: u32, logs: &[Arc<AppendFile>]) {
        let places = (0..logs.len()).map(|shard| (epoch, shard));
        self.0.lock().logs.extend(places.zip(logs.iter().cloned()));
    }

    /// Takes a manifest that is durable.
    pub fn take_manifest(&self, manifest: &Manifest) {
        let state = &mut *self.0.lock();
        let Manifest { flushed_epoch, last_file, floor_ms, .. } = *manifest;
        state.manifest = (flushed_epoch, last_file, floor_ms);
        state.logs.retain(|(epoch, _), _| *epoch > flushed_epoch);
    }

    /// Tells what is durable now. If that fails less is proven, and nothing is lost.
    pub fn tell(&self, dir: &Path, names: &Registry, assigned: &Assigned) {
        let state = &mut *self.0.lock();
        let Some(file) = state.file.clone() else { return };
        let mut text = state.witness(dir, names, assigned).encode();
        state.text_bytes = state.text_bytes.max(text.len());
        text.extend(std::iter::repeat_n('\n', state.text_bytes - text.len()));
        if let Err(error) = file.write_at(text.as_bytes(), 0) {
            cannot_tell(&dir.join(WITNESS_FILE), &error);
        }
    }

    /// Makes what was told outlive a power cut, after an orderly stop.
    pub fn sync(&self, dir: &Path) {
        if let Some(Err(error)) = self.0.lock().file.as_ref().map(|file| file.sync()) {
            cannot_tell(&dir.join(WITNESS_FILE), &error);
        }
    }
}

impl State {
    fn witness(&self, dir: &Path, names: &Registry, assigned: &Assigned) -> Witness {
        let (flushed_epoch, last_file, floor_ms) = self.manifest;
        let (count, path) = names.synced();
        let names_log = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        Witness {
            flushed_epoch,
            last_file,
            floor_ms,
            names: count,
            names_log,
            assigned_bytes: assigned.synced_bytes(),
            logs: self.logs.iter().map(|(place, log)| (*place, log.synced_bytes())).collect(),
        }
    }
}

fn cannot_tell(path: &Path, error: &std::io::Error) {
    tracing::warn!("{} is not up to date: {error}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness() -> Witness {
        Witness {
            flushed_epoch: 3,
            last_file: 9,
            floor_ms: -4,
            names: 12,
            names_log: "names/0000000001.names".into(),
            assigned_bytes: 96,
            logs: BTreeMap::from([((4, 0), 64), ((4, 1), 4096)]),
        }
    }

    #[test]
    fn what_is_less_than_it_tells_of_is_damage() {
        let (witness, dir) = (witness(), Path::new("data"));
        let manifest = |flushed_epoch, last_file, floor_ms| Manifest {
            flushed_epoch,
            last_file,
            floor_ms,
            ..Manifest::default()
        };
        assert!(witness.check_manifest(dir, &manifest(3, 9, -4)).is_ok());
        assert!(witness.check_manifest(dir, &manifest(4, 10, 0)).is_ok());
        for older in [(2, 10, 0), (4, 8, 0), (4, 10, -5)] {
            let error = witness.check_manifest(dir, &manifest(older.0, older.1, older.2));
            assert!(error.is_err_and(|error| error.to_string().contains("MANIFEST")), "{older:?}");
        }
        assert!(witness.check_names(dir, 12).is_none());
        let error = witness.check_names(dir, 7).expect("names are lost").to_string();
        assert!(error.contains("0000000001.names") && error.contains("from id 7"), "{error}");
        let found = [log::file_name(4, 0)];
        let missing = witness.missing_logs(dir, 3, &found);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].to_string().contains("0000000004-001.log"), "{missing:?}");
        assert!(witness.missing_logs(dir, 4, &[]).is_empty());
    }

    #[test]
    fn survives_and_notices_every_flipped_bit() {
        let witness = witness();
        let text = witness.encode();
        assert_eq!(Witness::parse(text.as_bytes()), Some(witness.clone()));
        assert_eq!(Witness::parse(format!("{text}\n\n\n").as_bytes()), Some(witness));
        for bit in 0..(text.len() - 1) * 8 {
            let mut bad = text.clone().into_bytes();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Witness::parse(&bad), None, "bit {bit}");
        }
        for len in 0..text.len() - 1 {
            assert_eq!(Witness::parse(&text.as_bytes()[..len]), None, "{len} bytes");
        }
    }
}
