//! Finds, among many names, the few that may have a given hash. Pure.
//!
//! A name's place is in the bucket that the first bits of its hash say; its last bits stand beside
//! the place, so a name that is not there is mostly refused without reading any other. Layout:
//! `FORMAT.md`, section "Name slots".

use crate::bytes::Reader;
use crate::codec::bits::{self, SLACK_BYTES, pack, packed_bytes, width_for};

/// Names that one table can hold: places have 22 bits.
pub const NAMES_MAX: u32 = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 22;
/// Last bits of a hash that stand beside a place.
const KNOWN_BITS: u32 = 32 - PLACE_BITS;
/// Names of a bucket, about.
const BUCKET: usize = 6;
/// Bytes before the entries.
const HEAD_BYTES: usize = 8;

/// An entry of the name at `place` with this hash.
fn entry(hash: u64, place: u32) -> u32 {
    (hash as u32) << PLACE_BITS | place
}

fn bucket(hash: u64, bits: u8) -> usize {
    // Twice, for shifting by all 64 bits is no shift.
    (hash >> 1 >> (63 - u32::from(bits))) as usize
}

/// Appends the table of names with these hashes.
pub fn encode(hashes: &[u64], out: &mut Vec<u8>) {
    assert!(hashes.len() <= NAMES_MAX as usize, "whoever makes a part bounds it");
    let bits = (hashes.len() / BUCKET).max(1).next_power_of_two().ilog2() as u8;
    let mut ends = vec![0u32; 1 << bits];
    hashes.iter().for_each(|&hash| ends[bucket(hash, bits)] += 1);
    let mut sum = 0;
    for end in &mut ends {
        (*end, sum) = (sum, sum + *end);
    }
    let mut entries = vec![0u32; hashes.len()];
    for (place, &hash) in (0..).zip(hashes) {
        let end = &mut ends[bucket(hash, bits)];
        entries[*end as usize] = entry(hash, place);
        *end += 1;
    }
    let width = width_for(hashes.len() as u64);
    out.extend_from_slice(&(hashes.len() as u32).to_le_bytes());
    out.extend_from_slice(&[bits, width, 0, 0]);
    entries.iter().for_each(|entry| out.extend_from_slice(&entry.to_le_bytes()));
    pack(ends.iter().map(|&end| end.into()), width, out);
    out.extend_from_slice(&[0; SLACK_BYTES]);
}

/// Where the pieces of a table stand in its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    entries: usize,
    bits: u8,
    width: u8,
    /// Bytes of the whole table.
    pub bytes: usize,
}

impl Slots {
    /// Reads the head of a table; `None` if the bytes cannot be one.
    pub fn parse(bytes: &[u8]) -> Option<Slots> {
        let mut reader = Reader::new(bytes);
        let entries = reader.u32().ok()? as usize;
        let (bits, width) = (reader.u8().ok()?, reader.u8().ok()?);
        if u32::from(bits) > PLACE_BITS || width > 32 || entries > NAMES_MAX as usize {
            return None;
        }
        let end = HEAD_BYTES + entries * 4 + packed_bytes(1 << bits, width) + SLACK_BYTES;
        (end <= bytes.len()).then_some(Slots { entries, bits, width, bytes: end })
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// What the table knows of a name's hash: its bucket and its last bits.
    #[inline]
    pub fn known_of(&self, hash: u64) -> u64 {
        (bucket(hash, self.bits) as u64) << KNOWN_BITS | u64::from(entry(hash, 0) >> PLACE_BITS)
    }

    /// Passes on what it knows of each name; `bytes` are those that were parsed.
    pub fn each_known(&self, bytes: &[u8], mut sink: impl FnMut(u64)) {
        let ends = &bytes[HEAD_BYTES + self.entries * 4..];
        let (entries, _) = bytes[HEAD_BYTES..][..self.entries * 4].as_chunks();
        let mut start = 0;
        for bucket in 0..1usize << self.bits {
            let end = (bits::get(ends, bucket, self.width) as usize).min(self.entries);
            for entry in entries.get(start..end).unwrap_or_default() {
                let last_bits = u32::from_le_bytes(*entry) >> PLACE_BITS;
                sink((bucket as u64) << KNOWN_BITS | u64::from(last_bits));
            }
            start = end;
        }
    }

    /// Places of names that may have this hash; `bytes` are those that were parsed.
    pub fn find<'a>(&self, bytes: &'a [u8], hash: u64) -> impl Iterator<Item = u32> + 'a {
        let bucket = bucket(hash, self.bits);
        let ends = &bytes[HEAD_BYTES + self.entries * 4..];
        let end = |at| bits::get(ends, at, self.width) as usize;
        let start = if bucket == 0 { 0 } else { end(bucket - 1) };
        let entries = &bytes[HEAD_BYTES..][..self.entries * 4];
        let (entries, _) = entries.get(start * 4..end(bucket) * 4).unwrap_or_default().as_chunks();
        let wanted = entry(hash, 0);
        let read = |&bytes: &[u8; 4]| u32::from_le_bytes(bytes);
        let fits = move |found: &u32| found >> PLACE_BITS == wanted >> PLACE_BITS;
        entries.iter().map(read).filter(fits).map(|found| found & (NAMES_MAX - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_is_found_and_few_others(seed: u64, count in 0..3000u64) {
            let hash = |n: u64| (n + 1).wrapping_mul(seed | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let hashes: Vec<u64> = (0..count).map(hash).collect();
            let mut bytes = Vec::new();
            encode(&hashes, &mut bytes);
            let slots = Slots::parse(&bytes).expect("valid");
            prop_assert_eq!((slots.bytes, slots.len()), (bytes.len(), hashes.len()));
            for (place, &hash) in (0..).zip(&hashes) {
                prop_assert!(slots.find(&bytes, hash).any(|found| found == place));
            }
            let mut known = Vec::new();
            slots.each_known(&bytes, |of_name| known.push(of_name));
            let mut expected: Vec<u64> = hashes.iter().map(|&hash| slots.known_of(hash)).collect();
            known.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(known, expected);
        }

        #[test]
        fn bad_bytes_are_no_panic(mut bytes: Vec<u8>, hash: u64, bits in 0..6u8, entries in 0..9u8) {
            if let [count, b, c, d, of_bits, ..] = &mut bytes[..] {
                (*count, *b, *c, *d, *of_bits) = (entries, 0, 0, 0, bits);
            }
            if let Some(slots) = Slots::parse(&bytes) {
                let _few = slots.find(&bytes, hash).count();
                slots.each_known(&bytes, |_| {});
            }
        }
    }
}
