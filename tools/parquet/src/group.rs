//! The samples of a row group, as compact as they came, and how they become columns.

use crate::write::{Column, Encoded, encode};
use irontsd_engine::histogram::{Buckets, Histogram};
use irontsd_engine::name;
use irontsd_engine::types::{Kind, Samples};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;
use std::ops::Range;

/// Rows of a row group: readers share the work of a file by them.
const ROWS_MAX: usize = 1 << 20;
/// Bytes of histograms and names in a row group, about.
const BYTES_MAX: usize = 64 << 20;

/// See the module.
#[derive(Debug, Default)]
pub struct Group {
    names: Vec<u8>,
    runs: Vec<Run>,
    samples: Samples,
}

/// Rows of one series, one after the other.
#[derive(Debug)]
struct Run {
    /// Where its canonical name is.
    name: Range<usize>,
    rows: usize,
}

impl Group {
    /// Adds samples of a series.
    pub fn push(&mut self, name: &[u8], samples: &Samples, from: usize, to: usize) {
        self.samples.extend(samples, from, to);
        if let Some(last) = self.runs.last_mut()
            && self.names[last.name.clone()] == *name
        {
            last.rows += to - from;
            return;
        }
        let start = self.names.len();
        self.names.extend_from_slice(name);
        self.runs.push(Run { name: start..self.names.len(), rows: to - from });
    }

    /// Whether it should be written before anything is added.
    pub fn is_full(&self) -> bool {
        self.samples.len() >= ROWS_MAX || self.samples.bytes.len() + self.names.len() >= BYTES_MAX
    }

    /// Rows in it.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Bytes of memory, about.
    pub fn memory(&self) -> usize {
        const ROW_BYTES: usize = size_of::<i64>() + size_of::<Kind>() + size_of::<u64>();
        let runs = self.runs.len() * size_of::<Run>();
        self.samples.len() * ROW_BYTES + self.samples.bytes.len() + self.names.len() + runs
    }

    /// Encodes a column, by its number in the schema. Other threads may encode others.
    pub fn encode(
        &self,
        at: usize,
        schema: ColumnDescPtr,
        properties: WriterPropertiesPtr,
    ) -> Result<Encoded> {
        let (s, p) = (schema, properties);
        match at {
            0 => encode(s, p, |column| self.metrics(column)),
            1 => encode(s, p, |column| self.tags(column, |(key, _)| key)),
            2 => encode(s, p, |column| self.tags(column, |(_, value)| value)),
            3 => encode::<Int64Type>(s, p, |column| column.push_all(&self.samples.timestamps)),
            4 => encode::<Int64Type>(s, p, |column| {
                self.numbers(column, true, |at| self.samples.bits[at] as i64)
            }),
            5 => encode::<DoubleType>(s, p, |column| {
                self.numbers(column, false, |at| self.samples.value(at).as_f64())
            }),
            6 => encode::<Int64Type>(s, p, |column| {
                self.field(column, |histogram| buckets(histogram).map(|b| b.underflow))
            }),
            7 => encode::<Int64Type>(s, p, |column| {
                self.field(column, |histogram| buckets(histogram).map(|b| b.overflow))
            }),
            8 => encode::<DoubleType>(s, p, |column| self.list(column, |buckets| buckets.bounds)),
            9 => encode::<Int64Type>(s, p, |column| self.list(column, |buckets| buckets.counts)),
            10 => encode::<Int32Type>(s, p, |column| {
                self.field(column, |histogram| opaque(histogram).map(|(id, _)| i32::from(id)))
            }),
            _ => encode::<ByteArrayType>(s, p, |column| {
                self.field(column, |histogram| opaque(histogram).map(|(_, b)| b.to_vec().into()))
            }),
        }
    }

    fn each_run(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.runs.iter().map(|run| (&self.names[run.name.clone()], run.rows))
    }

    fn metrics(&self, column: &mut Column<'_, ByteArrayType>) -> Result<()> {
        for (name, rows) in self.each_run() {
            let metric = text(&name::metric(name));
            for _ in 0..rows {
                column.push(metric.clone(), 0, 0);
                column.end_row()?;
            }
        }
        Ok(())
    }

    /// Keys or values: one level of repetition, and an entry is there or none is.
    fn tags(
        &self,
        column: &mut Column<'_, ByteArrayType>,
        which: impl Fn((Vec<u8>, Vec<u8>)) -> Vec<u8>,
    ) -> Result<()> {
        for (name, rows) in self.each_run() {
            let tags = name::tags(name).map(|(key, value)| (key.into_owned(), value.into_owned()));
            let texts: Vec<ByteArray> = tags.map(|tag| text(&which(tag))).collect();
            for _ in 0..rows {
                column.push_list(&texts, 0, 1);
                column.end_row()?;
            }
        }
        Ok(())
    }

    fn numbers<T: DataType>(
        &self,
        column: &mut Column<'_, T>,
        integers: bool,
        number: impl Fn(usize) -> T::T,
    ) -> Result<()> {
        for (at, &kind) in self.samples.kinds.iter().enumerate() {
            if kind.is_number() && (kind == Kind::INTEGER) == integers {
                column.push(number(at), 0, 1);
            } else {
                column.skip(0);
            }
            column.end_row()?;
        }
        Ok(())
    }

    /// Passes on each row's histogram.
    fn each_histogram(&self, mut sink: impl FnMut(Option<Histogram>) -> Result<()>) -> Result<()> {
        for at in 0..self.samples.len() {
            // The engine checks what it reads.
            let bytes = self.samples.histogram(at);
            sink(bytes.and_then(|bytes| Histogram::decode(bytes).ok()))?;
        }
        Ok(())
    }

    /// A field of the histogram: 0 no histogram, 1 no such field, 2 a field.
    fn field<T: DataType>(
        &self,
        column: &mut Column<'_, T>,
        field: impl Fn(&Histogram) -> Option<T::T>,
    ) -> Result<()> {
        self.each_histogram(|histogram| {
            match histogram.as_ref().map(&field) {
                None => column.skip(0),
                Some(None) => column.skip(1),
                Some(Some(value)) => column.push(value, 0, 2),
            }
            column.end_row()
        })
    }

    /// A list in the histogram: 0 no histogram, 1 no list, 2 an empty one, 3 an item.
    fn list<T: DataType>(
        &self,
        column: &mut Column<'_, T>,
        list: impl Fn(Buckets) -> Vec<T::T>,
    ) -> Result<()> {
        self.each_histogram(|histogram| {
            match histogram {
                None => column.skip(0),
                Some(Histogram::Opaque { .. }) => column.skip(1),
                Some(Histogram::Buckets(buckets)) => column.push_list(&list(buckets), 2, 3),
            }
            column.end_row()
        })
    }
}

fn buckets(histogram: &Histogram) -> Option<&Buckets> {
    match histogram {
        Histogram::Buckets(buckets) => Some(buckets),
        Histogram::Opaque { .. } => None,
    }
}

fn opaque(histogram: &Histogram) -> Option<(u8, &[u8])> {
    match histogram {
        Histogram::Opaque { id, bytes } => Some((*id, bytes)),
        Histogram::Buckets(_) => None,
    }
}

/// Names are UTF-8; if damage made one something else, the rest is still worth writing.
fn text(bytes: &[u8]) -> ByteArray {
    String::from_utf8_lossy(bytes).into_owned().into_bytes().into()
}
