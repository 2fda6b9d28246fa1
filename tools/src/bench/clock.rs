//! The load generator's own doors to clock and files: it runs beside the node, not in it.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use super::Outcome;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Now.
#[inline]
#[expect(clippy::disallowed_methods, reason = "a load generator measures by the real clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// A file's bytes, unpacked if it is gzip.
#[expect(clippy::disallowed_methods, reason = "the file that the user named")]
pub(super) fn read_unpacked(path: &Path) -> Outcome<Vec<u8>> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(named)?;
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).map_err(named)?;
    Ok(unpacked)
}

/// Writes a whole file.
#[expect(clippy::disallowed_methods, reason = "the file that the user named")]
pub(super) fn write(path: &Path, text: &str) -> Outcome<()> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}
