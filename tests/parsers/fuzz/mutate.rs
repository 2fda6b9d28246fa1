//! Damage: bytes cut out, doubled, moved, changed, and bits of syntax put where they do not belong.

use fastrand::Rng;

/// Longest piece that is cut out, doubled or moved.
const PIECE_MAX: usize = 24;

/// Damages bytes in a few places.
pub fn mutate(chance: &mut Rng, bytes: &mut Vec<u8>, tokens: &[&[u8]]) {
    for _ in 0..chance.usize(1..=4) {
        let at = chance.usize(..=bytes.len());
        let end = (at + chance.usize(1..=PIECE_MAX)).min(bytes.len());
        let token = tokens[chance.usize(..tokens.len())];
        match chance.u8(..8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = chance.usize(..=bytes.len());
                bytes.splice(to..to, piece);
            }
            3 => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << chance.u8(..8)),
            4 => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte = chance.u8(..)),
            5 => drop(bytes.splice(at..end.min(at + 1), token.iter().copied())),
            _ => drop(bytes.splice(at..at, token.iter().copied())),
        }
    }
}
