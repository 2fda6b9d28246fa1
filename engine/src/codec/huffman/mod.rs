//! Prefix codes for small numbers, shared by runs: canonical, at most eleven bits.
//!
//! Numbers are folded by zig-zag. Below 128 each is a symbol of its own; above, a symbol says the
//! bit length, the second-highest bit and the sign, and the bits between follow apart, uncoded.
//! Runs are short and cannot pay for a table each, so a block has a few that its runs name.
//! Layout: `FORMAT.md`, section "Codes".

mod cluster;
mod decode;
mod encode;
mod lengths;
mod lookup;
mod memo;
mod symbol;
mod table;

pub use cluster::{Candidate, Choice, choose, estimate_bits};
pub use decode::{Code, add_up, decode, decode_sums};
pub use encode::{Coder, encode};
pub use symbol::{SYMBOLS, extra_bits, symbol};
pub use table::{CodeLengths, Tables};

/// Longest code in bits: a table of all of them fits beside other things in the first cache.
pub const CODE_BITS_MAX: u8 = 11;

/// Numbers from which on a stream is read at four places at once instead of two.
const FOUR_ENDS: usize = 256;

/// Whether a stream of so many numbers has four ends, not two.
pub fn has_four_ends(numbers: usize) -> bool {
    numbers >= FOUR_ENDS
}

/// How many pairs of ends a stream of so many numbers has.
fn pairs(numbers: usize) -> usize {
    if has_four_ends(numbers) { 2 } else { 1 }
}

/// How the bytes of each pair of ends are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// One after the other.
    Each,
    /// Those of the second minus those of the first.
    Difference,
}

#[cfg(test)]
mod tests;
