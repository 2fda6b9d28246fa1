//! From the raw bytes of metric and tags, as they stand in a line, to the series id.
//!
//! One table for each event loop, so nothing is shared. A hit compares the whole key: a hash alone
//! never decides, because collisions of any fast hash can be constructed. Every spelling that was
//! accepted once may be remembered (tags in another order, a trailing space), so a hit is also the
//! proof that these bytes passed all checks.
//!
//! Senders walk their series in a fixed order, so each entry remembers which came next. A guess
//! that holds costs two comparisons with bytes that the last ones left near, and no hash: measured
//! at 40,000 series, it takes a third off the CPU of a whole node.
//!
//! A host's metrics share their tags, and hosts share their metrics, so both are kept apart and
//! mostly once: see `Texts`. Memory is bounded by two generations: when one is full, or old, the other
//! is let go and a new one begun, into which what is still asked for moves. So series that nobody sends
//! any more leave.

use irontsd_engine::types::SeriesId;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::time::Duration;

const NOTHING: u32 = u32::MAX;
/// Texts among which one equal to a new one is looked for.
const RECENT: usize = 1 << 13;
/// An entry's own bytes and, about, those of its slot.
const ENTRY_BYTES: usize = size_of::<Entry>() + 2 * size_of::<Slot>();
const SLOTS_MIN: usize = 1 << 12;

/// Where a text stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    at: u32,
    len: u16,
}

/// Texts laid end to end. One that was added not long ago is found again instead of added.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    /// By some bits of the hash, the last text that had them.
    recent: Vec<Place>,
}

impl Texts {
    #[inline]
    fn get(&self, at: u32, len: u16) -> &[u8] {
        &self.bytes[at as usize..at as usize + len as usize]
    }

    fn add(&mut self, hash: u64, text: &[u8], len: u16) -> u32 {
        if self.recent.is_empty() {
            self.recent = vec![Place::default(); RECENT];
        }
        let slot = (hash >> 32) as usize % RECENT;
        let recent = self.recent[slot];
        if self.get(recent.at, recent.len) == text {
            return recent.at;
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text);
        self.recent[slot] = Place { at, len };
        at
    }
}

/// One remembered key. Entries lie in the order in which they came first.
#[derive(Debug, Clone, Copy)]
struct Entry {
    series: SeriesId,
    /// Where the metric begins in its texts, and the tags in theirs.
    metric: u32,
    tags: u32,
    metric_bytes: u16,
    tags_bytes: u16,
    /// The entry that followed last time.
    next: u32,
}

/// Where an entry is found: near the place that the hash chose.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The upper half of the hash; its first bits are the place.
    hash: u32,
    entry: u32,
}

const VACANT: Slot = Slot { hash: 0, entry: NOTHING };

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
    table: Table,
    /// The full one before.
    older: Table,
    table_bytes_max: usize,
    /// When the table was begun.
    begun: Duration,
}

/// A generation.
#[derive(Debug, Default)]
struct Table {
    entries: Vec<Entry>,
    metrics: Texts,
    tags: Texts,
    /// A power of two of them, a quarter vacant; none before the first entry.
    slots: Vec<Slot>,
}

/// The hashes of metric and tags.
#[derive(Debug, Clone, Copy)]
struct Hashes(u64, u64);

impl Hashes {
    fn of(metric: &[u8], tags: &[u8], secrets: &RapidSecrets) -> Hashes {
        Hashes(rapidhash_v3_seeded(metric, secrets), rapidhash_v3_seeded(tags, secrets))
    }

    fn upper(self) -> u32 {
        ((self.0.rotate_left(29) ^ self.1) >> 32) as u32
    }
}

impl Lookup {
    /// An empty table that takes about this many bytes at most.
    pub fn new(seed: u64, bytes_max: usize) -> Lookup {
        Lookup {
            secrets: RapidSecrets::seed(seed),
            table: Table::default(),
            older: Table::default(),
            table_bytes_max: (bytes_max / 2).min(u32::MAX as usize),
            begun: Duration::ZERO,
        }
    }

    /// The series of a key seen before.
    #[inline]
    pub fn find(&mut self, metric: &[u8], tags: &[u8], trail: &mut Trail) -> Option<SeriesId> {
        // A trail may be older than the table; it is only ever a guess.
        let last = self.table.entries.get(trail.0 as usize);
        if let Some(guess) = last.map(|last| last.next)
            && let Some(entry) = self.table.entries.get(guess as usize)
            && self.table.is_key(entry, metric, tags)
        {
            trail.0 = guess;
            return Some(entry.series);
        }
        self.search(metric, tags, trail)
    }

    /// Finds by hash what was not guessed, and makes it the next guess.
    fn search(&mut self, metric: &[u8], tags: &[u8], trail: &mut Trail) -> Option<SeriesId> {
        let hashes = Hashes::of(metric, tags, &self.secrets);
        let found = match self.table.search(hashes, metric, tags) {
            Some(found) => found,
            None => self.recall(hashes, metric, tags)?,
        };
        if let Some(last) = self.table.entries.get_mut(trail.0 as usize) {
            last.next = found;
        }
        trail.0 = found;
        Some(self.table.entries[found as usize].series)
    }

    /// Moves a key from the older table.
    #[cold]
    fn recall(&mut self, hashes: Hashes, metric: &[u8], tags: &[u8]) -> Option<u32> {
        let older = self.older.search(hashes, metric, tags)?;
        self.add(hashes, metric, tags, self.older.entries[older as usize].series)
    }

