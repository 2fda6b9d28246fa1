//! Opens a sealed segment for reading: maps it, checks its indexes, checks each block once.
//!
//! Never called by an event loop: a first touch of a mapped page may wait for the disk.

use super::format::{
    BLOCK_ENTRY_BYTES, Block, BlockEntry, FOOTER_BYTES, Footer, NAME_ENTRY_BYTES, NameEntry,
};
use crate::bytes::Reader;
use crate::checksum;
use crate::env::{Env, Mapping};
use crate::error::{Error, Result};
use crate::header::{FileKind, HEADER_BYTES, Header};
use crate::names::coded::{Coded, Walk};
use crate::names::ids;
use crate::types::{Samples, SeriesId};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// A sealed segment, mapped.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    map: Mapping,
    salt: u64,
    footer: Footer,
    blocks: Vec<BlockEntry>,
    names: Vec<NameEntry>,
    /// Per block: not yet checked, sound, damaged.
    checked: Vec<AtomicU8>,
    /// Deletes up to this number hit nothing in it.
    deletes: u64,
    /// Blocks found unreadable, and the first sentence about that.
    damaged: AtomicU64,
    damage: OnceLock<String>,
}

const UNCHECKED: u8 = 0;
const SOUND: u8 = 1;
const DAMAGED: u8 = 2;

impl Segment {
    /// Maps the file and checks header, footer and indexes. Blocks are checked when first read.
    pub fn open(env: &Env, path: &Path) -> Result<Segment> {
        let map = env.disk.map(path).map_err(|error| Error::io("open", path, error))?;
        let header = Header::decode(path, &map, FileKind::Segment)?;
        let footer_at = map.len().saturating_sub(FOOTER_BYTES).max(HEADER_BYTES);
        let footer_bytes = map.get(footer_at..).unwrap_or_default();
        let footer = Footer::decode(footer_bytes, header.salt, footer_at as u64);
        let footer =
            footer.map_err(|_| Error::damaged(path, footer_at as u64, "unreadable footer"))?;
        let index = index_bytes(path, &map, header.salt, &footer, footer_at)?;
        if header.epoch != u64::from(footer.epochs.1) {
            return Err(Error::damaged(path, 24, "header and footer name different epochs"));
        }
        let (blocks, names) = read_index(path, index, &footer)?;
        Segment::of_parts(path, map, header.salt, footer, (blocks, names))
    }

    /// Puts a segment together from indexes that were found some other way than by [`Segment::open`].
    /// Blocks and names still have to match their checksums.
    pub(crate) fn of_parts(
        path: &Path,
        map: Mapping,
        salt: u64,
        footer: Footer,
        (blocks, names): (Vec<BlockEntry>, Vec<NameEntry>),
    ) -> Result<Segment> {
        check_ranges(path, &footer, &blocks, &names)?;
        let checked = blocks.iter().map(|_| AtomicU8::new(UNCHECKED)).collect();
        if map.has_faulted() {
            return Err(Error::unreadable(path));
        }
        Ok(Segment {
            path: path.to_owned(),
            map,
            salt,
            footer,
            blocks,
            names,
            checked,
            deletes: 0,
            damaged: AtomicU64::new(0),
            damage: OnceLock::new(),
        })
    }

    /// Says up to which number deletes hit nothing in it.
    pub fn with_deletes(self, deletes: u64) -> Segment {
        Segment { deletes, ..self }
    }

    /// Deletes up to this number hit nothing in it.
    pub fn deletes(&self) -> u64 {
        self.deletes
    }

    /// What it holds in total.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its blocks, by series, then time.
    pub fn blocks(&self) -> &[BlockEntry] {
        &self.blocks
    }

    /// All bytes of the file.
    pub fn file(&self) -> &[u8] {
        &self.map
    }

    /// Its groups of names, by id.
    pub fn name_groups(&self) -> &[NameEntry] {
        &self.names
    }

    /// The first block that may hold a series.
    pub fn lower_bound(&self, series: SeriesId) -> usize {
        self.blocks.partition_point(|block| block.series.1 < series)
    }

