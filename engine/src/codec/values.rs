//! The value column of a run: exact values of any kind.
//!
//! Integers and decimals of one scale are packed as numbers; decimals are brought to one scale
//! first, which changes their text but not the double they mean. Doubles are laid out as byte
//! planes and compressed with LZ4 where that saves an eighth. Whatever mixes kinds keeps a kind
//! byte beside each value. A merge tries more: see [`plan`].

use super::bits::{self, SLACK_BYTES};
use super::column::Column;
use super::huffman::Tables;
use super::{dictionary, floats, histograms, memory, mixed, numbers, packed, planes};
use crate::bytes::{Malformed, Reader, put_signed, put_varint, unzigzag, zigzag};
use crate::types::{Kind, MANTISSA_MAX, Samples};

/// One value for all rows: kind, value.
const CONSTANT: u8 = 0;
/// Kind, smallest number, packed excess of each.
const OFFSETS: u8 = 1;
/// Kind, first number, smallest step, packed excess of each step.
const STEPS: u8 = 2;
/// Byte planes of doubles, stored.
const PLANES: u8 = 3;
/// Byte planes of doubles, LZ4.
const PLANES_LZ4: u8 = 4;
/// Kinds, then byte planes of bits; stored.
const MIXED: u8 = 5;
/// Kinds, then byte planes of bits; LZ4.
const MIXED_LZ4: u8 = 6;
const HISTOGRAMS: u8 = 7;

/// Scratch memory of an encoder.
#[derive(Debug, Default)]
pub struct Scratch {
    numbers: Vec<i64>,
    planes: Vec<u8>,
}

/// Appends the column of the rows `from..to`, at least one.
pub fn encode(rows: &Samples, from: usize, to: usize, scratch: &mut Scratch, out: &mut Vec<u8>) {
    let (kinds, values) = (&rows.kinds[from..to], &rows.bits[from..to]);
    if histograms::are_among(kinds) {
        out.push(HISTOGRAMS);
        return histograms::encode(rows, from, to, out);
    }
    if kinds.iter().all(|&kind| kind == kinds[0]) && values.iter().all(|&v| v == values[0]) {
        return encode_constant(kinds[0], values[0], out);
    }
    match common_kind(kinds, values, &mut scratch.numbers) {
        Some(kind) => encode_numbers(kind, &scratch.numbers, out),
        None => encode_mixed(kinds, values, &mut scratch.planes, out),
    }
}

fn encode_constant(kind: Kind, bits: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[CONSTANT, kind.0]);
    put_varint(out, if kind == Kind::FLOAT { bits } else { zigzag(bits as i64) });
}

/// The kind in which all values are whole numbers, and these numbers.
fn common_kind(kinds: &[Kind], values: &[u64], numbers: &mut Vec<i64>) -> Option<Kind> {
    let highest = *kinds.iter().max()?;
    let lowest = *kinds.iter().min()?;
    numbers.clear();
    if lowest == highest && highest != Kind::FLOAT {
        numbers.extend(values.iter().map(|&bits| bits as i64));
        return Some(highest);
    }
    let (scale, _) = (highest.scale()?, lowest.scale()?);
    for (kind, &bits) in kinds.iter().zip(values) {
        let factor = 10i64.checked_pow(u32::from(scale - kind.scale()?))?;
        let number = (bits as i64).checked_mul(factor)?;
        if !(-MANTISSA_MAX..=MANTISSA_MAX).contains(&number) {
            return None;
        }
        numbers.push(number);
    }
    Some(highest)
}

fn encode_numbers(kind: Kind, numbers: &[i64], out: &mut Vec<u8>) {
    let (low, high) = bounds(numbers.iter().copied());
    let steps = || numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let (step_low, step_high) = bounds(steps());
    let width = bits::width_for(high.wrapping_sub(low) as u64);
    let step_width = bits::width_for(step_high.wrapping_sub(step_low) as u64);
    if step_width < width {
        out.extend_from_slice(&[STEPS, kind.0]);
        put_signed(out, numbers[0]);
        put_signed(out, step_low);
        out.push(step_width);
        bits::pack(steps().map(|step| step.wrapping_sub(step_low) as u64), step_width, out);
    } else {
        out.extend_from_slice(&[OFFSETS, kind.0]);
        put_signed(out, low);
        out.push(width);
        bits::pack(numbers.iter().map(|number| number.wrapping_sub(low) as u64), width, out);
    }
}

