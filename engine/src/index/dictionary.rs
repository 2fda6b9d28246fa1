//! Sorted texts, each with the series it belongs to, packed: an immutable map.
//!
//! Texts are front coded in blocks: the first of a block stands whole, each other one as what it
//! shares with the one before and the rest. Behind each text stand its ids, or, if they are many,
//! the number of their bitmap. A lookup halves over the first texts and walks one block.

use super::automaton::{Automaton, Trace};
use super::posting::{self, FEW_MAX, Posting};
use crate::bytes::{Reader, put_varint};
use crate::types::SeriesId;
use roaring::RoaringBitmap;

/// Texts in one block: a lookup walks half of them, the first of each is not shortened.
const BLOCK_TEXTS: usize = 32;

/// See the module.
#[derive(Debug, Default)]
pub struct Dictionary {
    bytes: Vec<u8>,
    /// Where each block begins.
    blocks: Vec<u64>,
    many: Vec<RoaringBitmap>,
}

/// Builds a dictionary from texts in ascending order.
#[derive(Debug, Default)]
pub struct Writer {
    built: Dictionary,
    texts: usize,
    before: Vec<u8>,
    ids: Vec<u8>,
}

impl Writer {
    /// Adds a text above all before it, with its series, ascending.
    pub fn push(&mut self, text: &[u8], ids: &[SeriesId]) {
        if ids.len() > FEW_MAX {
            return self.push_many(text, posting::bitmap(ids));
        }
        self.push_text(text);
        self.ids.clear();
        posting::encode(&mut self.ids, ids);
        put_varint(&mut self.built.bytes, (self.ids.len() as u64) << 1);
        self.built.bytes.extend_from_slice(&self.ids);
    }

    /// The same with more than [`FEW_MAX`] series.
    pub fn push_many(&mut self, text: &[u8], mut series: RoaringBitmap) {
        self.push_text(text);
        let Dictionary { bytes, many, .. } = &mut self.built;
        put_varint(bytes, (many.len() as u64) << 1 | 1);
        series.optimize();
        many.push(series);
    }

    fn push_text(&mut self, text: &[u8]) {
        debug_assert!(self.texts == 0 || *text > *self.before, "texts come in order");
        let Dictionary { bytes, blocks, .. } = &mut self.built;
        let mut shared = 0;
        if self.texts.is_multiple_of(BLOCK_TEXTS) {
            blocks.push(bytes.len() as u64);
        } else {
            shared = self.before.iter().zip(text).take_while(|(a, b)| a == b).count();
        }
        put_varint(bytes, shared as u64);
        put_varint(bytes, (text.len() - shared) as u64);
        bytes.extend_from_slice(&text[shared..]);
        self.before.truncate(shared);
        self.before.extend_from_slice(&text[shared..]);
        self.texts += 1;
    }

    /// The dictionary.
    pub fn finish(self) -> Dictionary {
        let mut built = self.built;
        built.bytes.shrink_to_fit();
        built.blocks.shrink_to_fit();
        built.many.shrink_to_fit();
        built
    }
}