    /// Fails once any of the file could not be read. Whoever has read from it asks before he believes.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.map.has_faulted() { Err(self.note(Error::unreadable(&self.path))) } else { Ok(()) }
    }

    /// Whether some of the file could not be read: it is not worth asking any more.
    pub fn is_lost(&self) -> bool {
        self.map.has_faulted()
    }

    /// How many blocks were found unreadable, and what was wrong first.
    pub fn damage(&self) -> Option<(u64, &str)> {
        self.damage.get().map(|first| (self.damaged.load(Relaxed), first.as_str()))
    }

    /// Damage is told when it is met first, and only counted from then on.
    fn note(&self, error: Error) -> Error {
        if self.damage.set(error.to_string()).is_ok() {
            tracing::error!(
                "{error}; exports that need it end early, or with allow_damaged=1 without it"
            );
        }
        error
    }

    fn note_block(&self, at: usize, what: &str) -> Error {
        if self.checked[at].swap(DAMAGED, Relaxed) != DAMAGED {
            self.damaged.fetch_add(1, Relaxed);
        }
        self.note(Error::damaged(&self.path, self.blocks[at].offset, what))
    }

    /// A block whose checksum holds.
    pub fn block(&self, at: usize) -> Result<Block<'_>> {
        self.check()?;
        let entry = &self.blocks[at];
        let bytes = &self.map[entry.offset as usize..][..entry.bytes as usize];
        if self.checked[at].load(Relaxed) != SOUND {
            if checksum::seeded(self.salt, entry.offset, bytes) != entry.checksum {
                self.check()?;
                return Err(self.note_block(at, "block checksum does not match"));
            }
            self.checked[at].store(SOUND, Relaxed);
        }
        Block::parse(bytes).map_err(|_| self.malformed(at, "block directory is malformed"))
    }

    /// Bytes whose checksum held once make no sense: they are not those any more, or never did.
    fn malformed(&self, at: usize, what: &str) -> Error {
        self.check().err().unwrap_or_else(|| self.note_block(at, what))
    }

    /// Appends the samples of one run of a block.
    pub fn read(&self, at: usize, block: &Block<'_>, run: usize, out: &mut Samples) -> Result<()> {
        block.read(run, out).map_err(|_| self.malformed(at, "a run is malformed"))?;
        self.check()
    }

    /// Appends only the timestamps of a run.
    pub fn read_timestamps(
        &self,
        at: usize,
        block: &Block<'_>,
        run: usize,
        out: &mut Vec<i64>,
    ) -> Result<()> {
        let read = block.read_timestamps(run, out);
        read.map_err(|_| self.malformed(at, "a run is malformed"))?;
        self.check()
    }

    /// Calls `sink` with every series and its canonical name.
    pub fn each_name(&self, mut sink: impl FnMut(SeriesId, &[u8])) -> Result<()> {
        self.names.iter().try_for_each(|entry| self.each_name_of(entry, &mut sink))
    }

    /// The same for one group.
    pub fn each_name_of(
        &self,
        entry: &NameEntry,
        mut sink: impl FnMut(SeriesId, &[u8]),
    ) -> Result<()> {
        let damaged = |what: &str| Error::damaged(&self.path, entry.offset, what);
        if !self.has_sound_names(entry) {
            return Err(damaged("name group checksum does not match"));
        }
        let bytes = &self.map[entry.offset as usize..][..entry.bytes as usize];
        let read = match entry.raw_bytes {
            0 => each_coded(bytes, entry, &mut sink),
            raw_bytes => each_packed(bytes, raw_bytes as usize, entry, &mut sink),
        };
        read.ok_or_else(|| damaged("name group is malformed"))?;
        self.check()
    }

    /// Whether the checksum of a group of names holds.
    pub fn has_sound_names(&self, entry: &NameEntry) -> bool {
        let bytes = &self.map[entry.offset as usize..][..entry.bytes as usize];
        checksum::seeded(self.salt, entry.offset, bytes) == entry.checksum
    }
}

/// Names as this version writes them.
fn each_coded(
    bytes: &[u8],
    entry: &NameEntry,
    sink: &mut impl FnMut(SeriesId, &[u8]),
) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let ids = ids::decode(&mut reader, entry.first, entry.names as usize).ok()?;
    let list_bytes = reader.rest();
    let list = Coded::parse(list_bytes).filter(|list| list.len() == entry.names)?;
    let (mut walk, mut name) = (Walk::default(), Vec::new());
    for (at, series) in (0..).zip(ids) {
        name.clear();
        list.read(list_bytes, at, &mut walk, &mut name)?;
        sink(series, &name);
    }
    Some(())
}

