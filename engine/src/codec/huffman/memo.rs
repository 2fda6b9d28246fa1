//! Tables for decoding, kept from run to run: building one takes as long as decoding some runs.
//!
//! Found again by the bytes of their lengths, so what is kept can never be of another block.

use super::lookup::Lookup;
use super::table::CodeLengths;
use crate::bytes::Malformed;
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
    /// Room for the bytes of a code area.
    pub bytes: Vec<u8>,
    /// Room for the places of symbols.
    pub places: Box<Places>,
}

/// Places at the most: more than a run has, and a power of two so that none is out of range.
pub const PLACES_MAX: usize = 1 << 14;

const _: () = assert!(PLACES_MAX > RUN_ROWS_MAX + 200);

/// Places of symbols, with room behind them for one write more.
pub type Places = [u8; PLACES_MAX + 8];

impl Default for Memory {
    fn default() -> Memory {
        Memory { bytes: Vec::new(), places: Box::new([0; PLACES_MAX + 8]) }
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