impl Dictionary {
    /// The series of a text.
    pub fn find(&self, text: &[u8]) -> Option<Posting<'_>> {
        let cursor = self.from(text);
        (cursor.text()? == text).then(|| cursor.posting())
    }

    /// A cursor at the first text that is not below `text`.
    pub fn from(&self, text: &[u8]) -> Cursor<'_> {
        let behind = self.blocks.partition_point(|&at| self.head(at) <= text);
        let at =
            self.blocks.get(behind.saturating_sub(1)).map_or(self.bytes.len(), |&at| at as usize);
        let mut cursor = Cursor::at(self, at);
        while cursor.text().is_some_and(|found| found < text) {
            cursor.advance();
        }
        cursor
    }

    /// Passes on the series of the texts that begin with `start` and that an automaton accepts behind the
    /// first `key` bytes, which `start` covers. No text is put together: a step reads what is new in it.
    pub fn each_accepted<'a>(
        &'a self,
        start: &[u8],
        key: usize,
        automaton: &Automaton,
        mut sink: impl FnMut(Posting<'a>),
    ) {
        let first = self.from(start);
        let Some(text) = first.text().filter(|text| text.starts_with(start)) else { return };
        let mut trace = Trace::new(automaton);
        if trace.accepts(0, &text[key..]) {
            sink(first.posting());
        }
        let mut at = first.next;
        while let Some(entry) = self.entry(at) {
            let accepted = if entry.shared >= start.len() {
                trace.accepts(entry.shared - key, entry.rest)
            } else if entry.shared == 0 && entry.rest.starts_with(start) {
                // The first of a block stands whole.
                trace.accepts(0, &entry.rest[key..])
            } else {
                return;
            };
            if accepted {
                self.posting(&entry).into_iter().for_each(&mut sink);
            }
            at = entry.end;
        }
    }

    /// What stands at a place; `None` behind the last.
    #[inline]
    fn entry(&self, at: usize) -> Option<Entry<'_>> {
        let bytes = self.bytes.get(at..)?;
        // Nearly all have lengths of one byte and few series: so much is checked at once.
        if let [shared, len, tail @ ..] = bytes
            && (*shared | *len) < 0x80
            && tail.len() >= 0x100
        {
            let (shared, len) = (usize::from(*shared), usize::from(*len));
            let (rest, ids) = (&tail[..len], tail[len]);
            if ids & 0x81 == 0 {
                let few = &tail[len + 1..len + 1 + usize::from(ids >> 1)];
                let end = at + 3 + len + few.len();
                return Some(Entry { shared, rest, ids: u64::from(ids), few, end });
            }
        }
        any_entry(bytes, at)
    }

    #[inline]
    fn posting<'a>(&'a self, entry: &Entry<'a>) -> Option<Posting<'a>> {
        match entry.ids & 1 {
            0 => Some(Posting::Few(entry.few)),
            _ => self.many.get((entry.ids >> 1) as usize).map(Posting::Many),
        }
    }

    /// About how many texts begin with `prefix`; off by two blocks at the most.
    pub fn count_near(&self, prefix: &[u8]) -> usize {
        let from = self.blocks.partition_point(|&at| self.head(at) < prefix);
        let to = self.blocks.partition_point(|&at| {
            let head = self.head(at);
            head < prefix || head.starts_with(prefix)
        });
        (to - from) * BLOCK_TEXTS
    }

    /// The first text of a block.
    fn head(&self, at: u64) -> &[u8] {
        let mut reader = Reader::new(&self.bytes[at as usize..]);
        let _shared = reader.varint();
        let len = reader.varint().unwrap_or(0);
        reader.take(len as usize).unwrap_or_default()
    }

    /// Bytes of memory, about.
    pub fn memory(&self) -> usize {
        let bitmap = |ids: &RoaringBitmap| 96 + ids.serialized_size();
        self.bytes.len() + self.blocks.len() * 8 + self.many.iter().map(bitmap).sum::<usize>()
    }
}

/// A text and its series as they are packed.
struct Entry<'a> {
    /// Bytes it shares with the one before, and those behind them.
    shared: usize,
    rest: &'a [u8],
    /// Twice the length of `few`, or twice the number of a bitmap and one.
    ids: u64,
    few: &'a [u8],
    /// Where the next one begins.
    end: usize,
}

/// An entry whatever its lengths.
fn any_entry(bytes: &[u8], at: usize) -> Option<Entry<'_>> {
    let mut reader = Reader::new(bytes);
    let shared = reader.varint().ok()? as usize;
    let len = reader.varint().ok()? as usize;
    let rest = reader.take(len).ok()?;
    let ids = reader.varint().ok()?;
    let few = if ids & 1 == 0 { reader.take((ids >> 1) as usize).ok()? } else { &[] };
    Some(Entry { shared, rest, ids, few, end: at + reader.position() })
}

/// A place in a dictionary; moves forwards.
#[derive(Debug)]
pub struct Cursor<'a> {
    dictionary: &'a Dictionary,
    /// Where the next text begins.
    next: usize,
    text: Vec<u8>,
    posting: Option<Posting<'a>>,
}