fn bounds(numbers: impl Iterator<Item = i64>) -> (i64, i64) {
    numbers.fold((i64::MAX, i64::MIN), |(low, high), n| (low.min(n), high.max(n)))
}

/// Packed numbers of so many bytes a value are taken without a look at the other form.
const SHORT_BYTES: usize = 1;
/// Packed numbers may take one byte more in so many than stored planes do: they are read faster.
const STORED_SHARE: usize = 64;
/// The same against LZ4, which is read at a sixth of their speed. What a flush writes is soon merged.
const LZ4_SHARE: usize = 4;

fn encode_mixed(kinds: &[Kind], values: &[u64], all: &mut Vec<u8>, out: &mut Vec<u8>) {
    let packed = packed::plan(kinds, values);
    if let Some(packed) = packed.as_ref().filter(|it| it.bytes() <= SHORT_BYTES * values.len()) {
        return packed.write(out);
    }
    let start = out.len();
    encode_planes(kinds, values, all, out);
    let share = if matches!(out[start], PLANES | MIXED) { STORED_SHARE } else { LZ4_SHARE };
    let most = (out.len() - start) * (share + 1) / share;
    if let Some(packed) = packed.filter(|it| it.bytes() <= most) {
        out.truncate(start);
        packed.write(out);
    }
}

fn encode_planes(kinds: &[Kind], values: &[u64], all: &mut Vec<u8>, out: &mut Vec<u8>) {
    all.clear();
    let mixed = kinds.iter().any(|&kind| kind != Kind::FLOAT);
    if mixed {
        all.extend(kinds.iter().map(|kind| kind.0));
    }
    planes::split(values, all);
    let packed = lz4_flex::block::compress(all);
    let helps = packed.len() + 4 <= all.len() - all.len() / 8;
    out.push(match (mixed, helps) {
        (false, false) => PLANES,
        (false, true) => PLANES_LZ4,
        (true, false) => MIXED,
        (true, true) => MIXED_LZ4,
    });
    if helps {
        put_varint(out, packed.len() as u64);
    }
    out.extend_from_slice(if helps { &packed } else { all });
}

/// The column of the rows `from..to` as a merge writes it.
///
/// Integers come back as integers. Decimals come back as the doubles they mean, at whatever scale,
/// or as doubles if others of the run are.
pub fn plan(rows: &Samples, from: usize, to: usize, scratch: &mut Scratch) -> Column {
    let (kinds, values) = (&rows.kinds[from..to], &rows.bits[from..to]);
    let same = kinds.iter().all(|&kind| kind == kinds[0]);
    let constant = same && values.iter().all(|&value| value == values[0]);
    if constant || histograms::are_among(kinds) {
        let mut bytes = Vec::new();
        encode(rows, from, to, scratch, &mut bytes);
        return Column::plain(bytes);
    }
    if same && kinds[0] == Kind::FLOAT {
        return floats::plan(values);
    }
    if same {
        let numbers: Vec<i64> = values.iter().map(|&bits| bits as i64).collect();
        return dictionary::plan(kinds[0].0, &numbers);
    }
    super::fractions::plan(kinds, values).unwrap_or_else(|| {
        let mut bytes = Vec::new();
        encode(rows, from, to, scratch, &mut bytes);
        Column::plain(bytes)
    })
}

/// Appends `rows` kinds and bits from the column at the start of `bytes`, which go on for at least
/// [`SLACK_BYTES`] behind it.
pub fn decode(
    bytes: &[u8],
    tables: Tables<'_>,
    rows: usize,
    out: &mut Samples,
) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let mut tag = reader.u8()?;
    let start = out.bits.len();
    let flags = match tag {
        mixed::WHOLE | mixed::FLAGS => {
            let flags = mixed::decode(tag, &mut reader, tables, rows)?;
            tag = reader.u8()?;
            Some(flags)
        }
        _ => None,
    };
    let mut patches = Vec::new();
    if tag == mixed::PATCHED {
        patches = mixed::decode_patches(&mut reader, rows)?;
        tag = reader.u8()?;
    }
    let whole_ones = matches!(flags, Some(None));
    if tag == dictionary::DICTIONARY {
        decode_dictionary(&mut reader, tables, rows, whole_ones, out)?;
    } else {
        decode_one_kind(tag, &mut reader, bytes, tables, rows, out)?;
    }
    // Who claims to be decoded in full is checked by the caller; here nothing may be missing.
    if out.bits.len() != start + rows || out.kinds.len() != start + rows {
        return Err(reader.malformed());
    }
    let (kinds, bits) = (&mut out.kinds[start..], &mut out.bits[start..]);
    match &flags {
        Some(None) if tag != dictionary::DICTIONARY => mixed::whole_ones(kinds, bits),
        Some(Some(flags)) => mixed::flagged(flags, kinds, bits),
        _ => {}
    }
    for (at, value) in patches {
        let said = flags.as_ref().map(|flags| flags.as_ref().is_none_or(|flags| flags[at] != 0));
        let value = mixed::exception(value, said.unwrap_or(false));
        (kinds[at], bits[at]) = (value.kind, value.bits);
    }
    Ok(())
}