    /// Begins a new table if this one is as old as `most`: what is not asked for until the next is
    /// forgotten.
    pub fn age(&mut self, now: Duration, most: Duration) {
        if now.saturating_sub(self.begun) >= most {
            self.begun = now;
            self.older = std::mem::take(&mut self.table);
        }
    }

    /// Whether a key is remembered.
    pub fn has(&self, metric: &[u8], tags: &[u8]) -> bool {
        let hashes = Hashes::of(metric, tags, &self.secrets);
        [&self.table, &self.older].iter().any(|table| table.search(hashes, metric, tags).is_some())
    }

    /// Remembers a key that is not there yet. Keys too long to be worth it are left out.
    pub fn insert(&mut self, metric: &[u8], tags: &[u8], series: SeriesId) {
        let hashes = Hashes::of(metric, tags, &self.secrets);
        let _too_long = self.add(hashes, metric, tags, series);
    }

    fn add(&mut self, hashes: Hashes, metric: &[u8], tags: &[u8], series: SeriesId) -> Option<u32> {
        let metric_bytes = metric.len().try_into().ok()?;
        let tags_bytes = tags.len().try_into().ok()?;
        if self.table.bytes() + metric.len() + tags.len() + ENTRY_BYTES > self.table_bytes_max {
            self.older = std::mem::take(&mut self.table);
        }
        let table = &mut self.table;
        let metric = table.metrics.add(hashes.0, metric, metric_bytes);
        let tags = table.tags.add(hashes.1, tags, tags_bytes);
        let entry = table.entries.len() as u32;
        table.entries.push(Entry { series, metric, tags, metric_bytes, tags_bytes, next: NOTHING });
        table.make_room();
        place(&mut table.slots, Slot { hash: hashes.upper(), entry });
        Some(entry)
    }
}

impl Table {
    fn bytes(&self) -> usize {
        self.entries.len() * ENTRY_BYTES + self.metrics.bytes.len() + self.tags.bytes.len()
    }

    #[inline]
    fn is_key(&self, entry: &Entry, metric: &[u8], tags: &[u8]) -> bool {
        // Lengths first: they tell most wrong guesses without a call.
        entry.metric_bytes as usize == metric.len()
            && entry.tags_bytes as usize == tags.len()
            && self.tags.get(entry.tags, entry.tags_bytes) == tags
            && self.metrics.get(entry.metric, entry.metric_bytes) == metric
    }

    #[inline]
    fn search(&self, hashes: Hashes, metric: &[u8], tags: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let hash = hashes.upper();
        let mut at = home(&self.slots, hash);
        loop {
            let slot = self.slots[at];
            if slot.entry == NOTHING {
                return None;
            }
            if slot.hash == hash && self.is_key(&self.entries[slot.entry as usize], metric, tags) {
                return Some(slot.entry);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Grows the slots, if need be, so that there is one for each entry. No key is looked at.
    fn make_room(&mut self) {
        if self.entries.len() * 4 > self.slots.len() * 3 {
            let mut slots = vec![VACANT; (self.slots.len() * 2).max(SLOTS_MIN)];
            let taken = self.slots.iter().filter(|slot| slot.entry != NOTHING);
            taken.for_each(|&slot| place(&mut slots, slot));
            self.slots = slots;
        }
    }
}

/// The first bits of a hash, as many as number the slots.
#[inline]
fn home(slots: &[Slot], hash: u32) -> usize {
    ((u64::from(hash) * slots.len() as u64) >> 32) as usize
}

fn place(slots: &mut [Slot], slot: Slot) {
    let mut at = home(slots, slot.hash);
    while slots[at].entry != NOTHING {
        at = (at + 1) & (slots.len() - 1);
    }
    slots[at] = slot;
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
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let bytes_max = 100_000;
        let mut lookup = Lookup::new(7, bytes_max);
        let mut trail = Trail::default();
        lookup.insert(b"wanted", b"k=v", 7);
        for series in 0..50_000u32 {
            let metric = format!("metric{series}");
            lookup.insert(metric.as_bytes(), b"k=v", series);
            assert_eq!(lookup.find(metric.as_bytes(), b"k=v", &mut trail), Some(series));
            assert_eq!(lookup.find(b"wanted", b"k=v", &mut trail), Some(7));
            assert!(lookup.table.bytes() + lookup.older.bytes() <= bytes_max);
        }
        assert!(!lookup.has(b"metric0", b"k=v"));
        assert!(lookup.has(b"metric49000", b"k=v"));
        assert!(!lookup.has(b"metric49000", b"k=w"));
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten_in_time() {
        let (mut lookup, mut trail) = (Lookup::new(7, 1 << 20), Trail::default());
        lookup.insert(b"quiet", b"k=v", 1);
        lookup.insert(b"busy", b"k=v", 2);
        for minute in 1..30 {
            lookup.age(Duration::from_secs(minute * 60), Duration::from_secs(600));
            assert_eq!(lookup.find(b"busy", b"k=v", &mut trail), Some(2));
            assert_eq!(lookup.has(b"quiet", b"k=v"), minute < 20, "{minute}");
        }
        assert_eq!(lookup.older.entries.len() + lookup.table.entries.len(), 2);
    }

    #[test]
    fn equal_metrics_and_tags_are_kept_once() {
        let mut lookup = Lookup::new(7, 1 << 20);
        for series in 0..1000 {
            let (metric, tags) = (format!("metric{}", series % 10), format!("h={}", series / 10));
            lookup.insert(metric.as_bytes(), tags.as_bytes(), series);
        }
        let Table { metrics, tags, .. } = &lookup.table;
        assert_eq!(metrics.bytes.len(), 70);
        assert!(tags.bytes.len() <= 400, "{}", tags.bytes.len());
    }
}
