//! The referee: reads streams bit by bit, as `FORMAT.md` words it. Tests hold the decoders to it.

use super::huffman::{CodeLengths, Tables};
use crate::bytes::{Reader, unzigzag};

/// The numbers of a stream that is whole and well-formed.
pub fn stream(reader: &mut Reader<'_>, tables: Tables<'_>, count: usize) -> Vec<i64> {
    let form = reader.u8().expect("a form");
    if form == 57 {
        let low_bits = reader.u8().expect("a width");
        let base = reader.signed().expect("a base");
        let highs = stream(reader, tables, count);
        let lows = packed(reader, count, low_bits);
        let whole = |(high, low): (i64, u64)| (high << low_bits).wrapping_add(low as i64);
        return highs.into_iter().zip(lows).map(|both| base.wrapping_add(whole(both))).collect();
    }
    let base = if (67..128).contains(&form) { 0 } else { reader.signed().expect("a base") };
    match form {
        65 => {
            let width = reader.u8().expect("a width");
            let exceptions = reader.varint().expect("a count") as usize;
            let mut list = || {
                let width = reader.u8().expect("a width");
                packed(reader, exceptions, width)
            };
            let (gaps, highs) = (list(), list());
            let mut numbers = packed(reader, count, width);
            for (at, high) in positions(&gaps).into_iter().zip(highs) {
                numbers[at] |= high << width;
            }
            numbers.into_iter().map(|number| base.wrapping_add(number as i64)).collect()
        }
        66 => {
            let exceptions = reader.varint().expect("a count") as usize;
            let gaps = stream(reader, tables, exceptions);
            let events = stream(reader, tables, exceptions);
            let gaps: Vec<u64> = gaps.into_iter().map(|gap| gap as u64).collect();
            let mut numbers = vec![base; count];
            for (at, event) in positions(&gaps).into_iter().zip(events) {
                numbers[at] = base.wrapping_add(event);
            }
            numbers
        }
        67.. => {
            let table = if form < 128 { form - 67 } else { form - 128 };
            let table = tables.get(table).expect("a table");
            let folded = coded(reader, table, count, form < 128);
            folded.into_iter().map(|folded| base.wrapping_add(unzigzag(folded))).collect()
        }
        width => {
            let numbers = packed(reader, count, width);
            numbers.into_iter().map(|number| base.wrapping_add(number as i64)).collect()
        }
    }
}

fn positions(gaps: &[u64]) -> Vec<usize> {
    let mut next = 0;
    let each = gaps.iter().map(|gap| {
        next += *gap as usize + 1;
        next - 1
    });
    each.collect()
}

fn packed(reader: &mut Reader<'_>, count: usize, width: u8) -> Vec<u64> {
    let bytes = reader.take((count * usize::from(width)).div_ceil(8)).expect("packed numbers");
    let mut bits = bits(bytes.to_vec());
    (0..count).map(|_| number(&mut bits, u32::from(width))).collect()
}

/// Bits in order, the lowest of each byte first.
fn bits(bytes: Vec<u8>) -> impl Iterator<Item = u64> {
    bytes.into_iter().flat_map(|byte| (0..8).map(move |bit| u64::from(byte >> bit & 1)))
}

fn number(bits: &mut impl Iterator<Item = u64>, width: u32) -> u64 {
    (0..width).map(|at| bits.next().expect("a bit") << at).sum()
}

fn coded(reader: &mut Reader<'_>, table: &[u8], count: usize, difference: bool) -> Vec<u64> {
    let codes = codes(&CodeLengths::decode(table).expect("a table"));
    let pairs = if count < 256 { vec![count] } else { vec![count.div_ceil(2), count / 2] };
    let mut lengths = vec![reader.varint().expect("a length") as usize];
    if pairs.len() > 1 && difference {
        let more = reader.signed().expect("a difference");
        lengths.push((lengths[0] as i64 + more) as usize);
    } else if pairs.len() > 1 {
        lengths.push(reader.varint().expect("a length") as usize);
    }
    let mut symbols = Vec::new();
    for (count, length) in pairs.into_iter().zip(lengths) {
        let upwards = reader.take(length).expect("a pair").to_vec();
        let downwards = upwards.iter().rev().copied().collect();
        for (bytes, count) in [(upwards, count.div_ceil(2)), (downwards, count / 2)] {
            let mut bits = bits(bytes);
            symbols.extend((0..count).map(|_| symbol(&codes, &mut bits)));
        }
    }
    let rests: u32 = symbols.iter().map(|&symbol| rest_bits(symbol)).sum();
    let rest = reader.take(rests.div_ceil(8) as usize).expect("rests").to_vec();
    let mut rest = bits(rest);
    symbols.into_iter().map(|symbol| folded(symbol, &mut rest)).collect()
}

/// Code length, code with the first bit highest, symbol.
fn codes(lengths: &CodeLengths) -> Vec<(u8, u64, usize)> {
    let used = lengths.0.iter().copied().enumerate().filter(|(_, length)| *length > 0);
    let mut used: Vec<_> = used.map(|(symbol, length)| (length, symbol)).collect();
    used.sort_unstable();
    let (mut next, mut before) = (0, used[0].0);
    let code = |(length, symbol): (u8, usize)| {
        let code = next << (length - before);
        (next, before) = (code + 1, length);
        (length, code, symbol)
    };
    used.into_iter().map(code).collect()
}

fn symbol(codes: &[(u8, u64, usize)], bits: &mut impl Iterator<Item = u64>) -> usize {
    let (mut length, mut read) = (0, 0);
    loop {
        read = read << 1 | bits.next().expect("a bit");
        length += 1;
        if let Some(code) = codes.iter().find(|code| (code.0, code.1) == (length, read)) {
            return code.2;
        }
    }
}

fn rest_bits(symbol: usize) -> u32 {
    if symbol < 128 { 0 } else { (symbol as u32 - 128) / 4 + 5 }
}

fn folded(symbol: usize, rest: &mut impl Iterator<Item = u64>) -> u64 {
    if symbol < 128 {
        return symbol as u64;
    }
    let bits = rest_bits(symbol);
    let (second, lowest) = ((symbol as u64 >> 1) & 1, symbol as u64 & 1);
    1 << (bits + 2) | second << (bits + 1) | number(rest, bits) << 1 | lowest
}
