//! Lines whose series come in the order of last time: each is compared with what it must be, and
//! only its numbers are read. No separator is looked for.
//!
//! It takes a subset of what `fast` and the lookup take together and gives the same rows; the first
//! line that is otherwise is left to them.

use super::lookup::{Lookup, Trail};
use super::{digits, fast, window};
use irontsd_engine::batch::{Batch, Row};
use irontsd_engine::types::Value;

/// A timestamp's text with the space behind it: most lines repeat that of the line before.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    text: u128,
    mask: u128,
    bytes: usize,
    ms: i64,
    row: Row,
}

impl Default for Stamp {
    /// The text of no timestamp.
    fn default() -> Self {
        Stamp { text: u128::MAX, mask: u128::MAX, bytes: 0, ms: 0, row: Row::at(0) }
    }
}

impl Stamp {
    /// Becomes the timestamp at the begin of sixteen bytes.
    #[inline(never)]
    fn read(bytes: &[u8; 16]) -> Option<Stamp> {
        let end = bytes.iter().position(|&byte| byte == b' ')?;
        let ms = fast::timestamp_ms(&bytes[..end])?;
        let bytes_and_space = end + 1;
        let mask = u128::MAX >> (128 - 8 * bytes_and_space);
        let text = u128::from_le_bytes(*bytes) & mask;
        Some(Stamp { text, mask, bytes: bytes_and_space, ms, row: Row::at(ms) })
    }

    #[inline(always)]
    fn is_at(&self, bytes: &[u8; 16]) -> bool {
        (u128::from_le_bytes(*bytes) ^ self.text) & self.mask == 0
    }
}

/// What bounds the lines that are taken.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Longest line, its end excluded.
    pub line_bytes_max: usize,
    /// Earliest timestamp.
    pub oldest_ms: i64,
}

/// [`take`], compiled for some instructions.
pub type Take = fn(&[u8], &Lookup, Bounds, &mut Trail, &mut Stamp, &mut Batch) -> usize;

/// [`take`], compiled for any machine.
pub fn take_plain(
    bytes: &[u8],
    lookup: &Lookup,
    bounds: Bounds,
    trail: &mut Trail,
    stamp: &mut Stamp,
    batch: &mut Batch,
) -> usize {
    take(bytes, lookup, bounds, trail, stamp, batch, digits::value)
}

/// Takes lines from the begin of `bytes` for as long as guesses hold; returns their length. `read`
/// is [`digits::value`] or what gives the same.
#[inline(always)]
pub fn take(
    bytes: &[u8],
    lookup: &Lookup,
    bounds: Bounds,
    trail: &mut Trail,
    stamp: &mut Stamp,
    batch: &mut Batch,
    read: impl Fn(&[u8; 16]) -> Option<(Value, usize)>,
) -> usize {
    let mut guesses = lookup.guesses(trail);
    let mut start = 0;
    while let Some(guess) = guesses.peek() {
        if !window::has(bytes, start, guess.head, guess.head_bytes) {
            break;
        }
        let at = start + guess.head_bytes;
        let Some(text) = window::array(bytes, at) else { break };
        if !stamp.is_at(text) {
            let Some(other) = Stamp::read(text) else { break };
            *stamp = other;
        }
        let at = at + stamp.bytes;
        let Some(text) = window::array(bytes, at) else { break };
        let Some((value, value_bytes)) = read(text) else { break };
        let at = at + value_bytes;
        let end = at + guess.tail_bytes;
        if !window::has(bytes, at, guess.tail, guess.tail_bytes)
            || end - 1 - start > bounds.line_bytes_max
            || stamp.ms < bounds.oldest_ms
        {
            break;
        }
        batch.push_row(guess.series, stamp.row.with(value));
        guesses.advance(trail);
        start = end;
    }
    start
}
