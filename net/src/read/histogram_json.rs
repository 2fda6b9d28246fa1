//! A histogram as an export shows it: `{"u":0,"o":1,"buckets":[[0,1.5,42],[1.5,5.75,24]]}`, or, with
//! a codec that is not ours, `{"id":7,"base64":".."}`.

use super::number_text::{push_integer, push_value};
use crate::histogram::codecs::push_base64;
use irontsd_engine::histogram::Histogram;
use irontsd_engine::types::Value;

/// Appends a histogram, given as its bytes.
pub fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    match Histogram::decode(bytes) {
        Ok(Histogram::Buckets(buckets)) => {
            out.extend_from_slice(b"{\"u\":");
            push_integer(out, buckets.underflow);
            out.extend_from_slice(b",\"o\":");
            push_integer(out, buckets.overflow);
            out.extend_from_slice(b",\"buckets\":[");
            for (at, (low, high, count)) in buckets.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"[" } else { b",[" });
                push_value(out, Value::float(low));
                out.push(b',');
                push_value(out, Value::float(high));
                out.push(b',');
                push_integer(out, count);
                out.push(b']');
            }
            out.extend_from_slice(b"]}");
        }
        Ok(Histogram::Opaque { id, bytes }) => {
            out.extend_from_slice(b"{\"id\":");
            push_integer(out, i64::from(id));
            out.extend_from_slice(b",\"base64\":\"");
            push_base64(out, &bytes);
            out.extend_from_slice(b"\"}");
        }
        // The engine checks what it reads.
        Err(_) => out.extend_from_slice(b"null"),
    }
}
