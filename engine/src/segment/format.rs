//! The bytes of a segment: block, block index, name groups, footer. Pure functions.
//! Layouts: `FORMAT.md`, section "Segment".

use crate::bytes::{Malformed, Reader, pad8};
use crate::codec::bits::{self, SLACK_BYTES};
use crate::codec::{times, values};
use crate::limits::RUN_ROWS_MAX;
use crate::types::{Samples, SeriesId};

/// Bytes of a block's head.
pub const BLOCK_HEAD_BYTES: usize = 16;
/// Bytes of one entry of the block index.
pub const BLOCK_ENTRY_BYTES: usize = 56;
/// Bytes of one entry of the name index.
pub const NAME_ENTRY_BYTES: usize = 32;
/// Bytes of the footer.
pub const FOOTER_BYTES: usize = 88;
/// First bytes of the footer.
pub const FOOTER_MAGIC: &[u8; 8] = b"SEGFOOT\n";

/// First byte of a timestamp column that repeats an earlier run's: the run's number follows.
const SAME_AS_RUN: u8 = 255;

/// Builds one block from runs in series order.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    series: Vec<SeriesId>,
    rows: Vec<u32>,
    times: Vec<u8>,
    time_ends: Vec<u32>,
    values: Vec<u8>,
    value_ends: Vec<u32>,
    scratch: values::Scratch,
    column: Vec<u8>,
    /// The run whose timestamp column was last written out, and that column.
    distinct: Option<(u32, Vec<u8>)>,
    rows_total: usize,
}

impl BlockBuilder {
    /// Adds the rows `from..to` of a series as one run; ids never descend.
    pub fn push(&mut self, series: SeriesId, rows: &Samples, from: usize, to: usize) {
        assert!(from < to && to - from <= RUN_ROWS_MAX, "a run has 1 to {RUN_ROWS_MAX} rows");
        self.push_times(&rows.timestamps[from..to]);
        values::encode(rows, from, to, &mut self.scratch, &mut self.values);
        self.series.push(series);
        self.rows.push((to - from) as u32);
        self.time_ends.push(self.times.len() as u32);
        self.value_ends.push(self.values.len() as u32);
        self.rows_total += to - from;
    }

    fn push_times(&mut self, timestamps: &[i64]) {
        self.column.clear();
        times::encode(timestamps, &mut self.column);
        let rows = timestamps.len() as u32;
        match &mut self.distinct {
            Some((run, column)) if *column == self.column && self.rows[*run as usize] == rows => {
                self.times.push(SAME_AS_RUN);
                crate::bytes::put_varint(&mut self.times, u64::from(*run));
            }
            distinct => {
                self.times.extend_from_slice(&self.column);
                *distinct = Some((self.series.len() as u32, self.column.clone()));
            }
        }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows_total
    }

    /// Runs so far.
    pub fn runs(&self) -> usize {
        self.series.len()
    }

    /// Bytes of values so far.
    pub fn bytes(&self) -> usize {
        self.values.len()
    }

    /// First and last series so far.
    pub fn series_range(&self) -> (SeriesId, SeriesId) {
        (self.series.first().copied().unwrap_or(0), self.series.last().copied().unwrap_or(0))
    }

    /// Appends the block and starts anew.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let first = self.series_range().0;
        let columns = [
            self.series.iter().map(|series| series - first).collect::<Vec<u32>>(),
            self.rows.iter().map(|rows| rows - 1).collect(),
            self.time_ends.clone(),
            self.value_ends.clone(),
        ];
        let widths = columns
            .each_ref()
            .map(|column| bits::width_for(u64::from(column.iter().copied().max().unwrap_or(0))));
        out.extend_from_slice(&(self.series.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.rows_total as u32).to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&widths);
        for (column, width) in columns.iter().zip(widths) {
            bits::pack(column.iter().map(|&number| u64::from(number)), width, out);
        }
        out.extend_from_slice(&self.times);
        out.extend_from_slice(&self.values);
        out.extend_from_slice(&[0; SLACK_BYTES]);
        pad8(out);
        self.clear();
    }

    fn clear(&mut self) {
        self.series.clear();
        self.rows.clear();
        self.times.clear();
        self.time_ends.clear();
        self.values.clear();
        self.value_ends.clear();
        self.distinct = None;
        self.rows_total = 0;
    }
}

/// A block's bytes with their directory understood. Only made from bytes whose checksum holds;
/// what a checksum cannot promise (a hostile file) is checked here and at each access.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    bytes: &'a [u8],
    runs: usize,
    first: SeriesId,
    widths: [u8; 4],
    starts: [usize; 4],
    times: usize,
    values: usize,
}

