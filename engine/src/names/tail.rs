//! Names in memory: those of the ids that no part holds yet.

use crate::bytes::{Reader, put_varint};
use crate::types::SeriesId;
use hashbrown::HashTable;

const PIECE_BYTES: usize = 1 << 20;
/// Names whose hashes are gone through rather than looked up: they lie side by side.
const WALKED_MAX: u32 = 64;

/// Pieces that never move, an offset and the hash of each name, a hash table of ids. Hashes are kept, so
/// that neither a growing table nor a name that is not there costs a look at other names.
#[derive(Debug, Default)]
pub struct Tail {
    first: SeriesId,
    pieces: Vec<Vec<u8>>,
    offsets: Vec<u64>,
    hashes: Vec<u64>,
    ids: HashTable<SeriesId>,
    bytes: usize,
}

impl Tail {
    /// Without names yet; the first gets this id.
    pub fn new(first: SeriesId) -> Tail {
        Tail { first, ..Tail::default() }
    }

    /// The first id it may hold.
    pub fn first(&self) -> SeriesId {
        self.first
    }

    /// The id that the next name gets.
    pub fn end(&self) -> SeriesId {
        self.first + self.offsets.len() as u32
    }

    /// Bytes of the names.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The name of an id from `first` to `end`; empty if it was lost.
    pub fn name(&self, series: SeriesId) -> &[u8] {
        let offset = self.offsets[(series - self.first) as usize];
        let mut reader =
            Reader::new(&self.pieces[(offset >> 32) as usize][offset as u32 as usize..]);
        let len = reader.varint().unwrap_or(0);
        reader.take(len as usize).unwrap_or_default()
    }

    /// The hash of the name of an id from `first` to `end`.
    pub fn hash(&self, series: SeriesId) -> u64 {
        self.hashes[(series - self.first) as usize]
    }

    /// The id of a name.
    pub fn find(&self, hash: u64, name: &[u8]) -> Option<SeriesId> {
        let is_it = |&id: &SeriesId| self.hash(id) == hash && self.name(id) == name;
        self.ids.find(hash, is_it).copied()
    }

    /// The id of a name that had none when the next id was `end`.
    pub fn find_behind(&self, end: SeriesId, hash: u64, name: &[u8]) -> Option<SeriesId> {
        if self.end().saturating_sub(end) > WALKED_MAX || end < self.first {
            return self.find(hash, name);
        }
        (end..self.end()).find(|&id| self.hash(id) == hash && self.name(id) == name)
    }

    /// Gives the next id to a name that has none.
    pub fn insert(&mut self, hash: u64, name: &[u8]) -> SeriesId {
        let id = self.push(hash, name);
        self.index(id);
        id
    }

    /// Leaves the next id without a name: it was lost.
    pub fn push_lost(&mut self) {
        self.push(0, b"");
    }

    /// Gives a name to an id that lost its own.
    pub fn replace(&mut self, series: SeriesId, hash: u64, name: &[u8]) {
        let copy = self.push(hash, name);
        let (offset, hash) = (self.offsets.pop(), self.hashes.pop());
        debug_assert_eq!(copy, self.end());
        let at = (series - self.first) as usize;
        (self.offsets[at], self.hashes[at]) =
            (offset.unwrap_or_default(), hash.unwrap_or_default());
        self.index(series);
    }

    fn index(&mut self, id: SeriesId) {
        let Tail { first, hashes, ids, .. } = self;
        let hash = |&id: &SeriesId| hashes[(id - *first) as usize];
        ids.insert_unique(hash(&id), id, hash);
    }

    fn push(&mut self, hash: u64, name: &[u8]) -> SeriesId {
        let needed = name.len() + 10;
        if self.pieces.last().is_none_or(|piece| piece.capacity() - piece.len() < needed) {
            self.pieces.push(Vec::with_capacity(needed.max(PIECE_BYTES)));
        }
        let number = self.pieces.len() - 1;
        let piece = &mut self.pieces[number];
        self.hashes.push(hash);
        self.offsets.push((number as u64) << 32 | piece.len() as u64);
        put_varint(piece, name.len() as u64);
        piece.extend_from_slice(name);
        self.bytes += name.len();
        self.end() - 1
    }

    /// What is left when the names before `end` are in a part.
    pub fn behind(&self, end: SeriesId) -> Tail {
        let mut rest = Tail::new(end);
        for series in end..self.end() {
            match self.name(series) {
                b"" => rest.push_lost(),
                name => _ = rest.insert(self.hash(series), name),
            }
        }
        rest
    }
}
