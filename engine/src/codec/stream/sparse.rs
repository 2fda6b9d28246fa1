//! Chooses between a stream written number by number and one that says where it leaves its usual
//! number, and how far.

use super::{Dense, SPARSE, Sample};
use crate::bytes::{put_signed, put_varint};
use crate::codec::column::Column;

/// Appends a stream to a column.
pub fn plan(numbers: Vec<i64>, column: &mut Column) {
    let sample = Sample::of(&numbers);
    let sparse = majority(&numbers, &sample).map(|usual| sparse(&numbers, usual));
    let dense = Dense::new(numbers, &sample);
    match sparse {
        Some(sparse) if sparse.estimate() < dense.estimate() => column.append(sparse),
        _ => column.push(dense),
    }
}

/// The number that most of them are, unless all are.
fn majority(numbers: &[i64], sample: &Sample) -> Option<i64> {
    let candidate = sample.usual()?;
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
    for list in [gaps, events] {
        let sample = Sample::of(&list);
        column.push(Dense::new(list, &sample));
    }
    column
}