impl<'a> Block<'a> {
    /// Reads the directory of a block.
    pub fn parse(bytes: &'a [u8]) -> Result<Block<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        let runs = reader.u32()? as usize;
        let _rows = reader.u32()?;
        let first = reader.u32()?;
        let widths = [reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?];
        if runs == 0 || runs > bytes.len() || widths.iter().any(|&width| width > 32) {
            return Err(reader.malformed());
        }
        let mut starts = [0; 4];
        let mut at = BLOCK_HEAD_BYTES;
        for (start, width) in starts.iter_mut().zip(widths) {
            *start = at;
            at += bits::packed_bytes(runs, width);
        }
        let mut block = Block { bytes, runs, first, widths, starts, times: at, values: at };
        if at + SLACK_BYTES > bytes.len() {
            return Err(Malformed { at });
        }
        block.values = at + block.entry(2, runs - 1);
        let end = block.values + block.entry(3, runs - 1);
        if end + SLACK_BYTES > bytes.len() {
            return Err(Malformed { at: end });
        }
        Ok(block)
    }

    fn entry(&self, column: usize, run: usize) -> usize {
        let packed = &self.bytes[self.starts[column]..];
        bits::get(packed, run, self.widths[column]) as usize
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The series of a run.
    pub fn series(&self, run: usize) -> SeriesId {
        self.first.wrapping_add(self.entry(0, run) as u32)
    }

    /// Rows of a run.
    pub fn rows(&self, run: usize) -> usize {
        self.entry(1, run) + 1
    }

    /// The first run of a series at or above this one.
    pub fn lower_bound(&self, series: SeriesId) -> usize {
        let (mut low, mut high) = (0, self.runs);
        while low < high {
            let middle = (low + high) / 2;
            if self.series(middle) < series { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Appends the samples of a run.
    pub fn read(&self, run: usize, out: &mut Samples) -> Result<(), Malformed> {
        let rows = self.rows(run);
        if rows > RUN_ROWS_MAX {
            return Err(Malformed { at: self.starts[1] });
        }
        self.read_times(run, rows, &mut out.timestamps)?;
        let column = self.column(self.values, 3, run)?;
        values::decode(column, rows, out)?;
        let whole = out.kinds.len() == out.timestamps.len() && out.bits.len() == out.kinds.len();
        if whole { Ok(()) } else { Err(Malformed { at: self.values }) }
    }

    /// Appends only the timestamps of a run.
    pub fn read_timestamps(&self, run: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
        let rows = self.rows(run);
        if rows > RUN_ROWS_MAX {
            return Err(Malformed { at: self.starts[1] });
        }
        self.read_times(run, rows, out)
    }

    fn read_times(&self, run: usize, rows: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
        let mut column = self.column(self.times, 2, run)?;
        if column.first() == Some(&SAME_AS_RUN) {
            let other = Reader::new(&column[1..]).varint()?;
            if other >= run as u64 {
                return Err(Malformed { at: self.times });
            }
            column = self.column(self.times, 2, other as usize)?;
        }
        times::decode(column, rows, out)
    }

    /// A run's column up to the end of the block: decoders need the slack behind it.
    fn column(&self, area: usize, ends: usize, run: usize) -> Result<&'a [u8], Malformed> {
        let start = area + if run == 0 { 0 } else { self.entry(ends, run - 1) };
        self.bytes.get(start..).ok_or(Malformed { at: start })
    }
}

/// Where a block lies and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// Offset in the file.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u32,
    /// Checksum, seeded with the file's salt and the offset.
    pub checksum: u32,
    /// First and last series.
    pub series: (SeriesId, SeriesId),
    /// Runs and rows.
    pub runs: u32,
    /// See `runs`.
    pub rows: u32,
    /// Smallest and largest timestamp.
    pub timestamps: (i64, i64),
}

impl BlockEntry {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&self.checksum.to_le_bytes());
        for number in [self.series.0, self.series.1, self.runs, self.rows] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.timestamps.0.to_le_bytes());
        out.extend_from_slice(&self.timestamps.1.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
    }

    /// Reads an entry.
    pub fn decode(reader: &mut Reader<'_>) -> Result<BlockEntry, Malformed> {
        let entry = BlockEntry {
            offset: reader.u64()?,
            bytes: reader.u32()?,
            checksum: reader.u32()?,
            series: (reader.u32()?, reader.u32()?),
            runs: reader.u32()?,
            rows: reader.u32()?,
            timestamps: (reader.i64()?, reader.i64()?),
        };
        reader.take(8)?;
        Ok(entry)
    }
}

/// Where a group of names lies and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameEntry {
    /// Offset in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub bytes: u32,
    /// Bytes when decompressed.
    pub raw_bytes: u32,
    /// Checksum of the bytes in the file, seeded with salt and offset.
    pub checksum: u32,
    /// First series of the group.
    pub first: SeriesId,
    /// Names in the group.
    pub names: u32,
}

impl NameEntry {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        for number in [self.bytes, self.raw_bytes, self.checksum, self.first, self.names, 0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Reads an entry.
    pub fn decode(reader: &mut Reader<'_>) -> Result<NameEntry, Malformed> {
        let entry = NameEntry {
            offset: reader.u64()?,
            bytes: reader.u32()?,
            raw_bytes: reader.u32()?,
            checksum: reader.u32()?,
            first: reader.u32()?,
            names: reader.u32()?,
        };
        reader.take(4)?;
        Ok(entry)
    }
}

/// The end of a segment: where its indexes are, and what it holds in total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Offset of the block index.
    pub blocks_at: u64,
    /// Blocks.
    pub blocks: u32,
    /// Name groups; their index follows the block index.
    pub name_groups: u32,
    /// Checksum of both indexes, seeded with salt and `blocks_at`.
    pub index_checksum: u32,
    /// Series.
    pub series: u32,
    /// Samples.
    pub samples: u64,
    /// Smallest and largest timestamp.
    pub timestamps: (i64, i64),
    /// Epochs whose rows are in it, first and last.
    pub epochs: (u32, u32),
}

