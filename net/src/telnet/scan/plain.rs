//! The masks in plain Rust: what every other variant must compute.

use super::{BLOCK, Masks};

/// Appends the masks of whole blocks.
pub fn blocks(bytes: &[u8], masks: &mut Masks) {
    for block in bytes.chunks_exact(BLOCK) {
        masks.newlines.push(mask(block, b'\n'));
        masks.spaces.push(mask(block, b' '));
    }
}

fn mask(block: &[u8], wanted: u8) -> u64 {
    block.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(byte == wanted))
}
