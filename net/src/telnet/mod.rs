//! The telnet protocol of one connection: lines in, rows and replies out. No sockets here.

pub mod datagram;
pub mod fast;
pub mod histogram;
mod iac;
pub mod line;
pub mod lookup;
pub mod scan;

use crate::intake::{Content, Intake};
use crate::policy::Policy;
use crate::reject::{Protocol, Reason, Reject};
use irontsd_engine::name;
use lookup::Trail;
use memchr::memchr;
use scan::{Masks, Scanner};
use std::borrow::Cow;

/// Replies waiting for a client that does not read them: beyond this, error lines are dropped.
const ERROR_BYTES_MAX: usize = 512 << 10;
/// Beyond this, no more lines are taken until the client has read.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// Replies of a connection, and how many bytes of them the client has taken already.
#[derive(Debug)]
pub struct Replies<'a> {
    /// Everything not yet forgotten.
    pub out: &'a mut Vec<u8>,
    /// The first bytes of it that are sent.
    pub sent: usize,
}

impl Replies<'_> {
    fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    fn push(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }
}

/// What a connection should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on reading.
    Continue,
    /// Send the replies and close: the client said `exit`.
    Close,
}

/// Where a telnet connection stands between two reads.
#[derive(Debug, Default)]
pub struct Session {
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
    /// Which series came last.
    trail: Trail,
}

/// Memory that one event loop reuses for all its connections.
#[derive(Debug)]
pub struct Scratch {
    scanner: Scanner,
    masks: Masks,
    name: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch::new(Scanner::detect())
    }
}

impl Scratch {
    /// Memory whose owner scans in this way.
    pub fn new(scanner: Scanner) -> Scratch {
        Scratch { scanner, masks: Masks::default(), name: Vec::new() }
    }
}

impl Session {
    /// Takes all whole lines of `bytes`. Returns how many bytes are done with, and what is next.
    pub fn take(
        &mut self,
        bytes: &[u8],
        scratch: &mut Scratch,
        intake: &mut Intake<'_>,
        replies: &mut Replies<'_>,
    ) -> (usize, Next) {
        scratch.scanner.scan(bytes, &mut scratch.masks);
        let mut start = 0;
        while let Some(end) = scratch.masks.newline(start) {
            let next = self.line(bytes, start, end, scratch, intake, replies);
            start = end + 1;
            if next == Next::Close || replies.waiting() >= REPLY_BYTES_MAX {
                return (start, next);
            }
        }
        (start + self.overlong(&bytes[start..], intake, replies), Next::Continue)
    }

    /// A partial line beyond the limit is refused at once and skipped to its end.
    fn overlong(
        &mut self,
        rest: &[u8],
        intake: &mut Intake<'_>,
        replies: &mut Replies<'_>,
    ) -> usize {
        if self.skipping {
            return rest.len();
        }
        // One more byte may still be the carriage return of a line that just fits.
        if rest.len() <= intake.policy.line_bytes_max + 1 {
            return 0;
        }
        refuse_long(rest, intake, replies);
        self.skipping = true;
        rest.len()
    }

    fn line(
        &mut self,
        bytes: &[u8],
        start: usize,
        end: usize,
        scratch: &mut Scratch,
        intake: &mut Intake<'_>,
        replies: &mut Replies<'_>,
    ) -> Next {
        if std::mem::take(&mut self.skipping) {
            return Next::Continue;
        }
        let returned = end > start && bytes[end - 1] == b'\r';
        let end = end - usize::from(returned);
        if end - start > intake.policy.line_bytes_max {
            refuse_long(&bytes[start..end], intake, replies);
            return Next::Continue;
        }
        let fields = fast::split(bytes, &scratch.masks, start, end);
        if fields
            .is_some_and(|fields| take_known(fields, Protocol::Telnet, intake, &mut self.trail))
        {
            return Next::Continue;
        }
        slow(&bytes[start..end], fields, scratch, intake, replies)
    }
}

/// Takes a line whose series is known and whose numbers are plain.
#[inline]
fn take_known(
    fields: fast::Fields<'_>,
    protocol: Protocol,
    intake: &mut Intake<'_>,
    trail: &mut Trail,
) -> bool {
    let Some(value) = fast::value(fields.value) else { return false };
    let Some(timestamp_ms) = fast::timestamp_ms(fields.timestamp) else { return false };
    let Some(series) = intake.lookup.find(fields.metric, fields.tags, trail) else {
        return false;
    };
    intake.push(protocol, series, timestamp_ms, value);
    true
}

/// Takes one line, line end excluded, as if nothing were known of its series: what [`Session`] is
/// measured by.
pub fn take_plainly(
    line: &[u8],
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) -> Next {
    slow(line, None, scratch, intake, replies)
}

/// Everything else: other commands, new series, unusual spelling, errors.
fn slow(
    line: &[u8],
    fields: Option<fast::Fields<'_>>,
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
        Some(Command::Put) => put(line, rest, fields, scratch, intake, replies),
        Some(Command::Histogram) => put_histogram(line, rest, scratch, intake, replies),
        Some(Command::Rollup) => rollup(line, rest, intake, replies),
        Some(Command::Stats) => intake.stats(replies.out),
        Some(Command::Version) => replies.push(version().as_bytes()),
        Some(Command::Status) => replies.push(b"ok\n"),
        Some(Command::Exit) => return Next::Close,
        Some(Command::Help) => replies.push(help().as_bytes()),
        None => unknown(line, intake, replies),
    }
    Next::Continue
}

/// The command word and what follows it and its space.
fn command<'a>(line: &'a [u8], policy: &Policy) -> (&'a [u8], Option<&'a [u8]>) {
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
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
    replies: &mut Replies<'_>,
) {
    if let Err(reject) = accept(rest, fields, Protocol::Telnet, scratch, intake) {
        reply_error("put", &reject, intake.policy, replies);
        intake.reject(Protocol::Telnet, &reject, line);
    }
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

fn accept(
    rest: Option<&[u8]>,
    fields: Option<fast::Fields<'_>>,
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
    scratch.name.clear();
    point.tags.encode_name(point.metric, &mut scratch.name);
    let series = intake.series(&scratch.name)?;
    // Where the fields stand between single spaces, the same bytes will be the same series again.
    let regular =
        |fields: &fast::Fields<'_>| !fields.timestamp.is_empty() && !fields.value.is_empty();
    if let Some(fields) = fields.filter(regular)
        && !intake.lookup.has(fields.metric, fields.tags)
    {
        intake.lookup.insert(fields.metric, fields.tags, series);
    }
    intake.push(protocol, series, point.timestamp_ms, point.value);
    Ok(())
}

fn accept_histogram(
    mut sample: histogram::Sample<'_>,
    protocol: Protocol,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
) -> Result<(), Reject> {
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
        Reason::Unavailable => "Please throttle writes",
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

fn unknown_command(line: &[u8]) -> String {
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    format!("unknown command: {}.  Try `help'.", String::from_utf8_lossy(word))
}

fn refuse_long(line: &[u8], intake: &mut Intake<'_>, replies: &mut Replies<'_>) {
    let reject = too_long(intake.policy);
    reply_error("put", &reject, intake.policy, replies);
    intake.reject(Protocol::Telnet, &reject, line);
}

fn too_long(policy: &Policy) -> Reject {
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