impl Footer {
    /// The footer's bytes, which belong at `offset`.
    pub fn encode(&self, salt: u64, offset: u64) -> Vec<u8> {
        let mut out = FOOTER_MAGIC.to_vec();
        out.extend_from_slice(&self.blocks_at.to_le_bytes());
        for number in [self.blocks, self.name_groups, self.index_checksum, self.series] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.samples.to_le_bytes());
        out.extend_from_slice(&self.timestamps.0.to_le_bytes());
        out.extend_from_slice(&self.timestamps.1.to_le_bytes());
        out.extend_from_slice(&self.epochs.0.to_le_bytes());
        out.extend_from_slice(&self.epochs.1.to_le_bytes());
        out.resize(FOOTER_BYTES - 4, 0);
        let sum = crate::checksum::seeded(salt, offset, &out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads the footer whose bytes stand at `offset`.
    pub fn decode(bytes: &[u8], salt: u64, offset: u64) -> Result<Footer, Malformed> {
        let mut reader = Reader::new(bytes);
        let body = Reader::new(bytes).take(FOOTER_BYTES - 4)?;
        let magic = reader.take(8)?;
        let footer = Footer {
            blocks_at: reader.u64()?,
            blocks: reader.u32()?,
            name_groups: reader.u32()?,
            index_checksum: reader.u32()?,
            series: reader.u32()?,
            samples: reader.u64()?,
            timestamps: (reader.i64()?, reader.i64()?),
            epochs: (reader.u32()?, reader.u32()?),
        };
        let sum = crate::checksum::seeded(salt, offset, body).to_le_bytes();
        let valid = magic == FOOTER_MAGIC && bytes.get(FOOTER_BYTES - 4..) == Some(&sum);
        if valid { Ok(footer) } else { Err(Malformed { at: 0 }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Value;
    use proptest::prelude::*;

    type Runs = Vec<(SeriesId, Samples)>;

    fn build(runs: &Runs) -> Vec<u8> {
        let (mut builder, mut out) = (BlockBuilder::default(), Vec::new());
        for (series, samples) in runs {
            builder.push(*series, samples, 0, samples.len());
        }
        builder.finish(&mut out);
        out
    }

    fn runs() -> impl Strategy<Value = Runs> {
        let run = (0..3u32, 1..40usize, 1..3i64, any::<i32>());
        prop::collection::vec(run, 1..60).prop_map(|shapes| {
            let mut series = 0;
            let mut runs = Vec::new();
            for (gap, rows, stride, seed) in shapes {
                series += gap;
                let mut samples = Samples::default();
                for row in 0..rows as i64 {
                    let value = i64::from(seed).wrapping_mul(row * row % 7);
                    samples.push(1000 + row * stride, Value::integer(value));
                }
                runs.push((series, samples));
            }
            runs
        })
    }

    proptest! {
        #[test]
        fn runs_survive_and_are_found(runs in runs()) {
            let bytes = build(&runs);
            let block = Block::parse(&bytes).expect("own bytes");
            prop_assert_eq!(block.runs(), runs.len());
            for (at, (series, samples)) in runs.iter().enumerate() {
                let mut back = Samples::default();
                block.read(at, &mut back).expect("own bytes");
                prop_assert_eq!((block.series(at), &back), (*series, samples));
                let first = runs.iter().position(|(other, _)| other >= series);
                prop_assert_eq!(Some(block.lower_bound(*series)), first);
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            if let Ok(block) = Block::parse(&bytes) {
                for run in 0..block.runs().min(99) {
                    let _ = block.read(run, &mut Samples::default());
                }
            }
        }

        #[test]
        fn damaged_blocks_are_read_without_panic(runs in runs(), at: usize, byte: u8) {
            let mut bytes = build(&runs);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(block) = Block::parse(&bytes) {
                for run in 0..block.runs().min(99) {
                    let _ = block.read(run, &mut Samples::default());
                }
            }
        }
    }

    #[test]
    fn the_footer_survives_and_notices_damage() {
        let footer = Footer {
            blocks_at: 64,
            blocks: 1,
            name_groups: 2,
            index_checksum: 3,
            series: 4,
            samples: 5,
            timestamps: (6, 7),
            epochs: (8, 9),
        };
        let bytes = footer.encode(1, 2);
        assert_eq!(bytes.len(), FOOTER_BYTES);
        assert_eq!(Footer::decode(&bytes, 1, 2), Ok(footer));
        assert!(Footer::decode(&bytes, 1, 3).is_err());
        for bit in 0..FOOTER_BYTES * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::decode(&bad, 1, 2).is_err(), "bit {bit}");
        }
    }
}
