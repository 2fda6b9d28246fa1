//! Tells of most names that a part does not hold them, at the price of one cache line. Pure, in memory
//! only: a byte a name, made from the part's slots when it is opened.
//!
//! A Bloom filter whose bits for one name lie in one word (Putze, Sanders and Singler, "Cache-, Hash-
//! and Space-Efficient Bloom Filters", 2007). What it lets through, a few names in a
//! hundred, is looked for in the slots. Without it a new series asks the slots of every part, two reads far
//! apart each, whose ten bits of a hash let some names be read for nothing.

/// Names for each word of 64 bits.
const NAMES_OF_WORD: usize = 8;
/// Bits set for a name.
const BITS: u32 = 3;

/// See the module. The default holds no name.
#[derive(Debug, Default)]
pub struct Filter {
    /// None, or a power of two of them.
    words: Vec<u64>,
}

impl Filter {
    /// Without names, with room for so many.
    pub fn new(names: usize) -> Filter {
        let words = names.div_ceil(NAMES_OF_WORD).next_power_of_two();
        Filter { words: vec![0; if names == 0 { 0 } else { words }] }
    }

    /// Adds what is known of a name's hash.
    pub fn add(&mut self, key: u64) {
        let (at, bits) = self.place(key);
        if let Some(word) = self.words.get_mut(at) {
            *word |= bits;
        }
    }

    /// Whether it may have been added.
    #[inline]
    pub fn may_have(&self, key: u64) -> bool {
        let (at, bits) = self.place(key);
        self.words.get(at).is_some_and(|word| word & bits == bits)
    }

    /// A word, and the bits of a name in it.
    #[inline]
    fn place(&self, key: u64) -> (usize, u64) {
        // Keys need not be random: each of their bits reaches all of these (Stafford's 13th mix, 2011).
        let mixed = (key ^ key >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ mixed >> 31;
        let bits = (0..BITS).fold(0, |bits, at| bits | 1 << (mixed >> (40 + 6 * at) & 63));
        (mixed as u32 as usize & self.words.len().wrapping_sub(1), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What was added is found, whatever else was; few others are, however regular keys are.
        #[test]
        fn has_all_that_was_added_and_little_else(count in 1..5000u64, step in 1..100_000u64) {
            let mut filter = Filter::new(count as usize);
            (0..count).for_each(|at| filter.add(at * step));
            prop_assert!((0..count).all(|at| filter.may_have(at * step)));
            let others = (count..count + 3000).filter(|at| filter.may_have(at * step)).count();
            prop_assert!(others < 3000 / 6, "{others} of 3000 would be looked for");
        }
    }

    #[test]
    fn without_room_has_nothing() {
        assert!(!Filter::default().may_have(7));
        let mut none = Filter::new(0);
        none.add(7);
        assert!(!none.may_have(7));
    }
}