fn decode_dictionary(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    rows: usize,
    whole_ones: bool,
    out: &mut Samples,
) -> Result<(), Malformed> {
    let kind = kind(reader)?;
    let mut entries = dictionary::Entries::decode(reader, kind)?;
    let (kinds, bits) = entries.list();
    if kind == Kind::FLOAT {
        floats::from_numbers(bits);
    }
    if whole_ones {
        mixed::whole_ones(kinds, bits);
    }
    let start = out.kinds.len();
    out.kinds.resize(start + rows, kind);
    entries.place(reader, tables, &mut out.kinds[start..], append(rows, &mut out.bits))
}

fn decode_one_kind(
    tag: u8,
    reader: &mut Reader<'_>,
    bytes: &[u8],
    tables: Tables<'_>,
    rows: usize,
    out: &mut Samples,
) -> Result<(), Malformed> {
    if numbers::is_tag(tag) {
        let kind = kind(reader)?;
        let numbers = append(rows, &mut out.bits);
        numbers::decode(tag, reader, tables, numbers)?;
        if kind == Kind::FLOAT {
            floats::from_numbers(numbers);
        }
        out.kinds.resize(out.bits.len(), kind);
        return Ok(());
    }
    match tag {
        floats::SPLIT | floats::CHANGES_LZ4 | floats::NEAR => {
            floats::decode(tag, reader, tables, append(rows, &mut out.bits))?;
            out.kinds.resize(out.bits.len(), Kind::FLOAT);
            Ok(())
        }
        CONSTANT => {
            let kind = kind(reader)?;
            let folded = reader.varint()?;
            let bits = if kind == Kind::FLOAT { folded } else { unzigzag(folded) as u64 };
            out.bits.resize(out.bits.len() + rows, bits);
            out.kinds.resize(out.kinds.len() + rows, kind);
            Ok(())
        }
        OFFSETS => decode_offsets(reader, bytes, rows, out),
        STEPS => decode_steps(reader, bytes, rows, out),
        tag @ (PLANES | MIXED) => {
            let planes = reader.take(plane_bytes(rows, tag == MIXED))?;
            read_planes(planes, rows, tag == MIXED, out)
        }
        tag @ (PLANES_LZ4 | MIXED_LZ4) => {
            let mixed = tag == MIXED_LZ4;
            let packed_bytes = reader.varint()?;
            let packed = reader.take(usize::try_from(packed_bytes).unwrap_or(usize::MAX))?;
            memory::with_lz4(packed, plane_bytes(rows, mixed), |planes| {
                read_planes(planes, rows, mixed, out)
            })
        }
        HISTOGRAMS => histograms::decode(reader, rows, out),
        _ => Err(Malformed { at: 0 }),
    }
}

/// Room for so many numbers more.
fn append(count: usize, out: &mut Vec<u64>) -> &mut [u64] {
    let start = out.len();
    // Of known numbers, unlike those of `resize`: a call that fills memory by vectors.
    out.extend((0..count).map(|_| 0));
    &mut out[start..]
}

fn kind(reader: &mut Reader<'_>) -> Result<Kind, Malformed> {
    let kind = Kind(reader.u8()?);
    if kind.is_number() { Ok(kind) } else { Err(reader.malformed()) }
}

