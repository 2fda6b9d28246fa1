//! The texts that a lookup remembers, with what stands around them.

use crate::telnet::window::BLOCK;

/// Texts among which one equal to a new one is looked for.
const RECENT: usize = 1 << 13;
/// What surrounds may have in each place.
const AROUND_BYTES_MAX: usize = 64;

/// What stands around the texts of a table, as they are written where they are regular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// Before a metric, behind it, before the tags, behind them.
    texts: [Box<[u8]>; 4],
}

impl Default for Around {
    /// As in a line.
    fn default() -> Self {
        Around { texts: [&b"put "[..], b" ", b" ", b"\n"].map(Box::from) }
    }
}

impl Around {
    /// What stands before a metric, and behind it.
    #[inline(always)]
    pub fn metric(&self) -> (&[u8], &[u8]) {
        (&self.texts[0], &self.texts[1])
    }

    /// What stands before tags, and behind them.
    #[inline(always)]
    pub fn tags(&self) -> (&[u8], &[u8]) {
        (&self.texts[2], &self.texts[3])
    }

    /// These four, unless they are too long to be worth it.
    pub fn of(texts: [&[u8]; 4]) -> Option<Around> {
        let is_short = texts.iter().all(|text| text.len() <= AROUND_BYTES_MAX);
        is_short.then(|| Around { texts: texts.map(Box::from) })
    }

    /// Bytes around a metric, and around tags.
    #[inline]
    pub fn bytes(&self) -> (usize, usize) {
        let [before_metric, behind_metric, before_tags, behind_tags] =
            self.texts.each_ref().map(|text| text.len());
        (before_metric + behind_metric, before_tags + behind_tags)
    }

    /// Whether these four stand around.
    pub fn is(&self, texts: [&[u8]; 4]) -> bool {
        self.texts.iter().zip(texts).all(|(own, other)| **own == *other)
    }
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// Its first byte.
    pub at: u32,
    /// Its bytes.
    pub len: u16,
}

/// Texts laid end to end, each with what is around it. One that was added not long ago is found
/// again instead of added.
#[derive(Debug, Default)]
pub struct Texts {
    /// The texts, and [`BLOCK`] bytes behind the last.
    bytes: Vec<u8>,
    /// By some bits of the hash, the last text that had them.
    recent: Vec<Place>,
}

impl Texts {
    /// A text with what is around it.
    #[inline]
    pub fn get(&self, at: u32, len: u16) -> &[u8] {
        &self.bytes[at as usize..at as usize + len as usize]
    }

    /// Everything from a text on.
    #[inline(always)]
    pub fn from(&self, at: u32) -> &[u8] {
        self.bytes.get(at as usize..).unwrap_or_default()
    }

    /// Bytes of all texts.
    pub fn len(&self) -> usize {
        self.bytes.len().saturating_sub(BLOCK)
    }

    /// Adds a text, which stands between what is around it, or finds it again.
    pub fn add(&mut self, hash: u64, parts: [&[u8]; 3]) -> Place {
        if self.recent.is_empty() {
            self.recent = vec![Place::default(); RECENT];
        }
        let len = parts.iter().map(|part| part.len()).sum::<usize>() as u16;
        let slot = (hash >> 32) as usize % RECENT;
        let recent = self.recent[slot];
        let (before, behind) = (parts[0].len(), parts[2].len());
        if recent.len == len && self.get(recent.at, len)[before..len as usize - behind] == *parts[1]
        {
            return recent;
        }
        self.bytes.truncate(self.len());
        let at = self.bytes.len() as u32;
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes.resize(self.bytes.len() + BLOCK, 0);
        self.recent[slot] = Place { at, len };
        self.recent[slot]
    }
}
