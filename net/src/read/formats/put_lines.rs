//! OpenTSDB's `put` lines, so that an export can be sent to a telnet port as it is.
//!
//! A line is written so that `put` reads the same kind and bits: integers without a point, decimals
//! with all their digits, other doubles with an exponent. What a line can carry is not decided here
//! but by the parser: a series is left out when a line of it would be refused or would name another
//! series. So are infinities, which only import takes.

use super::{Skipped, Writer};
use crate::histogram::codecs::push_base64;
use crate::histogram::text;
use crate::policy::Policy;
use crate::read::number_text::{push_fixed, push_integer};
use crate::telnet::line;
use irontsd_engine::histogram::Histogram;
use irontsd_engine::name;
use irontsd_engine::types::{Kind, Samples, Value};
use std::io::Write;

/// Timestamp, value and the spaces around them never take more.
const NUMBERS_BYTES_MAX: usize = 48;

/// Up to here a number is read as seconds.
const SECONDS_MAX: i64 = u32::MAX as i64;

/// See the module.
#[derive(Debug)]
pub struct PutLines {
    policy: Policy,
    /// `put` and the metric.
    head: Vec<u8>,
    /// The tags and the line's end.
    tail: Vec<u8>,
    skipped: Skipped,
}

impl PutLines {
    /// Lines for a node with this one's limits, but not `--strict`.
    pub fn new(policy: &Policy) -> PutLines {
        let policy = Policy { strict: false, ..policy.clone() };
        PutLines { policy, head: Vec::new(), tail: Vec::new(), skipped: Skipped::default() }
    }

    fn is_read_as(&self, name: &[u8]) -> bool {
        let mut sample = name::metric(name).into_owned();
        sample.extend_from_slice(b" 1 1");
        sample.extend_from_slice(self.tail.trim_ascii_end());
        let fits = self.head.len() + NUMBERS_BYTES_MAX + self.tail.len();
        let Ok(mut point) = line::judge(Some(&sample), &self.policy) else { return false };
        let mut read = Vec::new();
        point.tags.encode_name(point.metric, &mut read);
        read == name::labels(name) && fits <= self.policy.line_bytes_max
    }
}

impl Writer for PutLines {
    fn begin_series(&mut self, _out: &mut Vec<u8>, name: &[u8]) -> bool {
        self.head.clear();
        let histogram = name::is_histogram(name);
        self.head.extend_from_slice(if histogram { b"histogram " } else { b"put " });
        self.head.extend_from_slice(&name::metric(name));
        self.tail.clear();
        for (key, value) in name::tags(name) {
            self.tail.extend_from_slice(&[b" ", &*key, b"=", &*value].concat());
        }
        self.tail.push(b'\n');
        let carried = self.is_read_as(name);
        self.skipped.series += u64::from(!carried);
        carried
    }

    fn push(&mut self, out: &mut Vec<u8>, samples: &Samples) {
        for at in 0..samples.len() {
            let start = out.len();
            out.extend_from_slice(&self.head);
            out.push(b' ');
            push_timestamp(out, samples.timestamps[at]);
            out.push(b' ');
            let carried = match samples.histogram(at) {
                Some(bytes) => push_histogram(out, bytes),
                None => push_value(out, samples.value(at)),
            };
            if carried && out.len() - start + self.tail.len() <= self.policy.line_bytes_max {
                out.extend_from_slice(&self.tail);
            } else {
                out.truncate(start);
                self.skipped.samples += 1;
            }
        }
    }

    fn takes_histograms(&self) -> bool {
        true
    }

    fn skipped(&self) -> Option<Skipped> {
        Some(self.skipped)
    }
}

/// Milliseconds, unless `put` would take them for seconds: then seconds with a fraction.
fn push_timestamp(out: &mut Vec<u8>, ms: i64) {
    if ms > SECONDS_MAX {
        return push_integer(out, ms);
    }
    push_integer(out, ms / 1000);
    if ms % 1000 != 0 {
        // Writing to memory cannot fail.
        let _ = write!(out, ".{:03}", ms % 1000);
    }
}

/// Appends a value, if there is a text for it.
fn push_value(out: &mut Vec<u8>, value: Value) -> bool {
    if value.kind == Kind::INTEGER {
        push_integer(out, value.bits as i64);
    } else if let Some(scale) = value.kind.scale() {
        push_fixed(out, value.bits as i64, usize::from(scale));
    } else {
        let number = value.as_f64();
        // Without an exponent `1e-8` would be read as a decimal of eight places.
        let _ = write!(out, "{number:e}");
        return number.is_finite();
    }
    true
}

