use super::*;
use crate::codec::bits::SLACK_BYTES;
use crate::codec::numbers;
use proptest::prelude::*;

fn read(bytes: &[u8], out: &mut [u64]) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let tag = reader.u8()?;
    if numbers::is_tag(tag) {
        reader.u8()?;
        numbers::decode(tag, &mut reader, Tables::default(), out)?;
        from_numbers(out);
        return Ok(());
    }
    if tag == dictionary::DICTIONARY {
        reader.u8()?;
        let mut entries = dictionary::Entries::decode(&mut reader, Kind::FLOAT)?;
        from_numbers(entries.list().1);
        let mut kinds = vec![Kind::FLOAT; out.len()];
        return entries.place(&mut reader, Tables::default(), &mut kinds, out);
    }
    decode(tag, &mut reader, Tables::default(), out)
}

/// Every form that takes the doubles gives them back.
fn round_trip(doubles: &[f64]) -> usize {
    let bits: Vec<u64> = doubles.iter().map(|double| double.to_bits()).collect();
    let mut columns = vec![plan(&bits)];
    columns.extend(split::plan(&bits));
    columns.extend(near::plan(&bits));
    columns.extend(planes::plan(&bits));
    let mut first = 0;
    for column in &columns {
        let mut bytes = Vec::new();
        column.write(&mut std::iter::empty(), &mut bytes);
        first = if first == 0 { bytes.len() } else { first };
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        let mut back = vec![0; bits.len()];
        read(&bytes, &mut back).expect("own bytes");
        assert_eq!(back, bits, "tag {}", bytes[0]);
    }
    first
}

proptest! {
    #[test]
    fn any_bits_survive(bits in prop::collection::vec(any::<u64>(), 1..99)) {
        round_trip(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
    }

    #[test]
    fn doubles_that_repeat_survive(places in prop::collection::vec(0..4usize, 1..99)) {
        let some = [-0.0, 1.0 / 3.0, f64::INFINITY, -1e300];
        round_trip(&places.into_iter().map(|place| some[place]).collect::<Vec<_>>());
    }

    #[test]
    fn ordinary_doubles_survive(doubles in prop::collection::vec(-1e6..1e6f64, 1..99)) {
        round_trip(&doubles);
    }

    #[test]
    fn sums_of_decimals_survive(steps in prop::collection::vec(-99..99i32, 1..99)) {
        let mut sum = 20.0;
        let add = |step: i32| {
            sum += f64::from(step) / 10.0;
            sum
        };
        round_trip(&steps.into_iter().map(add).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        tag in prop_oneof![Just(SPLIT), Just(NEAR), Just(CHANGES_LZ4)],
        bytes: Vec<u8>,
        rows in 1..999usize,
    ) {
        let _ = read(&[&[tag], &bytes[..]].concat(), &mut vec![0; rows]);
    }
}

#[test]
fn single_precision_takes_its_own_bits() {
    let doubles: Vec<f64> =
        (0..1000u32).map(|at| f64::from(1.0 + (at * at % 997) as f32 / 997.0)).collect();
    let bytes = round_trip(&doubles);
    assert!(bytes < 3200, "{bytes}");
}

#[test]
fn means_of_decimals_are_nearly_decimals() {
    let doubles: Vec<f64> = (0..1000)
        .map(|at| {
            (0..3).map(|k| f64::from((at * at * 7 + k * 13) % 500) / 100.0).sum::<f64>() / 10.0
        })
        .collect();
    assert!(round_trip(&doubles) < 2200);
}
