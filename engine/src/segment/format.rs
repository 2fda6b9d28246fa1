//! The bytes of a segment's indexes: block index, name index, footer. Pure functions. Blocks are in
//! `block`. Layouts: `FORMAT.md`, section "Segment".

pub use super::block::{BLOCK_HEAD_BYTES, Block, BlockBuilder, has_lines};
use crate::bytes::{Malformed, Reader};
use crate::types::SeriesId;

/// Bytes of one entry of the block index.
pub const BLOCK_ENTRY_BYTES: usize = 56;
/// Bytes of one entry of the name index.
pub const NAME_ENTRY_BYTES: usize = 32;
/// Bytes of the footer.
pub const FOOTER_BYTES: usize = 88;
/// First bytes of the footer.
pub const FOOTER_MAGIC: &[u8; 8] = b"SEGFOOT\n";

/// Where a block lies and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// Offset in the file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u32,
    /// Checksum, seeded with the file's salt and the offset.
    pub checksum: u32,
    /// First and last series.
    pub series: (SeriesId, SeriesId),
    /// Runs and rows.
    pub runs: u32,
    /// See `runs`.
    pub rows: u32,
    /// Smallest and largest timestamp.
    pub timestamps: (i64, i64),
}

impl BlockEntry {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&self.checksum.to_le_bytes());
        for number in [self.series.0, self.series.1, self.runs, self.rows] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.timestamps.0.to_le_bytes());
        out.extend_from_slice(&self.timestamps.1.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
    }

    /// Reads an entry.
    pub fn decode(reader: &mut Reader<'_>) -> Result<BlockEntry, Malformed> {
        let entry = BlockEntry {
            offset: reader.u64()?,
            bytes: reader.u32()?,
            checksum: reader.u32()?,
            series: (reader.u32()?, reader.u32()?),
            runs: reader.u32()?,
            rows: reader.u32()?,
            timestamps: (reader.i64()?, reader.i64()?),
        };
        reader.take(8)?;
        Ok(entry)
    }
}

/// Where a group of names lies and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameEntry {
    /// Offset in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub bytes: u32,
    /// Bytes when decompressed.
    pub raw_bytes: u32,
    /// Checksum of the bytes in the file, seeded with salt and offset.
    pub checksum: u32,
    /// First series of the group.
    pub first: SeriesId,
    /// Names in the group.
    pub names: u32,
}

impl NameEntry {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        for number in [self.bytes, self.raw_bytes, self.checksum, self.first, self.names, 0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Reads an entry.
    pub fn decode(reader: &mut Reader<'_>) -> Result<NameEntry, Malformed> {
        let entry = NameEntry {
            offset: reader.u64()?,
            bytes: reader.u32()?,
            raw_bytes: reader.u32()?,
            checksum: reader.u32()?,
            first: reader.u32()?,
            names: reader.u32()?,
        };
        reader.take(4)?;
        Ok(entry)
    }
}

/// The end of a segment: where its indexes are, and what it holds in total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Offset of the block index.
    pub blocks_at: u64,
    /// Blocks.
    pub blocks: u32,
    /// Name groups; their index follows the block index.
    pub name_groups: u32,
    /// Checksum of both indexes, seeded with salt and `blocks_at`.
    pub index_checksum: u32,
    /// Series.
    pub series: u32,
    /// Samples.
    pub samples: u64,
    /// Smallest and largest timestamp.
    pub timestamps: (i64, i64),
    /// Epochs whose rows are in it, first and last.
    pub epochs: (u32, u32),
}

impl Footer {
    /// The footer's bytes, which belong at `offset`.
    pub fn encode(&self, salt: u64, offset: u64) -> Vec<u8> {
        let mut out = FOOTER_MAGIC.to_vec();
        out.extend_from_slice(&self.blocks_at.to_le_bytes());
        for number in [self.blocks, self.name_groups, self.index_checksum, self.series] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.samples.to_le_bytes());
        out.extend_from_slice(&self.timestamps.0.to_le_bytes());
        out.extend_from_slice(&self.timestamps.1.to_le_bytes());
        out.extend_from_slice(&self.epochs.0.to_le_bytes());
        out.extend_from_slice(&self.epochs.1.to_le_bytes());
        out.resize(FOOTER_BYTES - 4, 0);
        let sum = crate::checksum::seeded(salt, offset, &out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads the footer whose bytes stand at `offset`.
    pub fn decode(bytes: &[u8], salt: u64, offset: u64) -> Result<Footer, Malformed> {
        let mut reader = Reader::new(bytes);
        let body = Reader::new(bytes).take(FOOTER_BYTES - 4)?;
        let magic = reader.take(8)?;
        let footer = Footer {
            blocks_at: reader.u64()?,
            blocks: reader.u32()?,
            name_groups: reader.u32()?,
            index_checksum: reader.u32()?,
            series: reader.u32()?,
            samples: reader.u64()?,
            timestamps: (reader.i64()?, reader.i64()?),
            epochs: (reader.u32()?, reader.u32()?),
        };
        let sum = crate::checksum::seeded(salt, offset, body).to_le_bytes();
        let valid = magic == FOOTER_MAGIC && bytes.get(FOOTER_BYTES - 4..) == Some(&sum);
        if valid { Ok(footer) } else { Err(Malformed { at: 0 }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_footer_survives_and_notices_damage() {
        let footer = Footer {
            blocks_at: 64,
            blocks: 1,
            name_groups: 2,
            index_checksum: 3,
            series: 4,
            samples: 5,
            timestamps: (6, 7),
            epochs: (8, 9),
        };
        let bytes = footer.encode(1, 2);
        assert_eq!(bytes.len(), FOOTER_BYTES);
        assert_eq!(Footer::decode(&bytes, 1, 2), Ok(footer));
        assert!(Footer::decode(&bytes, 1, 3).is_err());
        for bit in 0..FOOTER_BYTES * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::decode(&bad, 1, 2).is_err(), "bit {bit}");
        }
    }
}
