//! Header lines of a request: the few that matter are folded into one record, line by line.
//!
//! Framing is decided here. Two readers that disagree about the length of a body can be made to
//! see different requests, so every spelling that some reader takes otherwise is refused.

use super::{Framing, Head, HeadError, Line, Method, RequestLine, is_token_byte};

/// Headers with a meaning for this server.
#[derive(Clone, Copy)]
enum Known {
    AcceptEncoding,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentType,
    Expect,
    Host,
    Origin,
    TransferEncoding,
}

const KNOWN: [(&str, Known); 9] = [
    ("accept-encoding", Known::AcceptEncoding),
    ("connection", Known::Connection),
    ("content-encoding", Known::ContentEncoding),
    ("content-length", Known::ContentLength),
    ("content-type", Known::ContentType),
    ("expect", Known::Expect),
    ("host", Known::Host),
    ("origin", Known::Origin),
    ("transfer-encoding", Known::TransferEncoding),
];

impl Known {
    fn from_name(name: &[u8]) -> Option<Self> {
        let known = KNOWN.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))?;
        Some(known.1)
    }
}

/// What the header lines read so far say.
#[derive(Default)]
pub(super) struct Fields<'a> {
    host: Option<&'a str>,
    length: Option<u64>,
    /// Place of `Transfer-Encoding: chunked`.
    chunked: Option<usize>,
    close: bool,
    keep_alive: bool,
    expect_continue: bool,
    content_encoding: Option<String>,
    content_type: Option<&'a str>,
    origin: Option<&'a str>,
    gzip: Option<bool>,
    any_coding: Option<bool>,
}

impl<'a> Fields<'a> {
    /// Takes one header line that is free of control bytes.
    pub(super) fn read(&mut self, line: &Line<'a>) -> Result<(), HeadError> {
        let colon = name_len(line)?;
        let Some(known) = Known::from_name(&line.text[..colon]) else {
            return Ok(());
        };
        let value = line.text[colon + 1..].trim_ascii();
        let at = line.at + colon + 1;
        let value =
            str::from_utf8(value).map_err(|_| HeadError::bad(at, "header value is not UTF-8"))?;
        self.set(known, value, at)
    }

    fn set(&mut self, known: Known, value: &'a str, at: usize) -> Result<(), HeadError> {
        match known {
            Known::Host => self.set_host(value, at)?,
            Known::ContentLength => self.set_length(value, at)?,
            Known::TransferEncoding => self.set_transfer(value, at)?,
            Known::Connection => self.add_connection(value),
            Known::AcceptEncoding => self.add_codings(value),
            Known::ContentEncoding => self.add_content_encoding(value),
            Known::Expect => self.expect_continue |= value.eq_ignore_ascii_case("100-continue"),
            Known::ContentType => self.content_type = self.content_type.or(Some(value)),
            Known::Origin => self.origin = self.origin.or(Some(value)),
        }
        Ok(())
    }

    fn set_host(&mut self, value: &'a str, at: usize) -> Result<(), HeadError> {
        if self.host.replace(value).is_some() {
            return Err(HeadError::bad(at, "Host given twice"));
        }
        check_authority(value, at)
    }

    fn set_length(&mut self, value: &str, at: usize) -> Result<(), HeadError> {
        let length = decimal(value).ok_or_else(|| {
            HeadError::bad(at, "Content-Length is not a decimal number of 64 bits")
        })?;
        match self.length.replace(length) {
            Some(other) if other != length => {
                Err(HeadError::bad(at, "Content-Length given twice with different values"))
            }
            _ => Ok(()),
        }
    }

    /// RFC 9112 6.3: a body whose last coding is not chunked has no certain end, which is the
    /// client's fault (400); other codings below chunked are only not offered here (501).
    fn set_transfer(&mut self, value: &str, at: usize) -> Result<(), HeadError> {
        if self.chunked.replace(at).is_some() {
            return Err(HeadError::bad(at, "Transfer-Encoding given twice"));
        }
        let (others, last) = value.rsplit_once(',').unwrap_or(("", value));
        if !last.trim_ascii().eq_ignore_ascii_case("chunked") {
            return Err(HeadError::bad(at, "last Transfer-Encoding is not chunked"));
        }
        if value.contains(',') {
            return match list(others).any(|coding| coding.eq_ignore_ascii_case("chunked")) {
                true => Err(HeadError::bad(at, "Transfer-Encoding has chunked twice")),
                false => Err(HeadError::new(501, at, "Transfer-Encoding other than chunked")),
            };
        }
        Ok(())
    }

    fn add_connection(&mut self, value: &str) {
        for option in list(value) {
            self.close |= option.eq_ignore_ascii_case("close");
            self.keep_alive |= option.eq_ignore_ascii_case("keep-alive");
        }
    }

