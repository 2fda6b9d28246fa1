//! What each telnet command does, and the answers to those that are refused.

use super::lookup::Trail;
use super::{Next, Replies, Scratch, fast, histogram, iac, line};
use crate::intake::{Content, Intake};
use crate::policy::Policy;
use crate::reject::{Protocol, Reason, Reject};
use irontsd_engine::name;
use memchr::memchr;
use std::borrow::Cow;

/// Replies waiting for a client that does not read them: beyond this, error lines are dropped.
const ERROR_BYTES_MAX: usize = 512 << 10;

/// Takes one line, line end excluded, as if nothing were known of its series: what [`Session`] is
/// measured by.
pub fn take_plainly(
    line: &[u8],
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) -> Next {
    slow(line, None, &mut Trail::default(), scratch, intake, replies)
}

/// Everything else: other commands, new series, unusual spelling, errors.
pub(super) fn slow(
    line: &[u8],
    fields: Option<fast::Fields<'_>>,
    trail: &mut Trail,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) -> Next {
    let Some(stripped) = iac::strip(line) else { return Next::Continue };
    let (line, fields) = match &stripped {
        Cow::Borrowed(line) => (*line, fields),
        Cow::Owned(line) => (&**line, None),
    };
    let (word, rest) = command(line, intake.policy);
    match COMMANDS.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, command)| command) {
        Some(Command::Put) => put(line, rest, fields, trail, scratch, intake, replies),
        Some(Command::Histogram) => put_histogram(line, rest, scratch, intake, replies),
        Some(Command::Rollup) => rollup(line, rest, intake, replies),
        Some(Command::Stats) => intake.stats(replies.out),
        Some(Command::Version) => replies.push(version().as_bytes()),
        Some(Command::Status) => replies.push(b"ok\n"),
        // There are none to drop.
        Some(Command::DropCaches) => replies.push(b"Caches dropped.\n"),
        Some(Command::Exit) => return Next::Close,
        Some(Command::Help) => replies.push(help().as_bytes()),
        None => unknown(line, intake, replies),
    }
    Next::Continue
}

/// The command word and what follows it and its space.
pub(super) fn command<'a>(line: &'a [u8], policy: &Policy) -> (&'a [u8], Option<&'a [u8]>) {
    // Spaces before a command are a relaxation; the answer to an unknown one is to the line as sent.
    let trimmed = if policy.strict { line } else { line.trim_ascii_start_spaces() };
    match memchr(b' ', trimmed) {
        Some(at) => (&trimmed[..at], Some(&trimmed[at + 1..])),
        None => (trimmed, None),
    }
}

/// What a line can be, by its first word, in the order in which `help` lists it.
const COMMANDS: &[(&str, Command)] = &[
    ("put", Command::Put),
    ("histogram", Command::Histogram),
    ("rollup", Command::Rollup),
    ("stats", Command::Stats),
    ("dropcaches", Command::DropCaches),
    ("version", Command::Version),
    ("status", Command::Status),
    ("exit", Command::Exit),
    ("help", Command::Help),
];

enum Command {
    Put,
    Histogram,
    Rollup,
    Stats,
    DropCaches,
    Version,
    Status,
    Exit,
    Help,
}

/// The reply to `help`; a space stands behind every command, the last one included.
fn help() -> String {
    let names: String = COMMANDS.iter().map(|(name, _)| format!("{name} ")).collect();
    format!("available commands: {names}\n")
}

/// The reply to `version`.
pub fn version() -> String {
    format!("irontsd {}\n", env!("CARGO_PKG_VERSION"))
}

fn put(
    line: &[u8],
    rest: Option<&[u8]>,
    fields: Option<fast::Fields<'_>>,
    trail: &mut Trail,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) {
    if let Err(reject) = accept(rest, fields, trail, Protocol::Telnet, scratch, intake) {
        refuse(line, &reject, intake, replies);
    }
}

/// Answers and counts a `put` line that is not taken.
pub(super) fn refuse(
    line: &[u8],
    reject: &Reject,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) {
    reply_error("put", reject, intake.policy, replies);
    intake.reject(Protocol::Telnet, reject, line);
}

fn put_histogram(
    line: &[u8],
    rest: Option<&[u8]>,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) {
    let judged = histogram::judge(rest, intake.policy);
    if let Err(reject) =
        judged.and_then(|sample| accept_histogram(sample, Protocol::Telnet, scratch, intake))
    {
        reply_error("histogram", &reject, intake.policy, replies);
        intake.reject(Protocol::Telnet, &reject, line);
    }
}

