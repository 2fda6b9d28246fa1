//! The telnet protocol of one connection: lines in, rows and replies out. No sockets here.

mod commands;
pub mod datagram;
pub(crate) mod digits;
pub mod fast;
pub mod histogram;
mod iac;
pub mod line;
pub mod lookup;
mod near;
mod predict;
pub mod scan;
pub mod single;
mod tidy;
pub(crate) mod window;

pub use commands::{take_plainly, unavailable, version};

use crate::intake::Intake;
use crate::number;
use crate::reject::{Protocol, Reject};
use commands::{refuse, refuse_long, slow};
use lookup::Trail;
use predict::{Bounds, Stamp, Take};
use scan::{Masks, Scanner};

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
    /// Which timestamp came last.
    stamp: Stamp,
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
        Scratch::new(Scanner::chosen())
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
        let mut start = self.predicted(bytes, scratch.scanner.take, intake);
        // Separators are looked for only behind the first line that was not guessed.
        let (base, bytes) = (start, &bytes[start..]);
        scratch.scanner.scan(bytes, &mut scratch.masks);
        start = 0;
        while let Some(end) = scratch.masks.newline(start) {
            // The series behind one that was just made is probably new, too.
            if intake.pending.making
                && let Some(next) = scratch.masks.newline(end + 1)
                && let Some(fields) = fast::split(bytes, &scratch.masks, end + 1, next)
            {
                intake.lookup.ask_for(fields.metric, fields.tags);
            }
            let next = self.line(bytes, start, end, scratch, intake, replies);
            start = end + 1;
            if next == Next::Close || replies.waiting() >= REPLY_BYTES_MAX {
                return (base + start, next);
            }
            start += self.predicted(&bytes[start..], scratch.scanner.take, intake);
        }
        (base + start + self.overlong(&bytes[start..], intake, replies), Next::Continue)
    }

    /// Takes lines for as long as their series are those that came next last time.
    fn predicted(&mut self, bytes: &[u8], take: Take, intake: &mut Intake<'_>) -> usize {
        if self.skipping || !intake.is_open() {
            return 0;
        }
        let bounds =
            Bounds { line_bytes_max: intake.policy.line_bytes_max, oldest_ms: intake.oldest_ms };
        let rows_before = intake.pending.batch.len();
        let batch = &mut intake.pending.batch;
        let taken = (take)(bytes, intake.lookup, bounds, &mut self.trail, &mut self.stamp, batch);
        intake.count(Protocol::Telnet, intake.pending.batch.len() - rows_before);
        taken
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
        let line = &bytes[start..end];
        let taken = match fields {
            Some(fields) => {
                let name = &mut scratch.name;
                take_regular(fields, Protocol::Telnet, intake, &mut self.trail, name)
            }
            None => Ok(false),
        };
        match taken {
            Ok(true) => Next::Continue,
            Ok(false) => slow(line, fields, &mut self.trail, scratch, intake, replies),
            Err(reject) => {
                refuse(line, &reject, intake, replies);
                Next::Continue
            }
        }
    }
}

/// Takes a line whose numbers are plain and whose series is known, or has a tidy name; whether
/// it did. It is refused if its series may not be made.
#[inline]
fn take_regular(
    fields: fast::Fields<'_>,
    protocol: Protocol,
    intake: &mut Intake<'_>,
    trail: &mut Trail,
    name: &mut Vec<u8>,
) -> Result<bool, Reject> {
    // While rows are refused each line is judged, and gets an answer.
    if !intake.is_open() {
        return Ok(false);
    }
    // A double of many digits is read plainly: what that takes, the plain reading of a line takes.
    let value = fast::value(fields.value).or_else(|| number::value(fields.value).ok());
    let Some(value) = value else { return Ok(false) };
    let fraction = || match intake.policy.strict {
        true => None,
        false => number::timestamp(fields.timestamp).ok()?.ms,
    };
    let timestamp_ms = fast::timestamp_ms(fields.timestamp).or_else(fraction);
    let Some(timestamp_ms) = timestamp_ms else { return Ok(false) };
    if timestamp_ms < intake.oldest_ms {
        return Ok(false);
    }
    let series = match intake.lookup.find(fields.metric, fields.tags, trail) {
        Some(series) => series,
        None if tidy::name(&fields, intake.policy, name) => {
            let series = intake.series(name)?;
            intake.lookup.learn(fields.metric, fields.tags, series, trail);
            series
        }
        None => return Ok(false),
    };
    intake.push(protocol, series, timestamp_ms, value);
    Ok(true)
}
