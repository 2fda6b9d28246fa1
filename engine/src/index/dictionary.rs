//! Sorted texts, each with the series it belongs to, packed: an immutable map.
//!
//! Texts are front coded in blocks: the first of a block stands whole, each other one as what it
//! shares with the one before and the rest. Behind the texts stand their ids, or, if they are many,
//! the number of their bitmap. A lookup halves over the first texts and walks one block.

use super::automaton::{Automaton, Trace};
use super::block::{BLOCK_TEXTS, Block, Filling};
use super::posting::{self, FEW_MAX, Posting};
use crate::bytes::Reader;
use crate::types::SeriesId;
use roaring::RoaringBitmap;
use std::ops::Range;

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
    block: Filling,
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
        self.block.push_few(&self.ids);
    }

    /// The same with more than [`FEW_MAX`] series.
    pub fn push_many(&mut self, text: &[u8], mut series: RoaringBitmap) {
        self.push_text(text);
        self.block.push_many(self.built.many.len());
        series.optimize();
        self.built.many.push(series);
    }

    fn push_text(&mut self, text: &[u8]) {
        debug_assert!(self.before.is_empty() || *text > *self.before, "texts come in order");
        if self.block.is_full() {
            self.finish_block();
        }
        let shared = self.before.iter().zip(text).take_while(|(a, b)| a == b).count();
        self.block.push_text(text, shared);
        self.before.truncate(shared);
        self.before.extend_from_slice(&text[shared..]);
    }

    fn finish_block(&mut self) {
        if !self.block.is_empty() {
            self.built.blocks.push(self.built.bytes.len() as u64);
            self.block.finish(&mut self.built.bytes);
        }
    }

    /// The dictionary.
    pub fn finish(mut self) -> Dictionary {
        self.finish_block();
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
        let behind = self.blocks.partition_point(|&at| self.block_at(at).head() <= text);
        let mut cursor = Cursor::at(self, behind.saturating_sub(1));
        while cursor.text().is_some_and(|found| found < text) {
            cursor.advance();
        }
        cursor
    }

    /// Passes on the series of the texts that begin with `start` and that an automaton accepts behind the
    /// first `key` bytes, which `start` covers. No text of a block within is put together: a step reads what
    /// is new in it.
    pub fn each_accepted<'a>(
        &'a self,
        start: &[u8],
        key: usize,
        automaton: &Automaton,
        mut sink: impl FnMut(Posting<'a>),
    ) {
        let one_by_one = |mut cursor: Cursor<'a>, end, sink: &mut dyn FnMut(Posting<'a>)| {
            while cursor.place < end
                && let Some(text) = cursor.text().filter(|text| text.starts_with(start))
            {
                if automaton.accepts(&text[key..]) {
                    sink(cursor.posting());
                }
                cursor.advance();
            }
        };
        let heads = self.heads_with(start);
        // A block has no text without the start if the first of the next one has it, too.
        let last = heads.end.saturating_sub(1).max(heads.start);
        one_by_one(self.from(start), heads.start, &mut sink);
        let mut trace = Trace::new(automaton, key);
        for &at in &self.blocks[heads.start..last] {
            self.pass_accepted(self.block_at(at), &mut trace, &mut sink);
        }
        one_by_one(Cursor::at(self, last), usize::MAX, &mut sink);
    }

    /// Passes on the series of those texts of a block that are accepted.
    fn pass_accepted<'a>(
        &'a self,
        block: Block<'a>,
        trace: &mut Trace<'_>,
        sink: &mut impl FnMut(Posting<'a>),
    ) {
        let accepted = block.accepted(trace);
        if accepted == 0 {
            return;
        }
        let mut at = block.ids_at();
        for text in 0..block.texts {
            let lengths = block.lengths(text);
            if accepted >> text & 1 == 1 {
                let posting = self.posting(block.piece(at, lengths.ids), lengths.many);
                posting.into_iter().for_each(&mut *sink);
            }
            at += lengths.ids;
        }
    }

    /// The blocks whose first texts begin with `start`.
    fn heads_with(&self, start: &[u8]) -> Range<usize> {
        let from = self.blocks.partition_point(|&at| self.block_at(at).head() < start);
        let to = self.blocks.partition_point(|&at| {
            let head = self.block_at(at).head();
            head < start || head.starts_with(start)
        });
        from..to
    }

    /// About how many texts begin with `prefix`; off by two blocks at the most.
    pub fn count_near(&self, prefix: &[u8]) -> usize {
        self.heads_with(prefix).len() * BLOCK_TEXTS
    }

    #[inline]
    fn block_at(&self, at: u64) -> Block<'_> {
        Block::open(&self.bytes[at as usize..])
    }

    #[inline]
    fn posting<'a>(&'a self, ids: &'a [u8], many: bool) -> Option<Posting<'a>> {
        if !many {
            return Some(Posting::Few(ids));
        }
        let number = Reader::new(ids).varint().ok()?;
        self.many.get(number as usize).map(Posting::Many)
    }

    /// Bytes of memory, about.
    pub fn memory(&self) -> usize {
        let bitmap = |ids: &RoaringBitmap| 96 + ids.serialized_size();
        self.bytes.len() + self.blocks.len() * 8 + self.many.iter().map(bitmap).sum::<usize>()
    }
}

/// A place in a dictionary; moves forwards.
#[derive(Debug)]
pub struct Cursor<'a> {
    dictionary: &'a Dictionary,
    /// Number of the block, and the block; `None` behind the last.
    place: usize,
    block: Option<Block<'a>>,
    /// Number of the text in it, and the text.
    number: usize,
    text: Vec<u8>,
    /// Where its rest and its series begin.
    rest_at: usize,
    ids_at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first text of a block.
    fn at(dictionary: &'a Dictionary, place: usize) -> Cursor<'a> {
        let (text, number, rest_at, ids_at) = (Vec::new(), 0, 0, 0);
        let mut cursor = Cursor { dictionary, place, block: None, number, text, rest_at, ids_at };
        cursor.open(place);
        cursor
    }

    /// Goes to the first text of a block.
    fn open(&mut self, place: usize) {
        (self.place, self.number, self.rest_at) = (place, 0, 0);
        self.block = self.dictionary.blocks.get(place).map(|&at| self.dictionary.block_at(at));
        if let Some(block) = self.block {
            self.ids_at = block.ids_at();
            self.text.clear();
            self.text.extend_from_slice(block.head());
        }
    }

    /// The text here; `None` behind the last.
    pub fn text(&self) -> Option<&[u8]> {
        self.block.map(|_| &*self.text)
    }

    /// Its series; none behind the last.
    pub fn posting(&self) -> Posting<'a> {
        let posting = self.block.and_then(|block| {
            let lengths = block.lengths(self.number);
            self.dictionary.posting(block.piece(self.ids_at, lengths.ids), lengths.many)
        });
        posting.unwrap_or(Posting::Few(&[]))
    }

    /// Goes to the next text.
    pub fn advance(&mut self) {
        let Some(block) = self.block else { return };
        if self.number + 1 == block.texts {
            return self.open(self.place + 1);
        }
        let before = block.lengths(self.number);
        self.rest_at += before.rest;
        self.ids_at += before.ids;
        self.number += 1;
        let lengths = block.lengths(self.number);
        self.text.truncate(lengths.shared);
        self.text.extend_from_slice(block.piece(self.rest_at, lengths.rest));
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
