//! The matrix of Prometheus' API: one JSON document, pairs of seconds and value.

use super::Writer;
use crate::read::json_line::push_labels;
use crate::read::number_text::{push_value, push_word};
use irontsd_engine::types::{Samples, Value};

/// See the module.
#[derive(Debug, Default)]
pub struct Promapi {
    /// A series was written, so a comma stands before the next.
    has_series: bool,
    /// A pair of this series was written.
    has_pairs: bool,
}

impl Writer for Promapi {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[",
        );
    }

    fn begin_series(&mut self, out: &mut Vec<u8>, name: &[u8]) -> bool {
        separate(out, &mut self.has_series);
        self.has_pairs = false;
        out.extend_from_slice(b"{\"metric\":");
        push_labels(out, name);
        out.extend_from_slice(b",\"values\":[");
        true
    }

    fn push(&mut self, out: &mut Vec<u8>, samples: &Samples) {
        for at in 0..samples.len() {
            separate(out, &mut self.has_pairs);
            out.push(b'[');
            let seconds = Value::decimal(samples.timestamps[at], 3);
            push_value(out, seconds.unwrap_or(Value::integer(0)));
            out.extend_from_slice(b",\"");
            push_word(out, samples.value(at));
            out.extend_from_slice(b"\"]");
        }
    }

    fn end_series(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}");
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}}");
    }
}

fn separate(out: &mut Vec<u8>, behind_another: &mut bool) {
    if std::mem::replace(behind_another, true) {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_of_pairs() {
        let mut samples = Samples::default();
        samples.push(1_700_000_000_000, Value::integer(1));
        samples.push(1_700_000_000_001, Value::float(f64::NEG_INFINITY));
        let (mut out, mut writer) = (Vec::new(), Promapi::default());
        writer.begin(&mut out);
        for name in [&b"m k=v"[..], b"n"] {
            assert!(writer.begin_series(&mut out, name));
            writer.push(&mut out, &samples);
            writer.end_series(&mut out);
        }
        writer.end(&mut out);
        let values = "\"values\":[[1700000000,\"1\"],[1700000000.001,\"-Inf\"]]}";
        let expected = format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[\
             {{\"metric\":{{\"__name__\":\"m\",\"k\":\"v\"}},{values},\
             {{\"metric\":{{\"__name__\":\"n\"}},{values}]}}}}"
        );
        assert_eq!(String::from_utf8(out).expect("utf-8"), expected);
    }
}