/// Appends a histogram in the form that the `histogram` command reads.
fn push_histogram(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    match Histogram::decode(bytes) {
        Ok(Histogram::Buckets(buckets)) => text::push(out, &buckets),
        Ok(Histogram::Opaque { id, bytes }) => {
            push_integer(out, i64::from(id));
            out.push(b' ');
            push_base64(out, &bytes);
            // No bytes at all cannot be said.
            return !bytes.is_empty();
        }
        Err(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::SCALE_MAX;
    use proptest::prelude::*;

    fn lines(name: &[u8], samples: &[(i64, Value)]) -> (String, Skipped) {
        let mut columns = Samples::default();
        samples.iter().for_each(|&(timestamp, value)| columns.push(timestamp, value));
        let (mut out, mut writer) = (Vec::new(), PutLines::new(&Policy::default()));
        if writer.begin_series(&mut out, name) {
            writer.push(&mut out, &columns);
        }
        (String::from_utf8(out).expect("utf-8"), writer.skipped)
    }

    fn named(metric: &str, tags: &[(&str, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        let tags = tags.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        name::encode(&mut out, metric.as_bytes(), tags);
        out
    }

    #[test]
    fn a_line_a_sample() {
        let samples = [
            (1, Value::integer(-7)),
            (2_000, Value::decimal(1200, 2).expect("in range")),
            (1_700_000_000_001, Value::decimal(5, 0).expect("in range")),
            (1_700_000_000_002, Value::float(f64::INFINITY)),
            (1_700_000_000_003, Value::float(-0.0)),
            (1_700_000_000_004, Value::float(1e-8)),
        ];
        let (text, skipped) = lines(b"m k=v", &samples);
        let expected = "put m 0.001 -7 k=v\nput m 2 12.00 k=v\nput m 1700000000001 5. k=v\n\
                        put m 1700000000003 -0e0 k=v\nput m 1700000000004 1e-8 k=v\n";
        assert_eq!((text.as_str(), skipped), (expected, Skipped { series: 0, samples: 1 }));
    }

    #[test]
    fn what_no_line_can_carry_is_left_out() {
        let long = "x".repeat(70_000);
        let many: Vec<String> = (10..51).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "v")).collect();
        for name in [
            named("a b", &[]),
            named("", &[("k", "v")]),
            named("", &[("1", "v")]),
            named("m", &[("k", "")]),
            named("m", &[("", "v")]),
            named("m", &[("k", "a=b")]),
            named("m", &[("a=b", "c")]),
            named("m", &[("k", "a b")]),
            named("m", &[("k", "a\nput")]),
            named("m", &[("k", "a\tb")]),
            named("m", &[("k", "\u{85}")]),
            named(&long, &[]),
            named("m", &many),
        ] {
            let (text, skipped) = lines(&name, &[(1, Value::integer(1))]);
            let one = Skipped { series: 1, samples: 0 };
            assert_eq!((text.as_str(), skipped), ("", one), "{:?}", name.get(..30));
        }
        for name in [named("a=b", &[]), named("m", &[("k:|\u{e9}", "\u{a0}\"'")])] {
            assert_eq!(lines(&name, &[(1, Value::integer(1))]).1, Skipped::default());
        }
    }

    proptest! {
        #[test]
        fn put_reads_the_same_kind_and_bits(
            ms in 1..10_000_000_000_000i64,
            number: i64,
            scale in 0..=SCALE_MAX,
            bits: u64,
        ) {
            let mantissa = number % 1_000_000_000_000_000;
            let decimal = Value::decimal(mantissa, scale).expect("in range");
            for value in [Value::integer(number), decimal, Value::from_f64(f64::from_bits(bits))] {
                let (text, _) = lines(b"m k=v", &[(ms, value)]);
                if !value.as_f64().is_finite() {
                    prop_assert_eq!(text, "");
                    continue;
                }
                let rest = text.strip_prefix("put ").and_then(|rest| rest.strip_suffix('\n'));
                let point = line::judge(rest.map(str::as_bytes), &Policy::default());
                let point = point.expect("a point");
                prop_assert_eq!((point.timestamp_ms, point.value), (ms, value));
            }
        }
    }
}
