//! Prometheus' text: `name{key="value"} value milliseconds`, a line for each sample.

use super::Writer;
use crate::read::number_text::{push_integer, push_word};
use irontsd_engine::name;
use irontsd_engine::types::Samples;

/// See the module.
#[derive(Debug, Default)]
pub struct Prometheus {
    /// Name and labels of the series.
    prefix: Vec<u8>,
}

impl Writer for Prometheus {
    fn begin_series(&mut self, _out: &mut Vec<u8>, name: &[u8]) -> bool {
        self.prefix.clear();
        push_name(&mut self.prefix, name);
        true
    }

    fn push(&mut self, out: &mut Vec<u8>, samples: &Samples) {
        for at in 0..samples.len() {
            out.extend_from_slice(&self.prefix);
            out.push(b' ');
            push_word(out, samples.value(at));
            out.push(b' ');
            push_integer(out, samples.timestamps[at]);
            out.push(b'\n');
        }
    }
}

fn push_name(out: &mut Vec<u8>, series: &[u8]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::Value;

    #[test]
    fn a_line_a_sample() {
        let mut samples = Samples::default();
        samples.push(1_700_000_000_000, Value::integer(1));
        samples.push(1_700_000_000_001, Value::float(f64::NEG_INFINITY));
        let (mut out, mut writer) = (Vec::new(), Prometheus::default());
        assert!(writer.begin_series(&mut out, b"m k=a\"b\\c\nd"));
        writer.push(&mut out, &samples);
        let expected = "m{k=\"a\\\"b\\\\c\\nd\"} 1 1700000000000\n\
                        m{k=\"a\\\"b\\\\c\\nd\"} -Inf 1700000000001\n";
        assert_eq!(String::from_utf8(out).expect("utf-8"), expected);
    }
}
