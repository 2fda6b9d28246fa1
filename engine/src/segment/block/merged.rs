//! The runs of a block that a merge builds, and the codes chosen for all of them.

use super::SAME_AS_RUN;
use crate::bytes::put_varint;
use crate::codec::column::Column;
use crate::codec::huffman::{self, Tables};
use crate::codec::{times, values};
use crate::types::Samples;

/// Distinct timestamp columns looked through for an equal one.
const DISTINCT_MAX: usize = 8;

/// Runs so far.
#[derive(Debug, Default)]
pub struct Merged {
    times: Vec<Column>,
    values: Vec<Column>,
    bytes: usize,
    /// The last distinct timestamp columns: run, timestamps.
    distinct: Vec<(usize, Vec<i64>)>,
    /// Which of them the last run has.
    current: usize,
}

impl Merged {
    /// Adds the rows `from..to` as a run.
    pub fn push(&mut self, rows: &Samples, from: usize, to: usize, scratch: &mut values::Scratch) {
        let times = self.times(&rows.timestamps[from..to]);
        let values = values::plan(rows, from, to, scratch);
        self.bytes += values.bytes.len();
        self.times.push(times);
        self.values.push(values);
    }

    /// About how many bytes of values there are, streams aside.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing if the run before has the same timestamps; its number if an earlier one has.
    fn times(&mut self, timestamps: &[i64]) -> Column {
        let is_it = |entry: &(usize, Vec<i64>)| entry.1 == timestamps;
        if self.distinct.get(self.current).is_some_and(is_it) {
            return Column::default();
        }
        if let Some(at) = self.distinct.iter().position(is_it) {
            self.current = at;
            let mut bytes = vec![SAME_AS_RUN];
            put_varint(&mut bytes, self.distinct[at].0 as u64);
            return Column::plain(bytes);
        }
        let run = self.times.len();
        if self.distinct.len() < DISTINCT_MAX {
            self.distinct.push((run, timestamps.to_vec()));
            self.current = self.distinct.len() - 1;
        } else {
            self.current = (self.current + 1) % DISTINCT_MAX;
            self.distinct[self.current] = (run, timestamps.to_vec());
        }
        times::plan(timestamps)
    }

    /// Appends all columns, the end of each, and the tables of their codes; starts anew.
    pub fn write(
        &mut self,
        times: (&mut Vec<u8>, &mut Vec<u32>),
        values: (&mut Vec<u8>, &mut Vec<u32>),
        tables: &mut Vec<u8>,
    ) {
        let columns = self.times.iter().chain(&self.values);
        let candidates: Vec<_> = columns.flat_map(Column::candidates).collect();
        let choice = huffman::choose(&candidates);
        let coders = choice.coders();
        let mut codes = choice.each(&coders);
        for (columns, (bytes, ends)) in [(&self.times, times), (&self.values, values)] {
            for column in columns {
                column.write(&mut codes, bytes);
                ends.push(bytes.len() as u32);
            }
        }
        Tables::encode(&choice.codes, tables);
        *self = Merged::default();
    }
}