fn packed<'a>(
    reader: &mut Reader<'_>,
    bytes: &'a [u8],
    count: usize,
) -> Result<(u8, &'a [u8]), Malformed> {
    let width = reader.u8()?;
    let packed = &bytes[reader.position()..];
    if !bits::is_width(width) || packed.len() < bits::packed_bytes(count, width) + SLACK_BYTES {
        return Err(reader.malformed());
    }
    Ok((width, packed))
}

fn decode_offsets(
    reader: &mut Reader<'_>,
    bytes: &[u8],
    rows: usize,
    out: &mut Samples,
) -> Result<(), Malformed> {
    let kind = kind(reader)?;
    let low = reader.signed()? as u64;
    let (width, packed) = packed(reader, bytes, rows)?;
    bits::unpack_from(packed, width, low, append(rows, &mut out.bits));
    out.kinds.resize(out.bits.len(), kind);
    Ok(())
}

fn decode_steps(
    reader: &mut Reader<'_>,
    bytes: &[u8],
    rows: usize,
    out: &mut Samples,
) -> Result<(), Malformed> {
    let kind = kind(reader)?;
    let first = reader.signed()? as u64;
    let step_low = reader.signed()? as u64;
    let steps = rows.saturating_sub(1);
    let (width, packed) = packed(reader, bytes, steps)?;
    out.bits.push(first);
    bits::unpack_sums(packed, width, first, step_low, append(steps, &mut out.bits));
    out.kinds.resize(out.bits.len(), kind);
    Ok(())
}

fn plane_bytes(rows: usize, mixed: bool) -> usize {
    rows * if mixed { 9 } else { 8 }
}

