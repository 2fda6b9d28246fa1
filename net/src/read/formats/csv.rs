//! CSV: a row for each sample, its columns chosen by the request, quoted as in RFC 4180.

use super::Writer;
use super::layout::Layout;
use crate::read::number_text::{push_integer, push_word};
use irontsd_engine::name;
use irontsd_engine::types::Samples;
use std::sync::Arc;

/// The answer to a request without columns.
const MISSING_FORMAT: &str = "missing `format` arg: it lists the columns, such as \
                              __name__,__value__,__timestamp__:rfc3339";

/// The columns, in order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Arc<[(String, Column)]>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Label,
    Value,
    Timestamp(TimeFormat),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TimeFormat {
    Seconds,
    Millis,
    Nanos,
    Layout(Layout),
}

impl Columns {
    /// Reads the `format` argument of `/api/v1/export/csv`; an error is the answer's text.
    pub fn parse(format: Option<&str>) -> Result<Columns, String> {
        let format = format.filter(|format| !format.is_empty()).ok_or(MISSING_FORMAT)?;
        let columns = format.split(',').map(|text| Ok((text.to_owned(), Column::parse(text)?)));
        Ok(Columns(columns.collect::<Result<_, String>>()?))
    }
}

impl Columns {
    /// The name, these tags, value and timestamp: all there is to say. `None` if a tag has the name of
    /// another column.
    pub fn of_tags(keys: impl IntoIterator<Item = String>) -> Option<Columns> {
        let keys: Vec<String> = keys.into_iter().collect();
        if keys.iter().any(|key| Column::parse(key) != Ok(Column::Label)) {
            return None;
        }
        let label = |text: String| (text, Column::Label);
        let last = ["__value__", "__timestamp__"].map(str::to_owned);
        let kinds = [Column::Value, Column::Timestamp(TimeFormat::Millis)];
        let columns = ["__name__".to_owned()].into_iter().chain(keys).map(label);
        Some(Columns(columns.chain(last.into_iter().zip(kinds)).collect()))
    }
}

impl Column {
    fn parse(text: &str) -> Result<Column, String> {
        Ok(match text.split_once(':') {
            None if text == "__value__" => Column::Value,
            None if text == "__timestamp__" => Column::Timestamp(TimeFormat::Millis),
            Some(("__timestamp__", format)) => Column::Timestamp(TimeFormat::parse(format)?),
            _ => Column::Label,
        })
    }
}

impl TimeFormat {
    fn parse(text: &str) -> Result<TimeFormat, String> {
        Ok(match text {
            "unix_s" => TimeFormat::Seconds,
            "unix_ms" => TimeFormat::Millis,
            "unix_ns" => TimeFormat::Nanos,
            "rfc3339" => TimeFormat::Layout(Layout::rfc3339()),
            _ => match text.strip_prefix("custom:") {
                Some(layout) => TimeFormat::Layout(Layout::parse(layout)),
                None => {
                    return Err(format!(
                        "cannot parse format: unknown time format {text:?}: use unix_s, unix_ms, \
                         unix_ns, rfc3339 or custom:LAYOUT"
                    ));
                }
            },
        })
    }

    fn push(&self, out: &mut Vec<u8>, ms: i64) {
        match self {
            TimeFormat::Seconds => push_integer(out, ms / 1000),
            TimeFormat::Millis => push_integer(out, ms),
            TimeFormat::Nanos => {
                push_integer(out, ms);
                out.extend_from_slice(b"000000");
            }
            TimeFormat::Layout(layout) => {
                let mut cell = Vec::new();
                layout.push(&mut cell, ms);
                push_cell(out, &cell);
            }
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Csv {
    columns: Columns,
    /// The cells of the series' labels, in the order of the columns.
    labels: Vec<Vec<u8>>,
}

impl Csv {
    /// Rows of these columns.
    pub fn new(columns: &Columns) -> Csv {
        Csv { columns: columns.clone(), labels: vec![Vec::new(); columns.0.len()] }
    }
}

impl Writer for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        for (at, (text, _)) in self.columns.0.iter().enumerate() {
            separate(out, at);
            push_cell(out, text.as_bytes());
        }
        out.push(b'\n');
    }

    fn begin_series(&mut self, _out: &mut Vec<u8>, name: &[u8]) -> bool {
        for ((text, column), cell) in self.columns.0.iter().zip(&mut self.labels) {
            cell.clear();
            if *column == Column::Label {
                push_cell(cell, &name::value(name, text.as_bytes()).unwrap_or_default());
            }
        }
        true
    }

    fn push(&mut self, out: &mut Vec<u8>, samples: &Samples) {
        for row in 0..samples.len() {
            for (at, (_, column)) in self.columns.0.iter().enumerate() {
                separate(out, at);
                match column {
                    Column::Label => out.extend_from_slice(&self.labels[at]),
                    Column::Value => push_word(out, samples.value(row)),
                    Column::Timestamp(format) => format.push(out, samples.timestamps[row]),
                }
            }
            out.push(b'\n');
        }
    }
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

/// Appends a cell, in quotes where it needs them.
fn push_cell(out: &mut Vec<u8>, text: &[u8]) {
    if !text.iter().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n')) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::Value;

    #[test]
    fn rows_of_the_columns_asked_for() {
        let format = "k,__value__,__timestamp__,__timestamp__:unix_s,__timestamp__:unix_ns,\
                      __timestamp__:rfc3339,__timestamp__:custom:02 Jan 2006\"";
        let columns = Columns::parse(Some(format)).expect("columns");
        let mut samples = Samples::default();
        samples.push(9_999_999_999_999, Value::float(f64::INFINITY));
        let (mut out, mut writer) = (Vec::new(), Csv::new(&columns));
        writer.begin(&mut out);
        assert!(writer.begin_series(&mut out, b"m k=a\"\n,\r"));
        writer.push(&mut out, &samples);
        let header = format.replace("__timestamp__:custom", "\"__timestamp__:custom") + "\"\"";
        let row = "\"a\"\"\n,\r\",+Inf,9999999999999,9999999999,9999999999999000000,\
                   2286-11-20T17:46:39.999Z,\"20 Nov 2286\"\"\"";
        assert_eq!(String::from_utf8(out).expect("utf-8"), format!("{header}\n{row}\n"));
    }

    #[test]
    fn bad_formats_are_named() {
        assert!(Columns::parse(None).is_err_and(|text| text.starts_with("missing `format` arg")));
        let bad = Columns::parse(Some("__timestamp__:unix"));
        assert!(bad.is_err_and(|text| text.contains("unknown time format \"unix\"")));
    }
}