/// Names as versions 1 and 2 wrote them.
fn each_packed(
    bytes: &[u8],
    raw_bytes: usize,
    entry: &NameEntry,
    sink: &mut impl FnMut(SeriesId, &[u8]),
) -> Option<()> {
    let raw = lz4_flex::block::decompress(bytes, raw_bytes).ok()?;
    let mut reader = Reader::new(&raw);
    let mut series = entry.first;
    for _ in 0..entry.names {
        series = series.wrapping_add(reader.varint().ok()? as u32);
        let len = reader.varint().ok()?;
        sink(series, reader.take(len as usize).ok()?);
    }
    (raw.len() == raw_bytes).then_some(())
}

fn index_bytes<'a>(
    path: &Path,
    map: &'a Mapping,
    salt: u64,
    footer: &Footer,
    footer_at: usize,
) -> Result<&'a [u8]> {
    let damaged = |what: &str| Error::damaged(path, footer.blocks_at, what);
    let index = usize::try_from(footer.blocks_at).ok().and_then(|at| map.get(at..footer_at));
    let index = index.ok_or_else(|| damaged("block index lies outside the file"))?;
    let expected =
        footer.blocks as usize * BLOCK_ENTRY_BYTES + footer.name_groups as usize * NAME_ENTRY_BYTES;
    if index.len() != expected {
        return Err(damaged("block index has the wrong length"));
    }
    if checksum::seeded(salt, footer.blocks_at, index) != footer.index_checksum {
        return Err(damaged("block index checksum does not match"));
    }
    Ok(index)
}

fn read_index(
    path: &Path,
    index: &[u8],
    footer: &Footer,
) -> Result<(Vec<BlockEntry>, Vec<NameEntry>)> {
    let malformed = |_| Error::damaged(path, footer.blocks_at, "block index is malformed");
    let mut reader = Reader::new(index);
    let blocks = (0..footer.blocks).map(|_| BlockEntry::decode(&mut reader));
    let blocks = blocks.collect::<std::result::Result<_, _>>().map_err(malformed)?;
    let names = (0..footer.name_groups).map(|_| NameEntry::decode(&mut reader));
    let names = names.collect::<std::result::Result<_, _>>().map_err(malformed)?;
    Ok((blocks, names))
}

/// Everything the indexes point at lies between header and index, so slices of it cannot fail.
fn check_ranges(
    path: &Path,
    footer: &Footer,
    blocks: &[BlockEntry],
    names: &[NameEntry],
) -> Result<()> {
    let ranges = blocks.iter().map(|entry| (entry.offset, entry.bytes));
    for (offset, bytes) in ranges.chain(names.iter().map(|entry| (entry.offset, entry.bytes))) {
        let end = offset.checked_add(u64::from(bytes));
        if offset < HEADER_BYTES as u64 || end.is_none_or(|end| end > footer.blocks_at) {
            return Err(Error::damaged(path, footer.blocks_at, "an index entry points outside"));
        }
    }
    // LZ4 cannot expand further: a larger length is a lie that would be allocated.
    let lies = |entry: &NameEntry| u64::from(entry.raw_bytes) > u64::from(entry.bytes) * 255 + 64;
    if names.iter().any(lies) {
        return Err(Error::damaged(path, footer.blocks_at, "a name group claims too much"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an index with such an entry of each kind says to an index at offset 200.
    fn judge(block: (u64, u32), names: (u64, u32, u32)) -> bool {
        let footer = Footer {
            blocks_at: 200,
            blocks: 1,
            name_groups: 1,
            index_checksum: 0,
            series: 1,
            samples: 1,
            timestamps: (1, 1),
            epochs: (1, 1),
        };
        let (offset, bytes) = block;
        let (series, timestamps) = ((0, 0), (1, 1));
        let block = BlockEntry { offset, bytes, checksum: 0, series, runs: 1, rows: 1, timestamps };
        let (offset, bytes, raw_bytes) = names;
        let names = NameEntry { offset, bytes, raw_bytes, checksum: 0, first: 0, names: 1 };
        check_ranges(Path::new("a.seg"), &footer, &[block], &[names]).is_ok()
    }

    #[test]
    fn entries_lie_between_header_and_index() {
        let start = HEADER_BYTES as u64;
        let most = 20 * 255 + 64;
        assert!(judge((start, 200 - HEADER_BYTES as u32), (180, 20, most)));
        assert!(!judge((start - 1, 10), (180, 20, most)));
        assert!(!judge((start, 201 - HEADER_BYTES as u32), (180, 20, most)));
        assert!(!judge((start, 10), (180, 21, most)));
        assert!(!judge((u64::MAX, 10), (180, 20, most)));
        assert!(!judge((start, 10), (180, 20, most + 1)));
    }
}
