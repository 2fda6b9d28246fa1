//! Bodies sent with `Content-Encoding: deflate`. That means a zlib stream (RFC 9110), but some clients
//! send the bare one, and OpenTSDB takes both. Pure.

use flate2::{Decompress, FlushDecompress, Status};
use std::io;

/// Room made for output at a time.
const STEP_BYTES: usize = 64 << 10;

/// Decompresses a whole stream; what goes beyond `limit` bytes is left out. A stream that is cut off
/// is an error, unlike for the readers of `flate2`: half of a body of lines must not pass for all.
pub fn inflate(body: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut inflater = Decompress::new(has_zlib_header(body));
    let mut out = Vec::new();
    while out.len() < limit {
        out.reserve(STEP_BYTES);
        let rest = &body[usize::try_from(inflater.total_in()).unwrap_or(body.len())..];
        if inflater.decompress_vec(rest, &mut out, FlushDecompress::None)? == Status::StreamEnd {
            return Ok(out);
        }
        let all_in = inflater.total_in() == body.len() as u64;
        if all_in && out.len() < out.capacity() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream is cut off"));
        }
    }
    out.truncate(limit);
    Ok(out)
}

fn has_zlib_header(body: &[u8]) -> bool {
    matches!(body, [a, b, ..] if a & 0x0f == 8 && (u16::from(*a) << 8 | u16::from(*b)) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, ZlibEncoder};
    use std::io::Read;

    #[test]
    fn both_streams_are_read_and_every_cut_is_noticed() {
        let text: Vec<u8> = (0..30_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let (mut zlib, mut bare) = (Vec::new(), Vec::new());
        let level = Compression::default();
        ZlibEncoder::new(&*text, level).read_to_end(&mut zlib).expect("compressed");
        DeflateEncoder::new(&*text, level).read_to_end(&mut bare).expect("compressed");
        for packed in [zlib, bare] {
            assert_eq!(inflate(&packed, usize::MAX).expect("whole"), text);
            assert_eq!(inflate(&packed, text.len()).expect("whole"), text);
            assert_eq!(inflate(&packed, 1000).expect("the beginning"), text[..1000]);
            let near_ends = (0..100).chain(packed.len() - 100..packed.len());
            for len in near_ends.chain((100..packed.len() - 100).step_by(997)) {
                assert!(inflate(&packed[..len], usize::MAX).is_err(), "{len}");
            }
        }
        assert!(inflate(b"", 9).is_err());
        assert!(inflate(b"not compressed", 99).is_err());
    }
}
