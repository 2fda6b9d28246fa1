//! High bits from a dictionary, low bits packed: for doubles whose sign and exponent say something
//! and whose fraction does not (ALP-RD, with a dictionary as long as it pays).

use super::SPLIT;
use crate::bytes::{Malformed, Reader, put_varint};
use crate::codec::bits::{self, SLACK_BYTES};
use crate::codec::column::Column;
use crate::codec::huffman::Tables;
use crate::codec::stream;

/// Entries of a dictionary at the most.
const ENTRIES_MAX: usize = 128;
/// How many low bits are packed, by trial.
const LOW_BITS: [u8; 2] = [52, LOW_BITS_MIN];
/// The fewest of them.
pub const LOW_BITS_MIN: u8 = 48;

/// The column, if a dictionary is short enough.
pub fn plan(bits: &[u64]) -> Option<Column> {
    let columns = LOW_BITS.iter().map_while(|&low| with_low(bits, low));
    columns.min_by_key(Column::estimate)
}

fn with_low(bits: &[u64], low: u8) -> Option<Column> {
    let mut dictionary = Dictionary::new();
    let indexes = bits.iter().map(|bits| dictionary.index(bits >> low));
    let indexes: Vec<usize> = indexes.collect::<Option<_>>()?;
    // The most frequent first: runs of a block then use the same indexes, whatever their values.
    let mut by_count: Vec<usize> = (0..dictionary.entries.len()).collect();
    by_count.sort_by_key(|&at| usize::MAX - dictionary.entries[at].1);
    let mut column = Column::plain(vec![SPLIT, low, by_count.len() as u8]);
    let mut places = [0; ENTRIES_MAX];
    for (place, at) in (0..).zip(by_count) {
        put_varint(&mut column.bytes, dictionary.entries[at].0);
        places[at] = place;
    }
    stream::plan(indexes.into_iter().map(|at| places[at]).collect(), &mut column);
    let mask = (1 << low) - 1;
    bits::pack(bits.iter().map(|bits| bits & mask), low, &mut column.bytes);
    Some(column)
}

/// Slots of a dictionary while it is made.
const SLOTS: usize = 4 * ENTRIES_MAX;

/// High bits in the order of their first use, and how often each came.
struct Dictionary {
    entries: Vec<(u64, usize)>,
    /// One more than the entry's number; 0 if free.
    slots: [u8; SLOTS],
}

impl Dictionary {
    fn new() -> Dictionary {
        Dictionary { entries: Vec::new(), slots: [0; SLOTS] }
    }

    /// The number of an entry, made if need be; `None` if there is no room.
    fn index(&mut self, high: u64) -> Option<usize> {
        let mut slot = (high.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55) as usize % SLOTS;
        while self.slots[slot] > 0 {
            let at = usize::from(self.slots[slot]) - 1;
            if self.entries[at].0 == high {
                self.entries[at].1 += 1;
                return Some(at);
            }
            slot = (slot + 1) % SLOTS;
        }
        if self.entries.len() == ENTRIES_MAX {
            return None;
        }
        self.entries.push((high, 1));
        self.slots[slot] = self.entries.len() as u8;
        Some(self.entries.len() - 1)
    }
}

/// See [`super::decode`].
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let (low, entries) = (reader.u8()?, reader.u8()?);
    if low > 56 {
        return Err(reader.malformed());
    }
    let mut highs = [0; 256];
    for high in &mut highs[..usize::from(entries)] {
        *high = reader.varint()? << low;
    }
    stream::decode(reader, tables, out)?;
    let packed = reader.rest();
    if packed.len() < bits::packed_bytes(out.len(), low) + SLACK_BYTES {
        return Err(reader.malformed());
    }
    out.iter_mut().for_each(|bits| *bits = highs[usize::from(*bits as u8)]);
    // The low bits of the high ones are zero.
    bits::unpack_onto(packed, low, out);
    reader.take(bits::packed_bytes(out.len(), low))?;
    Ok(())
}
