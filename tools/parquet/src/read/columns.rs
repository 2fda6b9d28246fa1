//! The columns of a file: where they are, by path and type, and what a row says.

use super::Name;
use super::leaf::{Group, Leaf};
use crate::error::Error;
use irontsd_engine::histogram::{Buckets, Histogram};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::reader::ChunkReader;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

/// Where columns are in a file, by number.
pub struct Places {
    metric: usize,
    keys: usize,
    values: usize,
    timestamp: usize,
    /// Parts of a timestamp in a millisecond.
    parts: i64,
    integer: Option<usize>,
    float: Option<usize>,
    /// As in the schema.
    histogram: Option<[usize; 6]>,
}

impl Places {
    /// Refuses a file without the columns of samples, naming what is missing.
    pub fn find(schema: &SchemaDescriptor) -> Result<Places, Error> {
        let find = |path: &[&str], physical: Type| find(schema, path, physical);
        let needed = |path: &[&str], what: &str, physical: Type| {
            let name = path[0];
            find(path, physical)?.ok_or_else(|| {
                let mut there: Vec<&str> =
                    schema.columns().iter().map(|column| &*column.path().parts()[0]).collect();
                there.dedup();
                let there = there.join(", ");
                Error::Schema(format!("there is no column `{name}` ({what}); there are {there}"))
            })
        };
        let timestamp = needed(&["timestamp"], "timestamps", Type::INT64)?;
        let fields = [
            (["underflow", ""], Type::INT64),
            (["overflow", ""], Type::INT64),
            (["bounds", "*"], Type::DOUBLE),
            (["counts", "*"], Type::INT64),
            (["codec_id", ""], Type::INT32),
            (["bytes", ""], Type::BYTE_ARRAY),
        ];
        let fields = fields.map(|([field, list], physical)| {
            let path = if list.is_empty() {
                &["histogram", field][..]
            } else {
                &["histogram", field, list]
            };
            find(path, physical)
        });
        let mut histogram = Some([0; 6]);
        for (at, field) in fields.into_iter().enumerate() {
            histogram = histogram.zip(field?).map(|(mut places, place)| {
                places[at] = place;
                places
            });
        }
        let places = Places {
            metric: needed(&["metric"], "strings", Type::BYTE_ARRAY)?,
            keys: needed(&["tags", "*", "key"], "maps of strings", Type::BYTE_ARRAY)?,
            values: needed(&["tags", "*", "value"], "maps of strings", Type::BYTE_ARRAY)?,
            timestamp,
            parts: parts(&schema.column(timestamp))?,
            integer: find(&["integer"], Type::INT64)?,
            float: find(&["float"], Type::DOUBLE)?,
            histogram,
        };
        if places.integer.is_none() && places.float.is_none() && histogram.is_none() {
            let text =
                "there is no column of values: neither `integer` nor `float` nor `histogram`";
            return Err(Error::Schema(text.into()));
        }
        Ok(places)
    }
}

/// The column of a path, in which `*` is any names at all, if it is there; an error if it has another
/// type.
fn find(schema: &SchemaDescriptor, path: &[&str], physical: Type) -> Result<Option<usize>, Error> {
    let is_at = |column: &ColumnDescriptor| {
        let parts = column.path().parts();
        match path.iter().position(|part| *part == "*") {
            None => parts.iter().eq(path),
            Some(star) => {
                let (ahead, behind) = (&path[..star], &path[star + 1..]);
                parts.len() > path.len() - 1
                    && parts.iter().zip(ahead).all(|(a, b)| a == b)
                    && parts.iter().rev().zip(behind.iter().rev()).all(|(a, b)| a == b)
            }
        }
    };
    let Some(at) = schema.columns().iter().position(|column| is_at(column)) else {
        return Ok(None);
    };
    let found = schema.column(at).physical_type();
    if found != physical {
        let name = path.join(".");
        return Err(Error::Schema(format!("column `{name}` is {found}; expected {physical}")));
    }
    Ok(Some(at))
}

fn parts(column: &ColumnDescriptor) -> Result<i64, Error> {
    let unit = match column.logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => Some(&timestamp.unit),
        _ => None,
    };
    match (unit, column.converted_type()) {
        (Some(TimeUnit::MILLIS), _) | (None, ConvertedType::TIMESTAMP_MILLIS) => Ok(1),
        (Some(TimeUnit::MICROS), _) | (None, ConvertedType::TIMESTAMP_MICROS) => Ok(1000),
        (Some(TimeUnit::NANOS), _) => Ok(1_000_000),
        _ => Err(Error::Schema("column `timestamp` holds no timestamps".into())),
    }
}

/// The columns of a row group, some rows at a time.
pub struct Columns {
    metric: Leaf<ByteArrayType>,
    keys: Leaf<ByteArrayType>,
    values: Leaf<ByteArrayType>,
    timestamp: Leaf<Int64Type>,
    parts: i64,
    integer: Option<Leaf<Int64Type>>,
    float: Option<Leaf<DoubleType>>,
    histogram: Option<Fields>,
}

struct Fields {
    underflow: Leaf<Int64Type>,
    overflow: Leaf<Int64Type>,
    bounds: Leaf<DoubleType>,
    counts: Leaf<Int64Type>,
    codec_id: Leaf<Int32Type>,
    bytes: Leaf<ByteArrayType>,
}

