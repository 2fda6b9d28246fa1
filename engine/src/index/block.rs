//! A block of a dictionary: up to 32 texts in ascending order, packed.
//!
//! Columns stand in front: how much each text shares with the one before, how long its rest is, how many bytes
//! its series take. So where one text ends is a sum, not something read from the text before, and a
//! processor works on several at a time. Then come all rests, then all series. The first text stands whole;
//! what it shares with the block before is told all the same.
//!
//! In front of all: the number of texts, and whether a column has four bytes a text, because one would not do.

use super::automaton::Trace;
use crate::bytes::put_varint;

/// Texts in one block: a lookup walks half of them, the first of each is not shortened.
pub const BLOCK_TEXTS: usize = 32;
/// In front of columns of four bytes.
const WIDE: u8 = 0x80;
const _: () = assert!(BLOCK_TEXTS < WIDE as usize && BLOCK_TEXTS <= u32::BITS as usize);

/// A block that is being filled.
#[derive(Debug, Default)]
pub struct Filling {
    columns: [Vec<u32>; 3],
    rests: Vec<u8>,
    ids: Vec<u8>,
}

impl Filling {
    /// Whether no text is in it.
    pub fn is_empty(&self) -> bool {
        self.columns[0].is_empty()
    }

    /// Whether no text has room.
    pub fn is_full(&self) -> bool {
        self.columns[0].len() == BLOCK_TEXTS
    }

    /// Adds a text, of which the first `shared` bytes are those of the text before.
    pub fn push_text(&mut self, text: &[u8], shared: usize) {
        let rest = if self.is_empty() { text } else { &text[shared..] };
        self.columns[0].push(shared as u32);
        self.columns[1].push(rest.len() as u32);
        self.rests.extend_from_slice(rest);
    }

    /// Adds the series of the last text, packed.
    pub fn push_few(&mut self, ids: &[u8]) {
        self.columns[2].push((ids.len() as u32) << 1);
        self.ids.extend_from_slice(ids);
    }

    /// Adds the number of the bitmap of the last text's series.
    pub fn push_many(&mut self, number: usize) {
        let before = self.ids.len();
        put_varint(&mut self.ids, number as u64);
        self.columns[2].push((((self.ids.len() - before) as u32) << 1) | 1);
    }

    /// Appends the block; this is empty then.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let wide = self.columns.iter().flatten().any(|&length| length > 0xff);
        out.push(self.columns[0].len() as u8 | if wide { WIDE } else { 0 });
        for length in self.columns.iter().flatten() {
            out.extend_from_slice(&length.to_le_bytes()[..if wide { 4 } else { 1 }]);
        }
        out.extend_from_slice(&self.rests);
        out.extend_from_slice(&self.ids);
        self.columns.iter_mut().for_each(Vec::clear);
        self.rests.clear();
        self.ids.clear();
    }
}

/// A packed block.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Its texts.
    pub texts: usize,
    wide: bool,
    /// Column by column.
    columns: &'a [u8],
    /// Behind the columns.
    packed: &'a [u8],
}

/// How long the pieces of a text are.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// Bytes it shares with the one before.
    pub shared: usize,
    /// Bytes behind them; of the first of a block all.
    pub rest: usize,
    /// Bytes of its series.
    pub ids: usize,
    /// Whether they are the number of a bitmap.
    pub many: bool,
}

impl<'a> Block<'a> {
    /// The block that some bytes begin with.
    #[inline]
    pub fn open(bytes: &'a [u8]) -> Block<'a> {
        let texts = usize::from(bytes[0] & !WIDE);
        let wide = bytes[0] & WIDE != 0;
        let (columns, packed) = bytes[1..].split_at(3 * texts * if wide { 4 } else { 1 });
        Block { texts, wide, columns, packed }
    }

    #[inline]
    fn length(&self, column: usize, text: usize) -> usize {
        let at = column * self.texts + text;
        if self.wide {
            let bytes = self.columns[4 * at..].first_chunk().copied().unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        } else {
            usize::from(self.columns[at])
        }
    }

    /// Those of a text.
    #[inline]
    pub fn lengths(&self, text: usize) -> Lengths {
        let ids = self.length(2, text);
        let (shared, rest) = (self.length(0, text), self.length(1, text));
        Lengths { shared, rest, ids: ids >> 1, many: ids & 1 == 1 }
    }

    /// The first text.
    pub fn head(&self) -> &'a [u8] {
        &self.packed[..self.length(1, 0)]
    }

    /// A rest or series, which begin at a place behind the columns.
    #[inline]
    pub fn piece(&self, at: usize, len: usize) -> &'a [u8] {
        &self.packed[at..at + len]
    }

    /// Where the first series begin.
    pub fn ids_at(&self) -> usize {
        (0..self.texts).map(|text| self.length(1, text)).sum()
    }

    /// Which texts are accepted, a bit for each, from the lowest on; all of them reach behind the trace's start.
    /// The trace stands at the text before the first or at its start.
    pub fn accepted(&self, trace: &mut Trace<'_>) -> u32 {
        if self.wide {
            return self.accepted_one_by_one(trace);
        }
        let (shared, lengths) = self.columns[..2 * self.texts].split_at(self.texts);
        let head = self.head();
        let first = u32::from(trace.accepts_whole(usize::from(shared[0]), head));
        let rests = &self.packed[head.len()..];
        first | trace.accept_each(&shared[1..], &lengths[1..], rests) << 1
    }

    /// The same, plainly.
    fn accepted_one_by_one(&self, trace: &mut Trace<'_>) -> u32 {
        let (mut at, mut accepted) = (0, 0);
        for text in 0..self.texts {
            let Lengths { shared, rest, .. } = self.lengths(text);
            let rest = self.piece(at, rest);
            let holds = match text {
                0 => trace.accepts_whole(shared, rest),
                _ => trace.accepts(shared, rest),
            };
            accepted |= u32::from(holds) << text;
            at += rest.len();
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::super::automaton::Automaton;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Accepted: an odd number of `a` behind the key.
        #[test]
        fn a_block_at_once_is_one_by_one(
            texts in prop::collection::btree_set("k=[ab]{0,7}|k=[ab]{240,300}", 1..=BLOCK_TEXTS),
        ) {
            let step = |odd, byte| odd != (byte == b'a');
            let automaton = Automaton::explore(false, step, |odd| odd).expect("few states");
            let (mut filling, mut bytes, mut before) = (Filling::default(), Vec::new(), "k=");
            for text in &texts {
                let shared = before.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
                filling.push_text(text.as_bytes(), shared);
                filling.push_few(&[7]);
                before = text;
            }
            filling.finish(&mut bytes);
            let block = Block::open(&bytes);
            let accepts = |text: &String| text.bytes().fold(false, step);
            let wanted: u32 =
                texts.iter().enumerate().map(|(at, text)| u32::from(accepts(text)) << at).sum();
            prop_assert_eq!(block.accepted_one_by_one(&mut Trace::new(&automaton, 2)), wanted);
            prop_assert_eq!(block.accepted(&mut Trace::new(&automaton, 2)), wanted);
        }
    }
}
