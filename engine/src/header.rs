//! The 64 bytes at the start of every binary file: what it is, which version, which salt.
//! Layout: `FORMAT.md`, section "File header".

use crate::bytes::Reader;
use crate::checksum;
use crate::error::{Error, Result};
use std::path::Path;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
/// The version this build writes.
pub const FORMAT_VERSION: u32 = 4;
/// The first version it reads: what later versions added, it had not.
pub const FORMAT_VERSION_FIRST: u32 = 1;
/// First bytes of every binary file.
pub const MAGIC: &[u8; 8] = b"IRONTSD\n";
/// Where the header's own checksum stands.
pub const CHECKSUM_AT: usize = 60;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum FileKind {
    /// Rows not yet in a segment.
    Log = 1,
    /// Series names by id.
    Names = 2,
    /// Sealed rows.
    Segment = 3,
    /// Names assigned by hand.
    Assigned = 4,
    /// Series of a delete.
    Delete = 5,
    /// Series names of a range of ids, sealed.
    NamesPart = 6,
}

/// The header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the file holds.
    pub kind: FileKind,
    /// Random number that seeds every checksum in the file.
    pub salt: u64,
    /// Epoch of the rows (log, segment), else 0.
    pub epoch: u64,
    /// Shard (log), else 0.
    pub shard: u32,
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0u8; HEADER_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&(self.kind as u32).to_le_bytes());
        out[12..16].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&self.salt.to_le_bytes());
        out[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        out[32..36].copy_from_slice(&self.shard.to_le_bytes());
        let sum = checksum::seeded(0, 0, &out[..CHECKSUM_AT]);
        out[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads the header of a file of whatever kind and version: kind, version, header. Only the
    /// checksum is looked at; the kind of the returned header is that of a log if it is none we know.
    pub fn peek(bytes: &[u8]) -> Option<(u32, u32, Header)> {
        let head = bytes.get(..HEADER_BYTES)?;
        let sum = checksum::seeded(0, 0, &head[..CHECKSUM_AT]);
        let mut reader = Reader::new(head);
        if head[CHECKSUM_AT..] != sum.to_le_bytes() || reader.take(8).ok()? != MAGIC {
            return None;
        }
        let (number, version) = (reader.u32().ok()?, reader.u32().ok()?);
        let kinds = [
            FileKind::Log,
            FileKind::Names,
            FileKind::Segment,
            FileKind::Assigned,
            FileKind::Delete,
            FileKind::NamesPart,
        ];
        let kind = kinds.into_iter().find(|&kind| kind as u32 == number);
        let header = Header {
            kind: kind.unwrap_or(FileKind::Log),
            salt: reader.u64().ok()?,
            epoch: reader.u64().ok()?,
            shard: reader.u32().ok()?,
        };
        Some((number, version, header))
    }

    /// Reads the header of a file that should be of this kind.
    pub fn decode(path: &Path, bytes: &[u8], kind: FileKind) -> Result<Header> {
        let damaged = |what: &str| Error::damaged(path, 0, what);
        let head = bytes.get(..HEADER_BYTES).ok_or_else(|| damaged("shorter than its header"))?;
        let mut reader = Reader::new(head);
        let cut = |_| damaged("shorter than its header");
        if reader.take(8).map_err(cut)? != MAGIC {
            return Err(damaged("not an IronTSD file"));
        }
        let found_kind = reader.u32().map_err(cut)?;
        let version = reader.u32().map_err(cut)?;
        let header = Header {
            kind,
            salt: reader.u64().map_err(cut)?,
            epoch: reader.u64().map_err(cut)?,
            shard: reader.u32().map_err(cut)?,
        };
        let sum = checksum::seeded(0, 0, &head[..CHECKSUM_AT]);
        if head[CHECKSUM_AT..] != sum.to_le_bytes() {
            return Err(damaged("header checksum does not match"));
        }
        if !(FORMAT_VERSION_FIRST..=FORMAT_VERSION).contains(&version) {
            let path = path.to_owned();
            return Err(Error::Version {
                path,
                found: version,
                readable: (FORMAT_VERSION_FIRST, FORMAT_VERSION),
            });
        }
        if found_kind != kind as u32 {
            return Err(damaged("a file of another kind"));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_and_detects_every_flipped_bit() {
        let header = Header { kind: FileKind::Log, salt: 7, epoch: 3, shard: 1 };
        let bytes = header.encode();
        let path = Path::new("x");
        assert_eq!(Header::decode(path, &bytes, FileKind::Log).expect("valid"), header);
        assert!(Header::decode(path, &bytes, FileKind::Names).is_err());
        for bit in 0..HEADER_BYTES * 8 {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(path, &bad, FileKind::Log).is_err(), "bit {bit}");
        }
    }
}