impl<'a> Cursor<'a> {
    fn at(dictionary: &'a Dictionary, next: usize) -> Cursor<'a> {
        let mut cursor = Cursor { dictionary, next, text: Vec::new(), posting: None };
        cursor.advance();
        cursor
    }

    /// The text here; `None` behind the last.
    pub fn text(&self) -> Option<&[u8]> {
        self.posting.map(|_| &*self.text)
    }

    /// Its series; none behind the last.
    pub fn posting(&self) -> Posting<'a> {
        self.posting.unwrap_or(Posting::Few(&[]))
    }

    /// Goes to the next text.
    pub fn advance(&mut self) {
        self.posting = self.read();
    }

    fn read(&mut self) -> Option<Posting<'a>> {
        let entry = self.dictionary.entry(self.next)?;
        self.text.truncate(entry.shared);
        self.text.extend_from_slice(entry.rest);
        let posting = self.dictionary.posting(&entry)?;
        self.next = entry.end;
        Some(posting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_dictionary_is_a_sorted_map(
            map in prop::collection::btree_map(
                prop_oneof![9 => "[ab]{0,9}", 1 => "[ab]{120,140}", 1 => "a{100}[ab]{20,40}"],
                prop_oneof![
                    9 => prop::collection::btree_set(0..9u32, 1..4),
                    1 => prop::collection::btree_set(any::<u32>(), 1..300),
                ],
                0..200,
            ),
            asked in "[ab]{0,9}",
        ) {
            let map: BTreeMap<Vec<u8>, Vec<u32>> = map.into_iter()
                .map(|(text, ids)| (text.into_bytes(), ids.into_iter().collect())).collect();
            let mut writer = Writer::default();
            map.iter().for_each(|(text, ids)| writer.push(text, ids));
            let built = writer.finish();
            for (text, ids) in &map {
                let found = built.find(text).expect("a text that was added");
                prop_assert!(found.ids().eq(ids.iter().copied()));
            }
            let mut cursor = built.from(asked.as_bytes());
            for text in map.range(asked.clone().into_bytes()..).map(|(text, _)| text) {
                prop_assert_eq!(cursor.text(), Some(&**text));
                cursor.advance();
            }
            prop_assert_eq!(cursor.text(), None);
            prop_assert_eq!(built.find(asked.as_bytes()).is_some(), map.contains_key(asked.as_bytes()));
            let count = map.keys().filter(|text| text.starts_with(asked.as_bytes())).count();
            prop_assert!(built.count_near(asked.as_bytes()).abs_diff(count) <= 2 * BLOCK_TEXTS);
        }
    }

    proptest! {
        /// Accepted: an odd number of `a` behind the key, none of them the third byte.
        #[test]
        fn what_is_accepted_is_what_matches(
            texts in prop::collection::btree_set("(j|k=[ab]{0,7}|l)", 0..300),
            start in "k=[ab]{0,2}",
        ) {
            let step = |(at, odd): (u8, bool), byte| match (at, byte) {
                (9, _) | (2, b'a') => (9, false),
                _ => ((at + 1).min(3), odd != (byte == b'a')),
            };
            let accepts = |text: &str| text.bytes().fold((0, false), step).1;
            let automaton = Automaton::explore((0, false), step, |(_, odd)| odd).expect("few states");
            let mut writer = Writer::default();
            texts.iter().enumerate().for_each(|(id, text)| writer.push(text.as_bytes(), &[id as u32]));
            let built = writer.finish();
            let mut found = Vec::new();
            built.each_accepted(start.as_bytes(), 2, &automaton, |posting| posting.append_to(&mut found));
            let wanted = texts.iter().enumerate().filter(|(_, text)| text.starts_with(&start));
            let wanted = wanted.filter(|(_, text)| accepts(&text[2..])).map(|(id, _)| id as u32);
            prop_assert_eq!(found, wanted.collect::<Vec<_>>());
        }
    }

    #[test]
    fn many_series_are_a_bitmap() {
        let ids: Vec<u32> = (0..=FEW_MAX as u32).map(|number| number * 3).collect();
        let mut writer = Writer::default();
        writer.push(b"a", &ids);
        writer.push(b"b", &[7]);
        let built = writer.finish();
        assert!(matches!(built.find(b"a"), Some(Posting::Many(_))));
        assert!(built.find(b"a").expect("added").ids().eq(ids));
        assert!(built.find(b"b").expect("added").ids().eq([7]));
    }
}
