//! Fixed-size pieces of a buffer: loads of known length need no loop and no call.

/// Bytes compared at a time.
pub const BLOCK: usize = 32;

/// For each length, ones over as many bytes.
static MASKS: [[u64; 4]; BLOCK] = masks();

const fn masks() -> [[u64; 4]; BLOCK] {
    let mut masks = [[0u64; 4]; BLOCK];
    let mut bytes = 0;
    while bytes < BLOCK {
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

/// Whether `bytes` has, from `at` on, the first `len` bytes of `text`. Whole blocks are read, one
/// more than hold them: where that reaches beyond the end of either, the answer is no.
#[inline(always)]
pub fn has(bytes: &[u8], at: usize, text: &[u8], len: usize) -> bool {
    let read = len / BLOCK * BLOCK + BLOCK;
    let bytes = bytes.get(at..).and_then(|bytes| bytes.get(..read));
    let (Some(bytes), Some(text)) = (bytes, text.get(..read)) else { return false };
    let mut blocks = bytes.as_chunks().0.iter().zip(text.as_chunks().0);
    let mut differs = [0u64; 4];
    let mask = &MASKS[len % BLOCK];
    if let Some((one, other)) = blocks.next_back() {
        let (one, other) = (words(one), words(other));
        for (((differs, one), other), mask) in differs.iter_mut().zip(one).zip(other).zip(mask) {
            *differs = (one ^ other) & mask;
        }
    }
    // A difference is rare: all blocks are looked at, and it is asked for once.
    for (one, other) in blocks {
        let (one, other) = (words(one), words(other));
        for ((differs, one), other) in differs.iter_mut().zip(one).zip(other) {
            *differs |= one ^ other;
        }
    }
    differs[0] | differs[1] | differs[2] | differs[3] == 0
}

#[inline(always)]
fn words(block: &[u8; BLOCK]) -> [u64; 4] {
    let (bytes, _) = block.as_chunks::<8>();
    let word = |at: usize| u64::from_le_bytes(bytes[at]);
    [word(0), word(1), word(2), word(3)]
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
            padded.truncate(len);
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
