//! Reads streams.

use super::{CODED, CODED_AROUND_ZERO, HIGHS_CODED, PATCHED, SPARSE};
use crate::bytes::{Malformed, Reader};
use crate::codec::bits::{self, SLACK_BYTES};
use crate::codec::huffman::{self, Code, Lengths, Tables};
use crate::codec::memory::Numbers;
use crate::codec::vectors::twice;

/// Fills `out` from the stream behind `reader`, which goes on for at least [`SLACK_BYTES`] behind
/// it, and leaves `reader` there.
pub fn decode(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    match reader.u8()? {
        SPARSE => sparse(reader, tables, out),
        form => dense(form, reader, tables, out),
    }
}

/// The same, but each number, times `unit`, is added to the one before, the first to `last`.
pub fn decode_sums(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    last: u64,
    unit: u64,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let form = reader.u8()?;
    match form {
        SPARSE => return sparse_sums(reader, tables, last, unit, out),
        _ if unit != 1 => {
            dense(form, reader, tables, out)?;
            add_up_units(last, unit, out);
            return Ok(());
        }
        CODED_AROUND_ZERO.. => {
            let code = code(form, reader)?;
            return huffman::decode_sums(reader, tables, code, last, out);
        }
        HIGHS_CODED => {
            let Lows { width, base, packed } = highs(reader, tables, out)?;
            bits::unpack_sums_below(packed, width, last, base, out);
            return Ok(());
        }
        PATCHED => dense(PATCHED, reader, tables, out)?,
        width => {
            let base = reader.signed()? as u64;
            let packed = packed_behind(reader, width, out.len())?;
            bits::unpack_sums(packed, width, last, base, out);
            return Ok(());
        }
    }
    huffman::add_up(last, out);
    Ok(())
}

fn dense(
    form: u8,
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<(), Malformed> {
    if form >= CODED_AROUND_ZERO {
        let code = code(form, reader)?;
        return huffman::decode(reader, tables, code, out);
    }
    if form == HIGHS_CODED {
        let Lows { width, base, packed } = highs(reader, tables, out)?;
        bits::unpack_below(packed, width, base, out);
        return Ok(());
    }
    let base = reader.signed()? as u64;
    match form {
        PATCHED => patched(reader, base, out),
        width => packed(reader, width, base, out),
    }
}

/// The code that a form of a coded stream names.
fn code(form: u8, reader: &mut Reader<'_>) -> Result<Code, Malformed> {
    if form < CODED {
        return Ok(Code { table: form - CODED_AROUND_ZERO, base: 0, lengths: Lengths::Difference });
    }
    let base = reader.signed()? as u64;
    Ok(Code { table: form - CODED, base, lengths: Lengths::Each })
}

fn packed(reader: &mut Reader<'_>, width: u8, base: u64, out: &mut [u64]) -> Result<(), Malformed> {
    let packed = packed_behind(reader, width, out.len())?;
    bits::unpack_from(packed, width, base, out);
    Ok(())
}

/// So many packed numbers with their slack; leaves `reader` behind them.
fn packed_behind<'a>(
    reader: &mut Reader<'a>,
    width: u8,
    count: usize,
) -> Result<&'a [u8], Malformed> {
    let bytes = bits::packed_bytes(count, width);
    let packed = reader.rest();
    if !bits::is_width(width) || packed.len() < bytes + SLACK_BYTES {
        return Err(reader.malformed());
    }
    reader.take(bytes)?;
    Ok(packed)
}

/// What belongs below the high bits of numbers.
struct Lows<'a> {
    width: u8,
    base: u64,
    packed: &'a [u8],
}

/// Fills `out` with the high bits of numbers; leaves `reader` behind the low ones.
fn highs<'a>(
    reader: &mut Reader<'a>,
    tables: Tables<'_>,
    out: &mut [u64],
) -> Result<Lows<'a>, Malformed> {
    let (width, base) = (reader.u8()?, reader.signed()? as u64);
    let form = reader.u8()?;
    if !(1..=56).contains(&width) || form < CODED_AROUND_ZERO {
        return Err(reader.malformed());
    }
    let code = code(form, reader)?;
    huffman::decode(reader, tables, code, out)?;
    Ok(Lows { width, base, packed: packed_behind(reader, width, out.len())? })
}

