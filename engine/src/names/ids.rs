//! The ids of a group of names, one by one or as ranges. Layout: `FORMAT.md`, "Name index entry".

use crate::bytes::{Malformed, Reader, put_varint};
use crate::limits::NAME_GROUP;
use crate::types::SeriesId;

/// In the place of the first step, which is 0 where each id has one: ranges follow.
const RANGES: u64 = 1;

/// Ids that ascend, in the shorter of the two forms.
pub fn encode(ids: &[SeriesId]) -> Vec<u8> {
    let (steps, ranges) = (steps(ids), ranges(ids));
    if steps.len() < ranges.len() { steps } else { ranges }
}

fn steps(ids: &[SeriesId]) -> Vec<u8> {
    let mut bytes = vec![0];
    for pair in ids.windows(2) {
        put_varint(&mut bytes, u64::from(pair[1] - pair[0]));
    }
    bytes
}

fn ranges(ids: &[SeriesId]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, RANGES);
    let mut next = ids.first().copied().unwrap_or_default();
    for range in ids.chunk_by(|a, b| a + 1 == *b) {
        put_varint(&mut bytes, u64::from(range[0] - next));
        put_varint(&mut bytes, range.len() as u64);
        next = range[0] + range.len() as u32;
    }
    bytes
}

/// Reads so many ids, at most [`NAME_GROUP`], the first of which is known.
pub fn decode(
    reader: &mut Reader<'_>,
    first: SeriesId,
    count: usize,
) -> Result<Vec<SeriesId>, Malformed> {
    if count > NAME_GROUP {
        return Err(reader.malformed());
    }
    let mut ids = Vec::with_capacity(count);
    match reader.varint()? {
        RANGES => {
            let mut next = first;
            while ids.len() < count {
                next = next.wrapping_add(reader.varint()? as u32);
                let many = reader.varint()?;
                if many == 0 || many > (count - ids.len()) as u64 {
                    return Err(reader.malformed());
                }
                ids.extend((0..many as u32).map(|at| next.wrapping_add(at)));
                next = next.wrapping_add(many as u32);
            }
        }
        step => {
            let mut id = first.wrapping_add(step as u32);
            ids.push(id);
            while ids.len() < count {
                id = id.wrapping_add(reader.varint()? as u32);
                ids.push(id);
            }
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = Vec<SeriesId>> {
        let range = (0..3000u32, 1..40u32);
        prop::collection::vec(range, 1..40).prop_map(|ranges| {
            let mut next = 65536;
            let each = ranges.into_iter().flat_map(|(gap, count)| {
                let start = next + gap;
                next = start + count;
                start..next
            });
            each.collect()
        })
    }

    proptest! {
        #[test]
        fn ids_survive_in_both_forms(ids in ids()) {
            for bytes in [steps(&ids), ranges(&ids), encode(&ids)] {
                let mut reader = Reader::new(&bytes);
                prop_assert_eq!(&decode(&mut reader, ids[0], ids.len()).expect("own bytes"), &ids);
                prop_assert_eq!(reader.position(), bytes.len());
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, first: u32, count in 1..NAME_GROUP) {
            if let Ok(ids) = decode(&mut Reader::new(&bytes), first, count) {
                prop_assert_eq!(ids.len(), count);
            }
        }
    }

    #[test]
    fn ids_without_gaps_take_few_bytes() {
        assert_eq!(encode(&(100..40_100).collect::<Vec<_>>()).len(), 5);
        assert_eq!(encode(&[5, 9, 13]).len(), 3);
    }
}
