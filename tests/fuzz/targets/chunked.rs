//! Chunked bodies: the decoder in pieces of any size against a plain one that sees all bytes at once. The
//! first byte is the size of the pieces, the second a limit of the body.

use irontsd_net::http::body::ChunkedDecoder;

use super::pieces;

/// Longer inputs could meet limits that the plain decoder does not know.
const BYTES_MAX: usize = 4000;

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&[cut, limit], body)) = bytes.split_first_chunk::<2>() else { return };
    if body.len() > BYTES_MAX {
        return;
    }
    let bytes_max = if limit == 0 { u64::MAX } else { limit.into() };
    let found = decode(body, bytes_max, cut);
    assert_eq!(found, decode(body, bytes_max, 1), "byte by byte");
    match (plain(body, bytes_max), found) {
        (Some(plain), found) => assert_eq!(found, Ok((plain.0, plain.1, true))),
        (None, Ok((_, _, true))) => panic!("taken, but not by the plain decoder"),
        (None, _) => {}
    }
}

/// Data, bytes used, whether it is whole; or the status of the error.
type Outcome = Result<(Vec<u8>, usize, bool), u16>;

fn decode(body: &[u8], bytes_max: u64, cut: u8) -> Outcome {
    let mut decoder = ChunkedDecoder::new(bytes_max);
    let (mut out, mut used, mut done) = (Vec::new(), 0, false);
    for piece in pieces(body, cut) {
        let fed = decoder.feed(piece, &mut out).map_err(|error| {
            assert!(out.len() as u64 <= bytes_max && error.offset < body.len() as u64);
            error.status
        })?;
        (used, done) = (used + fed.0, fed.1);
        if done {
            break;
        }
        assert_eq!(fed.0, piece.len(), "input left over");
    }
    assert_eq!(decoder.decoded(), out.len() as u64);
    Ok((out, used, done))
}

fn plain(body: &[u8], bytes_max: u64) -> Option<(Vec<u8>, usize)> {
    let (mut data, mut at) = (Vec::new(), 0);
    loop {
        let line = line(body, &mut at)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits_text = str::from_utf8(&line[..digits]).ok()?;
        let size = u64::from_str_radix(digits_text, 16).ok().filter(|_| digits <= 16)?;
        is_extension(&line[digits..]).then_some(())?;
        if size > bytes_max - data.len() as u64 {
            return None;
        }
        if size == 0 {
            break;
        }
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        data.extend_from_slice(body.get(at..end)?);
        (body.get(end..end.checked_add(2)?)? == b"\r\n").then_some(())?;
        at = end + 2;
    }
    loop {
        let line = line(body, &mut at)?;
        if line.is_empty() {
            return Some((data, at));
        }
        let colon = line.iter().position(|&byte| byte == b':')?;
        let named = colon > 0 && line[..colon].iter().all(|&byte| is_token(byte));
        (named && line[colon + 1..].iter().all(|&byte| is_text(byte))).then_some(())?;
    }
}

/// The bytes up to the next CRLF.
fn line<'a>(body: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = body.get(*at..)?;
    let len = rest.windows(2).position(|pair| pair == b"\r\n")?;
    *at += len + 2;
    Some(&rest[..len])
}

/// Nothing, or a semicolon, a name and whatever is printable.
fn is_extension(text: &[u8]) -> bool {
    let blank = |text: &&u8| matches!(text, b' ' | b'\t');
    if text.is_empty() {
        return true;
    }
    let text = &text[text.iter().take_while(blank).count()..];
    let Some(text) = text.strip_prefix(b";") else { return false };
    let text = &text[text.iter().take_while(blank).count()..];
    text.first().is_some_and(|&byte| is_token(byte)) && text.iter().all(|&byte| is_text(byte))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}