    fn add_codings(&mut self, value: &str) {
        for element in list(value) {
            let (coding, parameters) = element.split_once(';').unwrap_or((element, ""));
            let wanted = !is_weight_zero(parameters);
            match coding.trim_ascii().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => self.gzip = Some(wanted),
                "*" => self.any_coding = Some(wanted),
                _ => {}
            }
        }
    }

    fn add_content_encoding(&mut self, value: &str) {
        let value = value.to_ascii_lowercase();
        self.content_encoding = match self.content_encoding.take() {
            Some(first) => Some(format!("{first}, {value}")),
            None => (!value.is_empty()).then_some(value),
        };
    }

    /// The whole head, and how its body is delimited; `end` is the place blamed for what is missing.
    pub(super) fn into_head(
        self,
        request: RequestLine<'a>,
        end: usize,
    ) -> Result<(Head, Framing), HeadError> {
        let body = self.framing(request.minor)?;
        let host = self.host(&request, end)?.map(str::to_owned);
        let head = Head {
            method: Method::from_token(request.method),
            target: rooted(request.target),
            minor: request.minor,
            keep_alive: !self.close && (request.minor == 1 || self.keep_alive),
            // RFC 9110 10.1.1: a 1.0 client cannot know the interim answer.
            expect_continue: self.expect_continue && request.minor == 1,
            accept_gzip: self.gzip.or(self.any_coding).unwrap_or(false),
            content_encoding: self.content_encoding,
            content_type: self.content_type.map(str::to_owned),
            origin: self.origin.map(str::to_owned),
            host,
        };
        Ok((head, body))
    }

    fn framing(&self, minor: u8) -> Result<Framing, HeadError> {
        match (self.chunked, self.length) {
            (Some(at), Some(_)) => {
                Err(HeadError::bad(at, "both Transfer-Encoding and Content-Length"))
            }
            (Some(at), None) if minor == 0 => {
                Err(HeadError::bad(at, "Transfer-Encoding in an HTTP/1.0 request"))
            }
            (Some(_), None) => Ok(Framing::Chunked),
            (None, Some(length)) => Ok(Framing::Length(length)),
            (None, None) => Ok(Framing::None),
        }
    }

    /// RFC 9112 3.2: HTTP/1.1 needs `Host` even where an absolute-form target overrides it.
    fn host(&self, request: &RequestLine<'a>, end: usize) -> Result<Option<&'a str>, HeadError> {
        if request.minor == 1 && self.host.is_none() {
            return Err(HeadError::bad(end, "Host missing in an HTTP/1.1 request"));
        }
        let Some((at, authority)) = request.authority else {
            return Ok(self.host);
        };
        if authority.is_empty() {
            return Err(HeadError::bad(at, "request target has no host"));
        }
        check_authority(authority, at)?;
        Ok(Some(authority))
    }
}

/// RFC 9110 4.2.3: an empty path is the root.
fn rooted(target: &str) -> String {
    match target.starts_with(['/', '*']) {
        true => target.to_owned(),
        false => format!("/{target}"),
    }
}

/// Length of the header name; the colon stands behind it.
fn name_len(line: &Line<'_>) -> Result<usize, HeadError> {
    let end = line.text.iter().position(|&byte| !is_token_byte(byte));
    let end = end.unwrap_or(line.text.len());
    let at = line.at + end;
    match line.text.get(end) {
        Some(b':') if end > 0 => Ok(end),
        Some(b':') => Err(HeadError::bad(at, "header without a name")),
        Some(b' ' | b'\t') if end == 0 => Err(HeadError::bad(at, "folded header line")),
        Some(b' ' | b'\t') => Err(HeadError::bad(at, "white space in or behind a header name")),
        Some(_) => Err(HeadError::bad(at, "byte not allowed in a header name")),
        None => Err(HeadError::bad(at, "header line without a colon")),
    }
}

/// Non-empty elements of a comma-separated list.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim_ascii).filter(|element| !element.is_empty())
}

/// Digits only: `u64::from_str` would take a plus sign, too.
fn decimal(value: &str) -> Option<u64> {
    value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok())?
}

fn is_weight_zero(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.trim_ascii().split_once('='))
        .any(|(name, weight)| name.eq_ignore_ascii_case("q") && weight.parse::<f32>() == Ok(0.0))
}

/// Host and optional port. Refuses what could end the authority or carry a user name.
fn check_authority(text: &str, at: usize) -> Result<(), HeadError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
    if let Some(i) = text.bytes().position(|byte| !allowed(byte)) {
        return Err(HeadError::bad(at, format!("host has a bad byte, its number {}", i + 1)));
    }
    // The colons of an IPv6 address stand in brackets.
    let behind = text.rfind(']').map_or(text, |bracket| &text[bracket + 1..]);
    match behind.split_once(':') {
        Some((_, port)) if !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(HeadError::bad(at, "port of the host is not a number"))
        }
        _ => Ok(()),
    }
}
