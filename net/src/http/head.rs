//! Strict parser for the head of an HTTP/1.x request: everything up to the empty line.
//!
//! Telnet and HTTP share ports, bodies are framed by what stands here, and proxies may sit in
//! front, so anything two readers could understand differently is an error, and every error means
//! answer and close. Pure and without memory between calls: the caller hands over all bytes it
//! holds, again after each read; the answer depends on the bytes alone, not on how they arrived.
//!
//! Lines may end in LF alone because people type requests into `nc`, but one head has one kind of
//! line end. Targets may hold bytes a URI must encode (`{`, `"`, UTF-8): `curl -g` sends them so.

use std::fmt;

use memchr::{memchr, memchr_iter};

mod fields;
#[cfg(test)]
mod tests;

use fields::Fields;

/// Longest method name accepted; the longest registered one has 17 letters.
const METHOD_BYTES_MAX: usize = 20;

/// What a head may cost before it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes up to and including the empty line.
    pub head_bytes_max: usize,
    /// Header lines.
    pub headers_max: usize,
    /// Bytes of the request target.
    pub target_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_bytes_max: 16384, headers_max: 100, target_bytes_max: 8192 }
    }
}

/// How far the bytes at hand go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The empty line has not arrived.
    Incomplete,
    /// The head is whole; the body begins at `len`.
    Complete {
        /// What the head says.
        head: Head,
        /// How the body behind it is delimited.
        body: Framing,
        /// Bytes the head took, a tolerated leading empty line included.
        len: usize,
    },
}

/// Request method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// Any other token, as sent.
    Other(String),
}

impl Method {
    fn from_token(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The method as it stands in a request line.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other(token) => token,
        }
    }
}

/// How the body behind the head is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// No body.
    None,
    /// Exactly this many bytes.
    Length(u64),
    /// Chunked transfer coding.
    Chunked,
}

/// A request head that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Request method.
    pub method: Method,
    /// Path and query as sent; of an absolute-form target the part behind the authority.
    pub target: String,
    /// Minor version, 0 or 1.
    pub minor: u8,
    /// The client wants the connection kept open.
    pub keep_alive: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub expect_continue: bool,
    /// `Content-Encoding` in lower case; several lines are joined with a comma.
    pub content_encoding: Option<String>,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// The answer may be compressed with gzip.
    pub accept_gzip: bool,
    /// `Origin` as sent.
    pub origin: Option<String>,
    /// Host and port from an absolute-form target, else from `Host`.
    pub host: Option<String>,
}

impl Head {
    /// The target up to the question mark.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The target behind the first question mark, empty without one.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// Why a head was refused. The connection must be closed after the answer: what follows in the
/// stream cannot be trusted to be the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadError {
    /// Status to answer with: 400, 414, 431, 501 or 505.
    pub status: u16,
    /// Where in the buffer, in bytes.
    pub offset: usize,
    /// What was wrong.
    pub message: String,
}

impl HeadError {
    fn new(status: u16, offset: usize, message: impl Into<String>) -> Self {
        Self { status, offset, message: message.into() }
    }

    fn bad(offset: usize, message: impl Into<String>) -> Self {
        Self::new(400, offset, message)
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the request", self.message, self.offset)
    }
}

impl std::error::Error for HeadError {}

/// Whether a first line, with or without its line end, opens an HTTP/1.x request and not a telnet
/// command. Looser than [`parse`] on purpose: a request with faults must get an HTTP answer.
pub fn is_request_line(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some([method, target, version]) = three_words(line) else {
        return false;
    };
    (1..=METHOD_BYTES_MAX).contains(&method.len())
        && method.iter().all(u8::is_ascii_uppercase)
        && !target.is_empty()
        && target.iter().all(|&byte| is_target_byte(byte))
        && matches!(version.strip_prefix(b"HTTP/1."), Some([minor]) if minor.is_ascii_digit())
}

/// Parses the head at the start of `buf`.
///
/// # Errors
/// On anything that is not a well-formed head within `limits`. An error in the request line is
/// reported once that line is whole, any other once the head is whole or too long.
pub fn parse(buf: &[u8], limits: &Limits) -> Result<Progress, HeadError> {
    // All later answers are read off this window, so that bytes behind the limit change nothing.
    let window = &buf[..buf.len().min(limits.head_bytes_max)];
    let full = window.len() == limits.head_bytes_max;
    let Some(first) = Line::at(window, empty_line_len(window)) else {
        return unfinished(full, 414, "request line too long", limits);
    };
    let request = RequestLine::parse(&first, limits)?;
    let Some(len) = head_end(window, first.next) else {
        return unfinished(full, 431, "request head too long", limits);
    };
    let mut fields = Fields::default();
    read_fields(&window[..len], &first, limits, &mut fields)?;
    let (head, body) = fields.into_head(request, len)?;
    Ok(Progress::Complete { head, body, len })
}

fn unfinished(full: bool, status: u16, what: &str, limits: &Limits) -> Result<Progress, HeadError> {
    if !full {
        return Ok(Progress::Incomplete);
    }
    let max = limits.head_bytes_max;
    Err(HeadError::new(status, max, format!("{what}, the limit is {max} bytes")))
}

/// RFC 9112 2.2: an empty line before the request line is skipped; we skip only one.
fn empty_line_len(buf: &[u8]) -> usize {
    match buf {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    }
}

/// End of the empty line that closes the head; `start` is the start of a line.
fn head_end(window: &[u8], start: usize) -> Option<usize> {
    let mut line = start;
    for lf in memchr_iter(b'\n', &window[start..]).map(|lf| start + lf) {
        if matches!(&window[line..lf], [] | [b'\r']) {
            return Some(lf + 1);
        }
        line = lf + 1;
    }
    None
}

