//! The shape of an export line: `{"metric":{..},"values":[..],"timestamps":[..]}`, or `"histograms"`
//! instead of `"values"`.

use super::number_text::push_value;
use super::times_text::TimesText;
use super::{histogram_json, number_lists};
use irontsd_engine::name;
use irontsd_engine::types::Samples;

/// Appends a JSON string as VictoriaMetrics writes it: `<` and `'` escaped besides the usual.
pub fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'<' => out.extend_from_slice(b"\\u003c"),
            b'\'' => out.extend_from_slice(b"\\u0027"),
            0..0x20 => {
                let hex = b"0123456789abcdef";
                let (high, low) = (hex[usize::from(byte >> 4)], hex[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            other => out.push(other),
        }
    }
    out.push(b'"');
}

/// Appends the labels of a series as a JSON object, `__name__` first unless it is empty, then
/// by key.
pub fn push_labels(out: &mut Vec<u8>, name: &[u8]) {
    out.push(b'{');
    let metric = name::metric(name);
    let mut first = true;
    if !metric.is_empty() {
        out.extend_from_slice(b"\"__name__\":");
        push_string(out, &metric);
        first = false;
    }
    for (key, value) in name::tags(name) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        push_string(out, &key);
        out.push(b':');
        push_string(out, &value);
    }
    out.push(b'}');
}

/// Appends the line's beginning, up to and including the bracket before the values.
pub fn begin(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(b"{\"metric\":");
    push_labels(out, name);
    let histograms = name::is_histogram(name);
    out.extend_from_slice(if histograms { b",\"histograms\":[" } else { b",\"values\":[" });
}

/// Appends values, separated by commas; `first` if none was printed before.
pub fn push_values(out: &mut Vec<u8>, samples: &Samples, first: bool) {
    if samples.bytes.is_empty() {
        return separated(out, first, |out| number_lists::push_values(out, samples));
    }
    separated(out, first, |out| {
        for at in 0..samples.len() {
            match samples.histogram(at) {
                None => push_value(out, samples.value(at)),
                Some(bytes) => histogram_json::push(out, bytes),
            }
            out.push(b',');
        }
    });
}

/// Appends what `list` appends, each of which ends with a comma, as a list that goes on.
fn separated(out: &mut Vec<u8>, first: bool, list: impl FnOnce(&mut Vec<u8>)) {
    if !first {
        out.push(b',');
    }
    let start = out.len();
    list(out);
    if out.len() > start || !first {
        out.pop();
    }
}

/// Goes from the values to the timestamps.
pub fn middle(out: &mut Vec<u8>) {
    out.extend_from_slice(b"],\"timestamps\":[");
}

/// Appends timestamps, separated by commas; `first` if none was printed before.
pub fn push_timestamps(out: &mut Vec<u8>, samples: &Samples, times: &mut TimesText, first: bool) {
    separated(out, first, |out| times.push(out, &samples.timestamps));
}

/// Appends a whole line.
pub fn push(out: &mut Vec<u8>, name: &[u8], samples: &Samples, times: &mut TimesText) {
    begin(out, name);
    push_values(out, samples, true);
    middle(out);
    push_timestamps(out, samples, times, true);
    end(out);
}

/// Ends the line.
pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"]}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::Value;

    #[test]
    fn the_line_is_that_of_the_documents() {
        let mut samples = Samples::default();
        samples.push(1560277292000, Value::integer(123));
        samples.push(1560277293000, Value::decimal(4534, 2).expect("in range"));
        let mut out = Vec::new();
        begin(&mut out, b"foo.bar.baz tag1=value1 tag2=value2");
        push_values(&mut out, &samples, true);
        middle(&mut out);
        push_timestamps(&mut out, &samples, &mut TimesText::default(), true);
        end(&mut out);
        let expected = "{\"metric\":{\"__name__\":\"foo.bar.baz\",\"tag1\":\"value1\",\
                        \"tag2\":\"value2\"},\"values\":[123,45.34],\
                        \"timestamps\":[1560277292000,1560277293000]}\n";
        assert_eq!(String::from_utf8(out).expect("utf-8"), expected);
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        push_string(&mut out, b"a<b'c\"d\\e\n\x01>&");
        assert_eq!(out, b"\"a\\u003cb\\u0027c\\\"d\\\\e\\n\\u0001>&\"");
    }
}
