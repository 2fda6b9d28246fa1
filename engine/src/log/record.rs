//! One record of an append-only file (log or names): framing and checksum, pure functions.
//!
//! A record carries how much of its file was known to be synced when it was written. That is what
//! lets recovery tell a torn tail (cut it) from damage in the middle (report it): a bad record
//! below a later record's synced mark cannot be a write that merely did not reach the disk.
//! Layout: `FORMAT.md`, section "Records".

use crate::bytes::Reader;
use crate::checksum;
use crate::header::HEADER_BYTES;
use crate::limits::RECORD_BYTES_MAX;

/// Bytes before the payload.
pub const RECORD_HEAD_BYTES: usize = 32;
/// First bytes of every record.
pub const RECORD_MAGIC: &[u8; 4] = b"\xF5REC";
const CHECKSUM_AT: usize = 24;

/// Starts a record in an empty buffer; the caller appends the payload.
pub fn begin(out: &mut Vec<u8>) {
    out.clear();
    out.resize(RECORD_HEAD_BYTES, 0);
}

/// Fills in the head of the record that `out` holds and pads it; it belongs at `offset`.
pub fn finish(out: &mut Vec<u8>, salt: u64, offset: u64, sequence: u64, synced: u64) {
    let payload_bytes = (out.len() - RECORD_HEAD_BYTES) as u32;
    out[..4].copy_from_slice(RECORD_MAGIC);
    out[4..8].copy_from_slice(&payload_bytes.to_le_bytes());
    out[8..16].copy_from_slice(&sequence.to_le_bytes());
    out[16..24].copy_from_slice(&synced.to_le_bytes());
    let sum = sum(salt, offset, &out[..CHECKSUM_AT], &out[RECORD_HEAD_BYTES..]);
    out[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    crate::bytes::pad8(out);
}

fn sum(salt: u64, offset: u64, head: &[u8], payload: &[u8]) -> u32 {
    checksum::continued(checksum::seeded(salt, offset, head), payload)
}

/// A record as found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it begins in the file.
    pub offset: u64,
    /// The commit's sequence (log) or the first series id (names).
    pub sequence: u64,
    /// Bytes of the file that were synced when it was written.
    pub synced: u64,
    /// What it holds.
    pub payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the record at `offset` of a file; `None` if there is no whole, valid one.
    pub fn read(file: &'a [u8], offset: usize, salt: u64) -> Option<Record<'a>> {
        let mut reader = Reader::new(file.get(offset..)?);
        if reader.take(4).ok()? != RECORD_MAGIC {
            return None;
        }
        let payload_bytes = reader.u32().ok()? as usize;
        let sequence = reader.u64().ok()?;
        let synced = reader.u64().ok()?;
        let expected = reader.u32().ok()?;
        let reserved = reader.u32().ok()?;
        if payload_bytes > RECORD_BYTES_MAX || reserved != 0 {
            return None;
        }
        let payload = reader.take(payload_bytes).ok()?;
        let head = &file[offset..offset + CHECKSUM_AT];
        let record = Record { offset: offset as u64, sequence, synced, payload };
        (sum(salt, offset as u64, head, payload) == expected).then_some(record)
    }

    /// Where the next record begins.
    pub fn end(&self) -> usize {
        (self.offset as usize + RECORD_HEAD_BYTES + self.payload.len()).next_multiple_of(8)
    }
}

/// Everything readable in an append-only file.
#[derive(Debug, Default)]
pub struct Scan<'a> {
    /// The valid records, in file order.
    pub records: Vec<Record<'a>>,
    /// Unreadable ranges below the proven synced mark: start and end.
    pub damaged: Vec<(u64, u64)>,
    /// Where the file should be cut because what follows never was proven synced.
    pub torn_at: Option<u64>,
}

/// Reads a whole append-only file, header included, and judges how it ends.
pub fn scan(file: &[u8], salt: u64) -> Scan<'_> {
    scan_proven(file, salt, 0)
}

/// The same of a file of which so many bytes are known to have been synced.
pub fn scan_proven(file: &[u8], salt: u64, proven: u64) -> Scan<'_> {
    let mut scan = Scan::default();
    let mut at = HEADER_BYTES;
    let mut synced_proven = None;
    while at < file.len() {
        if let Some(record) = Record::read(file, at, salt) {
            at = record.end();
            scan.records.push(record);
            continue;
        }
        let proven =
            *synced_proven.get_or_insert_with(|| synced_max_behind(file, at, salt).max(proven));
        if proven <= at as u64 {
            scan.torn_at = Some(at as u64);
            break;
        }
        let next = next_record(file, at + 8, salt).unwrap_or(file.len());
        scan.damaged.push((at as u64, next as u64));
        at = next;
    }
    scan
}

/// Every valid record, wherever it stands, and the ranges between them: for whoever wants all that a
/// damaged file still holds. A start goes by [`scan`], which knows that what follows a torn record
/// may be from before a power cut.
pub fn salvage(file: &[u8], salt: u64) -> (Vec<Record<'_>>, Vec<(u64, u64)>) {
    let (mut records, mut between) = (Vec::new(), Vec::new());
    let mut at = HEADER_BYTES;
    while at < file.len() {
        match Record::read(file, at, salt) {
            Some(record) => {
                at = record.end();
                records.push(record);
            }
            None => {
                let next = next_record(file, at + 8, salt).unwrap_or(file.len());
                between.push((at as u64, next as u64));
                at = next;
            }
        }
    }
    (records, between)
}

