//! Doubles as whole numbers in the same order, so that near doubles are near numbers.
//!
//! The number of a positive double is its bits, that of a negative one is minus its bits without
//! the sign, and negative zero is the smallest number of all. Doubles that end in zero bits, as
//! those do that were single precision once, are multiples of a power of two.

const SIGN: u64 = 1 << 63;

/// The number of a double with these bits.
#[inline]
pub fn number(bits: u64) -> i64 {
    // Choices, not branches: what a loop does to several doubles at once.
    let negative = if bits == SIGN { SIGN } else { SIGN.wrapping_sub(bits) };
    (if bits < SIGN { bits } else { negative }) as i64
}

/// The bits of the double with this number.
#[inline]
pub fn bits(number: i64) -> u64 {
    let all_if_negative = (number >> 63) as u64;
    (number as u64 ^ all_if_negative).wrapping_sub(all_if_negative) | (all_if_negative & SIGN)
}

/// The bits of the double so many numbers further than that with these bits, which is no negative
/// zero.
#[inline(always)]
pub fn moved(double: u64, steps: i64) -> u64 {
    let all_if_negative = (double as i64 >> 63) as u64;
    let number = ((double & !SIGN) ^ all_if_negative).wrapping_sub(all_if_negative);
    bits((number as i64).wrapping_add(steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_bits_survive(double: u64) {
            prop_assert_eq!(bits(number(double)), double);
        }

        #[test]
        fn order_is_kept(one: f64, other: f64) {
            prop_assume!(one != 0.0 && other != 0.0);
            prop_assert_eq!(one < other, number(one.to_bits()) < number(other.to_bits()));
        }
    }

    #[test]
    fn zeros_are_two() {
        assert_eq!(number(0.0f64.to_bits()), 0);
        assert_eq!(number((-0.0f64).to_bits()), i64::MIN);
        assert_eq!(bits(i64::MIN), (-0.0f64).to_bits());
    }
}
