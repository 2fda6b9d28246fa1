//! The series that share a label: few as gaps and runs in bytes, many as a `roaring` bitmap.
//!
//! At millions of series most values belong to one series or to a handful with neighbouring ids, so
//! the bytes are what counts: a gap costs one to five, a run two more whatever its length.

use crate::bytes::{Reader, put_varint};
use crate::types::SeriesId;
use roaring::RoaringBitmap;

/// Up to here a bitmap's fixed cost is more than the gaps.
pub const FEW_MAX: usize = 256;

/// Ids, ascending.
#[derive(Debug, Clone, Copy)]
pub enum Posting<'a> {
    /// As [`encode`] wrote them.
    Few(&'a [u8]),
    /// More than [`FEW_MAX`].
    Many(&'a RoaringBitmap),
}

impl<'a> Posting<'a> {
    /// How many ids.
    pub fn len(self) -> u64 {
        match self {
            Posting::Few(bytes) => Few::new(bytes).count_runs(),
            Posting::Many(bitmap) => bitmap.len(),
        }
    }

    /// The ids, ascending.
    pub fn ids(self) -> Box<dyn Iterator<Item = SeriesId> + 'a> {
        match self {
            Posting::Few(bytes) => Box::new(Few::new(bytes)),
            Posting::Many(bitmap) => Box::new(bitmap.iter()),
        }
    }

    /// Those ids that are among some; all of them, if `None`.
    pub fn ids_among(
        self,
        among: Option<&'a RoaringBitmap>,
    ) -> Box<dyn Iterator<Item = SeriesId> + 'a> {
        match (self, among) {
            (posting, None) => posting.ids(),
            (Posting::Many(bitmap), Some(among)) => Box::new((bitmap & among).into_iter()),
            (posting, Some(among)) => Box::new(posting.ids().filter(|&id| among.contains(id))),
        }
    }

    /// Appends the ids.
    pub fn append_to(self, out: &mut Vec<SeriesId>) {
        match self {
            Posting::Few(bytes) => Few::new(bytes).append_runs(out),
            Posting::Many(bitmap) => out.extend(bitmap),
        }
    }

    /// The ids as a set of their own.
    pub fn to_bitmap(self) -> RoaringBitmap {
        match self {
            Posting::Few(bytes) => Few::new(bytes).collect(),
            Posting::Many(bitmap) => bitmap.clone(),
        }
    }
}

/// Appends ascending ids: for each run its distance to the one before, doubled, plus one and the
/// length less two if it is longer than one.
pub fn encode(out: &mut Vec<u8>, ids: &[SeriesId]) {
    let mut expected = 0u32;
    for run in ids.chunk_by(|&before, &next| before.checked_add(1) == Some(next)) {
        let gap = u64::from(run[0].wrapping_sub(expected)) << 1;
        put_varint(out, gap | u64::from(run.len() > 1));
        if run.len() > 1 {
            put_varint(out, run.len() as u64 - 2);
        }
        expected = run[run.len() - 1].wrapping_add(1);
    }
}

/// Ascending ids as a set; other orders cost more.
pub fn bitmap(ids: &[SeriesId]) -> RoaringBitmap {
    let sorted = RoaringBitmap::from_sorted_iter(ids.iter().copied());
    sorted.unwrap_or_else(|_| ids.iter().copied().collect())
}

/// Reads what [`encode`] wrote.
struct Few<'a> {
    reader: Reader<'a>,
    next: u32,
    left: u32,
}

impl<'a> Few<'a> {
    fn new(bytes: &'a [u8]) -> Few<'a> {
        Few { reader: Reader::new(bytes), next: 0, left: 0 }
    }
}

impl Few<'_> {
    /// Reads the head of the next run.
    #[inline]
    fn open_run(&mut self) -> Option<()> {
        let head = self.reader.varint().ok()?;
        let longer = if head & 1 == 1 { self.reader.varint().ok()? + 1 } else { 0 };
        self.next = self.next.wrapping_add((head >> 1) as u32);
        self.left = 1 + longer as u32;
        Some(())
    }

    /// Appends all ids, run by run.
    fn append_runs(mut self, out: &mut Vec<SeriesId>) {
        while self.open_run().is_some() {
            let first = self.next;
            out.extend((0..self.left).map(|id| first.wrapping_add(id)));
            self.next = first.wrapping_add(self.left);
        }
    }

    /// How many ids there are, run by run.
    fn count_runs(mut self) -> u64 {
        let mut count = 0;
        while self.next().is_some() {
            count += 1 + u64::from(std::mem::take(&mut self.left));
        }
        count
    }
}

impl Iterator for Few<'_> {
    type Item = SeriesId;

    #[inline]
    fn next(&mut self) -> Option<SeriesId> {
        if self.left == 0 {
            self.open_run()?;
        }
        let id = self.next;
        (self.next, self.left) = (id.wrapping_add(1), self.left - 1);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ids_survive(
            ids in prop::collection::btree_set(prop_oneof![0..40u32, any::<u32>()], 0..60)
        ) {
            let ids: Vec<u32> = BTreeSet::into_iter(ids).collect();
            let mut bytes = Vec::new();
            encode(&mut bytes, &ids);
            let mut back = Vec::new();
            Posting::Few(&bytes).append_to(&mut back);
            prop_assert_eq!(&back, &ids);
            prop_assert_eq!(Posting::Few(&bytes).len(), ids.len() as u64);
            prop_assert!(Posting::Few(&bytes).to_bitmap().iter().eq(ids));
        }
    }
}
