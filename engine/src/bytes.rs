//! Little-endian integers and varints: a writer's helpers and a reader that never panics.
//!
//! Varints are LEB128 (seven bits a byte, least significant first); signed numbers are folded by
//! zig-zag first. The layouts that use them are in `FORMAT.md`.

/// Bytes ended early or held an impossible number; the position is relative to the reader's slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Where reading failed.
    pub at: usize,
}

/// A bounds-checked cursor over bytes from outside.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// What is still to be read.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The error for the current position.
    pub fn malformed(&self) -> Malformed {
        Malformed { at: self.at }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(len).ok_or(self.malformed())?;
        let taken = self.bytes.get(self.at..end).ok_or(self.malformed())?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let malformed = self.malformed();
        self.take(N)?.try_into().map_err(|_| malformed)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Eight bytes, signed.
    pub fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(self.u64()? as i64)
    }

    /// A varint of at most ten bytes.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let rest = &self.bytes[self.at..];
        if let Some(&short @ ..0x80) = rest.first() {
            self.at += 1;
            return Ok(u64::from(short));
        }
        if let Some((value, len)) = rest.first_chunk().and_then(long_varint) {
            self.at += len;
            return Ok(value);
        }
        self.any_varint()
    }

    /// Byte by byte.
    fn any_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                return Err(self.malformed());
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed())
    }

    /// A zig-zag varint.
    pub fn signed(&mut self) -> Result<i64, Malformed> {
        Ok(unzigzag(self.varint()?))
    }
}

/// The varint of at most nine bytes that these begin with, and how many it has.
#[inline]
fn long_varint(bytes: &[u8; 9]) -> Option<(u64, usize)> {
    let &[low @ .., ninth] = bytes;
    let word = u64::from_le_bytes(low);
    let ends = !word & 0x8080_8080_8080_8080;
    let (taken, more, len) = match ends {
        0 if ninth < 0x80 => (word, u64::from(ninth) << 56, 9),
        0 => return None,
        _ => {
            let bits = ends.trailing_zeros() + 1;
            (word & (u64::MAX >> (64 - bits)), 0, bits as usize / 8)
        }
    };
    // Sevens of bits move together, then pairs of them, then fours.
    let pairs = taken & 0x007f_007f_007f_007f | (taken & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    let all = fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4;
    Some((all | more, len))
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a zig-zag varint.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// Folds the sign into the lowest bit, so that small magnitudes are small numbers.
pub const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Zero bytes up to the next multiple of eight.
pub fn pad8(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(8), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_survive(unsigned: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, unsigned);
            put_signed(&mut out, signed);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.varint(), Ok(unsigned));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert!(reader.is_done());
        }

        #[test]
        fn numbers_read_at_once_are_those_read_byte_by_byte(
            unsigned: u64,
            shift in 0..64u32,
            behind: [u8; 9],
        ) {
            let mut out = Vec::new();
            put_varint(&mut out, unsigned >> shift);
            out.extend_from_slice(&behind);
            let (mut plain, mut fast) = (Reader::new(&out), Reader::new(&out));
            prop_assert_eq!(plain.any_varint(), Ok(unsigned >> shift));
            prop_assert_eq!(fast.varint(), Ok(unsigned >> shift));
            prop_assert_eq!(fast.position(), plain.position());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.varint().is_ok() {}
            prop_assert!(reader.position() <= bytes.len());
        }
    }

    #[test]
    fn overlong_varints_are_refused() {
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
        assert!(Reader::new(&[0x80]).varint().is_err());
    }
}
