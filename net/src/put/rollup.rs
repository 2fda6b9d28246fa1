//! `/api/rollup` as a TSD without rollups answers it: no point is taken, each gets the first thing
//! that is wrong with it, and at last that nothing is configured. Pure.

use super::plain::reader::{Fault, Reader, Token};
use super::{BodyError, Outcome, Scratch};
use crate::policy::Policy;
use crate::reject::{Reason, Reject};

/// What a point is refused for that is good but for being a rollup.
const NOT_CONFIGURED: &str = "No rollup or aggregations were configured";

/// Judges a body: all its points are failures.
pub fn judge(
    body: &[u8],
    now_ms: i64,
    policy: &Policy,
    extra: &[(String, String)],
    scratch: &mut Scratch,
) -> Result<Outcome, BodyError> {
    let refuse = || Reject::new(Reason::IllegalArgument, NOT_CONFIGURED);
    let mut none = |_: &[u8], _, _| Err(refuse());
    let mut outcome = super::judge(body, now_ms, policy, extra, scratch, &mut none)?;
    // Every element of the body is a failure, so their places agree.
    let missing = elements(body).map_err(BodyError::json)?;
    for (failure, missing) in outcome.failures.iter_mut().zip(missing) {
        if let Some(missing) = missing
            && failure.reject.message == NOT_CONFIGURED
        {
            failure.reject = Reject::new(Reason::IllegalArgument, missing);
        }
    }
    Ok(outcome)
}

/// What each element of a body lacks to be a rollup.
fn elements(body: &[u8]) -> Result<Vec<Option<&'static str>>, Fault> {
    let mut reader = Reader::new(body);
    let mut found = Vec::new();
    match reader.token()? {
        Token::Array => {
            let mut first = true;
            while reader.item(first)? {
                first = false;
                let token = reader.token()?;
                found.push(element(&mut reader, &token, 2)?);
            }
        }
        token => found.push(element(&mut reader, &token, 1)?),
    }
    Ok(found)
}

fn element<'a>(
    reader: &mut Reader<'a>,
    token: &Token<'a>,
    depth: usize,
) -> Result<Option<&'static str>, Fault> {
    if *token != Token::Object {
        reader.skip(token, depth)?;
        return Ok(None);
    }
    let (mut interval, mut aggregator, mut group) = (false, false, false);
    let mut first = true;
    while let Some(key) = reader.key(first)? {
        first = false;
        let value = reader.token()?;
        let given = value != Token::Null && value != Token::Text(b"".into());
        match &*key {
            b"interval" => interval = given,
            b"aggregator" => aggregator = given,
            b"groupByAggregator" => group = given,
            _ => {}
        }
        reader.skip(&value, depth + 1)?;
    }
    Ok(match (group || interval, group || aggregator) {
        (false, _) => Some("Missing interval"),
        (true, false) => Some("Missing aggregator"),
        (true, true) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_refused_for_the_first_thing_wrong() {
        let body = br#"[{"metric":"","timestamp":1,"value":1,"tags":{"h":"a"}},
            {"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"},"x":[{"interval":"1m"}]},
            {"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"},"interval":"1m"},
            null,
            {"metric":"m","timestamp":1,"value":"x","tags":{"h":"a"},"interval":"","aggregator":"s"},
            {"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"},"groupByAggregator":"sum"},
            {"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"},"interval":"1m","aggregator":"s"}
        ]"#;
        let mut scratch = Scratch::default();
        let outcome = judge(body, 1, &Policy::default(), &[], &mut scratch).expect("JSON");
        assert_eq!((outcome.success, outcome.failed), (0, 7));
        let messages: Vec<_> = outcome.failures.iter().map(|f| &*f.reject.message).collect();
        assert_eq!(
            messages,
            [
                "Metric name was empty",
                "Missing interval",
                "Missing aggregator",
                "Unexpected null datapoint encountered in set.",
                "Unable to parse value to a number",
                NOT_CONFIGURED,
                NOT_CONFIGURED,
            ]
        );
    }
}