fn read_fields<'a>(
    head: &'a [u8],
    first: &Line<'a>,
    limits: &Limits,
    fields: &mut Fields<'a>,
) -> Result<(), HeadError> {
    let mut next = first.next;
    let mut count = 0;
    while let Some(line) = Line::at(head, next) {
        line.check(first)?;
        if line.text.is_empty() {
            break;
        }
        count += 1;
        if count > limits.headers_max {
            let message = format!("more than {} header lines", limits.headers_max);
            return Err(HeadError::new(431, line.at, message));
        }
        fields.read(&line)?;
        next = line.next;
    }
    Ok(())
}

/// One line without its end.
struct Line<'a> {
    at: usize,
    text: &'a [u8],
    crlf: bool,
    next: usize,
}

impl<'a> Line<'a> {
    fn at(buf: &'a [u8], at: usize) -> Option<Self> {
        let end = at + memchr(b'\n', &buf[at..])?;
        let text = &buf[at..end];
        let stripped = text.strip_suffix(b"\r");
        Some(Self { at, text: stripped.unwrap_or(text), crlf: stripped.is_some(), next: end + 1 })
    }

    /// No control bytes (a bare CR is one) and the line end of the first line: a proxy that takes
    /// only one kind of line end would otherwise see other headers than we do.
    fn check(&self, first: &Line<'_>) -> Result<(), HeadError> {
        if let Some(i) = self.text.iter().position(|&b| (b < 0x20 && b != b'\t') || b == 0x7f) {
            return Err(HeadError::bad(self.at + i, control_message(self.text[i])));
        }
        if self.crlf != first.crlf {
            return Err(HeadError::bad(self.next - 1, "CRLF and bare LF line ends mixed"));
        }
        Ok(())
    }
}

fn control_message(byte: u8) -> String {
    match byte {
        b'\r' => "CR without LF".to_owned(),
        _ => format!("control byte 0x{byte:02X}"),
    }
}

fn three_words(line: &[u8]) -> Option<[&[u8]; 3]> {
    let mut words = line.split(|&byte| byte == b' ');
    let three = [words.next()?, words.next()?, words.next()?];
    words.next().is_none().then_some(three)
}

fn is_target_byte(byte: u8) -> bool {
    byte > 0x20 && byte != 0x7f
}

/// RFC 9110 5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The request line, checked but not yet copied: it is read again on every call.
struct RequestLine<'a> {
    method: &'a str,
    /// Without scheme and authority, and then perhaps without a path.
    target: &'a str,
    /// Authority of an absolute-form target and its place.
    authority: Option<(usize, &'a str)>,
    minor: u8,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &Line<'a>, limits: &Limits) -> Result<Self, HeadError> {
        line.check(line)?;
        let [method, target, version] = three_words(line.text).ok_or_else(|| {
            HeadError::bad(line.at, "request line is not method, target and version")
        })?;
        let target_at = line.at + method.len() + 1;
        let minor = minor_version(version, target_at + target.len() + 1)?;
        let method = method_name(method, line.at)?;
        let target = target_text(target, target_at, limits)?;
        Self::of_form(method, target, target_at, minor)
    }

    fn of_form(method: &'a str, target: &'a str, at: usize, minor: u8) -> Result<Self, HeadError> {
        if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
            return Ok(Self { method, target, authority: None, minor });
        }
        let Some((skipped, rest)) = strip_scheme(target) else {
            return Err(HeadError::bad(at, "request target does not start with a slash"));
        };
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        Ok(Self { method, target, authority: Some((at + skipped, authority)), minor })
    }
}

fn strip_scheme(target: &str) -> Option<(usize, &str)> {
    ["http://", "https://"].iter().find_map(|scheme| {
        let start = target.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| (scheme.len(), &target[scheme.len()..]))
    })
}

fn minor_version(version: &[u8], at: usize) -> Result<u8, HeadError> {
    match version {
        b"HTTP/1.0" => Ok(0),
        b"HTTP/1.1" => Ok(1),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(HeadError::new(505, at, "HTTP version is neither 1.0 nor 1.1"))
        }
        _ => Err(HeadError::bad(at, "request line does not end in HTTP/1.0 or HTTP/1.1")),
    }
}

fn method_name(method: &[u8], at: usize) -> Result<&str, HeadError> {
    if method.is_empty() || method.len() > METHOD_BYTES_MAX {
        return Err(HeadError::bad(at, "method is empty or too long"));
    }
    if let Some(i) = method.iter().position(|&byte| !is_token_byte(byte)) {
        return Err(HeadError::bad(at + i, "method is not a token"));
    }
    str::from_utf8(method).map_err(|_| HeadError::bad(at, "method is not ASCII"))
}

fn target_text<'a>(target: &'a [u8], at: usize, limits: &Limits) -> Result<&'a str, HeadError> {
    if target.len() > limits.target_bytes_max {
        let message = format!("request target longer than {} bytes", limits.target_bytes_max);
        return Err(HeadError::new(414, at, message));
    }
    // A fragment never belongs in a request, and readers differ on where it would end the path.
    if let Some(i) = target.iter().position(|&byte| !is_target_byte(byte) || byte == b'#') {
        return Err(HeadError::bad(at + i, "byte not allowed in a request target"));
    }
    str::from_utf8(target)
        .map_err(|e| HeadError::bad(at + e.valid_up_to(), "request target is not UTF-8"))
}
