//! Chooses between a stream written number by number and one that says where it leaves its usual
//! number, and how far.

use super::{Dense, SPARSE};
use crate::bytes::{put_signed, put_varint};
use crate::codec::column::Column;

/// Appends a stream to a column.
pub fn plan(numbers: Vec<i64>, column: &mut Column) {
    let sparse = majority(&numbers).map(|usual| sparse(&numbers, usual));
    let dense = Dense::new(numbers);
    match sparse {
        Some(sparse) if sparse.estimate() < dense.estimate() => column.append(sparse),
        _ => column.push(dense),
    }
}

/// The number that most of them are, unless all are.
fn majority(numbers: &[i64]) -> Option<i64> {
    let (mut candidate, mut votes) = (0, 0u32);
    for &number in numbers {
        if votes == 0 {
            candidate = number;
        }
        votes = if number == candidate { votes + 1 } else { votes - 1 };
    }
    let same = numbers.iter().filter(|&&number| number == candidate).count();
    (same * 2 > numbers.len() && same < numbers.len()).then_some(candidate)
}

fn sparse(numbers: &[i64], usual: i64) -> Column {
    let (mut gaps, mut events, mut before) = (Vec::new(), Vec::new(), 0);
    for (at, &number) in numbers.iter().enumerate() {
        if number != usual {
            gaps.push((at - before) as i64);
            events.push(number.wrapping_sub(usual));
            before = at + 1;
        }
    }
    let mut column = Column::plain(vec![SPARSE]);
    put_signed(&mut column.bytes, usual);
    put_varint(&mut column.bytes, gaps.len() as u64);
    column.push(Dense::new(gaps));
    column.push(Dense::new(events));
    column
}
