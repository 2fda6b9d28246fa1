//! Numbers of which few differ, in no order that differences would show: each distinct one once,
//! the most frequent first, and for each number the place of its own in that list.
//!
//! Layout: `FORMAT.md`, section "Value column".

use super::column::Column;
use super::huffman::Tables;
use super::memory::Numbers;
use super::numbers;
use super::stream::{self, Sample};
use crate::bytes::{Malformed, Reader, put_signed, put_varint};

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

/// Fills `out` with numbers from a column whose tag and kind `reader` is behind.
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let count = reader.varint()?;
    if count > ENTRIES_MAX as u64 {
        return Err(reader.malformed());
    }
    let mut entries = Numbers::new(count as usize);
    let mut first = 0u64;
    for (at, entry) in entries.iter_mut().enumerate() {
        *entry = first.wrapping_add(reader.signed()? as u64);
        first = if at == 0 { *entry } else { first };
    }
    stream::decode(reader, tables, out)?;
    let mut largest = 0;
    for number in &mut *out {
        largest = largest.max(*number);
        *number = entries.get(*number as usize).copied().unwrap_or(0);
    }
    if largest >= count && !out.is_empty() {
        return Err(reader.malformed());
    }
    Ok(())
}
