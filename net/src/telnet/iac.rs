//! Telnet's own commands (RFC 854) in the lines of real telnet clients: the byte FF and what belongs
//! to it. They mean nothing here and are taken out. Lines without FF never come here. Pure.

use std::borrow::Cow;

/// Interpret as command.
const IAC: u8 = 0xff;
/// Begin and end of a subnegotiation.
const SB: u8 = 0xfa;
const SE: u8 = 0xf0;

/// The line without telnet commands; `None` if there was nothing else on it. A command that the line's
/// end cuts off ends with the line. FF before what is no command stays, and so does a doubled one:
/// it stands for the byte itself, which is in no valid text.
pub fn strip(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(IAC, line).is_none() {
        return Some(Cow::Borrowed(line));
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(IAC, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = match rest[at + 1..] {
            [] => &[],
            [IAC, ref behind @ ..] => {
                out.extend_from_slice(&[IAC, IAC]);
                behind
            }
            [SB, ref inner @ ..] => behind_subnegotiation(inner),
            // WILL, WONT, DO, DONT and their option.
            [0xfb..=0xfe] => &[],
            [0xfb..=0xfe, _, ref behind @ ..] => behind,
            [SE..=0xf9, ref behind @ ..] => behind,
            ref data => {
                out.push(IAC);
                data
            }
        };
    }
    out.extend_from_slice(rest);
    (!out.is_empty()).then_some(Cow::Owned(out))
}

fn behind_subnegotiation(inner: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(inner, &[IAC, SE]);
    end.map_or(&[], |end| &inner[end + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_out_and_data_is_not() {
        for (line, left) in [
            (&b"version"[..], Some(&b"version"[..])),
            (b"", Some(b"")),
            (b"\xff\xfd\x03\xff\xfb\x18version", Some(b"version")),
            (b"ver\xff\xf1sion\xff\xf4\xff\xfd\x06", Some(b"version")),
            (b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0version", Some(b"version")),
            (b"\xff\xfa\x1f\x00\x50\x00", None),
            (b"\xff\xf0version", Some(b"version")),
            (b"\xff", None),
            (b"\xff\xfb", None),
            (b"\xff\xfb\x1f", None),
            (b"a\xffb", Some(b"a\xffb")),
            (b"a\xff\xffb", Some(b"a\xff\xffb")),
            (b"a\xff\xff\xff\xf1", Some(b"a\xff\xff")),
        ] {
            assert_eq!(strip(line).as_deref(), left, "{line:?}");
        }
    }
}
