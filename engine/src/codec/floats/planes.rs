//! Byte planes of changes, through LZ4: for doubles that repeat in patterns.

use super::CHANGES_LZ4;
use crate::bytes::{Malformed, Reader, put_varint};
use crate::codec::column::Column;
use crate::codec::{memory, planes};

/// One in so many doubles repeats the one before where LZ4 is tried: it takes longer than all else.
const REPEAT_SHARE: usize = 8;

/// The column, if LZ4 shortens it.
pub fn plan(bits: &[u64]) -> Option<Column> {
    let lasts = std::iter::once(&0).chain(bits);
    let changes: Vec<u64> = bits.iter().zip(lasts).map(|(bits, last)| bits ^ last).collect();
    let zeros = changes.iter().filter(|&&change| change == 0).count();
    if zeros * REPEAT_SHARE < changes.len() {
        return None;
    }
    let mut planes = Vec::new();
    planes::split(&changes, &mut planes);
    let packed = lz4_flex::block::compress(&planes);
    if packed.len() >= planes.len() {
        return None;
    }
    let mut column = Column::plain(vec![CHANGES_LZ4]);
    put_varint(&mut column.bytes, packed.len() as u64);
    column.bytes.extend_from_slice(&packed);
    Some(column)
}

/// See [`super::decode`].
pub fn decode(reader: &mut Reader<'_>, out: &mut [u64]) -> Result<(), Malformed> {
    let packed = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let packed = reader.take(packed)?;
    let bytes = 8 * out.len();
    memory::with_lz4(packed, bytes, |planes| {
        if planes.len() != bytes {
            return Err(Malformed { at: 0 });
        }
        planes::join(planes, out);
        Ok(())
    })?;
    let mut last = 0;
    for bits in out {
        last ^= *bits;
        *bits = last;
    }
    Ok(())
}