impl Columns {
    pub fn new<R: ChunkReader + 'static>(
        places: &Places,
        group: &Group<'_, R>,
    ) -> Result<Columns, Error> {
        let fields = |[underflow, overflow, bounds, counts, codec_id, bytes]: [usize; 6]| {
            Ok::<_, Error>(Fields {
                underflow: Leaf::new(group, underflow)?,
                overflow: Leaf::new(group, overflow)?,
                bounds: Leaf::new(group, bounds)?,
                counts: Leaf::new(group, counts)?,
                codec_id: Leaf::new(group, codec_id)?,
                bytes: Leaf::new(group, bytes)?,
            })
        };
        Ok(Columns {
            metric: Leaf::new(group, places.metric)?,
            keys: Leaf::new(group, places.keys)?,
            values: Leaf::new(group, places.values)?,
            timestamp: Leaf::new(group, places.timestamp)?,
            parts: places.parts,
            integer: places.integer.map(|at| Leaf::new(group, at)).transpose()?,
            float: places.float.map(|at| Leaf::new(group, at)).transpose()?,
            histogram: places.histogram.map(fields).transpose()?,
        })
    }

    /// Reads the next rows; how many there were.
    pub fn read(&mut self, rows: usize) -> Result<usize, Error> {
        let found = self.metric.read(rows)?;
        let mut others =
            vec![self.keys.read(rows)?, self.values.read(rows)?, self.timestamp.read(rows)?];
        others.extend(self.integer.as_mut().map(|column| column.read(rows)).transpose()?);
        others.extend(self.float.as_mut().map(|column| column.read(rows)).transpose()?);
        if let Some(fields) = &mut self.histogram {
            others.extend([fields.underflow.read(rows)?, fields.overflow.read(rows)?]);
            others.extend([fields.bounds.read(rows)?, fields.counts.read(rows)?]);
            others.extend([fields.codec_id.read(rows)?, fields.bytes.read(rows)?]);
        }
        if others.iter().any(|&other| other != found) {
            return Err(Error::Unreadable("columns of a row group differ in length".into()));
        }
        Ok(found)
    }

    /// Whether a row belongs to this series, histograms or not.
    pub fn is_of(&self, row: usize, name: &Name) -> bool {
        let (keys, values) = (self.keys.entries(row), self.values.entries(row));
        bytes(self.metric.value(row)) == name.metric.as_bytes()
            && keys.len() == name.tags.len()
            && keys.zip(values).zip(&name.tags).all(|((key, value), tag)| {
                bytes(key) == tag.0.as_bytes() && bytes(value) == tag.1.as_bytes()
            })
    }

    /// The series of a row.
    pub fn name(&self, row: usize, name: &mut Name) -> Result<(), String> {
        let text = |value| {
            let text = std::str::from_utf8(bytes(value));
            text.map(str::to_owned).map_err(|_| "a name is not UTF-8".to_owned())
        };
        name.tags.clear();
        name.metric = text(self.metric.value(row))?;
        for (key, value) in self.keys.entries(row).zip(self.values.entries(row)) {
            name.tags.push((text(key)?, text(value)?));
        }
        Ok(())
    }

    /// When, in milliseconds.
    pub fn timestamp_ms(&self, row: usize) -> Result<i64, String> {
        let &number = self.timestamp.value(row).ok_or("no timestamp")?;
        if number % self.parts == 0 {
            return Ok(number / self.parts);
        }
        let parts = self.parts;
        Err(format!("timestamp {number} is no whole millisecond ({parts} parts in one)"))
    }

    /// The value, if it is an integer.
    pub fn integer(&self, row: usize) -> Option<i64> {
        self.integer.as_ref()?.value(row).copied()
    }

    /// The value, if it is a double.
    pub fn float(&self, row: usize) -> Option<f64> {
        self.float.as_ref()?.value(row).copied()
    }

    /// The value, if it is a histogram.
    pub fn histogram(&self, row: usize) -> Result<Option<Histogram>, String> {
        self.histogram.as_ref().map_or(Ok(None), |fields| fields.histogram(row))
    }
}

/// Null is empty: no label is told apart by it.
fn bytes(value: Option<&ByteArray>) -> &[u8] {
    value.map_or(&[], |value| value.data())
}

impl Fields {
    fn histogram(&self, row: usize) -> Result<Option<Histogram>, String> {
        if let Some(&id) = self.codec_id.value(row) {
            let out_of_range = |_| format!("histogram: codec_id {id} is not from 0 to 255");
            let id = u8::try_from(id).map_err(out_of_range)?;
            return Ok(Some(Histogram::Opaque {
                id,
                bytes: bytes(self.bytes.value(row)).to_vec(),
            }));
        }
        let underflow = self.underflow.value(row).copied();
        let overflow = self.overflow.value(row).copied();
        let missing = || "histogram: a bound or a count is null".to_owned();
        let bounds: Option<Vec<f64>> =
            self.bounds.entries(row).map(Option::<&f64>::copied).collect();
        let counts: Option<Vec<i64>> =
            self.counts.entries(row).map(Option::<&i64>::copied).collect();
        let (bounds, counts) = (bounds.ok_or_else(missing)?, counts.ok_or_else(missing)?);
        if underflow.or(overflow).is_none() && bounds.is_empty() && counts.is_empty() {
            return Ok(None);
        }
        if bounds.len() != counts.len() + usize::from(!counts.is_empty()) {
            let (bounds, counts) = (bounds.len(), counts.len());
            return Err(format!("histogram: {bounds} bounds and {counts} counts"));
        }
        let list = bounds.windows(2).zip(&counts).map(|(pair, &count)| (pair[0], pair[1], count));
        let (underflow, overflow) = (underflow.unwrap_or(0), overflow.unwrap_or(0));
        let buckets = Buckets::new(underflow, overflow, list.collect());
        buckets.map(Histogram::Buckets).map(Some).map_err(|bad| format!("histogram: {bad}"))
    }
}
