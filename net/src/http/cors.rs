//! Requests from other sites' pages, as OpenTSDB judges them (`tsd.http.request.cors_domains`):
//! an `Origin` on the list gets headers that let its page read the answer, another one an error with
//! status 200 and nothing done. Without a list, `Origin` means nothing. Pure.

use super::head::{Head, Method};
use super::reply::Reply;

/// The headers a page may send.
const HEADERS: &str = "Authorization, Content-Type, Accept, Origin, User-Agent, DNT, \
                       Cache-Control, X-Mx-ReqToken, Keep-Alive, X-Requested-With, \
                       If-Modified-Since";

/// Which origins may read answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// A list separated by commas, or `*` for all.
    pub fn parse(text: &str) -> Result<Origins, String> {
        let origins: Vec<String> = text.split(',').map(|one| one.trim().to_owned()).collect();
        if origins.len() > 1 && origins.iter().any(|origin| origin == "*") {
            return Err("expected * or a list of origins, not both".to_owned());
        }
        let odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\\');
        if origins.iter().any(|origin| origin.is_empty() || origin.bytes().any(odd)) {
            return Err("expected * or origins separated by commas".to_owned());
        }
        Ok(Origins(origins))
    }

    fn has(&self, origin: &str) -> bool {
        self.0.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(origin))
    }

    /// Header lines for whatever answer the request gets, or the answer.
    pub fn judge(&self, head: &Head) -> Result<String, Reply> {
        let Some(origin) = head.origin.as_deref().filter(|origin| !origin.is_empty()) else {
            return Ok(String::new());
        };
        if self.0.is_empty() {
            return Ok(String::new());
        }
        if !self.has(origin) {
            let details = format!("The domain [{origin}] is not permitted access");
            return Err(Reply::error(200, "CORS domain not allowed", Some(&details)));
        }
        let headers = format!(
            "Access-Control-Allow-Origin: {origin}\r\n\
             Access-Control-Allow-Methods: GET, POST, PUT, DELETE\r\n\
             Access-Control-Allow-Headers: {HEADERS}\r\n\
             Vary: Origin\r\n"
        );
        if head.method != Method::Options {
            return Ok(headers);
        }
        let mut answer = Reply::empty(200);
        answer.headers = headers;
        Err(answer)
    }
}

impl std::fmt::Display for Origins {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0.join(","))
    }
}

/// Puts header lines into the answer that begins at `start`, behind its status line.
pub fn insert(answers: &mut Vec<u8>, start: usize, headers: &str) {
    if let Some(end) = memchr::memchr(b'\n', &answers[start..]) {
        let at = start + end + 1;
        answers.splice(at..at, headers.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_origins() {
        let list = Origins::parse("http://a, HTTP://B:80").expect("a list");
        assert!(list.has("http://A") && list.has("http://b:80"));
        assert!(!list.has("http://b") && !list.has("*") && !list.has(""));
        assert!(Origins::parse("*").expect("all").has("http://a"));
        for text in ["", ",", "http://a,", "*,http://a", "http://a b", "\"", "http://a\r\nB: c"] {
            assert!(Origins::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_follow_the_status_line() {
        let mut answers = b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n".to_vec();
        insert(&mut answers, 19, "A: b\r\n");
        let expected = b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
        assert_eq!(answers, expected);
    }
}
