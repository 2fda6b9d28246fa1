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
//! Texts are kept as they stand in a line, with what is around them, so that `predict` compares a line
//! with the next guess in two pieces and looks for nothing in it. In a table of JSON bodies what is around
//! them is what the first body had there.
//!
//! A host's metrics share their tags, and hosts share their metrics, so both are kept apart and
//! mostly once: see `Texts`. Memory is bounded by two generations: when one is full, or old, the other
//! is let go and a new one begun, into which what is still asked for moves. So series that nobody sends
//! any more leave.

mod texts;

use super::near;
use irontsd_engine::types::SeriesId;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::time::Duration;
use texts::{Around, Texts};

const NOTHING: u32 = u32::MAX;
/// An entry's own bytes and, about, those of its slot.
const ENTRY_BYTES: usize = size_of::<Entry>() + 2 * size_of::<Slot>();
const SLOTS_MIN: usize = 1 << 12;
/// One remembered key. Entries lie in the order in which they came first.
#[derive(Debug, Clone, Copy)]
struct Entry {
    series: SeriesId,
    /// Where the metric stands among its texts, and the tags among theirs.
    head: u32,
    tail: u32,
    head_bytes: u16,
    tail_bytes: u16,
    /// The entry that followed last time.
    next: u32,
}

/// What a line or object looks like if its series is the one guessed; more bytes follow in both texts, as many
/// as [`BLOCK`] at least.
#[derive(Debug, Clone, Copy)]
pub struct Guess<'a> {
    /// The series.
    pub series: SeriesId,
    /// The metric with what is around it: a line's beginning.
    pub head: &'a [u8],
    /// How many bytes of it count.
    pub head_bytes: usize,
    /// The tags with what is around them: a line's end behind the value.
    pub tail: &'a [u8],
    /// How many bytes of it count.
    pub tail_bytes: usize,
    around: &'a Around,
}

impl<'a> Guess<'a> {
    /// The metric, with more bytes behind it, and how many count.
    #[inline(always)]
    pub fn metric(&self) -> (&'a [u8], usize) {
        let (before, behind) = self.around.metric();
        (&self.head[before.len()..], self.head_bytes - before.len() - behind.len())
    }

    /// The tags, with more bytes behind them, and how many count.
    #[inline(always)]
    pub fn tags(&self) -> (&'a [u8], usize) {
        let (before, behind) = self.around.tags();
        (&self.tail[before.len()..], self.tail_bytes - before.len() - behind.len())
    }
}

/// Walks the guesses of a connection.
#[derive(Debug)]
pub struct Guesses<'a> {
    table: &'a Table,
    at: u32,
}

