//! `put` and `histogram` lines of a datagram: no replies, no other command, and its end ends the last line. No
//! sockets here.

use super::commands::{accept, accept_histogram, command, too_long, unknown_command};
use super::lookup::Trail;
use super::{Scratch, fast, histogram, take_regular};
use crate::intake::Intake;
use crate::reject::{Protocol, Reason, Reject};
use memchr::memrchr;

/// Takes all lines. If the datagram may be `cut`, what is not ended by a newline is refused.
pub fn take(
    datagram: &[u8],
    cut: bool,
    trail: &mut Trail,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
) {
    let (datagram, rest) = if cut { whole_lines(datagram) } else { (datagram, &[][..]) };
    scratch.scanner.scan(datagram, &mut scratch.masks);
    let mut start = 0;
    while start < datagram.len() {
        let end = scratch.masks.newline(start).unwrap_or(datagram.len());
        if let Err(reject) = line(datagram, start, end, trail, scratch, intake) {
            intake.reject(Protocol::Udp, &reject, &datagram[start..end]);
        }
        start = end + 1;
    }
    if !rest.is_empty() {
        let reject = Reject::new(Reason::LineTooLong, "the datagram is too long and was cut");
        intake.reject(Protocol::Udp, &reject, rest);
    }
}

/// The lines that are ended by a newline, and what follows them.
fn whole_lines(datagram: &[u8]) -> (&[u8], &[u8]) {
    datagram.split_at(memrchr(b'\n', datagram).map_or(0, |at| at + 1))
}

fn line(
    datagram: &[u8],
    start: usize,
    end: usize,
    trail: &mut Trail,
    scratch: &mut Scratch,
    intake: &mut Intake<'_>,
) -> Result<(), Reject> {
    let returned = datagram[start..end].ends_with(b"\r");
    let end = end - usize::from(returned);
    if end - start > intake.policy.line_bytes_max {
        return Err(too_long(intake.policy));
    }
    let fields = fast::split(datagram, &scratch.masks, start, end);
    if let Some(fields) = fields
        && take_regular(fields, Protocol::Udp, intake, trail, &mut scratch.name)?
    {
        return Ok(());
    }
    let line = &datagram[start..end];
    match command(line, intake.policy) {
        (b"put", rest) => accept(rest, fields, trail, Protocol::Udp, scratch, intake),
        (b"histogram", rest) => histogram::judge(rest, intake.policy)
            .and_then(|sample| accept_histogram(sample, Protocol::Udp, scratch, intake)),
        _ => Err(Reject::new(Reason::UnknownCommand, unknown_command(line))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_cut_datagram_only_whole_lines_are_taken() {
        for (datagram, lines, rest) in [
            ("put a 1 1\nput b 1 12", "put a 1 1\n", "put b 1 12"),
            ("put a 1 1\n", "put a 1 1\n", ""),
            ("put a 1 1", "", "put a 1 1"),
        ] {
            let expected = (lines.as_bytes(), rest.as_bytes());
            assert_eq!(whole_lines(datagram.as_bytes()), expected, "{datagram:?}");
        }
    }
}
