//! Tables for decoding, kept from run to run: building one takes as long as decoding some runs.
//!
//! Found again by the bytes of their lengths, so what is kept can never be of another block.

use super::lookup::Lookup;
use super::table::CodeLengths;
use crate::bytes::Malformed;
use crate::codec::bits::SLACK_BYTES;
use crate::limits::RUN_ROWS_MAX;
use std::cell::RefCell;

/// Tables kept by a thread.
const TABLES_MAX: usize = 64;
/// A table that decoded so many numbers will decode as many again, more likely than not.
const NUMBERS_MANY: usize = 8192;
/// Table numbers for which it is kept where their table was found last.
const NUMBERS_MAX: usize = 32;

/// What a thread keeps for decoding.
#[derive(Default)]
struct Memo {
    tables: Vec<Table>,
    replaced_last: usize,
    found_last: [usize; NUMBERS_MAX],
    memory: Memory,
}

/// A table, by the bytes of its lengths.
struct Table {
    lengths: Vec<u8>,
    lookup: Lookup,
    /// Numbers still to be decoded before it is prepared for more.
    numbers_left: usize,
}

/// Memory to use again.
pub struct Memory {
    /// The bytes of a code area.
    pub area: AreaBytes,
    /// Room for the places of symbols.
    pub places: Box<Places>,
}

/// Room for places, and for bytes of an area: more than a run has, and as much as 16 bits count, for
/// a processor takes these of a number by one instruction, and nothing is out of range.
pub const WITHIN: usize = 1 << 16;

const _: () = assert!(WITHIN > 4 * RUN_ROWS_MAX + 200);

/// Places of symbols, with room behind them for one write more.
pub type Places = [u8; WITHIN + 8];

/// The bytes of an area, [`SLACK_BYTES`] behind the begin; all others are zero, so that what a wrong
/// stream is read as depends on nothing else.
pub struct AreaBytes {
    all: Box<[u8; WITHIN + 8]>,
    end: usize,
}

impl AreaBytes {
    /// Takes bytes, at most four a row and some, instead of those before.
    pub fn replace(&mut self, area: &[u8]) {
        let end = SLACK_BYTES + area.len();
        self.all[SLACK_BYTES..end].copy_from_slice(area);
        if end < self.end {
            self.all[end..self.end].fill(0);
        }
        self.end = end;
    }

    /// Eight bytes from a place on, which is counted modulo [`WITHIN`].
    #[inline(always)]
    pub fn eight(&self, at: usize) -> u64 {
        let (at, mut eight) = (at % WITHIN, [0; 8]);
        eight.copy_from_slice(&self.all[at..at + 8]);
        u64::from_le_bytes(eight)
    }
}

impl Default for Memory {
    fn default() -> Memory {
        let area = AreaBytes { all: Box::new([0; WITHIN + 8]), end: SLACK_BYTES };
        Memory { area, places: Box::new([0; WITHIN + 8]) }
    }
}

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::default();
}

/// Calls `work` with the table of these lengths, which is `number` in its block, to decode so many
/// numbers.
pub fn with<T>(
    lengths: &[u8],
    number: u8,
    numbers: usize,
    work: impl FnOnce(&Lookup, &mut Memory) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    MEMO.with_borrow_mut(|memo| {
        let at = memo.find(lengths, usize::from(number) % NUMBERS_MAX)?;
        let table = &mut memo.tables[at];
        table.count(numbers);
        work(&table.lookup, &mut memo.memory)
    })
}

impl Table {
    fn count(&mut self, numbers: usize) {
        if self.numbers_left > 0 {
            self.numbers_left = self.numbers_left.saturating_sub(numbers);
            if self.numbers_left == 0 {
                self.lookup.prepare_for_more();
            }
        }
    }
}

impl Memo {
    fn find(&mut self, lengths: &[u8], number: usize) -> Result<usize, Malformed> {
        let is_it = |table: &Table| table.lengths == lengths;
        let last = self.found_last[number];
        if self.tables.get(last).is_some_and(is_it) {
            return Ok(last);
        }
        let at = match self.tables.iter().position(is_it) {
            Some(at) => at,
            None => self.add(lengths)?,
        };
        self.found_last[number] = at;
        Ok(at)
    }

    fn add(&mut self, lengths: &[u8]) -> Result<usize, Malformed> {
        let lookup = Lookup::new(&CodeLengths::decode(lengths)?);
        let table = Table { lengths: lengths.to_vec(), lookup, numbers_left: NUMBERS_MANY };
        if self.tables.len() < TABLES_MAX {
            self.tables.push(table);
            return Ok(self.tables.len() - 1);
        }
        self.replaced_last = (self.replaced_last + 1) % TABLES_MAX;
        self.tables[self.replaced_last] = table;
        Ok(self.replaced_last)
    }
}
