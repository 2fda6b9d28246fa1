//! Opens a segment whose header, footer or indexes are damaged, as far as what is left proves itself.
//!
//! A block proves itself: its checksum knows the file and the place. So an index entry is right if the
//! block it points at matches; where it does not, the place follows from the blocks beside it, for
//! blocks lie one behind the other. Header and footer are put right if one byte of them is wrong, and
//! a footer that is worse is done without: the indexes are looked for from the end.

use super::correct;
use crate::bytes::Reader;
use crate::checksum;
use crate::env::{Env, Mapping};
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::segment::Segment;
use crate::segment::format::{
    BLOCK_ENTRY_BYTES, BlockEntry, FOOTER_BYTES, Footer, NAME_ENTRY_BYTES, NameEntry,
};
use std::path::Path;

/// Entries of blocks times those of names up to which wrong bytes about names are tried.
const TRIED_MAX: usize = 1 << 14;

/// Opens a segment, damaged or not, and says what is wrong with header, footer and indexes. Blocks and
/// names are not looked at more than that takes. An error if nothing of it can be read.
pub fn open(env: &Env, path: &Path) -> Result<(Segment, Vec<Error>)> {
    match Segment::open(env, path) {
        Ok(segment) => Ok((segment, Vec::new())),
        Err(error @ Error::Damaged { .. }) => {
            let map = env.disk.map(path).map_err(|error| Error::io("open", path, error))?;
            put_right(path, map).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

fn put_right(path: &Path, map: Mapping) -> Option<(Segment, Vec<Error>)> {
    let mut faults = Vec::new();
    let header = header(path, &map, &mut faults)?;
    let footer_at = map.len().checked_sub(FOOTER_BYTES).filter(|&at| at >= HEADER_BYTES)?;
    let mut footer = footer(path, &map, header.salt, footer_at, &mut faults)?;
    if u64::from(footer.epochs.1) != header.epoch {
        faults.push(Error::damaged(path, 24, "header and footer name different epochs"));
    }
    let index = map.get(usize::try_from(footer.blocks_at).ok()?..footer_at)?;
    let (mut blocks, mut names) = entries(index, &footer)?;
    if checksum::seeded(header.salt, footer.blocks_at, index) != footer.index_checksum {
        // The last block ends where the names begin.
        let blocks_end = names.first().map_or(footer.blocks_at, |entry| entry.offset);
        blocks_put_right(&map, header.salt, &footer, (index, blocks_end), &mut blocks);
        let as_they_stand = names.clone();
        names = names_put_right(header.salt, &footer, &blocks, names);
        let right = encoded(&blocks, if names.is_empty() { &as_they_stand } else { &names });
        let at = index.iter().zip(&right).position(|(a, b)| a != b).unwrap_or(0) as u64;
        let what = "block index checksum does not match";
        faults.push(Error::damaged(path, footer.blocks_at + at, what));
        let is_inside = |offset: u64, bytes: u32| {
            let end = offset.checked_add(bytes.into());
            offset >= HEADER_BYTES as u64 && end.is_some_and(|end| end <= footer.blocks_at)
        };
        blocks.retain(|entry| is_inside(entry.offset, entry.bytes));
        names.retain(|entry| is_inside(entry.offset, entry.bytes));
        footer.samples = blocks.iter().map(|entry| u64::from(entry.rows)).sum();
    }
    let segment = Segment::of_parts(path, map, header.salt, footer, (blocks, names)).ok()?;
    Some((segment, faults))
}

/// The header; the salt is what matters, and the footer's checksum confirms it.
fn header(path: &Path, map: &[u8], faults: &mut Vec<Error>) -> Option<Header> {
    match Header::decode(path, map, FileKind::Segment) {
        Ok(header) => Some(header),
        Err(error) => {
            let (at, header) = correct::header(map, FileKind::Segment)?;
            faults.push(at_byte(path, error, at));
            Some(header)
        }
    }
}

fn at_byte(path: &Path, error: Error, at: usize) -> Error {
    match error {
        Error::Damaged { offset, what, .. } => Error::damaged(path, offset + at as u64, what),
        other => other,
    }
}

fn footer(
    path: &Path,
    map: &[u8],
    salt: u64,
    footer_at: usize,
    faults: &mut Vec<Error>,
) -> Option<Footer> {
    let bytes = &map[footer_at..];
    let decode = |bytes: &[u8]| Footer::decode(bytes, salt, footer_at as u64).ok();
    if let Some(footer) = decode(bytes) {
        return Some(footer);
    }
    let (at, bytes) = correct::one_byte(bytes, |bytes| decode(bytes).is_some())?;
    let what = "unreadable footer";
    faults.push(Error::damaged(path, (footer_at + at) as u64, what));
    decode(&bytes)
}

fn entries(index: &[u8], footer: &Footer) -> Option<(Vec<BlockEntry>, Vec<NameEntry>)> {
    let expected =
        footer.blocks as usize * BLOCK_ENTRY_BYTES + footer.name_groups as usize * NAME_ENTRY_BYTES;
    if index.len() != expected {
        return None;
    }
    let mut reader = Reader::new(index);
    let blocks = (0..footer.blocks).map(|_| BlockEntry::decode(&mut reader).ok());
    let blocks = blocks.collect::<Option<Vec<_>>>()?;
    let names = (0..footer.name_groups).map(|_| NameEntry::decode(&mut reader).ok());
    Some((blocks, names.collect::<Option<Vec<_>>>()?))
}

/// The sum that the bytes at a place have, if they lie in the file before the indexes.
fn sum(map: &[u8], salt: u64, end: u64, offset: u64, bytes: u64) -> Option<u32> {
    if offset < HEADER_BYTES as u64 || offset.checked_add(bytes)? > end {
        return None;
    }
    Some(checksum::seeded(salt, offset, &map[offset as usize..][..bytes as usize]))
}

/// Puts places and sums of blocks right where they do not match, and what an index says about a block
/// to what the block says.
fn blocks_put_right(
    map: &[u8],
    salt: u64,
    footer: &Footer,
    (index, blocks_end): (&[u8], u64),
    blocks: &mut [BlockEntry],
) {
    let is_sound = |entry: &BlockEntry| {
        let found = sum(map, salt, footer.blocks_at, entry.offset, entry.bytes.into());
        found == Some(entry.checksum)
    };
    for at in 0..blocks.len() {
        let before = blocks[..at].last().map(|entry| entry.offset + u64::from(entry.bytes));
        let start = before.unwrap_or(HEADER_BYTES as u64);
        let entry = blocks[at];
        if !is_sound(&entry) {
            let moved = BlockEntry { offset: start, ..entry };
            let next = blocks.get(at + 1).map_or(blocks_end, |next| next.offset);
            let length = next.checked_sub(start).and_then(|bytes| u32::try_from(bytes).ok());
            let resized = BlockEntry { bytes: length.unwrap_or(0), ..moved };
            let found = [moved, resized].into_iter().find(is_sound);
            // The index vouches for the block if a wrong sum was all that was wrong with it.
            let resummed = || {
                let found = sum(map, salt, footer.blocks_at, entry.offset, entry.bytes.into())?;
                let entry = BlockEntry { checksum: found, ..entry };
                let bytes = patched(index, at * BLOCK_ENTRY_BYTES, |out| entry.encode(out));
                let sum = checksum::seeded(salt, footer.blocks_at, &bytes);
                (sum == footer.index_checksum).then_some(entry)
            };
            blocks[at] = found.or_else(resummed).unwrap_or(entry);
        }
        if is_sound(&blocks[at]) {
            blocks[at] = described(map, blocks[at]);
        }
    }
}

/// What the block itself says, in place of what the index says of it.
fn described(map: &[u8], entry: BlockEntry) -> BlockEntry {
    let bytes = &map[entry.offset as usize..][..entry.bytes as usize];
    let Ok(block) = crate::segment::format::Block::parse(bytes) else { return entry };
    let (mut rows, mut low, mut high) = (0, i64::MAX, i64::MIN);
    let mut timestamps = Vec::new();
    for run in 0..block.runs() {
        timestamps.clear();
        if block.read_timestamps(run, &mut timestamps).is_err() {
            return entry;
        }
        rows += timestamps.len() as u32;
        low = low.min(timestamps.first().copied().unwrap_or(i64::MAX));
        high = high.max(timestamps.last().copied().unwrap_or(i64::MIN));
    }
    let series = (block.series(0), block.series(block.runs() - 1));
    BlockEntry { series, runs: block.runs() as u32, rows, timestamps: (low, high), ..entry }
}

/// Names must not go to another id, and only the index says which ids they are for: they are taken if
/// the index is as it was, once blocks and one byte about names are put right.
fn names_put_right(
    salt: u64,
    footer: &Footer,
    blocks: &[BlockEntry],
    names: Vec<NameEntry>,
) -> Vec<NameEntry> {
    let is_right = |names: &[NameEntry]| {
        let bytes = encoded(blocks, names);
        checksum::seeded(salt, footer.blocks_at, &bytes) == footer.index_checksum
    };
    if is_right(&names) {
        return names;
    }
    if names.len() * blocks.len() > TRIED_MAX {
        return Vec::new();
    }
    let with_other = |at: usize| {
        let bytes = encoded(&[], &names[at..=at]);
        let with = |bytes: &[u8]| {
            let mut names = names.clone();
            names[at] = NameEntry::decode(&mut Reader::new(bytes)).ok()?;
            Some(names)
        };
        let found = correct::one_byte(&bytes, |bytes| with(bytes).is_some_and(|n| is_right(&n)));
        with(&found?.1)
    };
    (0..names.len()).find_map(with_other).unwrap_or_default()
}

fn encoded(blocks: &[BlockEntry], names: &[NameEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    blocks.iter().for_each(|entry| entry.encode(&mut bytes));
    names.iter().for_each(|entry| entry.encode(&mut bytes));
    bytes
}

fn patched(index: &[u8], at: usize, encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut entry = Vec::new();
    encode(&mut entry);
    let mut bytes = index.to_vec();
    bytes[at..at + entry.len()].copy_from_slice(&entry);
    bytes
}
