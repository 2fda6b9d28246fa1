//! Puts magic numbers, places and checksums of changed files right.

use irontsd_engine::checksum;
use irontsd_engine::header::{CHECKSUM_AT, FORMAT_VERSION, FileKind, HEADER_BYTES, MAGIC};
use irontsd_engine::log::record::{RECORD_HEAD_BYTES, RECORD_MAGIC};
use irontsd_engine::names::part;
use irontsd_engine::segment::format::{
    BLOCK_ENTRY_BYTES, FOOTER_BYTES, FOOTER_MAGIC, NAME_ENTRY_BYTES,
};

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn place_at(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64_at(bytes, at)).unwrap_or(usize::MAX)
}

fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes[at..at + new.len()].copy_from_slice(new);
}

/// Makes the header that of a file of this kind; the salt, or `None` if there is no room for one.
pub fn header(file: &mut [u8], kind: FileKind) -> Option<u64> {
    let head = file.get_mut(..HEADER_BYTES)?;
    put(head, 0, MAGIC);
    put(head, 8, &(kind as u32).to_le_bytes());
    let version = u32_at(head, 12).clamp(1, FORMAT_VERSION);
    put(head, 12, &version.to_le_bytes());
    let sum = checksum::seeded(0, 0, &head[..CHECKSUM_AT]);
    put(head, CHECKSUM_AT, &sum.to_le_bytes());
    Some(u64_at(head, 16))
}

/// Makes what stands behind the header records, one after the other, with these bits of their sequences;
/// leaves number `but` as it is.
pub fn records(file: &mut [u8], salt: u64, sequence_bits: u64, but: Option<usize>) {
    let mut at = HEADER_BYTES;
    for number in 0.. {
        let left = file.len().saturating_sub(at + RECORD_HEAD_BYTES);
        if at + RECORD_HEAD_BYTES > file.len() {
            return;
        }
        let payload_bytes = (u32_at(file, at + 4) as usize).min(left);
        let payload = at + RECORD_HEAD_BYTES..at + RECORD_HEAD_BYTES + payload_bytes;
        if Some(number) != but {
            put(file, at, RECORD_MAGIC);
            put(file, at + 4, &(payload_bytes as u32).to_le_bytes());
            let sequence = u64_at(file, at + 8) & sequence_bits;
            put(file, at + 8, &sequence.to_le_bytes());
            put(file, at + 28, &[0; 4]);
            let sum = checksum::seeded(salt, at as u64, &file[at..at + 24]);
            let sum = checksum::continued(sum, &file[payload.clone()]);
            put(file, at + 24, &sum.to_le_bytes());
        }
        at = payload.end.next_multiple_of(8);
    }
}

/// Makes header, footer and checksums those of a segment, as far as its places lie inside.
pub fn segment(file: &mut [u8]) {
    let Some(footer_at) = file.len().checked_sub(FOOTER_BYTES).filter(|&at| at >= HEADER_BYTES)
    else {
        return;
    };
    let epoch = u64::from(u32_at(file, footer_at + 60));
    put(file, 24, &epoch.to_le_bytes());
    let salt = header(file, FileKind::Segment).expect("long enough");
    put(file, footer_at, FOOTER_MAGIC);
    let blocks_at = place_at(file, footer_at + 8);
    let blocks = u32_at(file, footer_at + 16) as usize;
    let groups = u32_at(file, footer_at + 20) as usize;
    let index_bytes = blocks * BLOCK_ENTRY_BYTES + groups * NAME_ENTRY_BYTES;
    if blocks_at.checked_add(index_bytes) == Some(footer_at) {
        let names_at = blocks_at + blocks * BLOCK_ENTRY_BYTES;
        let block = |number| (blocks_at + number * BLOCK_ENTRY_BYTES, 12);
        let group = |number| (names_at + number * NAME_ENTRY_BYTES, 16);
        for (entry, sum_at) in (0..blocks).map(block).chain((0..groups).map(group)) {
            let (offset, bytes) = (place_at(file, entry), u32_at(file, entry + 8) as usize);
            let end = offset.saturating_add(bytes);
            if let Some(content) = file.get(offset..end) {
                let sum = checksum::seeded(salt, offset as u64, content);
                put(file, entry + sum_at, &sum.to_le_bytes());
            }
        }
        let sum = checksum::seeded(salt, blocks_at as u64, &file[blocks_at..footer_at]);
        put(file, footer_at + 24, &sum.to_le_bytes());
    }
    let sum_at = file.len() - 4;
    let sum = checksum::seeded(salt, footer_at as u64, &file[footer_at..sum_at]);
    put(file, sum_at, &sum.to_le_bytes());
}

/// The same of a part of names, with these bits of its first id.
pub fn names_part(file: &mut [u8], id_bits: u32) {
    let footer_at = file.len().checked_sub(part::FOOTER_BYTES);
    let Some(footer_at) = footer_at.filter(|&at| at >= HEADER_BYTES) else { return };
    let salt = header(file, FileKind::NamesPart).expect("long enough");
    put(file, footer_at, b"NAMFOOT\n");
    let first = u32_at(file, footer_at + 24) & id_bits;
    put(file, footer_at + 24, &first.to_le_bytes());
    let checks_at = place_at(file, footer_at + 16);
    let starts = (HEADER_BYTES..checks_at.min(footer_at)).step_by(part::CHUNK_BYTES);
    if checks_at.checked_add(4 * starts.len()) == Some(footer_at) {
        for (number, start) in starts.enumerate() {
            let end = checks_at.min(start + part::CHUNK_BYTES);
            let sum = checksum::seeded(salt, start as u64, &file[start..end]);
            put(file, checks_at + 4 * number, &sum.to_le_bytes());
        }
        let sum = checksum::seeded(salt, checks_at as u64, &file[checks_at..footer_at]);
        put(file, footer_at + 48, &sum.to_le_bytes());
    }
    let sum_at = file.len() - 4;
    let sum = checksum::seeded(salt, footer_at as u64, &file[footer_at..sum_at]);
    put(file, sum_at, &sum.to_le_bytes());
}
