//! A plain HTTP/1.1 client over one socket, exact enough to send anything.
//!
//! Requests are bytes, so that heads can be split, pipelined or wrong. Answers are read by the
//! rules of RFC 9112: chunked, `Content-Length`, or until the end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::Json;
use super::stream::connect;

/// One connection.
pub struct Http {
    stream: BufReader<TcpStream>,
    /// Trailer fields of the last chunked body.
    trailers: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Header fields, then those of the trailer.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Http {
    /// Connects.
    #[track_caller]
    pub fn connect(addr: SocketAddr) -> Http {
        Http::try_connect(addr).expect("the node accepts")
    }

    /// Connects to a node that may be gone.
    pub fn try_connect(addr: SocketAddr) -> io::Result<Http> {
        let stream = connect(addr)?;
        Ok(Http { stream: BufReader::with_capacity(1 << 16, stream), trailers: Vec::new() })
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.try_send(bytes.as_ref()).expect("the node reads");
        self
    }

    /// Sends bytes to a node that may have closed.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        self.stream.get_mut().shutdown(Shutdown::Write).expect("a half-close");
    }

    /// GET and its answer.
    #[track_caller]
    pub fn get(&mut self, target: &str) -> Response {
        self.request("GET", target, &[], b"")
    }

    /// POST and its answer.
    #[track_caller]
    pub fn post(&mut self, target: &str, body: &[u8]) -> Response {
        self.request("POST", target, &["Content-Type: application/json"], body)
    }

    /// Any request and its answer.
    #[track_caller]
    pub fn request(&mut self, method: &str, target: &str, lines: &[&str], body: &[u8]) -> Response {
        self.send(request(method, target, lines, body));
        self.response()
    }

    /// Reads one whole answer.
    #[track_caller]
    pub fn response(&mut self) -> Response {
        let mut answer = self.head();
        let mut body = Vec::new();
        self.body(&answer, &mut body).expect("a complete body");
        answer.body = body;
        answer.headers.append(&mut self.trailers);
        answer
    }

    /// Reads a whole answer from a node that may be killed meanwhile; returns its status.
    pub fn try_status(&mut self) -> io::Result<u16> {
        let head = self.try_head()?;
        self.body(&head, &mut io::sink())?;
        Ok(head.status)
    }

    /// Reads the head of an answer; its body follows with [`Http::body`].
    #[track_caller]
    pub fn head(&mut self) -> Response {
        self.try_head().expect("the head of an answer")
    }

    fn try_head(&mut self) -> io::Result<Response> {
        let first = self.line()?;
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("{first:?} as status line")))?;
        Ok(Response { status, headers: self.fields()?, body: Vec::new() })
    }

    /// The fields of a header or trailer, up to the empty line.
    fn fields(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let field = line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim()));
            let (name, value) = field.ok_or_else(|| io::Error::other(format!("field {line:?}")))?;
            fields.push((name, value.to_owned()));
        }
    }

    /// A field of the trailer of the last body, by its name in lower case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let found = self.trailers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Copies the body that belongs to `head`; an early end is an error.
    pub fn body(&mut self, head: &Response, out: &mut dyn Write) -> io::Result<()> {
        if head.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            return self.chunked_body(out);
        }
        match head.header("content-length").map(|v| v.parse().expect("a length")) {
            Some(length) => self.exactly(length, out),
            None if head.status == 100 || head.status == 204 || head.status == 304 => Ok(()),
            None => io::copy(&mut self.stream, out).map(|_| ()),
        }
    }

    /// Takes some of what has arrived, at least one byte.
    pub fn some_bytes(&mut self) -> io::Result<usize> {
        let count = self.stream.fill_buf()?.len();
        self.stream.consume(count);
        Ok(count)
    }

    /// Whether the node has closed and nothing more comes.
    #[track_caller]
    pub fn closed(&mut self) -> bool {
        match self.stream.fill_buf() {
            Ok(rest) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Copies a chunked body; an early end is an error.
    pub fn chunked_body(&mut self, out: &mut dyn Write) -> io::Result<()> {
        loop {
            let size = self.line()?;
            let digits = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(io::Error::other)?;
            if size == 0 {
                self.trailers = self.fields()?;
                return Ok(());
            }
            self.exactly(size, out)?;
            let end = self.line()?;
            if !end.is_empty() {
                return Err(io::Error::other(format!("{end:?} behind a chunk")));
            }
        }
    }

    fn exactly(&mut self, length: u64, out: &mut dyn Write) -> io::Result<()> {
        let copied = io::copy(&mut (&mut self.stream).take(length), out)?;
        if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{line:?}"))),
        }
    }
}

impl Response {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Json {
        Json::parse(&self.text())
    }
}

/// The bytes of a request; `lines` are header lines besides `Host` and `Content-Length`.
pub fn request(method: &str, target: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
    lines.iter().for_each(|line| head.extend([line, "\r\n"]));
    if !body.is_empty() || method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// A text for a query string.
pub fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
