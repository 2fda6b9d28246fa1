use super::*;
use crate::bytes::Reader;
use crate::bytes::{unzigzag, zigzag};
use crate::codec::bits::SLACK_BYTES;
use crate::codec::vectors::either_way;
use proptest::prelude::*;

fn counts(numbers: &[i64]) -> Vec<(u16, u32)> {
    let mut counts = [0u32; SYMBOLS];
    numbers.iter().for_each(|&number| counts[symbol(zigzag(number))] += 1);
    let used = (0..).zip(counts).filter(|(_, count)| *count > 0);
    used.collect()
}

fn code_of(numbers: &[i64]) -> CodeLengths {
    let mut all = [0; SYMBOLS];
    counts(numbers).iter().for_each(|&(symbol, count)| all[usize::from(symbol)] = count);
    CodeLengths::of(&all)
}

fn round_trip(numbers: &[i64]) -> usize {
    [Lengths::Each, Lengths::Difference].map(|lengths| round_trip_with(numbers, lengths))[1]
}

fn round_trip_with(numbers: &[i64], lengths: Lengths) -> usize {
    let code = code_of(numbers);
    let (mut table, mut bytes) = (Vec::new(), Vec::new());
    Tables::encode(std::slice::from_ref(&code), &mut table);
    encode(&Coder::new(&code), 0, numbers, lengths, &mut bytes);
    let len = bytes.len();
    let of_code = Code { table: 0, base: 0, lengths };
    bytes.extend_from_slice(&[0; SLACK_BYTES]);
    let back = either_way(|| {
        let mut back = vec![0; numbers.len()];
        decode(&mut Reader::new(&bytes), Tables(&table), of_code, &mut back).expect("own bytes");
        back
    });
    assert_eq!(back.iter().map(|&bits| bits as i64).collect::<Vec<_>>(), numbers);
    all_tables_agree(&code, of_code, &bytes, numbers);
    len
}

/// The table for every code reads the same as those for this one, of one symbol and of several.
fn all_tables_agree(code: &CodeLengths, of_code: Code, bytes: &[u8], numbers: &[i64]) {
    let mut several = lookup::Lookup::new(code);
    several.prepare_for_more();
    for lookup in [lookup::Lookup::plain(code), lookup::Lookup::new(code), several] {
        let back = either_way(|| {
            let (mut back, mut memory) = (vec![0; numbers.len()], memo::Memory::default());
            let mut reader = Reader::new(bytes);
            decode::decode_with(&lookup, &mut memory, &mut reader, of_code, &mut back)
                .expect("own bytes");
            back
        });
        assert_eq!(back.iter().map(|&bits| bits as i64).collect::<Vec<_>>(), numbers);
    }
}

fn any_size() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
}

proptest! {
    #[test]
    fn numbers_survive(numbers in prop::collection::vec(any_size(), 1..999)) {
        round_trip(&numbers);
    }

    #[test]
    fn numbers_of_few_bits_survive(numbers in prop::collection::vec(-64..64i64, 1..999), few in 0..6u32) {
        round_trip(&numbers.iter().map(|number| number >> few).collect::<Vec<_>>());
    }

    #[test]
    fn codes_are_complete_and_lengths_survive(numbers in prop::collection::vec(any_size(), 1..999)) {
        let code = code_of(&numbers);
        let mut bytes = Vec::new();
        code.encode(&mut bytes);
        prop_assert_eq!(CodeLengths::decode(&bytes), Ok(code));
    }

    #[test]
    fn any_bytes_are_read_without_panic(table: Vec<u8>, bytes: Vec<u8>, count in 0..999usize) {
        let _ = CodeLengths::decode(&table);
        let code = Code { table: 1, base: 0, lengths: Lengths::Each };
        let _ = decode(&mut Reader::new(&bytes), Tables(&table), code, &mut vec![0; count]);
    }

    #[test]
    fn wrong_codes_are_read_without_panic(
        numbers in prop::collection::vec(any_size(), 2..99),
        bytes: Vec<u8>,
        count in 0..999usize,
    ) {
        let mut table = Vec::new();
        Tables::encode(&[code_of(&numbers)], &mut table);
        let mut area = Vec::new();
        crate::bytes::put_varint(&mut area, bytes.len() as u64);
        area.extend_from_slice(&bytes);
        area.extend_from_slice(&[0xa5; 600]);
        for lengths in [Lengths::Each, Lengths::Difference] {
            let code = Code { table: 0, base: 0, lengths };
            let _ = decode(&mut Reader::new(&area), Tables(&table), code, &mut vec![0; count]);
        }
    }
}

#[test]
fn few_symbols_take_few_bits() {
    let numbers: Vec<i64> = (0..1000).map(|at| [0, 0, 1, -1][at * at % 4]).collect();
    assert!(round_trip(&numbers) < 260);
}

#[test]
fn a_rare_symbol_keeps_the_limit() {
    let mut all = [0; SYMBOLS];
    all.iter_mut().take(40).enumerate().for_each(|(at, count)| *count = 1 << (at * 3 / 4));
    let code = CodeLengths::of(&all);
    assert!(code.0.iter().all(|&length| length <= CODE_BITS_MAX));
    let mut bytes = Vec::new();
    code.encode(&mut bytes);
    assert_eq!(CodeLengths::decode(&bytes), Ok(code));
}

#[test]
fn streams_of_one_nature_share_a_code() {
    let narrow: Vec<i64> = (0..300).map(|at| at * at % 3 - 1).collect();
    let wide: Vec<i64> = (0..300).map(|at| at * at * 7 % 201 - 100).collect();
    let lists = [counts(&narrow), counts(&wide), counts(&narrow), counts(&wide)];
    let candidate = |counts| Candidate { counts, plain_bytes: 400, head_bytes: 2 };
    let candidates: Vec<_> = lists.iter().map(|list| candidate(list)).collect();
    let choice = choose(&candidates);
    assert_eq!(choice.codes.len(), 2);
    assert!(choice.of[0].is_some() && choice.of[1].is_some());
    assert_eq!((choice.of[0], choice.of[1]), (choice.of[2], choice.of[3]));
    assert_ne!(choice.of[0], choice.of[1]);
}

#[test]
fn more_symbols_than_a_byte_tells_apart_survive() {
    let numbers: Vec<i64> = symbol::BASES.iter().map(|&folded| unzigzag(folded)).collect();
    let used = code_of(&numbers).0.iter().filter(|&&length| length > 0).count();
    assert!(used > 256, "{used}");
    round_trip(&numbers);
}