fn read_planes(
    planes: &[u8],
    rows: usize,
    mixed: bool,
    out: &mut Samples,
) -> Result<(), Malformed> {
    if planes.len() != plane_bytes(rows, mixed) {
        return Err(Malformed { at: 0 });
    }
    let (kinds, planes) = planes.split_at(if mixed { rows } else { 0 });
    if kinds.iter().any(|&kind| !Kind(kind).is_number()) {
        return Err(Malformed { at: 0 });
    }
    out.kinds.extend(kinds.iter().map(|&kind| Kind(kind)));
    planes::join(planes, append(rows, &mut out.bits));
    out.kinds.resize(out.bits.len(), Kind::FLOAT);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Value;
    use proptest::prelude::*;

    /// Values as doubles and kinds, the form in which equality is promised.
    fn meaning(samples: &Samples) -> Vec<(u64, bool, u64)> {
        (0..samples.len())
            .map(|at| samples.value(at))
            .map(|v| {
                (
                    v.as_f64().to_bits(),
                    v.kind == Kind::INTEGER,
                    v.kind.scale().map_or(v.bits, |_| 0),
                )
            })
            .collect()
    }

    fn round_trip(values: &[Value]) -> usize {
        let mut samples = Samples::default();
        for (at, &value) in values.iter().enumerate() {
            samples.push(at as i64, value);
        }
        let (mut bytes, mut back) = (Vec::new(), Samples::default());
        encode(&samples, 0, values.len(), &mut Scratch::default(), &mut bytes);
        let len = bytes.len();
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        decode(&bytes, Tables::default(), values.len(), &mut back).expect("own bytes");
        back.timestamps.clone_from(&samples.timestamps);
        assert_eq!(meaning(&back), meaning(&samples));
        merged(&samples);
        len
    }

    /// What a merge promises: integers, and the bits of the doubles that all others mean.
    fn doubles(samples: &Samples) -> Vec<(u64, bool, i64)> {
        let integer = |v: Value| if v.kind == Kind::INTEGER { v.bits as i64 } else { 0 };
        let double = |v: Value| (v.as_f64().to_bits(), v.kind == Kind::INTEGER, integer(v));
        (0..samples.len()).map(|at| double(samples.value(at))).collect()
    }

    fn merged(samples: &Samples) -> usize {
        let column = plan(samples, 0, samples.len(), &mut Scratch::default());
        let candidates: Vec<_> = column.candidates().collect();
        let choice = crate::codec::huffman::choose(&candidates);
        let coders = choice.coders();
        let mut codes = choice.each(&coders);
        let (mut tables, mut bytes, mut back) = (Vec::new(), Vec::new(), Samples::default());
        Tables::encode(&choice.codes, &mut tables);
        column.write(&mut codes, &mut bytes);
        let len = bytes.len() + tables.len();
        bytes.extend_from_slice(&[0; SLACK_BYTES]);
        decode(&bytes, Tables(&tables), samples.len(), &mut back).expect("own bytes");
        back.timestamps.clone_from(&samples.timestamps);
        assert_eq!(doubles(&back), doubles(samples));
        len
    }

    fn samples(values: impl IntoIterator<Item = Value>) -> Samples {
        let mut samples = Samples::default();
        values.into_iter().for_each(|value| samples.push(samples.len() as i64, value));
        samples
    }

    fn decimals() -> impl Strategy<Value = Value> {
        (-MANTISSA_MAX..=MANTISSA_MAX, 0..23u8)
            .prop_map(|(m, s)| Value::decimal(m, s).expect("in range"))
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::integer),
            decimals(),
            any::<u64>().prop_map(|bits| Value { kind: Kind::FLOAT, bits }),
        ]
    }

    proptest! {
        #[test]
        fn mixed_values_survive(values in prop::collection::vec(any_value(), 1..99)) {
            round_trip(&values);
        }

        #[test]
        fn integers_survive(values in prop::collection::vec(any::<i64>(), 1..99)) {
            round_trip(&values.into_iter().map(Value::integer).collect::<Vec<_>>());
        }

        #[test]
        fn decimals_survive(values in prop::collection::vec((-9999i64..9999, 0..4u8), 1..99)) {
            let decimal = |(m, s)| Value::decimal(m, s).expect("in range");
            round_trip(&values.into_iter().map(decimal).collect::<Vec<_>>());
        }

        #[test]
        fn doubles_survive(values in prop::collection::vec(any::<f64>(), 1..99)) {
            round_trip(&values.into_iter().map(Value::float).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, rows in 1..999usize) {
            let _ = decode(&bytes, Tables::default(), rows, &mut Samples::default());
        }
    }

    #[test]
    fn a_small_counter_is_small() {
        let counter: Vec<Value> = (0..1000).map(|i| Value::integer((1 << 40) | (i * 7))).collect();
        assert!(round_trip(&counter) < 20);
        let gauge: Vec<Value> =
            (0..1000).map(|i| Value::decimal(2000 + i * 37 % 100, 2).expect("small")).collect();
        assert!(round_trip(&gauge) < 1000);
    }

    #[test]
    fn whole_numbers_without_a_point_cost_nothing() {
        let halves = (0..1000).map(|at: i64| match at * at % 40 {
            even if even % 2 == 0 => Value::integer(even / 2),
            odd => Value::decimal(odd * 5, 1).expect("small"),
        });
        assert!(merged(&samples(halves)) < 800);
    }

    #[test]
    fn a_few_that_do_not_fit_cost_themselves() {
        let gauge = (0..1000).map(|at: i64| match at {
            77 => Value::float(f64::NAN),
            500 => Value::float(1.0 / 3.0),
            600 => Value::decimal(123_456_789_012_345, 14).expect("fifteen digits"),
            _ => Value::decimal(2000 + at * 37 % 100, 2).expect("small"),
        });
        assert!(merged(&samples(gauge)) < 1000);
    }

    #[test]
    fn a_few_values_in_no_order_cost_their_places() {
        let some = [3.25, 1e300, -7.0 / 3.0, 0.1];
        let doubles = (0..1000).map(|at: usize| Value::float(some[at * at % 7 % 4]));
        assert!(merged(&samples(doubles)) < 400);
        let integers =
            (0..1000).map(|at: i64| Value::integer(at * at % 7 % 5 * 99_999_999_977 % 1_000_003));
        assert!(merged(&samples(integers)) < 450);
    }

    #[test]
    fn a_flush_packs_whole_numbers_written_without_a_point() {
        let half = |at: i64| {
            let number = at * at % 41;
            if number % 2 == 0 {
                Value::integer(number / 2)
            } else {
                Value::decimal(number * 5, 1).expect("small")
            }
        };
        let mut values: Vec<Value> = (0..1000).map(half).collect();
        assert!(round_trip(&values) < 1020);
        for at in [0, 1, 500, 999] {
            values[at] = Value::float(1.0 / (at + 3) as f64);
        }
        values[7] = Value::integer(1 << 52);
        assert!(round_trip(&values) < 1100);
        // A whole one that is no integer must not become one.
        values[9] = Value::decimal(30, 1).expect("small");
        round_trip(&values);
    }
}
