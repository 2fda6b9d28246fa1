//! From the raw bytes of metric and tags, as they stand in a line, to the series id.
//!
//! One table for each event loop, so nothing is shared. A hit compares the whole key: a hash alone
//! never decides, because collisions of any fast hash can be constructed. Every spelling that was
//! accepted once may be remembered (tags in another order, a trailing space), so a hit is also the
//! proof that these bytes passed all checks. Memory is bounded: a full table starts anew.
//!
//! Senders walk their series in a fixed order, so each entry remembers which came next. A guess
//! that holds costs one comparison with bytes that stand behind the last ones in memory, and no
//! hash: measured at 40,000 series, it takes a third off the CPU of a whole node.

use irontsd_engine::types::SeriesId;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

const NOTHING: u32 = u32::MAX;
const SLOTS_MIN: usize = 1 << 12;

/// One remembered key. Entries and their keys lie in the order in which they came first.
#[derive(Debug, Clone, Copy)]
struct Entry {
    series: SeriesId,
    /// Where the key begins, in units of eight bytes.
    key: u32,
    metric_bytes: u16,
    tags_bytes: u16,
    /// The entry that followed last time.
    next: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Upper half of the hash; the lower half chose the slot.
    tag: u32,
    entry: u32,
}

const VACANT: Slot = Slot { tag: 0, entry: NOTHING };

/// Where a connection was last; the guess for its next line starts from there.
#[derive(Debug, Clone, Copy)]
pub struct Trail(u32);

impl Default for Trail {
    fn default() -> Self {
        Trail(NOTHING)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Lookup {
    secrets: RapidSecrets,
    slots: Vec<Slot>,
    entries: Vec<Entry>,
    keys: Vec<u8>,
    key_bytes_max: usize,
}

impl Lookup {
    /// An empty table that keeps at most this many bytes of keys.
    pub fn new(seed: u64, key_bytes_max: usize) -> Lookup {
        Lookup {
            secrets: RapidSecrets::seed(seed),
            slots: vec![VACANT; SLOTS_MIN],
            entries: Vec::new(),
            keys: Vec::new(),
            key_bytes_max: key_bytes_max.min(u32::MAX as usize * 8),
        }
    }

    /// The series of a key seen before.
    #[inline]
    pub fn find(&mut self, metric: &[u8], tags: &[u8], trail: &mut Trail) -> Option<SeriesId> {
        // A trail may be older than the table; it is only ever a guess.
        let last = self.entries.get(trail.0 as usize);
        if let Some(guess) = last.map(|last| last.next)
            && let Some(entry) = self.entries.get(guess as usize)
            && self.is_key(entry, metric, tags)
        {
            trail.0 = guess;
            return Some(entry.series);
        }
        let found = self.search(metric, tags)?;
        if let Some(last) = self.entries.get_mut(trail.0 as usize) {
            last.next = found;
        }
        trail.0 = found;
        Some(self.entries[found as usize].series)
    }

    /// Whether a key is remembered.
    pub fn has(&self, metric: &[u8], tags: &[u8]) -> bool {
        self.search(metric, tags).is_some()
    }

    #[inline]
    fn is_key(&self, entry: &Entry, metric: &[u8], tags: &[u8]) -> bool {
        let (start, cut) = (entry.key as usize * 8, entry.metric_bytes as usize);
        let key = &self.keys[start..start + cut + entry.tags_bytes as usize];
        cut == metric.len() && key[cut..] == *tags && key[..cut] == *metric
    }

    fn hash(&self, metric: &[u8], tags: &[u8]) -> u64 {
        let metric = rapidhash_v3_seeded(metric, &self.secrets);
        rapidhash_v3_seeded(tags, &self.secrets) ^ metric.rotate_left(29)
    }

    fn search(&self, metric: &[u8], tags: &[u8]) -> Option<u32> {
        let hash = self.hash(metric, tags);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.entry == NOTHING {
                return None;
            }
            let same = slot.tag == (hash >> 32) as u32;
            if same && self.is_key(&self.entries[slot.entry as usize], metric, tags) {
                return Some(slot.entry);
            }
            at = (at + 1) & mask;
        }
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
        if (self.entries.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = self.hash(metric, tags);
        let key = (self.keys.len() / 8) as u32;
        self.keys.extend_from_slice(metric);
        self.keys.extend_from_slice(tags);
        self.keys.resize(self.keys.len().next_multiple_of(8), 0);
        let next = NOTHING;
        self.entries.push(Entry { series, key, metric_bytes, tags_bytes, next });
        place(&mut self.slots, hash, (self.entries.len() - 1) as u32);
    }

    fn clear(&mut self) {
        self.slots = vec![VACANT; SLOTS_MIN];
        self.entries = Vec::new();
        self.keys = Vec::new();
    }

    fn grow(&mut self) {
        let mut slots = vec![VACANT; self.slots.len() * 2];
        for (number, entry) in self.entries.iter().enumerate() {
            let start = entry.key as usize * 8;
            let cut = start + entry.metric_bytes as usize;
            let end = cut + entry.tags_bytes as usize;
            let hash = self.hash(&self.keys[start..cut], &self.keys[cut..end]);
            place(&mut slots, hash, number as u32);
        }
        self.slots = slots;
    }
}

fn place(slots: &mut [Slot], hash: u64, entry: u32) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at].entry != NOTHING {
        at = (at + 1) & mask;
    }
    slots[at] = Slot { tag: (hash >> 32) as u32, entry };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Several connections walk the same few keys, so guesses hold and fail.
        #[test]
        fn agrees_with_a_map(
            lines in prop::collection::vec((0..3usize, "[ab]{0,3}", "[ab]{0,3}"), 0..300)
        ) {
            let mut lookup = Lookup::new(7, 1 << 20);
            let mut trails = [Trail::default(); 3];
            let mut model = HashMap::new();
            for (connection, metric, tags) in &lines {
                let trail = &mut trails[*connection];
                let found = lookup.find(metric.as_bytes(), tags.as_bytes(), trail);
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
        let mut trail = Trail::default();
        for series in 0..50_000u32 {
            let metric = format!("metric{series}");
            lookup.insert(metric.as_bytes(), b"k=v", series);
            assert_eq!(lookup.find(metric.as_bytes(), b"k=v", &mut trail), Some(series));
            assert!(lookup.keys.len() <= 100_000);
        }
        assert_eq!(lookup.find(b"metric0", b"k=v", &mut trail), None);
    }
}
