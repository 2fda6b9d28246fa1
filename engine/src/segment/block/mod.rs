//! The bytes of a block: a directory of runs, their columns, the codes they share. Pure functions.
//! Layout: `FORMAT.md`, section "Block".

mod build;
mod line;
mod merged;
mod read;

pub use build::BlockBuilder;
pub use read::Block;

/// Bytes of a block's head, lines included.
pub const BLOCK_HEAD_BYTES: usize = 48;
/// Where the first of its widths stands.
const FIRST_WIDTH_AT: usize = 12;

/// In the first width: each column of the directory has a line, behind the head. Blocks of versions 1
/// to 3 have none.
const WITH_LINES: u8 = 64;

/// Whether the columns of a block's directory have lines.
pub fn has_lines(block: &[u8]) -> bool {
    block.get(FIRST_WIDTH_AT).is_some_and(|width| width & WITH_LINES > 0)
}

/// First byte of a timestamp column that repeats an earlier run's: the run's number follows.
const SAME_AS_RUN: u8 = 255;

#[cfg(test)]
mod tests;
