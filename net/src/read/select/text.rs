//! What names and strings of a selector mean.
//!
//! There are two rules, and the place decides: a name, bare or quoted, has escapes of characters
//! (`\xHH` is a code point and a backslash before anything else keeps it), while a value is
//! unquoted as Go does it (`\xHH` is a byte, unknown escapes are errors, backticks are raw).

/// Whether a bare name may start so. Letters of all alphabets count.
pub(super) fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == ':'
}

/// Whether a bare name may go on so.
pub(super) fn is_name_char(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit() || c == '.'
}

/// The character an escape in a name stands for and the bytes it takes; `text` starts behind the
/// backslash.
pub(super) fn escaped_char(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let digits = match first {
        'x' | 'X' => 2,
        'u' | 'U' => 4,
        _ if first.is_control() => return None,
        _ => return Some((first, first.len_utf8())),
    };
    Some((char::from_u32(hex(text.get(1..1 + digits)?)?)?, 1 + digits))
}

/// Resolves the escapes of a bare name.
pub(super) fn name(raw: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, behind)) = rest.split_once('\\') {
        let (c, len) = escaped_char(behind).ok_or("bad escape in a name")?;
        out.push_str(plain);
        out.push(c);
        rest = &behind[len..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Resolves a quoted name.
pub(super) fn quoted_name(raw: &str) -> Result<String, &'static str> {
    name(&raw[1..raw.len() - 1])
}

/// Resolves a string value.
pub(super) fn value(raw: &str) -> Result<String, &'static str> {
    let inner = &raw[1..raw.len() - 1];
    if raw.starts_with('`') {
        // Go drops carriage returns here, so that line ends of the source do not matter.
        return Ok(inner.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, behind)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let len = push_escaped(behind, &raw[..1], &mut bytes).ok_or("bad escape in a string")?;
        rest = &behind[len..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    if inner.contains('\n') {
        return Err("line end in a string");
    }
    String::from_utf8(bytes).map_err(|_| "string is not UTF-8")
}

/// Appends what an escape stands for and returns the bytes it takes; only the quote that
/// delimits the string may be escaped.
fn push_escaped(text: &str, quote: &str, bytes: &mut Vec<u8>) -> Option<usize> {
    let first = *text.as_bytes().first()?;
    let plain = match first {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        _ if text.starts_with(quote) => first,
        _ => return push_number(text, first, bytes),
    };
    bytes.push(plain);
    Some(1)
}

fn push_number(text: &str, first: u8, bytes: &mut Vec<u8>) -> Option<usize> {
    match first {
        b'x' => bytes.push(u8::try_from(hex(text.get(1..3)?)?).ok()?),
        b'u' => return push_char(text.get(1..5)?, bytes),
        b'U' => return push_char(text.get(1..9)?, bytes),
        b'0'..=b'7' => bytes.push(octal(text.get(..3)?)?),
        _ => return None,
    }
    Some(3)
}

fn push_char(digits: &str, bytes: &mut Vec<u8>) -> Option<usize> {
    let c = char::from_u32(hex(digits)?)?;
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(1 + digits.len())
}

/// Hex digits only: `from_str_radix` would take a plus sign, too.
pub(super) fn hex(digits: &str) -> Option<u32> {
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok())?
}

fn octal(digits: &str) -> Option<u8> {
    let all = digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    all.then(|| u8::from_str_radix(digits, 8).ok())?
}
