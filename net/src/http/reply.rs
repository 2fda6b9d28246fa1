//! Answers: status line, headers, body.

use crate::put::reply::error_object;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

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
/// Content type of tables.
pub const CSV: &str = "text/csv; charset=utf-8";
/// Content type of export lines.
pub const JSON_LINES: &str = "application/stream+json; charset=utf-8";

/// Says that the same request may be answered packed or not.
pub const VARY: &str = "Vary: Accept-Encoding\r\n";
/// Shorter bodies are not worth packing.
const PACKED_BYTES_MIN: usize = 1024;

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

    /// Packs a large body, if the client takes that. For workers: event loops do not pack.
    pub fn packed(mut self, framing: Framing) -> Reply {
        if self.body.len() < PACKED_BYTES_MIN {
            return self;
        }
        self.headers.push_str(VARY);
        if framing.gzip {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            if packer.write_all(&self.body).is_ok()
                && let Ok(body) = packer.finish()
            {
                self.headers.push_str("Content-Encoding: gzip\r\n");
                self.body = body;
            }
        }
        self
    }

    /// Appends the answer.
    pub fn write(&self, out: &mut Vec<u8>, framing: Framing) {
        start(out, self.status, self.content_type);
        out.extend_from_slice(self.headers.as_bytes());
        if self.status != 204 {
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(framing.connection().as_bytes());
        out.extend_from_slice(b"\r\n");
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
    /// Bodies may be packed with gzip.
    pub gzip: bool,
}

impl Framing {
    /// The header line about the connection's future.
    pub(super) fn connection(self) -> &'static str {
        match (self.keep_alive, self.chunked) {
            (false, _) => "Connection: close\r\n",
            (true, false) => "Connection: keep-alive\r\n",
            (true, true) => "",
        }
    }
}

/// Appends the status line and the content type.
pub(super) fn start(out: &mut Vec<u8>, status: u16, content_type: &str) {
    let digits = [status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8);
    for part in [b"HTTP/1.1 ", &digits[..], b" ", reason(status).as_bytes(), b"\r\n"] {
        out.extend_from_slice(part);
    }
    if !content_type.is_empty() {
        for part in ["Content-Type: ", content_type, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
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
