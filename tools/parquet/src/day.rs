//! One day's file while it is written.

use crate::error::Error;
use crate::group::Group;
use crate::schema::{columns, properties};
use crate::spread;
use irontsd_engine::types::Samples;
use parquet::file::writer::SerializedFileWriter;
use std::io::Write;
use std::sync::Arc;

/// From so many rows on columns are encoded side by side.
const SHARED_ROWS: usize = 32 << 10;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// See the module.
pub struct Day<W: Write + Send> {
    group: Group,
    writer: SerializedFileWriter<W>,
    samples: u64,
}

impl<W: Write + Send> Day<W> {
    /// A file that goes to `out`.
    pub fn new(out: W) -> Result<Day<W>, Error> {
        let writer = SerializedFileWriter::new(out, columns()?, Arc::new(properties()))?;
        Ok(Day { group: Group::default(), writer, samples: 0 })
    }

    /// Adds samples of a series; series come in name order, and may come in pieces.
    pub fn push(
        &mut self,
        name: &[u8],
        samples: &Samples,
        from: usize,
        to: usize,
    ) -> Result<(), Error> {
        self.group.push(name, samples, from, to);
        self.samples += (to - from) as u64;
        if self.group.is_full() { self.flush() } else { Ok(()) }
    }

    /// Bytes of memory that wait to be written.
    pub fn memory(&self) -> usize {
        self.group.memory()
    }

    /// Writes out what waits, as a row group.
    pub fn flush(&mut self) -> Result<(), Error> {
        let group = std::mem::take(&mut self.group);
        if group.is_empty() {
            return Ok(());
        }
        let (schema, properties) = (self.writer.schema_descr(), self.writer.properties());
        let threads = if group.len() < SHARED_ROWS { 1 } else { threads() };
        let columns = spread::over(threads, schema.num_columns(), |at| {
            group.encode(at, schema.column(at), properties.clone())
        });
        let mut writer = self.writer.next_row_group()?;
        columns.into_iter().try_for_each(|column| column?.append(&mut writer))?;
        writer.close()?;
        Ok(())
    }

    /// Writes the rest; what was written to, and how many samples.
    pub fn finish(mut self) -> Result<(W, u64), Error> {
        self.flush()?;
        Ok((self.writer.into_inner()?, self.samples))
    }
}
