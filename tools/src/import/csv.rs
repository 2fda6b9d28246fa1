//! CSV whose header says what the columns are: tags by their keys, `__name__`, `__value__`, and
//! `__timestamp__` with or without a unit. An empty cell is no tag.

use super::Intake;
use super::source::Source;
use csv::{ByteRecord, ReaderBuilder};
use irontsd_engine::types::SeriesId;
use irontsd_net::import::{in_range, series_name, word};
use irontsd_net::intake::Content;
use irontsd_net::number;
use irontsd_net::read::time_arg;
use irontsd_net::reject::{Reason, Reject};
use std::borrow::Cow;

/// Where is what.
#[derive(Debug)]
struct Columns {
    /// Column and key.
    labels: Vec<(usize, Vec<u8>)>,
    value: usize,
    timestamp: (usize, Unit),
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Millis,
    Nanos,
    Rfc3339,
}

impl Columns {
    fn new(header: &ByteRecord) -> Result<Columns, String> {
        let (mut labels, mut value, mut timestamp) = (Vec::new(), None, None);
        for (at, cell) in header.iter().enumerate() {
            match cell {
                b"__value__" => value = value.or(Some(at)),
                cell => match unit(cell)? {
                    Some(unit) => timestamp = timestamp.or(Some((at, unit))),
                    None => labels.push((at, cell.to_vec())),
                },
            }
        }
        let missing = |what| format!("the header has no column {what}");
        Ok(Columns {
            labels,
            value: value.ok_or_else(|| missing("__value__"))?,
            timestamp: timestamp.ok_or_else(|| missing("__timestamp__"))?,
            count: header.len(),
        })
    }
}

/// The unit of a column of timestamps, if it is one.
fn unit(cell: &[u8]) -> Result<Option<Unit>, String> {
    Ok(Some(match cell.strip_prefix(b"__timestamp__") {
        Some(b"" | b":unix_ms") => Unit::Millis,
        Some(b":unix_s") => Unit::Seconds,
        Some(b":unix_ns") => Unit::Nanos,
        Some(b":rfc3339") => Unit::Rfc3339,
        Some(b":custom" | [b':', ..]) => {
            let cell = String::from_utf8_lossy(cell);
            return Err(format!(
                "column {cell}: timestamps are read as unix_s, unix_ms, unix_ns or rfc3339"
            ));
        }
        _ => return Ok(None),
    }))
}

/// Reads rows.
pub fn read(source: Source, intake: &mut Intake) -> Result<(), String> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(source.stream());
    let columns = Columns::new(reader.byte_headers().map_err(|error| error.to_string())?)?;
    let (mut row, mut series) = (ByteRecord::new(), Series::default());
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return Err(error.to_string()),
        }
        let line = row.position().map_or(0, |position| position.line());
        let outcome = take(&row, &columns, &mut series, intake);
        intake.judged(line, outcome)?;
    }
}

/// The series of the row before: rows of one series follow each other.
#[derive(Debug, Default)]
struct Series {
    cells: Vec<u8>,
    series: Option<SeriesId>,
}

fn take(
    row: &ByteRecord,
    columns: &Columns,
    last: &mut Series,
    intake: &mut Intake,
) -> Result<(), Reject> {
    if row.len() != columns.count {
        let message = format!("{} cells, and the header has {}", row.len(), columns.count);
        return Err(Reject::new(Reason::IllegalArgument, message));
    }
    let ms = timestamp_ms(&row[columns.timestamp.0], columns.timestamp.1)?;
    let value = word(&row[columns.value])?;
    let mut cells = std::mem::take(&mut last.cells);
    let same = last.series.filter(|_| is_same(&cells, row, columns));
    let series = match same {
        Some(series) => series,
        None => {
            last.series = None;
            let labels = columns.labels.iter();
            let labels =
                labels.map(|(at, key)| (Cow::Borrowed(&key[..]), Cow::Borrowed(&row[*at])));
            let name = series_name(&intake.policy, labels, &[], false)?;
            let series = intake.target.series(&name)?;
            cells.clear();
            columns.labels.iter().for_each(|(at, _)| push_cell(&mut cells, &row[*at]));
            series
        }
    };
    *last = Series { cells, series: Some(series) };
    intake.target.push(series, ms, Content::Number(value));
    Ok(())
}

/// Lengths tell cells apart, whatever they hold.
fn push_cell(cells: &mut Vec<u8>, cell: &[u8]) {
    cells.extend_from_slice(&cell.len().to_le_bytes());
    cells.extend_from_slice(cell);
}

fn is_same(cells: &[u8], row: &ByteRecord, columns: &Columns) -> bool {
    let mut rest = cells;
    columns.labels.iter().all(|(at, _)| {
        let cell = &row[*at];
        let after = rest.strip_prefix(&cell.len().to_le_bytes()).and_then(|r| r.strip_prefix(cell));
        rest = after.unwrap_or_default();
        after.is_some()
    })
}

fn timestamp_ms(cell: &[u8], unit: Unit) -> Result<i64, Reject> {
    let refuse = |message: String| Reject::new(Reason::InvalidValue, message);
    let shown = || String::from_utf8_lossy(cell);
    if unit == Unit::Rfc3339 {
        let full = std::str::from_utf8(cell).ok().filter(|text| text.contains('T'));
        let ms = full.and_then(|text| time_arg::parse(text, 0).ok());
        let ms = ms.ok_or_else(|| refuse(format!("not a time in RFC 3339: {}", shown())))?;
        return in_range(Some(ms));
    }
    let number = number::integer(cell).map_err(|bad| refuse(bad.to_string()))?;
    let ms = match unit {
        Unit::Seconds => number.checked_mul(1000),
        Unit::Nanos if number % 1_000_000 != 0 => {
            return Err(refuse(format!("no whole millisecond: {}", shown())));
        }
        Unit::Nanos => Some(number / 1_000_000),
        _ => Some(number),
    };
    in_range(Some(ms.unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_timestamps() {
        let ms = |cell: &str, unit| timestamp_ms(cell.as_bytes(), unit).ok();
        assert_eq!(ms("5", Unit::Seconds), Some(5000));
        assert_eq!(ms("5", Unit::Millis), Some(5));
        assert_eq!(ms("5000000", Unit::Nanos), Some(5));
        assert_eq!(ms("2023-11-14T22:13:20.5Z", Unit::Rfc3339), Some(1_700_000_000_500));
        for (cell, unit) in [
            ("5000001", Unit::Nanos),
            ("x", Unit::Millis),
            ("0", Unit::Millis),
            ("99999999999999999", Unit::Seconds),
            ("1700000000", Unit::Rfc3339),
        ] {
            assert_eq!(ms(cell, unit), None, "{cell}");
        }
    }

    #[test]
    fn headers_say_what_columns_are() {
        let header =
            ByteRecord::from(vec!["host", "__value__", "__timestamp__:unix_s", "__name__"]);
        let columns = Columns::new(&header).expect("columns");
        assert_eq!((columns.value, columns.timestamp), (1, (2, Unit::Seconds)));
        let labels = [(0, b"host".to_vec()), (3, b"__name__".to_vec())];
        assert_eq!(columns.labels, labels);
        for header in [vec!["__value__"], vec!["__timestamp__"], vec!["__timestamp__:custom:2006"]]
        {
            assert!(Columns::new(&ByteRecord::from(header)).is_err());
        }
    }
}
