//! The other shapes of an export: Prometheus' text, and its API's matrix.

use super::json_line::push_labels;
use super::number_text::{push_integer, push_value};
use irontsd_engine::name;
use irontsd_engine::types::{Samples, Value};

/// The shape of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A JSON object a series and line.
    #[default]
    JsonLines,
    /// A line a sample.
    Prometheus,
    /// One JSON document.
    Promapi,
}

impl Format {
    /// The `format` argument; what is unknown means JSON lines.
    pub fn named(name: Option<&str>) -> Format {
        match name {
            Some("prometheus") => Format::Prometheus,
            Some("promapi") => Format::Promapi,
            _ => Format::JsonLines,
        }
    }

    /// What stands before the first series.
    pub fn prologue(self) -> &'static [u8] {
        match self {
            Format::Promapi => {
                b"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
            }
            _ => b"",
        }
    }

    /// What stands behind the last.
    pub fn epilogue(self) -> &'static [u8] {
        if self == Format::Promapi { b"]}}" } else { b"" }
    }
}

/// Appends a line for each sample: `name{key="value"} value milliseconds`.
pub fn push_prometheus(out: &mut Vec<u8>, series: &[u8], samples: &Samples) {
    let start = out.len();
    push_prometheus_name(out, series);
    let prefix = out.split_off(start);
    for at in 0..samples.len() {
        out.extend_from_slice(&prefix);
        out.push(b' ');
        push_plain(out, samples.value(at));
        out.push(b' ');
        push_integer(out, samples.timestamps[at]);
        out.push(b'\n');
    }
}

fn push_prometheus_name(out: &mut Vec<u8>, series: &[u8]) {
    out.extend_from_slice(&name::metric(series));
    let mut before = b'{';
    for (key, value) in name::tags(series) {
        out.push(before);
        before = b',';
        out.extend_from_slice(&key);
        out.extend_from_slice(b"=\"");
        push_escaped(out, &value);
        out.push(b'"');
    }
    if before == b',' {
        out.push(b'}');
    }
}

fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(other),
        }
    }
}

fn push_plain(out: &mut Vec<u8>, value: Value) {
    match value.as_f64() {
        f64::INFINITY => out.extend_from_slice(b"+Inf"),
        f64::NEG_INFINITY => out.extend_from_slice(b"-Inf"),
        _ => push_value(out, value),
    }
}

/// Appends a series of the matrix up to its first pair.
pub fn begin_promapi(out: &mut Vec<u8>, series: &[u8], first: bool) {
    out.extend_from_slice(if first { b"{\"metric\":" } else { b",{\"metric\":" });
    push_labels(out, series);
    out.extend_from_slice(b",\"values\":[");
}

/// Appends pairs of seconds and value.
pub fn push_promapi(out: &mut Vec<u8>, samples: &Samples, mut first: bool) {
    for at in 0..samples.len() {
        out.extend_from_slice(if std::mem::take(&mut first) { b"[" } else { b",[" });
        let second = Value::decimal(samples.timestamps[at], 3);
        push_value(out, second.unwrap_or(Value::integer(0)));
        out.extend_from_slice(b",\"");
        push_plain(out, samples.value(at));
        out.extend_from_slice(b"\"]");
    }
}

/// Ends a series of the matrix.
pub fn end_promapi(out: &mut Vec<u8>) {
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Samples {
        let mut samples = Samples::default();
        samples.push(1_700_000_000_000, Value::integer(1));
        samples.push(1_700_000_000_001, Value::float(f64::NEG_INFINITY));
        samples
    }

    #[test]
    fn a_line_a_sample() {
        let mut out = Vec::new();
        push_prometheus(&mut out, b"m k=a\"b\\c\nd", &samples());
        let expected = "m{k=\"a\\\"b\\\\c\\nd\"} 1 1700000000000\n\
                        m{k=\"a\\\"b\\\\c\\nd\"} -Inf 1700000000001\n";
        assert_eq!(String::from_utf8(out).expect("utf-8"), expected);
    }

    #[test]
    fn a_matrix_of_pairs() {
        let mut out = Vec::new();
        begin_promapi(&mut out, b"m k=v", true);
        push_promapi(&mut out, &samples(), true);
        end_promapi(&mut out);
        let expected = "{\"metric\":{\"__name__\":\"m\",\"k\":\"v\"},\
                        \"values\":[[1700000000,\"1\"],[1700000000.001,\"-Inf\"]]}";
        assert_eq!(String::from_utf8(out).expect("utf-8"), expected);
    }
}
