use super::*;
use crate::bytes::Reader;
use crate::codec::bits::SLACK_BYTES;
use crate::codec::column::Column;
use crate::codec::huffman::{self, Tables};
use crate::codec::plain;
use crate::codec::vectors::either_way;
use proptest::prelude::*;

/// Writes a stream with the codes that suit it; `coded` false writes it without.
fn round_trip(numbers: &[i64], coded: bool) -> usize {
    let mut column = Column::default();
    plan(numbers.to_vec(), &mut column);
    let candidates: Vec<_> = column.candidates().collect();
    let choice = if coded { huffman::choose(&candidates) } else { huffman::Choice::default() };
    let (mut tables, mut bytes) = (Vec::new(), Vec::new());
    Tables::encode(&choice.codes, &mut tables);
    let coders = choice.coders();
    let mut codes = choice.each(&coders);
    column.write(&mut codes, &mut bytes);
    let len = bytes.len();
    bytes.extend_from_slice(&[0; SLACK_BYTES]);
    let (mut back, mut reader) = (vec![0; numbers.len()], Reader::new(&bytes));
    decode(&mut reader, Tables(&tables), &mut back).expect("own bytes");
    assert_eq!(back.iter().map(|&bits| bits as i64).collect::<Vec<_>>(), numbers);
    assert_eq!(reader.position(), len);
    sums_are_those(numbers, &bytes, Tables(&tables));
    let referee = plain::stream(&mut Reader::new(&bytes[..len]), Tables(&tables), numbers.len());
    assert_eq!(referee, numbers);
    len + tables.len()
}

fn sums_are_those(numbers: &[i64], bytes: &[u8], tables: Tables<'_>) {
    for unit in [1, 7000] {
        let back = either_way(|| {
            let (mut back, mut reader) = (vec![0; numbers.len()], Reader::new(bytes));
            decode_sums(&mut reader, tables, 99, unit, &mut back).expect("own bytes");
            back
        });
        let sums = numbers.iter().scan(99u64, |last, number| {
            *last = last.wrapping_add(unit.wrapping_mul(*number as u64));
            Some(*last)
        });
        assert_eq!(back, sums.collect::<Vec<_>>());
    }
}

fn outliers() -> impl Strategy<Value = Vec<i64>> {
    let number = prop_oneof![40 => 0..50i64, 1 => any::<i64>(), 1 => 0..1_000_000i64];
    prop::collection::vec(number, 0..999)
}

/// Of any size, and more often near the middle.
fn large() -> impl Strategy<Value = Vec<i64>> {
    let parts = prop::collection::vec(any::<[i64; 4]>(), 60..999);
    (2..60u32, parts).prop_map(|(shift, parts)| {
        let sum = |parts: [i64; 4]| parts.iter().map(|part| part >> shift >> 2).sum();
        parts.into_iter().map(sum).collect()
    })
}

fn rarely_another() -> impl Strategy<Value = Vec<i64>> {
    let number = prop_oneof![40 => Just(17i64), 1 => any::<i64>(), 3 => 0..20i64];
    prop::collection::vec(number, 0..999)
}

proptest! {
    #[test]
    fn any_numbers_survive(numbers: Vec<i64>, coded: bool) {
        round_trip(&numbers, coded);
    }

    #[test]
    fn outliers_survive(numbers in outliers(), coded: bool) {
        round_trip(&numbers, coded);
    }

    #[test]
    fn large_numbers_survive(numbers in large(), coded: bool) {
        round_trip(&numbers, coded);
    }

    #[test]
    fn rare_changes_survive(numbers in rarely_another(), coded: bool) {
        round_trip(&numbers, coded);
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        form in prop_oneof![Just(PATCHED), Just(SPARSE), Just(CODED), Just(CODED_AROUND_ZERO), Just(HIGHS_CODED), any::<u8>()],
        bytes: Vec<u8>,
        count in 0..999usize,
    ) {
        let bytes = [&[form], &bytes[..]].concat();
        let table = [3, 0x11, 0, 0];
        let _ = decode(&mut Reader::new(&bytes), Tables(&table), &mut vec![0; count]);
    }
}

#[test]
fn outliers_cost_little() {
    let numbers: Vec<i64> = (0..1000)
        .map(|at| if at % 100 == 5 { 1 << 40 } else { at * at * 7919 % 257 % 256 })
        .collect();
    assert!(round_trip(&numbers, false) < 1100);
    let negative: Vec<i64> = numbers.iter().map(|number| -number).collect();
    assert!(round_trip(&negative, false) < 1100);
}

#[test]
fn of_large_numbers_only_high_bits_are_coded() {
    let large = |at: i64| (at * at).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 34;
    // Most of them are smaller.
    let numbers: Vec<i64> = (1..900).map(|at| large(at) >> (at * at % 11 % 2 * 4)).collect();
    let mut column = Column::default();
    plan(numbers.clone(), &mut column);
    let choice = huffman::choose(&column.candidates().collect::<Vec<_>>());
    let (coders, mut bytes) = (choice.coders(), Vec::new());
    column.write(&mut choice.each(&coders), &mut bytes);
    assert_eq!(bytes[0], HIGHS_CODED);
    round_trip(&numbers, true);
}

#[test]
fn one_number_almost_always_costs_its_exceptions() {
    let mut numbers = vec![-3; 1000];
    for at in [7, 70, 700] {
        numbers[at] = 0;
    }
    assert!(round_trip(&numbers, false) < 15);
}
