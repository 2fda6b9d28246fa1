//! One damaged byte in a few bytes with a checksum: found by trying them all.
//!
//! Only for headers, footers and manifests, whose content something else confirms: of blocks a checksum of
//! 32 bits would let wrong ones pass now and then.

use crate::header::{FileKind, HEADER_BYTES, Header};
use std::path::Path;

/// Most bytes that are tried: the time is that of the bytes squared.
const BYTES_MAX: usize = 4096;

/// The bytes with one of them changed so that `is_right`, and where that is. `None` if no change of
/// one byte does it.
pub fn one_byte(bytes: &[u8], is_right: impl Fn(&[u8]) -> bool) -> Option<(usize, Vec<u8>)> {
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let mut tried = bytes.to_vec();
    for at in 0..tried.len() {
        let found = tried[at];
        for byte in (0..=u8::MAX).filter(|&byte| byte != found) {
            tried[at] = byte;
            if is_right(&tried) {
                return Some((at, tried));
            }
        }
        tried[at] = found;
    }
    None
}

/// The header of a file that should be of this kind, with one byte put right: where that is.
pub fn header(file: &[u8], kind: FileKind) -> Option<(usize, Header)> {
    let path = Path::new("");
    let decode = |bytes: &[u8]| Header::decode(path, bytes, kind).ok();
    let (at, bytes) = one_byte(file.get(..HEADER_BYTES)?, |bytes| decode(bytes).is_some())?;
    Some((at, decode(&bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_one_byte_of_a_header_is_put_right() {
        let header = Header { kind: FileKind::Segment, salt: 9, epoch: 4, shard: 0 };
        let bytes = header.encode();
        for at in 0..HEADER_BYTES {
            let mut bad = bytes;
            bad[at] ^= 0x51;
            assert_eq!(super::header(&bad, FileKind::Segment), Some((at, header)), "byte {at}");
            bad[(at + 9) % HEADER_BYTES] ^= 3;
            assert_eq!(super::header(&bad, FileKind::Segment), None, "two bytes from {at}");
        }
    }
}
