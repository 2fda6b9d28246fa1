//! One pass over received bytes that finds every newline and every space.
//!
//! Bytes are taken in blocks of 64; each block becomes one bit mask a separator, the form in which
//! simdjson and its relatives find structure. Which instructions do it is chosen once at start;
//! `plain` says what they all must compute.

mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::predict::{self, Take};
use irontsd_engine::instructions::Instructions;

/// Bytes in one block, bits in one mask.
pub const BLOCK: usize = 64;

#[cfg(all(test, target_arch = "x86_64"))]
pub use x86::value_reader;

/// Where the separators are: bit `i` of word `n` stands for byte `64 * n + i`.
#[derive(Debug, Default)]
pub struct Masks {
    newlines: Vec<u64>,
    spaces: Vec<u64>,
}

/// A way of finding the masks of whole blocks.
type Blocks = fn(&[u8], &mut Masks);

/// Finds separators, and takes guessed lines, with the best instructions this machine has.
#[derive(Debug, Clone, Copy)]
pub struct Scanner {
    blocks: Blocks,
    pub(super) take: Take,
}

const PLAIN: Scanner = Scanner { blocks: plain::blocks, take: predict::take_plain };

impl Scanner {
    /// The fastest variant of those that the process is to use.
    pub fn chosen() -> Scanner {
        let most = Instructions::chosen();
        let usable = Scanner::variants().into_iter().rfind(|(needed, _)| *needed <= most);
        usable.map_or(PLAIN, |(_, scanner)| scanner)
    }

    /// All variants that this machine can run, slowest first.
    pub fn variants() -> Vec<(Instructions, Scanner)> {
        let mut variants = vec![(Instructions::Plain, PLAIN)];
        #[cfg(target_arch = "x86_64")]
        variants.extend(x86::variants());
        variants
    }

    /// Replaces the masks by those of `bytes`.
    pub fn scan(&self, bytes: &[u8], masks: &mut Masks) {
        masks.newlines.clear();
        masks.spaces.clear();
        let whole = bytes.len() / BLOCK * BLOCK;
        (self.blocks)(&bytes[..whole], masks);
        if whole < bytes.len() {
            let mut last = [0u8; BLOCK];
            last[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
            plain::blocks(&last, masks);
        }
    }
}

impl Masks {
    /// The first newline at or behind `from`.
    #[inline]
    pub fn newline(&self, from: usize) -> Option<usize> {
        next(&self.newlines, from)
    }

    /// The first space at or behind `from`.
    #[inline]
    pub fn space(&self, from: usize) -> Option<usize> {
        next(&self.spaces, from)
    }
}

#[inline]
fn next(words: &[u64], from: usize) -> Option<usize> {
    let mut at = from / BLOCK;
    let mut word = words.get(at)? & (u64::MAX << (from % BLOCK));
    while word == 0 {
        at += 1;
        word = *words.get(at)?;
    }
    Some(at * BLOCK + word.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn positions(scanner: Scanner, bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let mut masks = Masks::default();
        scanner.scan(bytes, &mut masks);
        let all = |find: &dyn Fn(usize) -> Option<usize>| {
            let mut found = Vec::new();
            while let Some(at) = find(found.last().map_or(0, |last| last + 1)) {
                found.push(at);
            }
            found
        };
        (all(&|from| masks.newline(from)), all(&|from| masks.space(from)))
    }

    fn expected(bytes: &[u8], wanted: u8) -> Vec<usize> {
        (0..bytes.len()).filter(|&at| bytes[at] == wanted).collect()
    }

    proptest! {
        #[test]
        fn every_variant_finds_what_is_there(bytes in "[a \n\u{80}]{0,400}") {
            let bytes = bytes.as_bytes();
            for (name, scanner) in Scanner::variants() {
                let (newlines, spaces) = positions(scanner, bytes);
                prop_assert_eq!(newlines, expected(bytes, b'\n'), "{}", name);
                prop_assert_eq!(spaces, expected(bytes, b' '), "{}", name);
            }
        }
    }
}
