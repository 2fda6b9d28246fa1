//! The HTTP side of one connection: bytes in, requests out, one at a time.

use super::body::ChunkedDecoder;
use super::head::{self, Framing as BodyFraming, Head, HeadError, Limits, Progress};
use super::inflate::inflate;
use super::multipart;
use super::query::Query;
use super::repeat::{Found, Repeat};
use super::reply::{Framing, Reply};
use super::router::{Port, Route, route};
use crate::reject::{Reason, Reject};
use crate::telnet::lookup::Trail;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::sync::Arc;

/// What a form body is unless the request says otherwise.
const URL_ENCODED: &str = "application/x-www-form-urlencoded";

/// A request with its whole body.
#[derive(Debug)]
pub struct Request {
    /// Its head.
    pub head: Arc<Head>,
    /// Its body, decompressed.
    pub body: Vec<u8>,
}

impl Request {
    /// Arguments of the query string.
    pub fn url_query(&self) -> Query {
        let mut query = Query::default();
        query.add(self.head.query());
        query
    }

    /// Arguments of the query string and of a form body; for requests whose body is nothing else.
    pub fn form_query(&self) -> Query {
        let mut query = self.url_query();
        let kind = self.head.content_type.as_deref().unwrap_or(URL_ENCODED);
        if kind.to_ascii_lowercase().starts_with(URL_ENCODED) {
            let mut form = Query::default();
            form.add(&String::from_utf8_lossy(&self.body));
            query.add_form(form);
        } else {
            query.add_form(multipart::fields(kind, &self.body).into_iter().collect());
        }
        query
    }

    /// How the answer is to be framed.
    pub fn framing(&self) -> Framing {
        Framing {
            keep_alive: self.head.keep_alive,
            chunked: self.head.minor > 0,
            head_only: self.head.method == head::Method::Head,
            gzip: self.head.accept_gzip,
        }
    }
}

/// What came of some bytes.
#[derive(Debug)]
pub enum Taken {
    /// More bytes are needed.
    Incomplete,
    /// A whole request.
    Request(Box<Request>),
    /// What cannot be a request: answer and close.
    Refused(Reply, Reject),
}

/// Where a connection stands between two reads.
#[derive(Debug, Default)]
pub struct Session {
    body: Option<Incoming>,
    repeat: Repeat,
    /// Where the connection's points are among those remembered.
    pub trail: Trail,
}

#[derive(Debug)]
struct Incoming {
    head: Arc<Head>,
    body: Vec<u8>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunks(ChunkedDecoder),
}

impl Session {
    /// Whether a head has come and its body is not whole.
    pub fn awaits_body(&self) -> bool {
        self.body.is_some()
    }

