//! Lines of one KairosDB telnet connection: bytes in, points out. No sockets here.

use super::line::{self, Unit};
use super::{version, words};
use crate::intake::Intake;
use crate::reject::{Protocol, Reason, Reject};
use memchr::memchr;

/// Where a connection stands between two reads.
#[derive(Debug, Default)]
pub struct Session {
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
}

impl Session {
    /// Takes all whole lines; how many bytes are done with. Only `version` is answered, to `out`.
    pub fn take(&mut self, bytes: &[u8], intake: &mut Intake<'_>, out: &mut Vec<u8>) -> usize {
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &bytes[start..]) {
            let line = &bytes[start..start + length];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            start += length + 1;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if let Err(reject) = take_line(line, intake, out) {
                intake.reject(Protocol::Kairosdb, &reject, line);
            }
        }
        start + self.overlong(&bytes[start..], intake)
    }

    /// A partial line beyond the limit is refused at once and skipped to its end.
    fn overlong(&mut self, rest: &[u8], intake: &mut Intake<'_>) -> usize {
        // One more byte may still be the carriage return of a line that just fits.
        if !self.skipping && rest.len() <= intake.policy.line_bytes_max + 1 {
            return 0;
        }
        if !std::mem::replace(&mut self.skipping, true) {
            intake.reject(Protocol::Kairosdb, &too_long(intake), rest);
        }
        rest.len()
    }
}

fn take_line(line: &[u8], intake: &mut Intake<'_>, out: &mut Vec<u8>) -> Result<(), Reject> {
    if line.len() > intake.policy.line_bytes_max {
        return Err(too_long(intake));
    }
    let words = words::split(line)?;
    let (command, arguments) = match words.split_first() {
        Some((command, arguments)) => (&**command, arguments),
        None => (&b""[..], &[][..]),
    };
    let unit = match command {
        b"put" => Unit::Any,
        b"putm" => Unit::Milliseconds,
        b"version" => {
            out.extend_from_slice(version().as_bytes());
            out.push(b'\n');
            return Ok(());
        }
        b"puts" => return Err(Reject::new(Reason::IllegalArgument, "texts are no values here")),
        other => {
            let message = format!("Unknown command: '{}'", String::from_utf8_lossy(other));
            return Err(Reject::new(Reason::UnknownCommand, message));
        }
    };
    let point = line::judge(arguments, unit, intake.policy)?;
    intake.admit(point.timestamp_ms)?;
    let series = intake.series(&point.name)?;
    intake.push(Protocol::Kairosdb, series, point.timestamp_ms, point.value);
    Ok(())
}

fn too_long(intake: &Intake<'_>) -> Reject {
    let message = format!("line too long (at most {} bytes)", intake.policy.line_bytes_max);
    Reject::new(Reason::LineTooLong, message)
}
