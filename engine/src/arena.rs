//! Bytes of varying length beside the columns of a write buffer: what histograms say.
//!
//! One thread appends, any number read, nobody locks: like the columns, words are relaxed atomics,
//! written before the row that names them is published and never changed after.

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::OnceLock;

/// Bytes of one word.
const WORD: usize = 8;
/// Words in one piece; few where a model goes through all of them.
const PIECE_WORDS: usize =
    if cfg!(any(feature = "loom", feature = "shuttle")) { 2 } else { 1 << 15 };

/// See the module.
#[derive(Debug)]
pub struct Arena {
    pieces: Box<[OnceLock<Box<[AtomicU64]>>]>,
    /// Words used; only the writer looks at it.
    used: AtomicU64,
}

/// Where some bytes are, as the bits of a value: offset in the high half, length in the low half.
pub const fn place(offset: usize, bytes: usize) -> u64 {
    (offset as u64) << 32 | bytes as u64
}

/// Offset and length of a [`place`].
pub const fn offset_and_bytes(place: u64) -> (usize, usize) {
    ((place >> 32) as usize, place as u32 as usize)
}

impl Arena {
    /// Room for so many bytes; memory is taken as they come.
    pub fn new(bytes_max: usize) -> Arena {
        let pieces = bytes_max.div_ceil(PIECE_WORDS * WORD);
        let pieces = (0..pieces).map(|_| OnceLock::new()).collect();
        Arena { pieces, used: AtomicU64::new(0) }
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.used.load(Relaxed) == 0
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        (self.pieces.len() * PIECE_WORDS - self.used.load(Relaxed) as usize) * WORD
    }

    /// Appends bytes that fit; returns their offset. Only the shard's own thread calls this.
    pub fn append(&self, bytes: &[u8]) -> usize {
        let start = self.used.load(Relaxed) as usize;
        let mut at = start;
        for chunk in bytes.chunks(WORD) {
            let mut word = [0; WORD];
            word[..chunk.len()].copy_from_slice(chunk);
            let piece = self.pieces[at / PIECE_WORDS]
                .get_or_init(|| (0..PIECE_WORDS).map(|_| AtomicU64::new(0)).collect());
            piece[at % PIECE_WORDS].store(u64::from_le_bytes(word), Relaxed);
            at += 1;
        }
        self.used.store(at as u64, Relaxed);
        start * WORD
    }

    /// Appends the bytes of a place that a published row named to `out`.
    pub fn read(&self, offset: usize, bytes: usize, out: &mut Vec<u8>) {
        let (from, to) = (offset / WORD, (offset + bytes).div_ceil(WORD));
        let start = out.len() + offset % WORD;
        for at in from..to {
            let Some(piece) = self.pieces[at / PIECE_WORDS].get() else {
                unreachable!("word {at} was never written")
            };
            out.extend_from_slice(&piece[at % PIECE_WORDS].load(Relaxed).to_le_bytes());
        }
        out.drain(start - offset % WORD..start);
        out.truncate(start - offset % WORD + bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_any_offset() {
        let arena = Arena::new(PIECE_WORDS * WORD * 2);
        let bytes: Vec<u8> = (0..PIECE_WORDS * WORD + 99).map(|i| (i * 7 % 251) as u8).collect();
        assert_eq!(arena.append(b"abc"), 0);
        assert_eq!(arena.append(&bytes), 8);
        assert!(arena.room() < PIECE_WORDS * WORD);
        for (offset, len) in [(0, 0), (0, 1), (3, 5), (7, 9), (PIECE_WORDS * WORD - 20, 40)] {
            let mut out = b"x".to_vec();
            arena.read(8 + offset, len, &mut out);
            assert_eq!(out[1..], bytes[offset..offset + len], "{offset} {len}");
        }
    }
}