fn patched(reader: &mut Reader<'_>, base: u64, out: &mut [u64]) -> Result<(), Malformed> {
    let width = reader.u8()?;
    let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    if count > out.len() || width > 56 {
        return Err(reader.malformed());
    }
    let (mut gaps, mut highs) = (Numbers::new(count), Numbers::new(count));
    for list in [&mut gaps, &mut highs] {
        let width = reader.u8()?;
        packed(reader, width, 0, list)?;
    }
    packed(reader, width, base, out)?;
    let mut at = 0u64;
    for (gap, high) in gaps.iter().zip(&*highs) {
        at = at.wrapping_add(*gap);
        let number = usize::try_from(at).ok().and_then(|at| out.get_mut(at));
        let number = number.ok_or(reader.malformed())?;
        *number = number.wrapping_add(high << width);
        at += 1;
    }
    Ok(())
}

/// Rare numbers among many that are equal.
struct Sparse {
    usual: u64,
    /// Usual numbers before each of the others.
    gaps: Numbers,
    /// The others, less the usual one.
    events: Numbers,
}

impl Sparse {
    fn decode(
        reader: &mut Reader<'_>,
        tables: Tables<'_>,
        numbers: usize,
    ) -> Result<Sparse, Malformed> {
        let usual = reader.signed()? as u64;
        let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if count > numbers {
            return Err(reader.malformed());
        }
        let (mut gaps, mut events) = (Numbers::new(count), Numbers::new(count));
        for list in [&mut gaps, &mut events] {
            let form = reader.u8()?;
            if form == SPARSE {
                return Err(reader.malformed());
            }
            dense(form, reader, tables, list)?;
        }
        Ok(Sparse { usual, gaps, events })
    }

    fn each(&self) -> impl Iterator<Item = (u64, u64)> {
        self.gaps
            .iter()
            .copied()
            .zip(self.events.iter().map(|event| self.usual.wrapping_add(*event)))
    }
}

fn sparse(reader: &mut Reader<'_>, tables: Tables<'_>, out: &mut [u64]) -> Result<(), Malformed> {
    let sparse = Sparse::decode(reader, tables, out.len())?;
    fill(sparse.usual, out);
    let mut at = 0u64;
    for (gap, event) in sparse.each() {
        at = at.wrapping_add(gap);
        let number = usize::try_from(at).ok().and_then(|at| out.get_mut(at));
        *number.ok_or(reader.malformed())? = event;
        at += 1;
    }
    Ok(())
}

fn sparse_sums(
    reader: &mut Reader<'_>,
    tables: Tables<'_>,
    last: u64,
    unit: u64,
    out: &mut [u64],
) -> Result<(), Malformed> {
    let sparse = Sparse::decode(reader, tables, out.len())?;
    fill_lines(&sparse, last, unit, out).ok_or(reader.malformed())
}

twice! {
    /// Makes sums of numbers in units, the first with `last`.
    fn add_up_units(last: u64, unit: u64, numbers: &mut [u64]) {
        let mut last = last;
        for number in numbers {
            last = last.wrapping_add(unit.wrapping_mul(*number));
            *number = last;
        }
    }

    fn fill(usual: u64, out: &mut [u64]) {
        out.fill(usual);
    }

    /// Fills `out` with sums, which are on a line between exceptions; `None` if these are beyond the end.
    fn fill_lines(sparse: &Sparse, last: u64, unit: u64, out: &mut [u64]) -> Option<()> {
        let step = unit.wrapping_mul(sparse.usual);
        let (mut last, mut rest) = (last, out);
        for (gap, event) in sparse.each() {
            let (line, behind) = rest.split_at_mut_checked(usize::try_from(gap).ok()?)?;
            let (number, behind) = behind.split_first_mut()?;
            fill_line(last, step, line);
            last = last.wrapping_add(step.wrapping_mul(gap)).wrapping_add(unit.wrapping_mul(event));
            *number = last;
            rest = behind;
        }
        fill_line(last, step, rest);
        Some(())
    }
}

/// Fills `out` with numbers each of which is `step` more than the one before, the first than `last`.
#[inline(always)]
fn fill_line(last: u64, step: u64, out: &mut [u64]) {
    let mut next = last;
    for number in out {
        next = next.wrapping_add(step);
        *number = next;
    }
}
