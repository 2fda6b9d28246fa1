//! Reads numbers in a code: symbols first, from both ends of their bytes at once, so that the
//! processor always has two lookups in flight; then the numbers they stand for.

use super::memo::{self, DecodeTable};
use super::symbol::{BASES, EXTRA_BITS};
use super::{CODE_BITS_MAX, SYMBOLS, Tables, pairs};
use crate::bytes::{Malformed, Reader, unzigzag};
use crate::codec::bits::SLACK_BYTES;

/// Symbols taken from one load of eight bytes: their codes are within 56 bits.
const STEP: usize = 5;

/// Fills `out` with numbers from the bytes behind `reader`, which go on for at least
/// [`SLACK_BYTES`] behind them.
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    table: u8,
    base: i64,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let pairs = pairs(out.len());
    let mut lengths = [0; 2];
    for length in &mut lengths[..pairs] {
        *length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        // No code is longer than eleven bits.
        if *length > 2 * out.len() + 2 {
            return Err(reader.malformed());
        }
    }
    let area = reader.take(lengths[0] + lengths[1])?;
    memo::with(tables.get(table)?, |table, bytes, symbols| {
        bytes.clear();
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        bytes.extend_from_slice(area);
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        symbols.resize(out.len(), 0);
        if pairs == 1 {
            two_ends(table, bytes, symbols);
        } else {
            four_ends(table, bytes, lengths[0], symbols);
        }
        if !table.has_extra {
            for (number, &symbol) in out.iter_mut().zip(&*symbols) {
                *number = base.wrapping_add(unzigzag(u64::from(symbol))) as u64;
            }
            return Ok(());
        }
        let extra: usize = symbols.iter().map(|&symbol| extra_of(symbol)).sum();
        let rest = reader.take(extra.div_ceil(8))?;
        numbers(symbols, rest, base, bytes, out);
        Ok(())
    })
}

fn extra_of(symbol: u16) -> usize {
    usize::from(EXTRA_BITS[usize::from(symbol).min(SYMBOLS - 1)])
}

/// `bytes` are those of the codes between two times [`SLACK_BYTES`].
fn two_ends(table: &DecodeTable, bytes: &[u8], symbols: &mut [u16]) {
    let (first, second) = symbols.split_at_mut(symbols.len().div_ceil(2));
    let end = bytes.len() - SLACK_BYTES;
    read([first, second], [Lane::up(SLACK_BYTES), Lane::down(end)], table, bytes);
}

/// The first pair of ends has the first `middle` bytes.
fn four_ends(table: &DecodeTable, bytes: &[u8], middle: usize, symbols: &mut [u16]) {
    let (first, second) = symbols.split_at_mut(symbols.len().div_ceil(2));
    let (one, two) = first.split_at_mut(first.len().div_ceil(2));
    let (three, four) = second.split_at_mut(second.len().div_ceil(2));
    let (middle, end) = (SLACK_BYTES + middle, bytes.len() - SLACK_BYTES);
    let lanes = [Lane::up(SLACK_BYTES), Lane::down(middle), Lane::up(middle), Lane::down(end)];
    read([one, two, three, four], lanes, table, bytes);
}

/// Where codes are read, and in which direction.
#[derive(Clone, Copy)]
struct Lane {
    start: usize,
    bit: usize,
    down: bool,
}

impl Lane {
    fn up(start: usize) -> Lane {
        Lane { start, bit: 0, down: false }
    }

    fn down(start: usize) -> Lane {
        Lane { start, bit: 0, down: true }
    }

    /// The next bits, 56 at least. Anything, if they are not there.
    #[inline(always)]
    fn load(&self, bytes: &[u8]) -> u64 {
        let word = if self.down {
            let at = self.start.saturating_sub(self.bit / 8 + 8);
            u64::from_be_bytes(eight(bytes, at))
        } else {
            let at = (self.start + self.bit / 8).min(bytes.len() - 8);
            u64::from_le_bytes(eight(bytes, at))
        };
        word >> (self.bit % 8)
    }

    #[inline(always)]
    fn next(&mut self, word: &mut u64, table: &DecodeTable) -> u16 {
        let entry = table.entries[(*word & ((1 << CODE_BITS_MAX) - 1)) as usize];
        *word >>= entry & 15;
        self.bit += usize::from(entry & 15);
        entry >> 4
    }
}

/// Fills each list from its lane, a step from each in turn.
#[inline(always)]
fn read<const LANES: usize>(
    lists: [&mut [u16]; LANES],
    mut lanes: [Lane; LANES],
    table: &DecodeTable,
    bytes: &[u8],
) {
    let lists = lists.map(<[u16]>::as_chunks_mut::<STEP>);
    let steps = lists.each_ref().map(|list| list.0.len()).into_iter().min().unwrap_or(0);
    for step in 0..steps {
        let mut words = lanes.each_ref().map(|lane| lane.load(bytes));
        for place in 0..STEP {
            for at in 0..LANES {
                lists[at].0[step][place] = lanes[at].next(&mut words[at], table);
            }
        }
    }
    // At most one step and less than a step are left in each.
    for (list, lane) in lists.into_iter().zip(&mut lanes) {
        for symbol in list.0[steps..].iter_mut().flatten().chain(list.1) {
            *symbol = lane.next(&mut lane.load(bytes), table);
        }
    }
}

#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    eight
}

/// Numbers of symbols, of which some are followed by bits. `padded` is memory to use.
fn numbers(symbols: &[u16], rest: &[u8], base: i64, padded: &mut Vec<u8>, out: &mut [u64]) {
    padded.clear();
    padded.extend_from_slice(rest);
    padded.extend_from_slice(&[0; 2 * SLACK_BYTES]);
    let mut bit = 0;
    for (number, &symbol) in out.iter_mut().zip(symbols) {
        let symbol = usize::from(symbol).min(SYMBOLS - 1);
        let extra = usize::from(EXTRA_BITS[symbol]);
        let (at, shift) = (bit / 8, bit % 8);
        let mut word = u64::from_le_bytes(eight(padded, at)) >> shift;
        if extra > 56 && shift > 0 {
            word |= u64::from(padded[at + 8]) << (64 - shift);
        }
        let folded = BASES[symbol] + ((word & ((1 << extra) - 1)) << 1);
        *number = base.wrapping_add(unzigzag(folded)) as u64;
        bit += extra;
    }
}
