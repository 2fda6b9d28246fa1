//! Deletes: which samples are gone although segments still hold them.
//!
//! A delete names series and a range of time. It has a number; a segment knows up to which number
//! deletes were carried out when it was made, so a delete hits what was accepted before it and
//! nothing else. The series stand in a file of their own, the rest in the manifest. When no segment
//! is left that it hits, the delete goes. Layout: `FORMAT.md`, section "Deletes".

use crate::bytes::{Reader, put_varint};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::log::record::{self, Record};
use crate::manifest::{DeleteEntry, SegmentEntry};
use crate::rows::SeriesSet;
use crate::types::{Samples, SeriesId};
use std::path::Path;

/// A delete that is in force.
#[derive(Debug)]
pub struct Delete {
    /// Its number.
    pub number: u64,
    /// First and last timestamp.
    pub times: (i64, i64),
    /// Its series.
    pub series: SeriesSet,
}

/// File name of a delete.
pub fn file_name(number: u64) -> String {
    format!("delete-{number:010}.ids")
}

/// Whether a file in the segment directory is a delete's.
pub fn is_file_name(name: &str) -> bool {
    let number = name.strip_prefix("delete-").and_then(|rest| rest.strip_suffix(".ids"));
    number.and_then(|number| number.parse().ok()).is_some_and(|number| file_name(number) == name)
}

/// Whether a segment may hold what a delete hits.
pub fn hits(delete: &DeleteEntry, segment: &SegmentEntry) -> bool {
    segment.deletes < delete.number && segment.overlaps(delete.times)
}

/// Writes a delete's series, ascending; durable when this returns.
pub fn write(env: &Env, dir: &Path, number: u64, series: &[SeriesId]) -> Result<()> {
    let path = dir.join(file_name(number));
    let salt = env.chance.number();
    let header = Header { kind: FileKind::Delete, salt, epoch: 0, shard: 0 };
    let mut record = Vec::new();
    record::begin(&mut record);
    put_varint(&mut record, series.len() as u64);
    let mut before = 0;
    for &series in series {
        put_varint(&mut record, u64::from(series - before));
        before = series;
    }
    record::finish(&mut record, salt, HEADER_BYTES as u64, number, 0);
    let _leftover = env.disk.remove(&path);
    let file = env.disk.create(&path).map_err(|error| Error::io("create", &path, error))?;
    let bytes = [&header.encode()[..], &record].concat();
    file.write_at(&bytes, 0).map_err(|error| Error::io("write", &path, error))?;
    file.sync().map_err(|error| Error::io("sync", &path, error))?;
    env.disk.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))
}

/// Reads a delete.
pub fn read(env: &Env, dir: &Path, entry: &DeleteEntry) -> Result<Delete> {
    let path = dir.join(file_name(entry.number));
    let bytes = env.disk.read(&path).map_err(|error| Error::io("read", &path, error))?;
    let header = Header::decode(&path, &bytes, FileKind::Delete)?;
    let damaged = || Error::damaged(&path, HEADER_BYTES as u64, "the list of series is damaged");
    let record = Record::read(&bytes, HEADER_BYTES, header.salt).ok_or_else(damaged)?;
    if record.sequence != entry.number {
        return Err(Error::damaged(&path, HEADER_BYTES as u64, "it is the list of another delete"));
    }
    let series = ids(record.payload).ok_or_else(damaged)?;
    Ok(Delete { number: entry.number, times: entry.times, series })
}

fn ids(payload: &[u8]) -> Option<SeriesSet> {
    let mut reader = Reader::new(payload);
    let (mut set, mut id) = (SeriesSet::default(), 0u32);
    for _ in 0..reader.varint().ok()? {
        id = id.checked_add(u32::try_from(reader.varint().ok()?).ok()?)?;
        set.insert(id);
    }
    reader.is_done().then_some(set)
}

impl Delete {
    /// Takes the samples from `from` on that it hits away.
    pub fn apply(&self, series: SeriesId, from: usize, samples: &mut Samples) {
        let (first, last) = self.times;
        let times = &samples.timestamps[from..];
        let start = from + times.partition_point(|&timestamp| timestamp < first);
        let end = from + times.partition_point(|&timestamp| timestamp <= last);
        if start == end || !self.series.contains(series) {
            return;
        }
        let mut kept = Samples::default();
        kept.extend(samples, 0, start);
        kept.extend(samples, end, samples.len());
        *samples = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;
    use crate::types::Value;

    #[test]
    fn a_list_survives_and_damage_is_noticed() {
        let dir = tempfile::tempdir().expect("a directory");
        let env = env::real();
        write(&env, dir.path(), 3, &[0, 5, 70_000]).expect("written");
        let entry = DeleteEntry { number: 3, times: (10, 20) };
        let delete = read(&env, dir.path(), &entry).expect("readable");
        let held = (0..80_000).filter(|&id| delete.series.contains(id));
        assert_eq!(held.collect::<Vec<_>>(), [0, 5, 70_000]);
        let file = env.disk.open(&dir.path().join(file_name(3))).expect("there");
        file.write_at(b"x", 100).expect("written");
        assert!(read(&env, dir.path(), &entry).is_err());
    }

    #[test]
    fn only_what_is_named_is_taken() {
        let series = [7].into_iter().collect();
        let delete = Delete { number: 1, times: (3, 5), series };
        let mut samples = Samples::default();
        (1..9).for_each(|at| samples.push(at, Value::integer(at)));
        let mut other = samples.clone();
        delete.apply(7, 0, &mut samples);
        assert_eq!(samples.timestamps, [1, 2, 6, 7, 8]);
        delete.apply(8, 0, &mut other);
        assert_eq!(other.len(), 8);
    }
}
