//! One line by itself, judged as a connection judges it: for whoever has lines and no connection. Pure.

use super::commands::command;
use super::{histogram, line};
use crate::import::Sample;
use crate::policy::Policy;
use crate::reject::{Reason, Reject};
use irontsd_engine::name;

/// Reads a `put` or `histogram` line without its end. `name` becomes the canonical name of its series.
pub fn judge(line: &[u8], policy: &Policy, name: &mut Vec<u8>) -> Result<(i64, Sample), Reject> {
    name.clear();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (word, rest) = command(line, policy);
    let sample = match word {
        b"put" => match line::judge(rest, policy) {
            Ok(mut point) => {
                point.tags.encode_name(point.metric, name);
                return Ok((point.timestamp_ms, Sample::Number(point.value)));
            }
            Err(reject) => histogram::judge_put(rest, policy).ok_or(reject)?,
        },
        b"histogram" => histogram::judge(rest, policy),
        _ => {
            let word = String::from_utf8_lossy(word);
            let message = format!("neither `put` nor `histogram`: {word:.40}");
            return Err(Reject::new(Reason::UnknownCommand, message));
        }
    };
    let mut sample = sample?;
    sample.tags.encode_name(sample.metric, name);
    name.extend_from_slice(&name::HISTOGRAM_MARK);
    Ok((sample.timestamp_ms, Sample::Histogram(sample.bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use irontsd_engine::types::Value;

    #[test]
    fn lines_without_a_connection() {
        let mut name = Vec::new();
        let put = judge(b"put m 1 2 b=2 a=1\r", &Policy::default(), &mut name).expect("a point");
        assert_eq!((put, &*name), ((1000, Sample::Number(Value::integer(2))), &b"m a=1 b=2"[..]));
        for line in [&b"put m 1 u=5 b=2"[..], b"histogram m 1 u=5 b=2"] {
            let (ms, sample) = judge(line, &Policy::default(), &mut name).expect("a histogram");
            assert_eq!((ms, &*name), (1000, &b"m b=2\xff\x03"[..]));
            assert!(matches!(sample, Sample::Histogram(_)));
        }
        let refused = judge(b"stats", &Policy::default(), &mut name).expect_err("no point");
        assert_eq!(refused.message, "neither `put` nor `histogram`: stats");
    }
}
