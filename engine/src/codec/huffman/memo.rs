//! Tables for decoding, kept from run to run: building one takes as long as decoding a short run.
//!
//! Found again by the bytes of their lengths, so what is kept can never be of another block.

use super::symbol::extra_bits;
use super::table::CodeLengths;
use super::{CODE_BITS_MAX, SYMBOLS};
use crate::bytes::Malformed;
use std::cell::RefCell;

/// Tables kept by a thread.
const TABLES_MAX: usize = 32;

/// For each value of the next [`CODE_BITS_MAX`] bits: the symbol, shifted by four, and its length.
pub struct DecodeTable {
    /// See above.
    pub entries: [u16; 1 << CODE_BITS_MAX],
    /// Whether bits follow any of its symbols.
    pub has_extra: bool,
}

impl DecodeTable {
    fn new(lengths: &CodeLengths) -> DecodeTable {
        let mut table = [0; 1 << CODE_BITS_MAX];
        let codes = lengths.codes();
        for symbol in (0..SYMBOLS).filter(|&symbol| lengths.0[symbol] > 0) {
            let (code, length) = (usize::from(codes[symbol]), lengths.0[symbol]);
            for entry in table[code..].iter_mut().step_by(1 << length) {
                *entry = (symbol as u16) << 4 | u16::from(length);
            }
        }
        let has_extra = (0..SYMBOLS).any(|s| lengths.0[s] > 0 && extra_bits(s) > 0);
        DecodeTable { entries: table, has_extra }
    }
}

/// What a thread keeps for decoding.
#[derive(Default)]
pub struct Memo {
    tables: Vec<(Vec<u8>, Box<DecodeTable>)>,
    replaced_last: usize,
    used_last: usize,
    /// Room for the bytes of a code area, and for symbols.
    pub bytes: Vec<u8>,
    /// See `bytes`.
    pub symbols: Vec<u16>,
}

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::default();
}

/// Calls `work` with the memory of this thread and the number of the table in it.
pub fn with<T>(
    lengths: &[u8],
    work: impl FnOnce(&DecodeTable, &mut Vec<u8>, &mut Vec<u16>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    MEMO.with_borrow_mut(|memo| {
        let at = memo.find(lengths)?;
        let Memo { tables, bytes, symbols, .. } = memo;
        work(&tables[at].1, bytes, symbols)
    })
}

impl Memo {
    fn find(&mut self, lengths: &[u8]) -> Result<usize, Malformed> {
        let is_it = |entry: &(Vec<u8>, _)| entry.0 == lengths;
        if !self.tables.get(self.used_last).is_some_and(is_it) {
            self.used_last = match self.tables.iter().position(is_it) {
                Some(at) => at,
                None => self.add(lengths)?,
            };
        }
        Ok(self.used_last)
    }

    fn add(&mut self, lengths: &[u8]) -> Result<usize, Malformed> {
        let table = Box::new(DecodeTable::new(&CodeLengths::decode(lengths)?));
        if self.tables.len() < TABLES_MAX {
            self.tables.push((lengths.to_vec(), table));
            return Ok(self.tables.len() - 1);
        }
        self.replaced_last = (self.replaced_last + 1) % TABLES_MAX;
        self.tables[self.replaced_last] = (lengths.to_vec(), table);
        Ok(self.replaced_last)
    }
}
