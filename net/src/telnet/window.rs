//! Fixed-size pieces of a buffer: loads of known length need no loop and no call.

/// Bytes compared at a time.
pub const BLOCK: usize = 32;

/// For each length, ones over as many bytes.
static MASKS: [[u64; 4]; BLOCK + 1] = masks();

const fn masks() -> [[u64; 4]; BLOCK + 1] {
    let mut masks = [[0u64; 4]; BLOCK + 1];
    let mut bytes = 0;
    while bytes <= BLOCK {
        let mut at = 0;
        while at < bytes {
            masks[bytes][at / 8] |= 0xff << (at % 8 * 8);
            at += 1;
        }
        bytes += 1;
    }
    masks
}

/// `N` bytes from `at` on, if there are so many.
#[inline(always)]
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..)?.first_chunk()
}

/// Whether `bytes` has, from `at` on, the first `len` bytes of `text`. Whole blocks are read: where
/// one reaches beyond the end of either, the answer is no.
#[inline(always)]
pub fn has(bytes: &[u8], mut at: usize, text: &[u8], len: usize) -> bool {
    let (mut from, mut left) = (0, len);
    loop {
        let (Some(one), Some(other)) = (array(bytes, at), array(text, from)) else { return false };
        if !begins_alike(one, other, left.min(BLOCK)) {
            return false;
        }
        if left <= BLOCK {
            return true;
        }
        (at, from, left) = (at + BLOCK, from + BLOCK, left - BLOCK);
    }
}

#[inline(always)]
fn begins_alike(one: &[u8; BLOCK], other: &[u8; BLOCK], len: usize) -> bool {
    let Some(mask) = MASKS.get(len) else { return false };
    let (one, other) = (words(one), words(other));
    let differs = |at: usize| (one[at] ^ other[at]) & mask[at];
    differs(0) | differs(1) | differs(2) | differs(3) == 0
}

#[inline(always)]
fn words(block: &[u8; BLOCK]) -> [u64; 4] {
    let (words, _) = block.as_chunks::<8>();
    [0, 1, 2, 3].map(|at| u64::from_le_bytes(words[at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_slices(text in "[ab]{0,150}", other in "[ab]{0,150}", at in 0..50usize, cut in 0..150usize) {
            let len = cut.min(text.len());
            let mut padded = text.clone().into_bytes();
            padded.resize(len + BLOCK, 0);
            // Half of them agree.
            let other = if at % 2 == 0 { text[..len].to_owned() } else { other };
            let mut bytes = vec![b'x'; at];
            bytes.extend_from_slice(other.as_bytes());
            bytes.resize(at + len.max(other.len()) + BLOCK, b'x');
            prop_assert_eq!(has(&bytes, at, &padded, len), bytes[at..].starts_with(&padded[..len]));
            prop_assert!(!has(&bytes, bytes.len() - len / 2, &padded, len));
        }
    }
}
