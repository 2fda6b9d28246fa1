//! Memory that decoders of a thread use again and again.

use crate::bytes::Malformed;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SPARE: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with what `packed` is once decompressed by LZ4, `bytes` bytes at the most.
pub fn with_lz4<T>(
    packed: &[u8],
    bytes: usize,
    work: impl FnOnce(&[u8]) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    BYTES.with_borrow_mut(|memory| {
        if memory.len() < bytes {
            memory.resize(bytes, 0);
        }
        let len = lz4_flex::block::decompress_into(packed, &mut memory[..bytes])
            .map_err(|_| Malformed { at: 0 })?;
        work(&memory[..len])
    })
}

/// Lists kept for use: no decoder holds more at a time.
const SPARE_MAX: usize = 8;

/// Numbers whose memory goes back to the thread.
#[derive(Debug, Default)]
pub struct Numbers {
    /// As long as it ever was, so that none is made twice.
    list: Vec<u64>,
    count: usize,
}

impl Numbers {
    /// So many numbers of no meaning.
    pub fn new(count: usize) -> Numbers {
        let mut list = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        if list.len() < count {
            list.resize(count, 0);
        }
        Numbers { list, count }
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARE_MAX {
                spare.push(std::mem::take(&mut self.list));
            }
        });
    }
}

impl Deref for Numbers {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.list[..self.count]
    }
}

impl DerefMut for Numbers {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.list[..self.count]
    }
}