pub(super) fn accept(
    rest: Option<&[u8]>,
    fields: Option<fast::Fields<'_>>,
    trail: &mut Trail,
    protocol: Protocol,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
) -> Result<(), Reject> {
    let mut point = match line::judge(rest, intake.policy) {
        Ok(point) => point,
        Err(reject) => {
            let sample = histogram::judge_put(rest, intake.policy).ok_or(reject)??;
            return accept_histogram(sample, protocol, scratch, intake);
        }
    };
    intake.admit(point.timestamp_ms)?;
    scratch.name.clear();
    point.tags.encode_name(point.metric, &mut scratch.name);
    let series = intake.series(&scratch.name)?;
    // Where the fields stand between single spaces, the same bytes will be the same series again.
    let regular =
        |fields: &fast::Fields<'_>| !fields.timestamp.is_empty() && !fields.value.is_empty();
    if let Some(fields) = fields.filter(regular) {
        intake.lookup.learn(fields.metric, fields.tags, series, trail);
    }
    intake.push(protocol, series, point.timestamp_ms, point.value);
    Ok(())
}

pub(super) fn accept_histogram(
    mut sample: histogram::Sample<'_>,
    protocol: Protocol,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
) -> Result<(), Reject> {
    intake.admit(sample.timestamp_ms)?;
    scratch.name.clear();
    sample.tags.encode_name(sample.metric, &mut scratch.name);
    scratch.name.extend_from_slice(&name::HISTOGRAM_MARK);
    let series = intake.series(&scratch.name)?;
    let content = Content::Histogram(&sample.bytes);
    intake.push_content(protocol, series, sample.timestamp_ms, content);
    Ok(())
}

/// Answered as a TSD without rollups does.
fn rollup(line: &[u8], rest: Option<&[u8]>, intake: &mut Intake<'_>, replies: &mut Replies<'_>) {
    let words: Vec<&[u8]> =
        rest.into_iter().flat_map(|rest| rest.split(|&byte| byte == b' ')).collect();
    let message = if words.len() < 5 {
        format!("not enough arguments (need least 7, got {})", words.len())
    } else if words[0].is_empty() {
        "Missing interval or aggregator".to_owned()
    } else {
        "No rollup or aggregations were configured".to_owned()
    };
    let reject = Reject::new(Reason::IllegalArgument, message);
    let text = format!("rollup: illegal argument: {}\n", reject.message);
    reply(&text, intake.policy, replies);
    intake.reject(Protocol::Telnet, &reject, line);
}

fn reply_error(command: &str, reject: &Reject, policy: &Policy, replies: &mut Replies<'_>) {
    let kind = match reject.reason {
        Reason::InvalidValue => "invalid value",
        Reason::UnknownName => "unknown metric",
        Reason::Unavailable | Reason::Memory => "Please throttle writes",
        _ => "illegal argument",
    };
    reply(&format!("{command}: {kind}: {}\n", reject.message), policy, replies);
}

fn reply(text: &str, policy: &Policy, replies: &mut Replies<'_>) {
    if policy.telnet_errors && replies.waiting() < ERROR_BYTES_MAX {
        replies.push(text.as_bytes());
    }
}

fn unknown(line: &[u8], intake: &mut Intake<'_>, replies: &mut Replies<'_>) {
    let text = unknown_command(line);
    reply(&format!("{text}\n"), intake.policy, replies);
    let reject = Reject::new(Reason::UnknownCommand, text);
    intake.reject(Protocol::Telnet, &reject, line);
}

pub(super) fn unknown_command(line: &[u8]) -> String {
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    format!("unknown command: {}.  Try `help'.", String::from_utf8_lossy(word))
}

pub(super) fn refuse_long(line: &[u8], intake: &mut Intake<'_>, replies: &mut Replies<'_>) {
    let reject = too_long(intake.policy);
    reply_error("put", &reject, intake.policy, replies);
    intake.reject(Protocol::Telnet, &reject, line);
}

pub(super) fn too_long(policy: &Policy) -> Reject {
    let message = format!("line too long (at most {} bytes)", policy.line_bytes_max);
    Reject::new(Reason::LineTooLong, message)
}

/// The answer to points that could not be made durable.
pub fn unavailable(reason: &str) -> String {
    format!("put: Please throttle writes: {reason}\n")
}

trait TrimSpaces {
    fn trim_ascii_start_spaces(&self) -> &[u8];
}

impl TrimSpaces for [u8] {
    fn trim_ascii_start_spaces(&self) -> &[u8] {
        let from = self.iter().position(|&byte| byte != b' ').unwrap_or(self.len());
        &self[from..]
    }
}
