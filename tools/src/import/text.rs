//! JSON lines and put lines.

use super::Intake;
use super::source::Source;
use irontsd_net::import;
use irontsd_net::reject::{Reason, Reject};
use irontsd_net::telnet::single;
use std::io::{self, BufRead, Read};

/// Longest line in bytes: it is held as a whole, and as numbers besides.
const LINE_BYTES_MAX: usize = 1 << 30;

/// Reads JSON lines.
pub fn json(source: Source, intake: &mut Intake) -> Result<(), String> {
    each_line(source, intake, |intake, line| {
        let policy = intake.policy.clone();
        let outcome = import::judge(line, &policy, &[], |name, samples| intake.take(name, samples));
        outcome.errors.into_iter().next().map_or(Ok(()), |(_, reject)| Err(reject))
    })
}

/// Reads put and histogram lines.
pub fn put(source: Source, intake: &mut Intake) -> Result<(), String> {
    let mut name = Vec::new();
    each_line(source, intake, |intake, line| {
        let sample = single::judge(line, &intake.policy, &mut name)?;
        intake.take(&name, &[sample])
    })
}

/// Passes on lines without their ends; empty ones are none.
fn each_line(
    source: Source,
    intake: &mut Intake,
    mut judge: impl FnMut(&mut Intake, &[u8]) -> Result<(), Reject>,
) -> Result<(), String> {
    let mut stream = source.stream();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let failed =
            |error: io::Error| format!("cannot read on behind line {}: {error}", number - 1);
        let limit = LINE_BYTES_MAX as u64 + 1;
        if stream.by_ref().take(limit).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        let outcome = if line.len() > LINE_BYTES_MAX && !line.ends_with(b"\n") {
            skip_line(&mut stream).map_err(failed)?;
            let message = format!("a line of more than {LINE_BYTES_MAX} bytes");
            Err(Reject::new(Reason::LineTooLong, message))
        } else if line.trim_ascii().is_empty() {
            continue;
        } else {
            judge(intake, line.strip_suffix(b"\n").unwrap_or(&line))
        };
        intake.judged(number, outcome)?;
    }
    Ok(())
}

fn skip_line(stream: &mut impl BufRead) -> io::Result<()> {
    stream.skip_until(b'\n').map(drop)
}
