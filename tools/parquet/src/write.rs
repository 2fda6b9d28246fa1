//! One column of a row group while it is written: values with their levels, passed on in handfuls.
//!
//! A level of definition says how much of the path to a value is there, one of repetition whether it
//! goes on in the list of the value before (1) or begins a row (0).

use bytes::Bytes;
use parquet::column::writer::{
    ColumnCloseResult, ColumnWriterImpl, get_column_writer, get_typed_column_writer,
};
use parquet::data_type::DataType;
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::io::Write;

/// Levels passed on at a time.
const HANDFUL: usize = 8 << 10;

/// See the module.
pub struct Column<'a, T: DataType> {
    writer: ColumnWriterImpl<'a, T>,
    values: Vec<T::T>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// Whether the column has levels of definition and of repetition.
    has: (bool, bool),
}

/// A column of a row group as it will stand in the file.
pub struct Encoded {
    bytes: Bytes,
    close: ColumnCloseResult,
}

impl Encoded {
    /// Adds it to the row group; columns come in the order of the schema.
    pub fn append<W: Write + Send>(self, to: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        to.append_column(&self.bytes, self.close)
    }
}

/// Encodes a column, which `fill` gives its rows.
pub fn encode<T: DataType>(
    schema: ColumnDescPtr,
    properties: WriterPropertiesPtr,
    fill: impl FnOnce(&mut Column<'_, T>) -> Result<()>,
) -> Result<Encoded> {
    let mut out = TrackedWrite::new(Vec::new());
    let has = (schema.max_def_level() > 0, schema.max_rep_level() > 0);
    let pages = Box::new(SerializedPageWriter::new(&mut out));
    let writer = get_typed_column_writer::<T>(get_column_writer(schema, properties, pages));
    let (values, definitions, repetitions) = (Vec::new(), Vec::new(), Vec::new());
    let mut column = Column { writer, values, definitions, repetitions, has };
    fill(&mut column)?;
    let close = column.close()?;
    Ok(Encoded { bytes: out.into_inner()?.into(), close })
}

impl<T: DataType> Column<'_, T> {
    /// Adds a value.
    pub fn push(&mut self, value: T::T, repetition: i16, definition: i16) {
        self.values.push(value);
        self.definitions.push(definition);
        self.repetitions.push(repetition);
    }

    /// Adds a row without a value.
    pub fn skip(&mut self, definition: i16) {
        self.definitions.push(definition);
        self.repetitions.push(0);
    }

    /// Adds a row that is a list; `empty` and `item` are their levels of definition.
    pub fn push_list(&mut self, items: &[T::T], empty: i16, item: i16) {
        if items.is_empty() {
            return self.skip(empty);
        }
        self.values.extend_from_slice(items);
        self.definitions.resize(self.definitions.len() + items.len(), item);
        self.repetitions.push(0);
        self.repetitions.resize(self.definitions.len(), 1);
    }

    /// Adds rows of a column without levels.
    pub fn push_all(&mut self, values: &[T::T]) -> Result<()> {
        self.writer.write_batch(values, None, None).map(drop)
    }

    /// Ends a row; lists are never torn apart.
    #[inline]
    pub fn end_row(&mut self) -> Result<()> {
        if self.definitions.len() >= HANDFUL { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> Result<()> {
        let definitions = self.has.0.then_some(&*self.definitions);
        let repetitions = self.has.1.then_some(&*self.repetitions);
        self.writer.write_batch(&self.values[..], definitions, repetitions)?;
        self.values.clear();
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }

    /// Writes what is left.
    fn close(mut self) -> Result<ColumnCloseResult> {
        if !self.definitions.is_empty() {
            self.pass_on()?;
        }
        self.writer.close()
    }
}
