//! One log read back: bytes in, rows and findings out. Touches no file, so a start and a reader that
//! must not change anything read logs alike.

use super::{record, rows};
use crate::batch::Batch;
use crate::buffer::{ChunkPool, WriteBuffer};
use crate::epochs::epoch_of;
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::series::Known;
use crate::types::SeriesId;
use crate::witness::cut_short;
use std::path::Path;
use std::sync::Arc;

/// What a log holds.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Salt and rows; `None` if the header is unreadable.
    pub rows: Option<(u64, Arc<WriteBuffer>)>,
    /// Where the file ends, if what follows was never finished.
    pub cut_at: Option<u64>,
    /// What could not be read, one sentence each.
    pub faults: Vec<String>,
    /// The highest id of rows that were dropped because the names lost their series. It must not be
    /// given to another.
    pub lost: Option<SeriesId>,
}

/// Reads the log of an epoch and a shard. The witness tells that `proven` bytes were synced, 0 if it
/// tells nothing.
pub fn replay(
    path: &Path,
    file: &[u8],
    (epoch, shard): (u32, usize),
    (known, proven): (&Known, u64),
    pool: &Arc<ChunkPool>,
) -> Result<Replayed> {
    let mut found = Replayed::default();
    let header = match Header::decode(path, file, FileKind::Log) {
        Ok(header) if (header.epoch, header.shard as usize) == (epoch.into(), shard) => header,
        Ok(_) => {
            let error = Error::damaged(path, 24, "it is another log's content");
            found.faults.push(error.to_string());
            return Ok(found);
        }
        Err(error @ Error::Version { .. }) => return Err(error),
        // A log's header is durable before the log is used: this one never was.
        Err(_) if file.len() <= HEADER_BYTES && proven == 0 => {
            found.cut_at = Some(0);
            return Ok(found);
        }
        Err(error) => {
            found.faults.push(error.to_string());
            return Ok(found);
        }
    };
    let scan = record::scan_proven(file, header.salt, proven);
    let len = file.len() as u64;
    if len < proven {
        found.faults.push(cut_short(path, len, proven).to_string());
    }
    found.faults.extend(scan.damaged.iter().map(|range| damaged_range(path, *range)));
    let mut batch = Batch::default();
    let weight = scan.records.iter().map(|found| rows::weight(found.payload, &mut batch)).sum();
    let buffer = Arc::new(WriteBuffer::new(epoch, weight, pool.clone()));
    let unknown_at = fill(path, &scan, &buffer, (known, proven), &mut found);
    found.cut_at = [scan.torn_at, unknown_at].into_iter().flatten().min();
    found.rows = Some((header.salt, buffer));
    Ok(found)
}

/// What is said of bytes below the synced mark that are no record.
pub fn damaged_range(path: &Path, (from, to): (u64, u64)) -> String {
    format!("{} is damaged from offset {from} to offset {to}", path.display())
}

/// Fills the buffer with the commits of a log. After a power cut a log may have reached the disk
/// further than the names did: a commit with an id that was never given out ends the log, and where it
/// begins is returned. But names are synced before logs, so below the log's proven synced mark such an
/// id is damage of the names, and one whose name was lost is anywhere: its rows are reported and
/// dropped, all others kept.
fn fill(
    path: &Path,
    scan: &record::Scan<'_>,
    buffer: &WriteBuffer,
    (known, proven): (&Known, u64),
    found: &mut Replayed,
) -> Option<u64> {
    let proven = scan.records.iter().map(|record| record.synced).fold(proven, u64::max);
    let mut batch = Batch::default();
    for record in &scan.records {
        batch.clear();
        let valid = rows::decode(record.payload, &mut batch).is_ok();
        if !valid || epoch_of(record.sequence) != buffer.epoch() {
            let error = Error::damaged(path, record.offset, "a record's rows are malformed");
            found.faults.push(error.to_string());
            continue;
        }
        let highest = batch.series.iter().copied().max().unwrap_or(0);
        if highest >= known.end && record.offset >= proven {
            return Some(record.offset);
        }
        if highest >= known.end || !known.lost.is_empty() {
            let rows = batch.retain_series(|series| known.has(series));
            if rows > 0 {
                found.lost = found.lost.max((highest >= known.end).then_some(highest));
                let what = format!("{rows} rows of series that the names file lost");
                found.faults.push(Error::damaged(path, record.offset, what).to_string());
            }
        }
        buffer.append(&batch, record.sequence as u32);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Value;

    /// A record is of the epoch that its number says, or it is named and left out.
    #[test]
    fn a_record_of_another_epoch_is_named() {
        let (salt, epoch) = (9, 3u32);
        let header = Header { kind: FileKind::Log, salt, epoch: epoch.into(), shard: 0 };
        let mut file = header.encode().to_vec();
        for of_epoch in [epoch, epoch + 1] {
            let (mut batch, mut record) = (Batch::default(), Vec::new());
            batch.push(0, 1000, Value::integer(7));
            record::begin(&mut record);
            rows::encode(&batch, &mut record);
            let sequence = u64::from(of_epoch) << 32 | 1;
            record::finish(&mut record, salt, file.len() as u64, sequence, 0);
            file.extend_from_slice(&record);
        }
        let second = HEADER_BYTES + (file.len() - HEADER_BYTES) / 2;
        let pool = Arc::new(ChunkPool::default());
        let known = Known { end: 1, lost: Default::default() };
        let path = Path::new("a.log");
        let found = replay(path, &file, (epoch, 0), (&known, 0), &pool).expect("readable");
        let named = format!("a.log is damaged at offset {second}: a record's rows are malformed");
        assert_eq!(found.faults, [named]);
        assert_eq!(found.rows.map(|(_, buffer)| buffer.len()), Some(1));
    }
}
