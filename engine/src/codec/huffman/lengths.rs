//! Code lengths from counts: Huffman's, then shortened to the limit.

use super::{CODE_BITS_MAX, SYMBOLS};

/// Code space at the limit: a code of `l` bits takes `2^(limit - l)` of it.
const SPACE: u32 = 1 << CODE_BITS_MAX;

/// Lengths of a complete code for all symbols with a count: 0 for the others.
pub fn lengths(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut used: Vec<usize> = (0..SYMBOLS).filter(|&symbol| counts[symbol] > 0).collect();
    if used.len() < 2 {
        // A code needs two symbols to be complete.
        let other = if used.first() == Some(&0) { 1 } else { 0 };
        used.push(other);
        used.resize(2, 1);
        return std::array::from_fn(|symbol| u8::from(used.contains(&symbol)));
    }
    used.sort_by_key(|&symbol| counts[symbol]);
    let weights: Vec<u64> = used.iter().map(|&symbol| u64::from(counts[symbol])).collect();
    let mut depths = depths(&weights);
    limit(&mut depths);
    let mut lengths = [0; SYMBOLS];
    for (&symbol, depth) in used.iter().zip(depths) {
        lengths[symbol] = depth;
    }
    lengths
}

/// Depths in the Huffman tree of weights that ascend, by two queues.
fn depths(weights: &[u64]) -> Vec<u8> {
    let leaves = weights.len();
    let mut parents = vec![0usize; 2 * leaves - 1];
    let mut sums = weights.to_vec();
    let (mut leaf, mut inner) = (0, leaves);
    for node in leaves..2 * leaves - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            let takes_leaf = leaf < leaves && (inner >= node || sums[leaf] <= sums[inner]);
            let child = if takes_leaf { &mut leaf } else { &mut inner };
            sum += sums[*child];
            parents[*child] = node;
            *child += 1;
        }
        sums.push(sum);
    }
    let mut depths = vec![0u8; 2 * leaves - 1];
    for node in (0..2 * leaves - 2).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(leaves);
    depths
}

/// Brings depths, rarest symbol first, below the limit while the code stays complete.
fn limit(depths: &mut [u8]) {
    let share = |depth: u8| SPACE >> depth;
    depths.iter_mut().for_each(|depth| *depth = (*depth).min(CODE_BITS_MAX));
    let mut taken: u32 = depths.iter().map(|&depth| share(depth)).sum();
    while taken > SPACE {
        // The longest below the limit costs least to lengthen; the rarest of them first.
        let longest = depths.iter().copied().filter(|&depth| depth < CODE_BITS_MAX).max();
        let Some(at) = depths.iter().position(|&depth| Some(depth) == longest) else { break };
        depths[at] += 1;
        taken -= share(depths[at]);
    }
    for depth in depths.iter_mut().rev() {
        while *depth > 1 && taken + share(*depth) <= SPACE {
            taken += share(*depth);
            *depth -= 1;
        }
    }
}
