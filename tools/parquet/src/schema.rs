//! The columns of a file, and how each is written.

use parquet::basic::{Compression, Encoding};
use parquet::errors::Result;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};
use std::sync::Arc;

/// Version of the columns, kept in each file.
pub const SCHEMA: &str = "1";

/// How every Parquet file begins, and ends.
pub const MAGIC: &[u8; 4] = b"PAR1";

/// All columns, in Parquet's words.
const MESSAGE: &str = "message samples {
    required binary metric (STRING);
    required group tags (MAP) {
        repeated group key_value {
            required binary key (STRING);
            required binary value (STRING);
        }
    }
    required int64 timestamp (TIMESTAMP(MILLIS, true));
    optional int64 integer;
    optional double float;
    optional group histogram {
        optional int64 underflow;
        optional int64 overflow;
        optional group bounds (LIST) { repeated group list { required double element; } }
        optional group counts (LIST) { repeated group list { required int64 element; } }
        optional int32 codec_id;
        optional binary bytes;
    }
}";

/// Rows of a page. Columns of few different texts make tiny pages, which compress badly.
const PAGE_ROWS_MAX: usize = 128 << 10;
/// Texts repeat a lot where series are long, and little where they are short; both fit.
const TEXTS_BYTES_MAX: usize = 4 << 20;
/// Where values repeat less than this allows, a dictionary costs more than it saves.
const NUMBERS_BYTES_MAX: usize = 256 << 10;

/// All columns.
pub fn columns() -> Result<TypePtr> {
    Ok(Arc::new(parse_message_type(MESSAGE)?))
}

/// How files are written.
pub fn properties() -> WriterProperties {
    let sorted = SortingColumn { column_idx: 0, descending: false, nulls_first: false };
    let version = KeyValue::new("irontsd.schema".to_owned(), SCHEMA.to_owned());
    let [timestamp, integer, float] = ["timestamp", "integer", "float"].map(ColumnPath::from);
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("irontsd ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![version]))
        .set_sorting_columns(Some(vec![sorted]))
        .set_compression(Compression::LZ4_RAW)
        .set_data_page_row_count_limit(PAGE_ROWS_MAX)
        .set_dictionary_page_size_limit(TEXTS_BYTES_MAX)
        .set_column_dictionary_enabled(timestamp.clone(), false)
        .set_column_encoding(timestamp, Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(integer.clone(), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_page_size_limit(integer, NUMBERS_BYTES_MAX)
        .set_column_encoding(float.clone(), Encoding::BYTE_STREAM_SPLIT)
        .set_column_dictionary_page_size_limit(float, NUMBERS_BYTES_MAX)
        // What readers skip row groups by; the order of all tags together is of use to nobody.
        .set_statistics_enabled(EnabledStatistics::None);
    for name in ["metric", "timestamp", "integer", "float"] {
        let column = ColumnPath::from(name);
        builder = builder.set_column_statistics_enabled(column, EnabledStatistics::Chunk);
    }
    builder.build()
}