impl<'a> Guesses<'a> {
    /// What comes next; `None` if nothing ever did.
    #[inline(always)]
    pub fn peek(&self) -> Option<Guess<'a>> {
        let entry = self.table.entries.get(self.at as usize)?;
        Some(Guess {
            series: entry.series,
            head: self.table.metrics.from(entry.head),
            head_bytes: entry.head_bytes as usize,
            tail: self.table.tags.from(entry.tail),
            tail_bytes: entry.tail_bytes as usize,
            around: &self.table.around,
        })
    }

    /// The guess held: moves on, and notes where the connection is now.
    #[inline(always)]
    pub fn advance(&mut self, trail: &mut Trail) {
        trail.0 = self.at;
        self.at = self.table.entries.get(self.at as usize).map_or(NOTHING, |entry| entry.next);
    }
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
    around: Around,
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

    /// What stands around the texts of guesses.
    pub fn around(&self) -> &Around {
        &self.table.around
    }

    /// If nothing is known yet, these stand around what will be.
    #[inline]
    pub fn surround(&mut self, texts: [&[u8]; 4]) {
        if self.table.entries.is_empty()
            && let Some(around) = Around::of(texts)
        {
            self.table.around = around;
        }
    }

    /// What comes behind a place if it is what came there last time.
    #[inline]
    pub fn guesses(&self, trail: &Trail) -> Guesses<'_> {
        // A trail may be older than the table; it is only ever a guess.
        let last = self.table.entries.get(trail.0 as usize);
        Guesses { table: &self.table, at: last.map_or(NOTHING, |last| last.next) }
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

    /// Asks for the slots of a key that will be searched soon.
    pub fn ask_for(&self, metric: &[u8], tags: &[u8]) {
        let hash = Hashes::of(metric, tags, &self.secrets).upper();
        for table in [&self.table, &self.older] {
            table.slots.get(home(&table.slots, hash)).inspect(|slot| near::ask_for(*slot));
        }
    }

    /// Finds by hash what was not guessed, and makes it the next guess.
    fn search(&mut self, metric: &[u8], tags: &[u8], trail: &mut Trail) -> Option<SeriesId> {
        let hashes = Hashes::of(metric, tags, &self.secrets);
        let found = match self.table.search(hashes, metric, tags) {
            Some(found) => found,
            None => self.recall(hashes, metric, tags)?,
        };
        self.follow(found, trail);
        Some(self.table.entries[found as usize].series)
    }

    /// A connection came to an entry: from where it was before, that is the next guess.
    fn follow(&mut self, entry: u32, trail: &mut Trail) {
        if let Some(last) = self.table.entries.get_mut(trail.0 as usize) {
            last.next = entry;
        }
        trail.0 = entry;
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
            self.renew();
        }
    }

    fn renew(&mut self) {
        let around = self.table.around.clone();
        self.older = std::mem::replace(&mut self.table, Table { around, ..Table::default() });
    }

    /// Remembers a key and that it came now. Keys too long or too odd to be worth it are left out.
    pub fn learn(&mut self, metric: &[u8], tags: &[u8], series: SeriesId, trail: &mut Trail) {
        let hashes = Hashes::of(metric, tags, &self.secrets);
        let known = self.table.search(hashes, metric, tags);
        let known = known.or_else(|| self.recall(hashes, metric, tags));
        if let Some(entry) = known.or_else(|| self.add(hashes, metric, tags, series)) {
            self.follow(entry, trail);
        }
    }

    fn add(&mut self, hashes: Hashes, metric: &[u8], tags: &[u8], series: SeriesId) -> Option<u32> {
        let (around_metric, around_tags) = self.table.around.bytes();
        let (head_bytes, tail_bytes) = (metric.len() + around_metric, tags.len() + around_tags);
        // A carriage return there would pass for the line's end in a guess.
        if head_bytes.max(tail_bytes) > u16::MAX as usize || tags.ends_with(b"\r") {
            return None;
        }
        if self.table.bytes() + head_bytes + tail_bytes + ENTRY_BYTES > self.table_bytes_max {
            self.renew();
        }
        let table = &mut self.table;
        let (before, behind) = table.around.metric();
        let head = table.metrics.add(hashes.0, [before, metric, behind]);
        let (before, behind) = table.around.tags();
        let tail = table.tags.add(hashes.1, [before, tags, behind]);
        let entry = table.entries.len() as u32;
        table.entries.push(Entry {
            series,
            head: head.at,
            tail: tail.at,
            head_bytes: head.len,
            tail_bytes: tail.len,
            next: NOTHING,
        });
        table.make_room();
        place(&mut table.slots, Slot { hash: hashes.upper(), entry });
        Some(entry)
    }
}

impl Table {
    fn bytes(&self) -> usize {
        self.entries.len() * ENTRY_BYTES + self.metrics.len() + self.tags.len()
    }

    #[inline]
    fn is_key(&self, entry: &Entry, metric: &[u8], tags: &[u8]) -> bool {
        let (around_metric, around_tags) = self.around.bytes();
        let (before_metric, before_tags) =
            (self.around.metric().0.len(), self.around.tags().0.len());
        let head_bytes = metric.len() + around_metric;
        let tail_bytes = tags.len() + around_tags;
        // Lengths first: they tell most wrong guesses without a call.
        entry.head_bytes as usize == head_bytes
            && entry.tail_bytes as usize == tail_bytes
            && self.tags.get(entry.tail, entry.tail_bytes)[before_tags..][..tags.len()] == *tags
            && self.metrics.get(entry.head, entry.head_bytes)[before_metric..][..metric.len()]
                == *metric
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
mod tests;
