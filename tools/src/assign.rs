//! `irontsd mkmetric` and `irontsd uid assign`: asks a running node to make names known, and prints
//! what `tsdb mkmetric` prints.

use crate::flags::{AskNode, NameKind};
use crate::terminal;
use simd_json::OwnedValue;
use simd_json::prelude::{ValueAsObject, ValueAsScalar, ValueObjectAccess, Writable};
use std::process::ExitCode;
use std::time::Duration;

/// How long the node may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Exit code when names were refused.
const REFUSED: u8 = 1;
/// Exit code when the node cannot be asked.
const CANNOT_ASK: u8 = 3;

/// Assigns names. What was assigned or known before is printed to standard output, what was refused
/// to standard error.
pub fn run(kind: NameKind, names: &[String], ask: &AskNode) -> ExitCode {
    let told = assign(kind, names, &ask.node)
        .and_then(|answer| Ok((report(kind, names, &answer)?, answer.encode())));
    match told {
        Ok((lines, answer)) => {
            let refused = match ask.json {
                true => lines.iter().filter(|line| line.is_err()).count(),
                false => lines.iter().filter(|line| say(line)).count(),
            };
            if ask.json {
                say(&Ok(answer));
            }
            ExitCode::from(if refused == 0 { 0 } else { REFUSED })
        }
        Err(text) => {
            say(&Err(text));
            ExitCode::from(CANNOT_ASK)
        }
    }
}

/// Whether it was a refusal.
#[expect(clippy::print_stderr, reason = "the interface of these commands")]
fn say(line: &Result<String, String>) -> bool {
    match line {
        Ok(line) => terminal::say(line),
        Err(line) => eprintln!("error: {line}"),
    }
    line.is_err()
}

fn assign(kind: NameKind, names: &[String], node: &str) -> Result<OwnedValue, String> {
    let url = format!("http://{node}/api/uid/assign");
    let names: Vec<OwnedValue> = names.iter().map(|name| name.as_str().into()).collect();
    let body = simd_json::json!({ kind.field(): names });
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_WITHIN))
        .http_status_as_error(false);
    let request = ureq::Agent::new_with_config(config.build()).post(&url);
    let failed = |error: ureq::Error| {
        format!("cannot ask the node at {node}: {error}; start it, or say where with --node")
    };
    let answer = request.header("Content-Type", "application/json").send(body.encode());
    let mut bytes = answer.and_then(|mut got| got.body_mut().read_to_vec()).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let answer = simd_json::to_owned_value(&mut bytes);
    let answer = answer.map_err(|_| format!("{url} does not answer as a node does: {text}"))?;
    match answer.get(kind.field()) {
        Some(_) => Ok(answer),
        None => Err(format!("the node refused: {text}")),
    }
}

/// One line for each name, in the order given.
fn report(
    kind: NameKind,
    names: &[String],
    answer: &OwnedValue,
) -> Result<Vec<Result<String, String>>, String> {
    let errors = format!("{}_errors", kind.field());
    let text = |key: &str, name: &str| {
        answer.get(key)?.as_object()?.get(name)?.as_str().map(str::to_owned)
    };
    let line = |name: &String| {
        let uid = text(kind.field(), name);
        let error = text(&errors, name);
        let known = error.as_deref().and_then(|error| error.rsplit_once("with UID: "));
        match (uid.as_deref().or(known.map(|(_, uid)| uid)), &error) {
            (Some(uid), _) => Ok(Ok(format!("{} {name}: {}", kind.word(), java_bytes(uid)))),
            (None, Some(error)) => Ok(Err(error.clone())),
            (None, None) => Err(format!("the node did not answer for {name}")),
        }
    };
    names.iter().map(line).collect()
}

/// Hex digits as Java prints an array of bytes.
fn java_bytes(hex: &str) -> String {
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes: Vec<i8> = (0..hex.len()).step_by(2).filter_map(byte).map(|b| b as i8).collect();
    format!("{bytes:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_name() {
        let mut answer = br#"{"metric":{"a":"0000C6"},"metric_errors":{
            "b":"Name already exists with UID: 000001","c d":"Invalid"}}"#
            .to_vec();
        let answer = simd_json::to_owned_value(&mut answer).expect("JSON");
        let names = ["b", "a", "c d"].map(str::to_owned);
        let lines = report(NameKind::Metrics, &names, &answer).expect("an answer");
        assert_eq!(
            lines,
            [
                Ok("metrics b: [0, 0, 1]".to_owned()),
                Ok("metrics a: [0, 0, -58]".to_owned()),
                Err("Invalid".to_owned())
            ]
        );
        assert!(report(NameKind::Metrics, &["x".to_owned()], &answer).is_err());
    }
}
