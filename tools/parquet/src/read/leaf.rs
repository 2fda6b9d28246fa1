//! One column as it is read: the values of some rows, whatever levels say what is missing.

use super::pages;
use crate::error::Error;
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::DataType;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::ChunkReader;
use std::sync::Arc;

/// Where the columns of a row group are read.
pub struct Group<'a, R> {
    pub file: &'a Arc<R>,
    pub about: &'a RowGroupMetaData,
}

/// See the module.
pub struct Leaf<T: DataType> {
    /// For errors.
    name: String,
    reader: ColumnReaderImpl<T>,
    /// Level of definition of a value, and of an entry of a list, whether it has a value or not.
    levels: (i16, i16),
    repeats: bool,
    values: Vec<T::T>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// The entries of all rows; `None` is null, else the number of a value.
    entries: Vec<Option<u32>>,
    /// Where the entries of each row end.
    ends: Vec<u32>,
}

impl<T: DataType> Leaf<T> {
    /// A column of a row group.
    pub fn new<R: ChunkReader + 'static>(
        group: &Group<'_, R>,
        at: usize,
    ) -> Result<Leaf<T>, Error> {
        let column = group.about.column(at);
        let schema = column.column_descr_ptr();
        let rows = usize::try_from(group.about.num_rows());
        let rows =
            rows.map_err(|_| Error::Unreadable("a row group of less than no rows".into()))?;
        let pages = pages::open(group.file, column, rows)?;
        let definition = schema.max_def_level();
        let entry = definition - i16::from(schema.self_type().is_optional());
        Ok(Leaf {
            name: column.column_path().string(),
            levels: (definition, entry),
            repeats: schema.max_rep_level() > 0,
            reader: get_typed_column_reader(get_column_reader(schema, pages)),
            values: Vec::new(),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            entries: Vec::new(),
            ends: Vec::new(),
        })
    }

    /// Reads the next rows; how many there were.
    pub fn read(&mut self, rows: usize) -> Result<usize, Error> {
        self.values.clear();
        self.definitions.clear();
        self.repetitions.clear();
        self.entries.clear();
        self.ends.clear();
        let (definitions, repetitions) = (&mut self.definitions, &mut self.repetitions);
        let read =
            self.reader.read_records(rows, Some(definitions), Some(repetitions), &mut self.values);
        let (rows, values, levels) = read.map_err(|error| Error::in_column(&self.name, error))?;
        // A column in which nothing can be missing has no levels.
        let all = self.levels.0 == 0;
        let levels = if all { values } else { levels };
        let mut value = 0;
        for level in 0..levels {
            let definition = if all { 0 } else { self.definitions[level] };
            if level > 0 && !(self.repeats && self.repetitions[level] > 0) {
                self.ends.push(self.entries.len() as u32);
            }
            if definition == self.levels.0 {
                self.entries.push(Some(value));
                value += 1;
            } else if !self.repeats || definition >= self.levels.1 {
                self.entries.push(None);
            }
        }
        if levels > 0 {
            self.ends.push(self.entries.len() as u32);
        }
        Ok(rows)
    }

    /// The entries of a row: one, unless the column is a list.
    pub fn entries(&self, row: usize) -> impl ExactSizeIterator<Item = Option<&T::T>> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        let entries = self.entries[start..self.ends[row] as usize].iter();
        entries.map(|entry| entry.map(|value| &self.values[value as usize]))
    }

    /// The value of a row in a column without lists.
    pub fn value(&self, row: usize) -> Option<&T::T> {
        self.entries(row).next().flatten()
    }
}
