//! Several dictionaries read as one, and parts merged into one.

use super::dictionary::{Cursor, Writer};
use super::part::Part;
use super::posting::Posting;
use std::sync::Arc;

/// Cursors over the dictionaries of parts that follow each other, advanced together.
#[derive(Debug)]
pub struct Merge<'a> {
    cursors: Vec<Cursor<'a>>,
    /// The cursors that are not at their end, by text, then by part.
    order: Vec<usize>,
    /// How many of them stand at the first text.
    same: usize,
    /// Those while they are advanced.
    moved: Vec<usize>,
}

impl<'a> Merge<'a> {
    /// From the first text that is not below `text`.
    pub fn from(parts: &'a [Arc<Part>], text: &[u8]) -> Merge<'a> {
        let cursors = parts.iter().map(|part| part.texts.from(text)).collect();
        let mut merge = Merge { cursors, order: Vec::new(), same: 0, moved: Vec::new() };
        (0..parts.len()).for_each(|number| merge.enqueue(number));
        merge.count_same();
        merge
    }

    /// The first text.
    pub fn text(&self) -> Option<&[u8]> {
        self.cursors[*self.order.first()?].text()
    }

    /// Its series: ascending, one part after the other.
    pub fn postings(&self) -> impl Iterator<Item = Posting<'a>> {
        self.order[..self.same].iter().map(|&number| self.cursors[number].posting())
    }

    /// Goes to the next text.
    pub fn advance(&mut self) {
        let mut moved = std::mem::take(&mut self.moved);
        moved.extend(self.order.drain(..self.same));
        for number in moved.drain(..) {
            self.cursors[number].advance();
            self.enqueue(number);
        }
        self.moved = moved;
        self.count_same();
    }

    fn enqueue(&mut self, number: usize) {
        let cursors = &self.cursors;
        let Some(text) = cursors[number].text() else { return };
        let place = self
            .order
            .partition_point(|&other| (cursors[other].text(), other) < (Some(text), number));
        self.order.insert(place, number);
    }

    fn count_same(&mut self) {
        let text = self.text();
        self.same = self.order.iter().take_while(|&&at| self.cursors[at].text() == text).count();
    }
}

/// One part for several that follow each other.
pub fn merge(parts: &[Arc<Part>]) -> Part {
    let start = parts.first().map_or(0, |part| part.ids.start);
    let end = parts.last().map_or(0, |part| part.ids.end);
    let mut writer = Writer::default();
    let mut ids = Vec::new();
    let mut merge = Merge::from(parts, b"");
    while let Some(text) = merge.text() {
        if merge.postings().any(|posting| matches!(posting, Posting::Many(_))) {
            let all = merge.postings().map(Posting::to_bitmap);
            writer.push_many(text, all.reduce(|all, next| all | next).unwrap_or_default());
        } else {
            ids.clear();
            merge.postings().for_each(|posting| posting.append_to(&mut ids));
            writer.push(text, &ids);
        }
        merge.advance();
    }
    Part { ids: start..end, texts: writer.finish() }
}
