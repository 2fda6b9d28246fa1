//! From the raw bytes of metric and tags, as they stand in a line, to the series id.
//!
//! One table for each event loop, so nothing is shared. A hit compares the whole key: a hash alone
//! never decides, because collisions of any fast hash can be constructed. Every spelling that was
//! accepted once may be remembered (tags in another order, a trailing space), so a hit is also the
//! proof that these bytes passed all checks. Memory is bounded: a full table starts anew.

use irontsd_engine::types::SeriesId;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

const EMPTY: SeriesId = SeriesId::MAX;
const SLOTS_MIN: usize = 1 << 12;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Upper half of the hash; the lower half chose the slot.
    tag: u32,
    series: SeriesId,
    /// Where the key begins, in units of eight bytes.
    key: u32,
    metric_bytes: u16,
    tags_bytes: u16,
}

const VACANT: Slot = Slot { tag: 0, series: EMPTY, key: 0, metric_bytes: 0, tags_bytes: 0 };

/// See the module.
#[derive(Debug)]
pub struct Lookup {
    secrets: RapidSecrets,
    slots: Vec<Slot>,
    used: usize,
    keys: Vec<u8>,
    key_bytes_max: usize,
}

impl Lookup {
    /// An empty table that keeps at most this many bytes of keys.
    pub fn new(seed: u64, key_bytes_max: usize) -> Lookup {
        let secrets = RapidSecrets::seed(seed);
        let key_bytes_max = key_bytes_max.min(u32::MAX as usize * 8);
        Lookup { secrets, slots: vec![VACANT; SLOTS_MIN], used: 0, keys: Vec::new(), key_bytes_max }
    }

    #[inline]
    fn hash(&self, metric: &[u8], tags: &[u8]) -> u64 {
        let metric = rapidhash_v3_seeded(metric, &self.secrets);
        rapidhash_v3_seeded(tags, &self.secrets) ^ metric.rotate_left(29)
    }

    /// The series of a key seen before.
    #[inline]
    pub fn find(&self, metric: &[u8], tags: &[u8]) -> Option<SeriesId> {
        let hash = self.hash(metric, tags);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = &self.slots[at];
            if slot.series == EMPTY {
                return None;
            }
            if slot.tag == (hash >> 32) as u32 && self.is_key(slot, metric, tags) {
                return Some(slot.series);
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn is_key(&self, slot: &Slot, metric: &[u8], tags: &[u8]) -> bool {
        let (start, cut) = (slot.key as usize * 8, slot.metric_bytes as usize);
        let end = start + cut + slot.tags_bytes as usize;
        let key = &self.keys[start..end];
        cut == metric.len() && key[..cut] == *metric && key[cut..] == *tags
    }

    /// Remembers a key that is not there yet. Keys too long to be worth it are left out.
    pub fn insert(&mut self, metric: &[u8], tags: &[u8], series: SeriesId) {
        let (Ok(metric_bytes), Ok(tags_bytes)) = (metric.len().try_into(), tags.len().try_into())
        else {
            return;
        };
        if self.keys.len() + metric.len() + tags.len() + 8 > self.key_bytes_max {
            self.clear();
        }
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = self.hash(metric, tags);
        let key = (self.keys.len() / 8) as u32;
        self.keys.extend_from_slice(metric);
        self.keys.extend_from_slice(tags);
        self.keys.resize(self.keys.len().next_multiple_of(8), 0);
        let slot = Slot { tag: (hash >> 32) as u32, series, key, metric_bytes, tags_bytes };
        place(&mut self.slots, hash, slot);
        self.used += 1;
    }

    fn clear(&mut self) {
        self.slots = vec![VACANT; SLOTS_MIN];
        self.keys = Vec::new();
        self.used = 0;
    }

    fn grow(&mut self) {
        let mut slots = vec![VACANT; self.slots.len() * 2];
        for slot in self.slots.iter().filter(|slot| slot.series != EMPTY) {
            let start = slot.key as usize * 8;
            let cut = start + slot.metric_bytes as usize;
            let end = cut + slot.tags_bytes as usize;
            place(&mut slots, self.hash(&self.keys[start..cut], &self.keys[cut..end]), *slot);
        }
        self.slots = slots;
    }
}

fn place(slots: &mut [Slot], hash: u64, slot: Slot) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at].series != EMPTY {
        at = (at + 1) & mask;
    }
    slots[at] = slot;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn agrees_with_a_map(keys in prop::collection::vec(("[ab]{0,3}", "[ab]{0,3}"), 0..300)) {
            let mut lookup = Lookup::new(7, 1 << 20);
            let mut model = HashMap::new();
            for (metric, tags) in &keys {
                let found = lookup.find(metric.as_bytes(), tags.as_bytes());
                prop_assert_eq!(found, model.get(&(metric, tags)).copied());
                if found.is_none() {
                    let series = model.len() as SeriesId;
                    lookup.insert(metric.as_bytes(), tags.as_bytes(), series);
                    model.insert((metric, tags), series);
                }
            }
        }
    }

    #[test]
    fn grows_and_stays_within_its_bound() {
        let mut lookup = Lookup::new(7, 100_000);
        for series in 0..50_000u32 {
            let metric = format!("metric{series}");
            lookup.insert(metric.as_bytes(), b"k=v", series);
            assert_eq!(lookup.find(metric.as_bytes(), b"k=v"), Some(series));
            assert!(lookup.keys.len() <= 100_000);
        }
        assert_eq!(lookup.find(b"metric0", b"k=v"), None);
    }
}