/// The highest synced mark of all valid records behind a bad one.
fn synced_max_behind(file: &[u8], mut at: usize, salt: u64) -> u64 {
    let mut synced = 0;
    while let Some(next) = next_record(file, at + 8, salt) {
        at = next;
        synced = Record::read(file, next, salt).map_or(synced, |record| synced.max(record.synced));
    }
    synced
}

fn next_record(file: &[u8], from: usize, salt: u64) -> Option<usize> {
    let from = from.next_multiple_of(8);
    let candidates = memchr::memmem::find_iter(file.get(from..)?, RECORD_MAGIC);
    candidates
        .map(|at| from + at)
        .filter(|at| at % 8 == 0)
        .find(|&at| Record::read(file, at, salt).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u64 = 99;

    /// A file of three records; the third claims that everything before it was synced.
    fn file(synced_of_third: fn(usize) -> u64) -> (Vec<u8>, Vec<usize>) {
        let mut file = vec![0u8; HEADER_BYTES];
        let mut starts = Vec::new();
        for (number, payload) in [&b"one"[..], b"second", b"the third one"].iter().enumerate() {
            let start = file.len();
            let synced = if number == 2 { synced_of_third(start) } else { 0 };
            let mut record = Vec::new();
            begin(&mut record);
            record.extend_from_slice(payload);
            finish(&mut record, SALT, start as u64, number as u64, synced);
            starts.push(start);
            file.extend_from_slice(&record);
        }
        (file, starts)
    }

    fn payloads<'a>(scan: &Scan<'a>) -> Vec<&'a [u8]> {
        scan.records.iter().map(|record| record.payload).collect()
    }

    #[test]
    fn a_record_whose_reserved_bytes_say_something_is_none() {
        let (mut file, starts) = file(|_| 0);
        assert!(Record::read(&file, starts[1], SALT).is_some());
        file[starts[1] + RECORD_HEAD_BYTES - 1] = 1;
        assert_eq!(Record::read(&file, starts[1], SALT).map(|record| record.sequence), None);
    }

    #[test]
    fn what_a_damaged_file_still_holds_is_found_with_the_ranges_between() {
        let (mut file, starts) = file(|_| 0);
        file[starts[1] + RECORD_HEAD_BYTES] ^= 1;
        let end = file.len();
        file.extend_from_slice(&[7; 16]);
        let (records, between) = salvage(&file, SALT);
        let found: Vec<_> = records.iter().map(|record| (record.offset, record.payload)).collect();
        let offset = |at: usize| starts[at] as u64;
        assert_eq!(found, [(offset(0), &b"one"[..]), (offset(2), b"the third one")]);
        assert_eq!(between, [(offset(1), offset(2)), (end as u64, file.len() as u64)]);
    }

    #[test]
    fn a_whole_file_is_read() {
        let (file, _) = file(|_| 0);
        let scan = scan(&file, SALT);
        assert_eq!(payloads(&scan), [&b"one"[..], b"second", b"the third one"]);
        assert_eq!((scan.torn_at, scan.damaged.len()), (None, 0));
    }

    #[test]
    fn a_cut_at_every_length_keeps_the_whole_records_before_it() {
        let (file, starts) = file(|_| 0);
        for len in HEADER_BYTES..file.len() {
            let scan = scan(&file[..len], SALT);
            let whole = starts.iter().skip(1).filter(|&&start| start <= len).count();
            // A record whose padding alone is missing is whole.
            assert!(scan.records.len() == whole || scan.records.len() == whole + 1, "{len}");
            assert!(scan.damaged.is_empty());
            let end = scan.records.last().map_or(HEADER_BYTES, Record::end);
            assert_eq!(scan.torn_at, (end < len).then_some(end as u64), "{len}");
        }
    }

    #[test]
    fn damage_below_the_synced_mark_is_named_and_the_rest_kept() {
        let (mut file, starts) = file(|start| start as u64);
        file[starts[1] + RECORD_HEAD_BYTES] ^= 1;
        let scan = scan(&file, SALT);
        assert_eq!(payloads(&scan), [&b"one"[..], b"the third one"]);
        assert_eq!(scan.damaged, [(starts[1] as u64, starts[2] as u64)]);
        assert_eq!(scan.torn_at, None);
    }

    #[test]
    fn a_bad_record_never_proven_synced_is_a_torn_tail() {
        let (mut file, starts) = file(|_| 0);
        file[starts[1] + RECORD_HEAD_BYTES] ^= 1;
        let scan = scan(&file, SALT);
        assert_eq!(payloads(&scan), [&b"one"[..]]);
        assert_eq!(scan.torn_at, Some(starts[1] as u64));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (file, _) = file(|_| 0);
        for bit in HEADER_BYTES * 8..file.len() * 8 {
            let mut bad = file.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let scan = scan(&bad, SALT);
            let padding_only = scan.records.len() == 3;
            assert!(padding_only || scan.torn_at.is_some(), "bit {bit}");
            for record in &scan.records {
                assert!([&b"one"[..], b"second", b"the third one"].contains(&record.payload));
            }
        }
    }

    #[test]
    fn a_record_moved_elsewhere_is_not_valid() {
        let (file, starts) = file(|_| 0);
        let mut swapped = file.clone();
        swapped.extend_from_slice(&file[starts[0]..starts[1]]);
        assert_eq!(scan(&swapped, SALT).records.len(), 3);
        assert!(Record::read(&file, starts[0], SALT + 1).is_none());
    }
}
