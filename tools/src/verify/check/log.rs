//! Append-only files of records: logs, names logs, assigned names, and the one record of a delete.

use super::{Checked, Meter};
use crate::verify::fault::{Affected, Faults, Kind};
use irontsd_engine::assigned;
use irontsd_engine::batch::Batch;
use irontsd_engine::bytes::Reader;
use irontsd_engine::deletes;
use irontsd_engine::env::Env;
use irontsd_engine::error::Error;
use irontsd_engine::header::{FileKind, HEADER_BYTES, Header};
use irontsd_engine::log::record::{self, RECORD_HEAD_BYTES, Record};
use irontsd_engine::log::rows;
use irontsd_engine::manifest::DeleteEntry;
use irontsd_engine::rows::SeriesSet;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What the records of a file hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Rows of an epoch and a shard.
    Rows(u32, usize),
    /// Names of series; whether the file is the one in use.
    Names(bool),
    /// Names assigned by hand.
    Assigned,
}

impl Content {
    fn file_kind(self) -> FileKind {
        match self {
            Content::Rows(..) => FileKind::Log,
            Content::Names(_) => FileKind::Names,
            Content::Assigned => FileKind::Assigned,
        }
    }
}

/// A record being written just now is whole after this long.
const WRITTEN_WITHIN: Duration = Duration::from_millis(50);

/// Checks a file.
pub fn check(
    env: &Env,
    mut faults: Faults,
    content: Content,
    quick: bool,
    meter: &Meter,
) -> Checked {
    let path = faults.path().to_owned();
    let bytes = match settled(env, &path, content.file_kind()) {
        Ok(bytes) => bytes,
        Err(error) => {
            faults.error(Kind::Unreadable, &Error::io("read", &path, error), Affected::default());
            return Checked { faults: faults.found, ..Checked::default() };
        }
    };
    let mut checked = Checked { bytes: bytes.len() as u64, ..Checked::default() };
    records(&path, &bytes, (content, quick), &mut faults, &mut checked);
    meter.add(checked.bytes);
    checked.faults = faults.found;
    checked
}

/// The bytes of a file to which a node may be appending: read again while its end changes.
fn settled(env: &Env, path: &Path, kind: FileKind) -> io::Result<Vec<u8>> {
    let mut bytes = env.disk.read(path)?;
    loop {
        let header = Header::decode(path, &bytes, kind);
        let is_whole =
            header.is_ok_and(|header| record::scan(&bytes, header.salt).torn_at.is_none());
        if is_whole {
            return Ok(bytes);
        }
        std::thread::sleep(WRITTEN_WITHIN);
        let again = env.disk.read(path)?;
        if again == bytes {
            return Ok(bytes);
        }
        bytes = again;
    }
}

fn records(
    path: &Path,
    bytes: &[u8],
    (content, quick): (Content, bool),
    faults: &mut Faults,
    checked: &mut Checked,
) {
    let header = match Header::decode(path, bytes, content.file_kind()) {
        Ok(header) => header,
        // Made, and never used: its header is durable before anything is put behind it.
        Err(Error::Damaged { .. }) if bytes.len() < HEADER_BYTES => return,
        Err(error) => return faults.error(Kind::Header, &error, Affected::default()),
    };
    if let Content::Rows(epoch, shard) = content
        && (header.epoch, header.shard as usize) != (epoch.into(), shard)
    {
        return faults.note(24, Kind::Header, "it is another log's content");
    }
    let scan = record::scan(bytes, header.salt);
    let (valid, between) = record::salvage(bytes, header.salt);
    for (from, to) in between {
        let is_torn = to == bytes.len() as u64 && scan.torn_at == Some(from);
        let what = match (is_torn, content) {
            (true, Content::Names(false)) => "the end is damaged; it was synced".to_owned(),
            (true, _) => {
                let bytes = to - from;
                format!("{bytes} bytes of a write that was not finished: a start cuts them")
            }
            (false, _) => format!("no record can be read up to offset {to}"),
        };
        faults.note(from, if is_torn { Kind::Torn } else { Kind::Record }, what);
    }
    let mut rows = Rows::default();
    let mut last: Option<u64> = None;
    for found in &valid {
        checked.blocks += 1;
        let ascends = last.is_none_or(|last| last < found.sequence);
        last = Some(found.sequence);
        if !ascends {
            faults.note(
                found.offset,
                Kind::Order,
                "its number is not above that of the one before",
            );
        }
        padding(bytes, found, faults);
        let sound = match content {
            Content::Rows(..) if quick => {
                checked.samples += claimed(found);
                true
            }
            Content::Rows(epoch, _) => rows.check(found, epoch, checked),
            _ if quick => true,
            Content::Names(_) => names_of(found),
            Content::Assigned => assigned::is_sound(found),
        };
        if !sound {
            let what = "its checksum holds, but its content is malformed";
            faults.note(found.offset, Kind::Record, what);
        }
    }
}

