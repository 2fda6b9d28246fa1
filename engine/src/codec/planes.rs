//! Byte planes: the lowest byte of each word, then the second of each, and so on.

/// Words turned at a time: as many as a word has bytes.
const SQUARE: usize = 8;

/// Appends the planes of words.
pub fn split(words: &[u64], out: &mut Vec<u8>) {
    let (start, rows) = (out.len(), words.len());
    out.resize(start + 8 * rows, 0);
    let planes = &mut out[start..];
    let (squares, rest) = words.as_chunks::<SQUARE>();
    for (at, square) in squares.iter().enumerate() {
        for (plane, bytes) in turned(*square).iter().enumerate() {
            let place = plane * rows + at * SQUARE;
            planes[place..place + SQUARE].copy_from_slice(&bytes.to_le_bytes());
        }
    }
    for (row, word) in (rows - rest.len()..).zip(rest) {
        for (plane, byte) in word.to_le_bytes().into_iter().enumerate() {
            planes[plane * rows + row] = byte;
        }
    }
}

/// Fills `words` from their planes, which are eight bytes a word.
pub fn join(planes: &[u8], words: &mut [u64]) {
    let rows = words.len();
    let planes: [&[u8]; 8] = std::array::from_fn(|plane| &planes[plane * rows..][..rows]);
    let (squares, rest) = words.as_chunks_mut::<SQUARE>();
    let done = SQUARE * squares.len();
    let planes_of_squares = planes.map(|plane| plane.as_chunks::<SQUARE>().0);
    for (at, square) in squares.iter_mut().enumerate() {
        *square = turned(planes_of_squares.map(|plane| u64::from_le_bytes(plane[at])));
    }
    for (row, word) in (done..).zip(rest) {
        *word = u64::from_le_bytes(planes.map(|plane| plane[row]));
    }
}

/// A square of bytes, rows made columns: halves, then quarters, then bytes change places.
#[inline(always)]
fn turned(mut rows: [u64; 8]) -> [u64; 8] {
    const MASKS: [u64; 3] = [0x0000_0000_ffff_ffff, 0x0000_ffff_0000_ffff, 0x00ff_00ff_00ff_00ff];
    for (step, mask) in [4, 2, 1].into_iter().zip(MASKS) {
        let shift = 8 * step;
        for at in (0..8).filter(|at| at & step == 0) {
            let (low, high) = (rows[at], rows[at + step]);
            rows[at] = low & mask | (high & mask) << shift;
            rows[at + step] = low >> shift & mask | high & !mask;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_turned_as_byte_by_byte(words in prop::collection::vec(any::<u64>(), 0..99)) {
            let mut planes = vec![7];
            split(&words, &mut planes);
            let plain = (0..8).flat_map(|plane| words.iter().map(move |w| w.to_le_bytes()[plane]));
            prop_assert_eq!(&planes[1..], &plain.collect::<Vec<_>>());
            let mut back = vec![0; words.len()];
            join(&planes[1..], &mut back);
            prop_assert_eq!(back, words);
        }
    }
}
