//! Refused points as OpenTSDB repeats them: read again from the body, and only when needed.

use super::Failure;
use super::plain::fields::{Fields, Sent, Tag};
use super::plain::{Element, Elements};
use super::reply::{into_text, push_json_string};
use crate::reject::Reject;

/// The failures of a body that can be read, in order; `refused` are elements by their number.
/// What is no object is shown as null.
pub fn failures(body: &[u8], mut refused: Vec<(usize, Reject)>) -> Vec<Failure> {
    refused.sort_unstable_by_key(|(index, _)| *index);
    let (mut elements, mut fields) = (Elements::new(body), Fields::default());
    let mut read = 0;
    let mut next = |index: usize| {
        let mut datapoint = "null".to_owned();
        while read <= index {
            read += 1;
            match elements.next(&mut fields) {
                Ok(Some(_)) if read <= index => {}
                Ok(Some(Element::Point | Element::Wrong(_))) => datapoint = object(&fields),
                _ => break,
            }
        }
        datapoint
    };
    let failure = |(index, reject)| Failure { reject, datapoint: next(index) };
    refused.into_iter().map(failure).collect()
}

fn object(fields: &Fields<'_>) -> String {
    let mut out = b"{".to_vec();
    if let Some(metric) = &fields.metric {
        out.extend_from_slice(b"\"metric\":");
        push_bytes(&mut out, metric);
        out.push(b',');
    }
    let number = fields.timestamp.map_or(0, |timestamp| timestamp.number);
    out.extend_from_slice(format!("\"timestamp\":{number}").as_bytes());
    if let Some(value) = &fields.value {
        out.extend_from_slice(b",\"value\":");
        push_bytes(&mut out, value);
    }
    if fields.tags_sent == Sent::Object {
        push_tags(&mut out, &fields.tags);
    }
    out.push(b'}');
    into_text(out)
}

fn push_tags(out: &mut Vec<u8>, tags: &[Tag<'_>]) {
    out.extend_from_slice(b",\"tags\":{");
    for (at, (key, value)) in tags.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_bytes(out, key);
        out.push(b':');
        match value {
            Some(value) => push_bytes(out, value),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

fn push_bytes(out: &mut Vec<u8>, text: &[u8]) {
    push_json_string(out, &String::from_utf8_lossy(text));
}
