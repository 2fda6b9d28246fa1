//! Answers: status line, headers, body.

use crate::put::reply::error_object;

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Content type; empty if there is no body.
    pub content_type: &'static str,
    /// Further header lines, each with its line end.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Content type of JSON as OpenTSDB names it.
pub const JSON: &str = "application/json; charset=UTF-8";
/// Content type of JSON as Prometheus names it.
pub const PLAIN_JSON: &str = "application/json";
/// Content type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// Content type of export lines.
pub const JSON_LINES: &str = "application/stream+json; charset=utf-8";

impl Reply {
    /// An answer with a body.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, content_type, headers: String::new(), body: body.into() }
    }

    /// An answer without one.
    pub fn empty(status: u16) -> Reply {
        Reply::new(status, "", Vec::new())
    }

    /// OpenTSDB's error object.
    pub fn error(status: u16, message: &str, details: Option<&str>) -> Reply {
        Reply::new(status, JSON, error_object(status, message, details))
    }

    /// A plain sentence.
    pub fn text(status: u16, text: impl Into<String>) -> Reply {
        let mut text: String = text.into();
        text.push('\n');
        Reply::new(status, TEXT, text)
    }

    /// Appends the answer.
    pub fn write(&self, out: &mut Vec<u8>, framing: Framing) {
        let mut head = start(self.status, self.content_type);
        head.push_str(&self.headers);
        if self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str(framing.connection());
        head.push_str("\r\n");
        out.extend_from_slice(head.as_bytes());
        if !framing.head_only {
            out.extend_from_slice(&self.body);
        }
    }
}

/// How the client wants its answers framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// The connection stays open.
    pub keep_alive: bool,
    /// HTTP/1.1: chunks are understood.
    pub chunked: bool,
    /// A HEAD request: no body.
    pub head_only: bool,
}

impl Framing {
    fn connection(self) -> &'static str {
        match (self.keep_alive, self.chunked) {
            (false, _) => "Connection: close\r\n",
            (true, false) => "Connection: keep-alive\r\n",
            (true, true) => "",
        }
    }
}

fn start(status: u16, content_type: &str) -> String {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    if !content_type.is_empty() {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    head
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// The head of an answer whose body follows in pieces.
pub fn write_stream_head(out: &mut Vec<u8>, content_type: &str, framing: Framing) {
    let mut head = start(200, content_type);
    if framing.chunked {
        head.push_str("Transfer-Encoding: chunked\r\n");
    }
    head.push_str(
        Framing { keep_alive: framing.keep_alive && framing.chunked, ..framing }.connection(),
    );
    head.push_str("\r\n");
    out.extend_from_slice(head.as_bytes());
}

/// Appends one chunk that `fill` produces, unless it produces nothing: a chunk of length zero would
/// end the body. Returns what `fill` returns.
pub fn write_chunk<T>(
    out: &mut Vec<u8>,
    framing: Framing,
    fill: impl FnOnce(&mut Vec<u8>) -> T,
) -> T {
    const SIZE_LINE: &[u8] = b"00000000\r\n";
    let start = out.len();
    if framing.chunked {
        out.extend_from_slice(SIZE_LINE);
    }
    let body = out.len();
    let filled = fill(out);
    let bytes = out.len() - body;
    if !framing.chunked {
        return filled;
    }
    if bytes == 0 {
        out.truncate(start);
    } else {
        out[start..start + 8].copy_from_slice(format!("{bytes:08x}").as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    filled
}

/// Ends a body sent in pieces.
pub fn write_stream_end(out: &mut Vec<u8>, framing: Framing) {
    if framing.chunked {
        out.extend_from_slice(b"0\r\n\r\n");
    }
}
