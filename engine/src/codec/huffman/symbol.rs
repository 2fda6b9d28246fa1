//! What a folded number becomes: a symbol, and bits that no code would shorten.

/// Symbols there are.
pub const SYMBOLS: usize = EXACT + 4 * 57;
/// Numbers below this are symbols themselves.
pub const EXACT: usize = 128;
/// Bit length of the first number that is not.
const LENGTH_FIRST: u32 = 8;

/// The symbol of a folded number.
#[inline]
pub fn symbol(folded: u64) -> usize {
    if folded < EXACT as u64 {
        return folded as usize;
    }
    let length = 64 - folded.leading_zeros();
    let second = (folded >> (length - 2) & 1) as usize;
    EXACT + 4 * (length - LENGTH_FIRST) as usize + 2 * second + (folded & 1) as usize
}

/// How many bits follow a symbol.
#[inline]
pub const fn extra_bits(symbol: usize) -> u32 {
    if symbol < EXACT { 0 } else { ((symbol - EXACT) / 4) as u32 + LENGTH_FIRST - 3 }
}

/// The bits that follow the symbol of a folded number.
#[inline]
pub fn rest(folded: u64, extra: u32) -> u64 {
    folded >> 1 & ((1 << extra) - 1)
}

/// The folded number of each symbol whose bits that follow are all zero.
pub static BASES: [u64; SYMBOLS] = {
    let mut bases = [0; SYMBOLS];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        bases[symbol] = if symbol < EXACT {
            symbol as u64
        } else {
            let length = ((symbol - EXACT) / 4) as u32 + LENGTH_FIRST;
            let (second, sign) = ((symbol as u64 >> 1) & 1, symbol as u64 & 1);
            1 << (length - 1) | second << (length - 2) | sign
        };
        symbol += 1;
    }
    bases
};

/// How many bits follow each symbol.
pub static EXTRA_BITS: [u8; SYMBOLS] = {
    let mut bits = [0; SYMBOLS];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        bits[symbol] = extra_bits(symbol) as u8;
        symbol += 1;
    }
    bits
};
