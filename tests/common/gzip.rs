//! Compressed bodies.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// `bytes` as gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}

/// Spaces that unpack to `length` bytes.
pub fn bomb(length: usize) -> Vec<u8> {
    let piece = vec![b' '; 1 << 20];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..length / piece.len() {
        encoder.write_all(&piece).expect("memory takes bytes");
    }
    encoder.finish().expect("memory takes bytes")
}
