//! Byte planes: the lowest byte of each word, then the second of each, and so on.

use super::vectors::twice;

/// Words at a time. Loops of a known length over one width, then the next, are what the compiler
/// makes vectors of; squares of eight bytes by eight took more than twice as long.
const GROUP: usize = 64;

/// Appends the planes of words.
pub fn split(words: &[u64], out: &mut Vec<u8>) {
    let (start, rows) = (out.len(), words.len());
    out.resize(start + 8 * rows, 0);
    let planes = &mut out[start..];
    let (groups, rest) = words.as_chunks::<GROUP>();
    for (at, group) in groups.iter().enumerate() {
        let (low, high) = (group.map(|word| word as u32), group.map(|word| (word >> 32) as u32));
        for (quarter, fours) in [low, high].iter().enumerate() {
            let halves = [fours.map(|four| four as u16), fours.map(|four| (four >> 16) as u16)];
            for (half, pairs) in halves.iter().enumerate() {
                let bytes = [pairs.map(|pair| pair as u8), pairs.map(|pair| (pair >> 8) as u8)];
                for (place, bytes) in bytes.iter().enumerate() {
                    let start = (4 * quarter + 2 * half + place) * rows + at * GROUP;
                    planes[start..start + GROUP].copy_from_slice(bytes);
                }
            }
        }
    }
    for (row, word) in (rows - rest.len()..).zip(rest) {
        for (plane, byte) in word.to_le_bytes().into_iter().enumerate() {
            planes[plane * rows + row] = byte;
        }
    }
}

twice! {
    /// Fills `words` from their planes, which are eight bytes a word.
    pub fn join(planes: &[u8], words: &mut [u64]) {
        let rows = words.len();
        let planes: [&[u8]; 8] = std::array::from_fn(|plane| &planes[plane * rows..][..rows]);
        let (groups, rest) = words.as_chunks_mut::<GROUP>();
        let done = GROUP * groups.len();
        let [a, b, c, d, e, f, g, h] = planes.map(|plane| plane.as_chunks::<GROUP>().0);
        for (at, group) in groups.iter_mut().enumerate() {
            let low = fours(&pairs(&a[at], &b[at]), &pairs(&c[at], &d[at]));
            let high = fours(&pairs(&e[at], &f[at]), &pairs(&g[at], &h[at]));
            for (word, (low, high)) in group.iter_mut().zip(low.into_iter().zip(high)) {
                *word = u64::from(low) | u64::from(high) << 32;
            }
        }
        for (row, word) in (done..).zip(rest) {
            *word = u64::from_le_bytes(planes.map(|plane| plane[row]));
        }
    }
}

#[inline(always)]
fn pairs(low: &[u8; GROUP], high: &[u8; GROUP]) -> [u16; GROUP] {
    std::array::from_fn(|at| u16::from(low[at]) | u16::from(high[at]) << 8)
}

#[inline(always)]
fn fours(low: &[u16; GROUP], high: &[u16; GROUP]) -> [u32; GROUP] {
    std::array::from_fn(|at| u32::from(low[at]) | u32::from(high[at]) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::vectors::either_way;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_turned_as_byte_by_byte(words in prop::collection::vec(any::<u64>(), 0..299)) {
            let mut planes = vec![7];
            split(&words, &mut planes);
            let plain = (0..8).flat_map(|plane| words.iter().map(move |w| w.to_le_bytes()[plane]));
            prop_assert_eq!(&planes[1..], &plain.collect::<Vec<_>>());
            let back = either_way(|| {
                let mut back = vec![0; words.len()];
                join(&planes[1..], &mut back);
                back
            });
            prop_assert_eq!(back, words);
        }
    }
}
