//! The bytes of a block: a directory of runs, their columns, the codes they share. Pure functions.
//! Layout: `FORMAT.md`, section "Block".

mod build;
mod merged;
mod read;

pub use build::BlockBuilder;
pub use read::Block;

/// Bytes of a block's head.
pub const BLOCK_HEAD_BYTES: usize = 16;

/// First byte of a timestamp column that repeats an earlier run's: the run's number follows.
const SAME_AS_RUN: u8 = 255;

#[cfg(test)]
mod tests;