fn padding(bytes: &[u8], found: &Record<'_>, faults: &mut Faults) {
    let end = found.offset as usize + RECORD_HEAD_BYTES + found.payload.len();
    let padding = &bytes[end..found.end().min(bytes.len())];
    if let Some(at) = padding.iter().position(|&byte| byte != 0) {
        let what = "a byte behind a record is not zero; no data are touched";
        faults.note((end + at) as u64, Kind::Padding, what);
    }
}

/// The rows that a record says it has.
fn claimed(found: &Record<'_>) -> u64 {
    let columns = found.payload.strip_prefix(&[0, 1]).unwrap_or(found.payload);
    Reader::new(columns).varint().unwrap_or(0)
}

/// Rows being read; keeps its memory from record to record.
#[derive(Default)]
struct Rows {
    batch: Batch,
    seen: SeriesSet,
}

impl Rows {
    fn check(&mut self, found: &Record<'_>, epoch: u32, checked: &mut Checked) -> bool {
        let Rows { batch, seen } = self;
        batch.clear();
        if rows::decode(found.payload, batch).is_err() || (found.sequence >> 32) as u32 != epoch {
            return false;
        }
        checked.samples += batch.len() as u64;
        for at in 0..batch.len() {
            let series = batch.row(at).0;
            if !seen.contains(series) {
                seen.insert(series);
                checked.series.insert(series, found.offset);
            }
        }
        true
    }
}

fn names_of(found: &Record<'_>) -> bool {
    let Ok(first) = u32::try_from(found.sequence) else { return false };
    let (mut reader, mut names) = (Reader::new(found.payload), 0u32);
    while !reader.is_done() {
        let name = reader.varint().and_then(|len| reader.take(len as usize));
        if name.is_err() {
            return false;
        }
        names += 1;
    }
    first.checked_add(names).is_some()
}

/// Checks the list of a delete.
pub fn check_delete(env: &Env, mut faults: Faults, entry: DeleteEntry, meter: &Meter) -> Checked {
    let path = faults.path().to_owned();
    let dir = path.parent().unwrap_or(Path::new("."));
    let affected = Affected::times(entry.times);
    let mut checked = Checked::default();
    match (deletes::read(env, dir, &entry), env.disk.read(&path)) {
        (Err(error), _) => {
            let is_header = matches!(&error, Error::Damaged { offset: 0, .. });
            let kind = if is_header { Kind::Header } else { Kind::Delete };
            faults.error(kind, &error, affected);
        }
        (_, Err(error)) => {
            faults.error(Kind::Unreadable, &Error::io("read", &path, error), affected)
        }
        (Ok(_), Ok(bytes)) => {
            checked = Checked { bytes: bytes.len() as u64, blocks: 1, ..Checked::default() };
            meter.add(checked.bytes);
            let header = Header::peek(&bytes).map(|(_, _, header)| header);
            let found = header.and_then(|it| Record::read(&bytes, HEADER_BYTES, it.salt));
            if let Some(found) = found {
                padding(&bytes, &found, &mut faults);
                if found.sequence != entry.number {
                    faults.note(72, Kind::Delete, "it has another number than its name");
                }
                if bytes.len() > found.end() {
                    faults.note(found.end() as u64, Kind::Padding, "bytes behind the record");
                }
            }
        }
    }
    checked.faults = faults.found;
    checked
}
