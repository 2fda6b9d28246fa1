//! Numbers of which few differ, in no order that differences would show: each distinct one once,
//! the most frequent first, and for each number the place of its own in that list.
//!
//! Layout: `FORMAT.md`, section "Value column".

use super::column::Column;
use super::huffman::Tables;
use super::memory::Numbers;
use super::numbers;
use super::stream::{self, Sample};
use super::vectors::twice;
use crate::bytes::{Malformed, Reader, put_signed, put_varint};
use crate::types::Kind;

/// The tag.
pub const DICTIONARY: u8 = 102;

/// Distinct numbers at the most.
const ENTRIES_MAX: usize = 1024;
/// A number comes at least so often, on average.
const TIMES_MIN: usize = 4;
/// In lists of fewer numbers, those of a dictionary are so few that of a sample two are equal.
const SAMPLED_MAX: usize = 2048;
/// Numbers that take fewer bits are left as they are.
const BITS_MIN: u64 = 3;

/// A column of numbers of one kind, as differences or by a dictionary.
pub fn plan(kind: u8, list: &[i64]) -> Column {
    let column = numbers::plan(Some(kind), list);
    let all_may_differ = list.len() < SAMPLED_MAX && Sample::of(list).all_differ();
    if column.estimate() < BITS_MIN * list.len() as u64 || all_may_differ {
        return column;
    }
    match with_dictionary(kind, list) {
        Some(shorter) if shorter.estimate() < column.estimate() => shorter,
        _ => column,
    }
}

/// Slots of a dictionary while it is made.
const SLOTS: usize = 4 * ENTRIES_MAX;

fn slot_of(number: i64) -> usize {
    ((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

fn with_dictionary(kind: u8, list: &[i64]) -> Option<Column> {
    let entries_max = ENTRIES_MAX.min(list.len() / TIMES_MIN);
    // As many as keep three of four free.
    let slots_used = (4 * entries_max).next_power_of_two().min(SLOTS);
    let mut entries: Vec<(i64, usize)> = Vec::with_capacity(entries_max);
    // One more than the number of an entry; 0 if free.
    let mut slots = [0u16; SLOTS];
    let mut places = Vec::with_capacity(list.len());
    for &number in list {
        let mut slot = slot_of(number) % slots_used;
        let at = loop {
            let at = usize::from(slots[slot % SLOTS]);
            if at == 0 {
                if entries.len() == entries_max {
                    return None;
                }
                entries.push((number, 0));
                slots[slot % SLOTS] = entries.len() as u16;
                break entries.len() - 1;
            }
            if entries[at - 1].0 == number {
                break at - 1;
            }
            slot = (slot + 1) % slots_used;
        };
        entries[at].1 += 1;
        places.push(at);
    }
    let mut by_count: Vec<usize> = (0..entries.len()).collect();
    by_count.sort_by_key(|&at| usize::MAX - entries[at].1);
    let mut column = Column::plain(vec![DICTIONARY, kind]);
    put_varint(&mut column.bytes, entries.len() as u64);
    let (mut final_places, mut first) = (vec![0; entries.len()], 0);
    for (place, &at) in by_count.iter().enumerate() {
        put_signed(&mut column.bytes, entries[at].0.wrapping_sub(first));
        first = entries[by_count[0]].0;
        final_places[at] = place as i64;
    }
    stream::plan(places.into_iter().map(|at| final_places[at]).collect(), &mut column);
    Some(column)
}

/// The distinct values of a column.
pub struct Entries {
    /// As long as can be, so that no place below is out of range.
    bits: Numbers,
    kinds: [Kind; ENTRIES_MAX],
    count: usize,
}

impl Entries {
    /// Reads them from a column whose tag and kind `reader` is behind.
    pub fn decode(reader: &mut Reader<'_>, kind: Kind) -> Result<Entries, Malformed> {
        let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if count > ENTRIES_MAX {
            return Err(reader.malformed());
        }
        let mut bits = Numbers::new(ENTRIES_MAX);
        let mut first = 0u64;
        for (at, entry) in bits[..count].iter_mut().enumerate() {
            *entry = first.wrapping_add(reader.signed()? as u64);
            first = if at == 0 { *entry } else { first };
        }
        Ok(Entries { bits, kinds: [kind; ENTRIES_MAX], count })
    }

    /// Kinds and bits, for what is to be done to all values equal to one.
    pub fn list(&mut self) -> (&mut [Kind], &mut [u64]) {
        (&mut self.kinds[..self.count], &mut self.bits[..self.count])
    }

    /// Fills `kinds` and `bits` with the entries that a stream names.
    pub fn place(
        &self,
        reader: &mut Reader<'_>,
        tables: Tables<'_>,
        kinds: &mut [Kind],
        bits: &mut [u64],
    ) -> Result<(), Malformed> {
        stream::decode(reader, tables, bits)?;
        let entries: &[u64; ENTRIES_MAX] = self.bits.first_chunk().ok_or(reader.malformed())?;
        if place(entries, &self.kinds, self.count as u64, kinds, bits) {
            Ok(())
        } else {
            Err(reader.malformed())
        }
    }
}

twice! {
    /// Puts entries in the place of their numbers; false if one of these is not less than `count`.
    fn place(
        entries: &[u64; ENTRIES_MAX],
        entry_kinds: &[Kind; ENTRIES_MAX],
        count: u64,
        kinds: &mut [Kind],
        bits: &mut [u64],
    ) -> bool {
        // The highest bit tells, and no loop waits for a comparison.
        let mut beyond = 0;
        for (kind, bits) in kinds.iter_mut().zip(bits) {
            beyond |= *bits | count.wrapping_sub(1).wrapping_sub(*bits);
            let place = *bits as usize % ENTRIES_MAX;
            (*kind, *bits) = (entry_kinds[place], entries[place]);
        }
        beyond >> 63 == 0
    }
}
