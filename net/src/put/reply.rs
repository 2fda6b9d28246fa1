//! OpenTSDB's answers to `/api/put`, and its error object.

use super::plain::reader::Fault;
use super::rules::BAD_JSON;
use super::{BodyError, Failure, Outcome};
use crate::http::reply::Reply;

/// What the query string asks to be told.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Counts in the answer.
    pub summary: bool,
    /// Counts and a list of failed points.
    pub details: bool,
    /// Also the count of timeouts: the query string bounds the time to wait.
    pub timeouts: bool,
}

/// Status and body of the answer.
pub fn answer(flags: Flags, outcome: &Outcome) -> (u16, String) {
    let good = outcome.failed == 0;
    if flags.summary || flags.details {
        return (if good { 200 } else { 400 }, counts(flags, outcome, 0, &outcome.failures));
    }
    if good {
        return (204, String::new());
    }
    let details = "Please see the TSD logs or append \"details\" to the put request";
    (400, error_object(400, "One or more data points had errors", Some(details)))
}

/// Status and body of the answer to a body refused as a whole.
pub fn refusal(error: &BodyError) -> (u16, String) {
    (400, error_object(400, &error.message, error.details.as_deref()))
}

/// The answer to a body that is not the JSON it should be.
pub fn bad_json(fault: Fault) -> Reply {
    let details = format!("{} at byte {}", fault.what, fault.at);
    Reply::error(400, BAD_JSON, Some(&details))
}

/// Status and body of the answer when the good points were not synced in time; `failures` lists all.
pub fn timed_out(flags: Flags, outcome: &Outcome, failures: &[Failure]) -> (u16, String) {
    let (late, failed) = (outcome.success, outcome.failed);
    if flags.summary || flags.details {
        let none = Outcome { success: 0, failed, failures: Vec::new() };
        return (400, counts(flags, &none, late, failures));
    }
    let message = format!(
        "The put call has timedout with 0 successful writes, {failed} failed writes and {late} \
         timed out writes."
    );
    let details = "Please see the TSD logs or append \"details\" to the put request";
    (400, error_object(400, &message, Some(details)))
}

fn counts(flags: Flags, outcome: &Outcome, timeouts: u64, failures: &[Failure]) -> String {
    let (success, failed) = (outcome.success, outcome.failed);
    let mut out = format!("{{\"success\":{success},\"failed\":{failed}").into_bytes();
    if flags.timeouts {
        out.extend_from_slice(format!(",\"timeouts\":{timeouts}").as_bytes());
    }
    if flags.details {
        push_failures(&mut out, failures);
    }
    out.push(b'}');
    into_text(out)
}

fn push_failures(out: &mut Vec<u8>, failures: &[Failure]) {
    out.extend_from_slice(b",\"errors\":[");
    for (at, failure) in failures.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"datapoint\":");
        out.extend_from_slice(failure.datapoint.as_bytes());
        out.extend_from_slice(b",\"error\":");
        push_json_string(out, &failure.reject.message);
        out.push(b'}');
    }
    out.push(b']');
}

/// The body of an error answer of any `/api` endpoint.
pub fn error_object(code: u16, message: &str, details: Option<&str>) -> String {
    let mut out = format!("{{\"error\":{{\"code\":{code},\"message\":").into_bytes();
    push_json_string(&mut out, message);
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        out.extend_from_slice(b",\"details\":");
        push_json_string(&mut out, details);
    }
    out.extend_from_slice(b"}}");
    into_text(out)
}

/// Appends a JSON string; only what must be escaped is.
pub fn push_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    let odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    while let Some(at) = rest.iter().position(odd) {
        out.extend_from_slice(&rest[..at]);
        push_escape(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        b'"' | b'\\' => byte,
        other => return out.extend_from_slice(format!("\\u{other:04X}").as_bytes()),
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Bytes put together from texts, as a text.
pub(super) fn into_text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::{Reason, Reject};

    fn outcome(failed: u64) -> Outcome {
        let reject = Reject::new(Reason::InvalidValue, "not \"good\"");
        let failure = Failure { reject, datapoint: "null".to_owned() };
        Outcome { success: 2, failed, failures: vec![failure; failed as usize] }
    }

    #[test]
    fn what_flags_ask_for() {
        let none = Flags::default();
        let summary = Flags { summary: true, ..none };
        let details = Flags { details: true, ..none };
        let errors = r#"{"error":{"code":400,"message":"One or more data points had errors","details":"Please see the TSD logs or append \"details\" to the put request"}}"#;
        let one = r#"{"datapoint":null,"error":"not \"good\""}"#;
        for (flags, failed, status, body) in [
            (none, 0, 204, String::new()),
            (none, 1, 400, errors.to_owned()),
            (summary, 0, 200, r#"{"success":2,"failed":0}"#.to_owned()),
            (summary, 1, 400, r#"{"success":2,"failed":1}"#.to_owned()),
            (details, 0, 200, r#"{"success":2,"failed":0,"errors":[]}"#.to_owned()),
            (details, 2, 400, format!(r#"{{"success":2,"failed":2,"errors":[{one},{one}]}}"#)),
            (
                Flags { timeouts: true, ..details },
                0,
                200,
                r#"{"success":2,"failed":0,"timeouts":0,"errors":[]}"#.to_owned(),
            ),
            (Flags { timeouts: true, ..none }, 0, 204, String::new()),
        ] {
            assert_eq!(answer(flags, &outcome(failed)), (status, body), "{flags:?} {failed}");
        }
    }

    #[test]
    fn what_flags_ask_for_after_a_timeout() {
        let all = Flags { summary: true, details: true, timeouts: true };
        let outcome = outcome(1);
        let (status, body) = timed_out(all, &outcome, &outcome.failures);
        let one = r#"{"datapoint":null,"error":"not \"good\""}"#;
        let expected = format!(r#"{{"success":0,"failed":1,"timeouts":2,"errors":[{one}]}}"#);
        assert_eq!((status, body), (400, expected));
        let (status, body) = timed_out(Flags::default(), &outcome, &[]);
        let message = "The put call has timedout with 0 successful writes, 1 failed writes and 2 \
                       timed out writes.";
        assert!(status == 400 && body.contains(message), "{status} {body}");
    }

    #[test]
    fn error_objects_leave_out_empty_details() {
        let bare = r#"{"error":{"code":404,"message":"Endpoint not found"}}"#;
        assert_eq!(error_object(404, "Endpoint not found", None), bare);
        assert_eq!(error_object(404, "Endpoint not found", Some("")), bare);
        let full = r#"{"error":{"code":400,"message":"a","details":"b\\"}}"#;
        assert_eq!(error_object(400, "a", Some("b\\")), full);
    }

    #[test]
    fn strings_are_escaped_where_they_must_be() {
        let mut out = Vec::new();
        push_json_string(&mut out, "a\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}\u{e9}");
        let expected = "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001F\u{7f}\u{e9}\"";
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }
}
