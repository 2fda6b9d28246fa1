//! Reads a file back: rows that follow each other and belong to one series are passed on together.
//!
//! Files need not be ours: whatever has these columns is read, in any order and with any unit of time.
//! Columns of values that are missing count as null.

mod columns;
mod leaf;
mod pages;

use crate::error::Error;
use columns::{Columns, Places};
use irontsd_engine::limits::RUN_BYTES_MAX;
use irontsd_engine::types::{Samples, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, Value};
use leaf::Group;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::ChunkReader;
use std::sync::Arc;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 16 << 10;

/// A series as a file names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// The metric.
    pub metric: String,
    /// Keys and values, as they stand in the file.
    pub tags: Vec<(String, String)>,
    /// Whether its samples are histograms.
    pub histograms: bool,
}

/// Takes what is read. An error ends the reading.
pub trait Taker {
    /// Samples of a series, whose first stands in this row (from 1) and the others behind it, perhaps
    /// with bad rows between.
    fn take(&mut self, row: u64, name: &Name, samples: &Samples) -> Result<(), String>;

    /// A row that says no sample, and why.
    fn refuse(&mut self, row: u64, why: String) -> Result<(), String>;
}

/// Reads a file from beginning to end.
pub fn read<R: ChunkReader + 'static>(file: R, taker: &mut impl Taker) -> Result<(), Error> {
    let (about, file) = (ParquetMetaDataReader::new().parse_and_finish(&file)?, Arc::new(file));
    let places = Places::find(about.file_metadata().schema_descr())?;
    let mut run = Run { taker, name: Name::default(), first: 0, samples: Samples::default() };
    let mut number = 1;
    for group in about.row_groups() {
        let mut columns = Columns::new(&places, &Group { file: &file, about: group })?;
        loop {
            let rows = columns.read(BATCH_ROWS)?;
            if rows == 0 {
                break;
            }
            for row in 0..rows {
                run.add(number, &columns, row).map_err(Error::Stopped)?;
                number += 1;
            }
        }
    }
    run.pass_on().map_err(Error::Stopped)
}

/// Rows of one series that were not passed on yet.
struct Run<'a, T: Taker> {
    taker: &'a mut T,
    name: Name,
    first: u64,
    samples: Samples,
}

impl<T: Taker> Run<'_, T> {
    fn add(&mut self, number: u64, columns: &Columns, row: usize) -> Result<(), String> {
        let (ms, sample) = match sample(columns, row) {
            Ok(sample) => sample,
            Err(why) => return self.taker.refuse(number, why),
        };
        let histograms = matches!(sample, Sample::Histogram(_));
        let many = self.samples.len() >= BATCH_ROWS || self.samples.bytes.len() >= RUN_BYTES_MAX;
        if many || self.name.histograms != histograms || !columns.is_of(row, &self.name) {
            self.pass_on()?;
            if let Err(why) = columns.name(row, &mut self.name) {
                return self.taker.refuse(number, why);
            }
            self.name.histograms = histograms;
        }
        if self.samples.is_empty() {
            self.first = number;
        }
        match sample {
            Sample::Number(value) => self.samples.push(ms, value),
            Sample::Histogram(bytes) => {
                self.samples.push_histogram(ms, |out| out.extend_from_slice(&bytes));
            }
        }
        Ok(())
    }

    fn pass_on(&mut self) -> Result<(), String> {
        if !self.samples.is_empty() {
            self.taker.take(self.first, &self.name, &self.samples)?;
            self.samples.clear();
        }
        Ok(())
    }
}

enum Sample {
    Number(Value),
    Histogram(Vec<u8>),
}

fn sample(columns: &Columns, row: usize) -> Result<(i64, Sample), String> {
    let ms = columns.timestamp_ms(row)?;
    if !(TIMESTAMP_MS_MIN..=TIMESTAMP_MS_MAX).contains(&ms) {
        return Err(format!("timestamp out of range: {ms} ms"));
    }
    let histogram = columns.histogram(row)?;
    let sample = match (columns.integer(row), columns.float(row), histogram) {
        (Some(integer), None, None) => Sample::Number(Value::integer(integer)),
        (None, Some(float), None) if float.is_nan() => return Err("not a value: NaN".into()),
        (None, Some(float), None) => Sample::Number(Value::from_f64(float)),
        (None, None, Some(histogram)) => {
            let mut bytes = Vec::new();
            let encoded = histogram.encode(&mut bytes);
            encoded.map_err(|bad| format!("histogram: {bad}"))?;
            Sample::Histogram(bytes)
        }
        (None, None, None) => {
            return Err("no value: integer, float and histogram are null".into());
        }
        _ => return Err("of integer, float and histogram only one may be set".into()),
    };
    Ok((ms, sample))
}