    /// Bytes of a body whose rest is still to come.
    pub fn body_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |incoming| incoming.body.capacity())
    }

    /// Takes bytes up to the end of one request. `interim` gets `100 Continue` where it is due;
    /// `spare` is memory for a body that has come in one piece.
    pub fn take(
        &mut self,
        bytes: &[u8],
        body_bytes_max: usize,
        interim: &mut Vec<u8>,
        spare: &mut Vec<u8>,
    ) -> (usize, Taken) {
        if self.body.is_some() {
            return self.take_body(bytes, body_bytes_max);
        }
        let found = match self.find_head(bytes) {
            Ok(Some(found)) => found,
            Ok(None) => return (0, Taken::Incomplete),
            Err(error) => {
                let text = error.to_string();
                return (bytes.len(), refused(error.status, Reason::BadRequest, &text));
            }
        };
        let (len, expects) = (found.len, found.head.expect_continue);
        let rest = &bytes[len..];
        let whole = matches!(found.body, BodyFraming::Length(bytes) if bytes <= rest.len() as u64);
        let memory = if whole { std::mem::take(spare) } else { Vec::new() };
        if let Err(taken) = self.begin_body(found, memory, body_bytes_max) {
            return (bytes.len(), *taken);
        }
        let (more, taken) = self.take_body(rest, body_bytes_max);
        if matches!(taken, Taken::Incomplete) && expects {
            interim.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        (len + more, taken)
    }

    fn find_head(&mut self, bytes: &[u8]) -> Result<Option<Found>, HeadError> {
        if let Some(found) = self.repeat.find(bytes) {
            return Ok(Some(found));
        }
        match head::parse(bytes, &Limits::default())? {
            Progress::Incomplete => Ok(None),
            Progress::Complete { head, body, len } => {
                let head = Arc::new(head);
                self.repeat.note(&bytes[..len], &head);
                Ok(Some(Found { head, body, len }))
            }
        }
    }

    fn begin_body(
        &mut self,
        found: Found,
        mut body: Vec<u8>,
        body_bytes_max: usize,
    ) -> Result<(), Box<Taken>> {
        let rest = match found.body {
            BodyFraming::None => Rest::Length(0),
            BodyFraming::Length(bytes) if bytes > body_bytes_max as u64 => {
                return Err(Box::new(too_large(body_bytes_max)));
            }
            BodyFraming::Length(bytes) => Rest::Length(bytes),
            BodyFraming::Chunked => Rest::Chunks(ChunkedDecoder::new(body_bytes_max as u64)),
        };
        body.clear();
        self.body = Some(Incoming { head: found.head, body, rest });
        Ok(())
    }

    fn take_body(&mut self, bytes: &[u8], body_bytes_max: usize) -> (usize, Taken) {
        let Some(incoming) = &mut self.body else { return (0, Taken::Incomplete) };
        let (taken, done) = match &mut incoming.rest {
            Rest::Length(left) => {
                let take = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                incoming.body.extend_from_slice(&bytes[..take]);
                *left -= take as u64;
                (take, *left == 0)
            }
            Rest::Chunks(decoder) => match decoder.feed(bytes, &mut incoming.body) {
                Ok(progress) => progress,
                Err(error) if error.status == 413 => {
                    return (bytes.len(), too_large(body_bytes_max));
                }
                Err(error) => {
                    let text = error.to_string();
                    return (bytes.len(), refused(error.status, Reason::BadRequest, &text));
                }
            },
        };
        match self.body.take_if(|_| done) {
            None => (taken, Taken::Incomplete),
            Some(incoming) => (taken, finish(incoming, body_bytes_max)),
        }
    }
}

fn finish(incoming: Incoming, body_bytes_max: usize) -> Taken {
    let Incoming { head, body, .. } = incoming;
    let unpacked = match head.content_encoding.as_deref() {
        Some("gzip" | "x-gzip") => gunzip(&body, body_bytes_max),
        Some("deflate" | "x-deflate") => inflate(&body, body_bytes_max + 1),
        None | Some("" | "identity") => Ok(body),
        Some(other) => {
            let text = format!("Content-Encoding {other} is not understood: use gzip or deflate");
            return refused(415, Reason::BadRequest, &text);
        }
    };
    match unpacked {
        Ok(body) if body.len() > body_bytes_max => too_large(body_bytes_max),
        Ok(body) => Taken::Request(Box::new(Request { head, body })),
        Err(error) => {
            let text = format!("the body does not decompress: {error}");
            let reject = Reject::new(Reason::BadRequest, &text);
            // Import answers in plain text.
            match route(Port::Http, &head.method, head.path()) {
                Ok(Route::Import) => Taken::Refused(Reply::text(400, text), reject),
                _ => Taken::Refused(Reply::error(400, &text, None), reject),
            }
        }
    }
}

/// Decompresses, to one byte beyond the limit at the most.
pub fn gunzip(packed: &[u8], bytes_max: usize) -> std::io::Result<Vec<u8>> {
    unpack(MultiGzDecoder::new(packed).take(bytes_max as u64 + 1))
}

fn unpack(mut packed: impl Read) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    packed.read_to_end(&mut body)?;
    Ok(body)
}

fn refused(status: u16, reason: Reason, text: &str) -> Taken {
    Taken::Refused(Reply::error(status, text, None), Reject::new(reason, text))
}

fn too_large(body_bytes_max: usize) -> Taken {
    refused(413, Reason::BodyTooLarge, &format!("the body exceeds {body_bytes_max} bytes"))
}
