//! Tables of request heads. Every one is parsed at each of its prefixes, as if it had been split
//! there, and the first answer must stay the answer.

use proptest::prelude::*;

use super::*;

/// The answer to the whole of `bytes`, after checking all prefixes against it.
fn answer(bytes: &[u8], limits: &Limits) -> Result<Progress, HeadError> {
    let mut first = Ok(Progress::Incomplete);
    for len in 0..=bytes.len() {
        let now = parse(&bytes[..len], limits);
        if first == Ok(Progress::Incomplete) {
            first = now;
        } else {
            assert_eq!(now, first, "changed at byte {len} of {:?}", bytes.escape_ascii());
        }
    }
    first
}

fn complete(bytes: &[u8]) -> (Head, Framing, usize) {
    match answer(bytes, &Limits::default()) {
        Ok(Progress::Complete { head, body, len }) => (head, body, len),
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

fn accepted(bytes: &[u8]) -> (Head, usize) {
    let (head, _, len) = complete(bytes);
    (head, len)
}

fn refused(bytes: &[u8], limits: &Limits) -> HeadError {
    match answer(bytes, limits) {
        Err(error) => error,
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

/// A GET of HTTP/1.1 with `Host` and these header lines.
fn with_headers(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n").into_bytes()
}

#[test]
fn request_lines_accepted() {
    for (line, method, target, host) in [
        ("GET / HTTP/1.1", "GET", "/", "h"),
        ("HEAD /a/b?c=d&e HTTP/1.1", "HEAD", "/a/b?c=d&e", "h"),
        ("POST /api/put?details HTTP/1.1", "POST", "/api/put?details", "h"),
        ("PUT /x HTTP/1.1", "PUT", "/x", "h"),
        ("DELETE /x HTTP/1.1", "DELETE", "/x", "h"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "*", "h"),
        ("PATCH /x HTTP/1.1", "PATCH", "/x", "h"),
        ("M-SEARCH /x HTTP/1.1", "M-SEARCH", "/x", "h"),
        ("get / HTTP/1.1", "get", "/", "h"),
        ("GET //double HTTP/1.1", "GET", "//double", "h"),
        ("GET /%7Bx%7D?a=%20 HTTP/1.1", "GET", "/%7Bx%7D?a=%20", "h"),
        ("GET /e?match[]={a=\"b\"} HTTP/1.1", "GET", "/e?match[]={a=\"b\"}", "h"),
        ("GET /\u{e9} HTTP/1.1", "GET", "/\u{e9}", "h"),
        ("GET http://other:80/p?q HTTP/1.1", "GET", "/p?q", "other:80"),
        ("GET HTTPS://other HTTP/1.1", "GET", "/", "other"),
        ("GET http://other?q=1 HTTP/1.1", "GET", "/?q=1", "other"),
        ("GET http://[::1]:4242/ HTTP/1.1", "GET", "/", "[::1]:4242"),
    ] {
        let (head, _) = accepted(format!("{line}\r\nHost: h\r\n\r\n").as_bytes());
        assert_eq!(head.method.as_str(), method, "{line}");
        assert_eq!(head.target, target, "{line}");
        assert_eq!(head.host.as_deref(), Some(host), "{line}");
    }
}

#[test]
fn request_lines_refused() {
    for (line, status, offset) in [
        ("GET /", 400, 0),
        ("GET", 400, 0),
        ("\r\n\r\nGET / HTTP/1.1", 400, 2),
        ("GET / HTTP/1.1 ", 400, 0),
        (" GET / HTTP/1.1", 400, 0),
        ("GET  / HTTP/1.1", 400, 0),
        ("GET /  HTTP/1.1", 400, 0),
        ("GET /a b HTTP/1.1", 400, 0),
        ("GET\t/\tHTTP/1.1", 400, 0),
        ("GET /\ta HTTP/1.1", 400, 5),
        ("G\tT / HTTP/1.1", 400, 1),
        ("G(T / HTTP/1.1", 400, 1),
        ("G\u{e9}T / HTTP/1.1", 400, 1),
        ("ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1", 400, 0),
        ("GET / http/1.1", 400, 6),
        ("GET / HTTP/1", 400, 6),
        ("GET / HTTP/11", 400, 6),
        ("GET / HTTP/1.10", 400, 6),
        ("GET / HTTP/01.1", 400, 6),
        ("GET / HTTP/1.x", 400, 6),
        ("GET / HTTP /1.1", 400, 0),
        ("GET / HTTP/1.2", 505, 6),
        ("GET / HTTP/0.9", 505, 6),
        ("GET / HTTP/2.0", 505, 6),
        ("PRI * HTTP/2.0", 505, 6),
        ("GET x HTTP/1.1", 400, 4),
        ("GET * HTTP/1.1", 400, 4),
        ("CONNECT h:80 HTTP/1.1", 400, 8),
        ("GET ftp://h/ HTTP/1.1", 400, 4),
        ("GET http:///x HTTP/1.1", 400, 11),
        ("GET http://u@h/ HTTP/1.1", 400, 11),
        ("GET http://h:8x/ HTTP/1.1", 400, 11),
        ("GET /a#b HTTP/1.1", 400, 6),
        ("GET /\0 HTTP/1.1", 400, 5),
        ("GET /\x7f HTTP/1.1", 400, 5),
        ("GET /\r HTTP/1.1", 400, 5),
        ("GET / HTTP/1.1\r", 400, 14),
        ("\rGET / HTTP/1.1", 400, 0),
    ] {
        let error = refused(format!("{line}\r\nHost: h\r\n\r\n").as_bytes(), &Limits::default());
        assert_eq!((error.status, error.offset), (status, offset), "{line:?}: {error}");
    }
    let error = refused(b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", &Limits::default());
    assert_eq!((error.status, error.offset), (400, 5));
}

#[test]
fn header_lines_refused() {
    // The offset counts from the header line.
    for (line, status, offset) in [
        (" folded: x", 400, 0),
        ("\tfolded: x", 400, 0),
        ("A: b\r\n c", 400, 6),
        ("A : b", 400, 1),
        ("A\t: b", 400, 1),
        ("A b: c", 400, 1),
        (": b", 400, 0),
        ("A", 400, 1),
        ("A(: b", 400, 1),
        ("A\u{e9}: b", 400, 1),
        ("\"A\": b", 400, 0),
        ("A: b\0c", 400, 4),
        ("A: b\x01", 400, 4),
        ("A: b\x7f", 400, 4),
        ("A: b\rc", 400, 4),
        ("A: b\r", 400, 4),
        ("A\0: b", 400, 1),
        ("\r: b", 400, 0),
        ("A: b\nC: d", 400, 4),
        ("Host: h", 400, 5),
        ("host: other", 400, 5),
        ("Content-Length:", 400, 15),
        ("Content-Length: ", 400, 15),
        ("Content-Length: +5", 400, 15),
        ("Content-Length: -5", 400, 15),
        ("Content-Length: 5.0", 400, 15),
        ("Content-Length: 0x5", 400, 15),
        ("Content-Length: 5 5", 400, 15),
        ("Content-Length: 5, 5", 400, 15),
        ("Content-Length: 5,", 400, 15),
        ("Content-Length: \u{ff15}", 400, 15),
        ("Content-Length: 18446744073709551616", 400, 15),
        ("Content-Length: 99999999999999999999999999", 400, 15),
        ("Content-Length : 5", 400, 14),
        ("Content-Length: 5\r\nContent-Length: 6", 400, 34),
        ("content-length: 0\r\nCONTENT-LENGTH: 1", 400, 34),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400, 37),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400, 18),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0", 400, 18),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, 46),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400, 46),
        ("Transfer-Encoding: gzip, chunked", 501, 18),
        ("Transfer-Encoding: gzip,chunked", 501, 18),
        ("Transfer-Encoding: , chunked", 501, 18),
        ("Transfer-Encoding: chunked, chunked", 400, 18),
        ("Transfer-Encoding: chunked, gzip", 400, 18),
        ("Transfer-Encoding: chunked, identity", 400, 18),
        ("Transfer-Encoding: chunked,", 400, 18),
        ("Transfer-Encoding: chunked;q=1", 400, 18),
        ("Transfer-Encoding: chunked chunked", 400, 18),
        ("Transfer-Encoding: \"chunked\"", 400, 18),
        ("Transfer-Encoding: xchunked", 400, 18),
        ("Transfer-Encoding: identity", 400, 18),
        ("Transfer-Encoding: gzip", 400, 18),
        ("Transfer-Encoding:", 400, 18),
        ("Transfer-Encoding: \x0bchunked", 400, 19),
        ("Transfer-Encoding : chunked", 400, 17),
        ("Transfer-Encoding\n: chunked", 400, 17),
    ] {
        let bytes = with_headers(&format!("{line}\r\n"));
        let error = refused(&bytes, &Limits::default());
        let start = "GET / HTTP/1.1\r\nHost: h\r\n".len();
        assert_eq!((error.status, error.offset), (status, start + offset), "{line:?}: {error}");
        assert!(error.to_string().ends_with(&format!("at byte {} of the request", error.offset)));
    }
}

#[test]
fn hosts() {
    for (head, want) in [
        ("GET / HTTP/1.1\r\n\r\n", None),
        ("GET http://h/ HTTP/1.1\r\n\r\n", None),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: [::1]:x\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n", None),
        ("GET / HTTP/1.0\r\n\r\n", Some("")),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Some("")),
        ("GET / HTTP/1.1\r\nhOsT:\t a.b:4242 \t\r\n\r\n", Some("a.b:4242")),
        ("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", Some("a:")),
        ("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", Some("[::1]")),
        ("GET / HTTP/1.1\r\nHost: [::1]:42\r\n\r\n", Some("[::1]:42")),
    ] {
        match want {
            Some(host) => {
                assert_eq!(accepted(head.as_bytes()).0.host.unwrap_or_default(), host, "{head:?}");
            }
            None => {
                assert_eq!(refused(head.as_bytes(), &Limits::default()).status, 400, "{head:?}")
            }
        }
    }
}

#[test]
fn bodies() {
    for (lines, body) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::Length(0)),
        ("Content-Length:42\r\n", Framing::Length(42)),
        ("Content-Length: \t007\t\r\n", Framing::Length(7)),
        ("Content-Length: 18446744073709551615\r\n", Framing::Length(u64::MAX)),
        ("Content-Length: 5\r\ncontent-length: 5\r\n", Framing::Length(5)),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("TRANSFER-ENCODING:\tChunked \r\n", Framing::Chunked),
        ("X-Content-Length: 5\r\nTransferEncoding: chunked\r\n", Framing::None),
    ] {
        assert_eq!(complete(&with_headers(lines)).1, body, "{lines:?}");
    }
    let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(old, &Limits::default()).status, 400);
}

#[test]
fn connection_and_expectation() {
    for (minor, lines, keep_alive, expect) in [
        (1, "", true, false),
        (0, "", false, false),
        (1, "Connection: close\r\n", false, false),
        (1, "Connection: foo, CLOSE\r\n", false, false),
        (1, "Connection: closed\r\n", true, false),
        (1, "Connection: keep-alive\r\nConnection: close\r\n", false, false),
        (0, "Connection: Keep-Alive\r\n", true, false),
        (0, "Connection: keep-alive, close\r\n", false, false),
        (1, "Expect: 100-Continue\r\n", true, true),
        (0, "Expect: 100-continue\r\n", false, false),
        (1, "Expect: 200-ok\r\n", true, false),
    ] {
        let bytes = format!("GET / HTTP/1.{minor}\r\nHost: h\r\n{lines}\r\n");
        let (head, _) = accepted(bytes.as_bytes());
        let got = (head.minor, head.keep_alive, head.expect_continue);
        assert_eq!(got, (minor, keep_alive, expect), "{bytes:?}");
    }
}

#[test]
fn codings() {
    for (value, gzip) in [
        ("", false),
        ("gzip", true),
        ("deflate, GZIP;q=0.5", true),
        ("x-gzip", true),
        ("gzip;q=0", false),
        ("gzip; q=0.000", false),
        ("gzip;q=0.001", true),
        ("*", true),
        ("*;q=0", false),
        ("*, gzip;q=0", false),
        ("gzip, *;q=0", true),
        ("br, zstd, identity", false),
        ("gzipped", false),
    ] {
        let (head, _) = accepted(&with_headers(&format!("Accept-Encoding: {value}\r\n")));
        assert_eq!(head.accept_gzip, gzip, "{value:?}");
    }
}

#[test]
fn other_fields() {
    let (head, _) = accepted(&with_headers(
        "Origin: http://a\r\norigin: http://b\r\nContent-Encoding: GZIP\r\n\
         Content-Type: Text/Plain\r\nX-Raw: \u{e9}\t~\r\n",
    ));
    assert_eq!(head.origin.as_deref(), Some("http://a"));
    assert_eq!(head.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(head.content_type.as_deref(), Some("Text/Plain"));
    let twice = with_headers("Content-Encoding: gzip\r\nContent-Encoding: Zstd\r\n");
    assert_eq!(accepted(&twice).0.content_encoding.as_deref(), Some("gzip, zstd"));
    assert_eq!(accepted(&with_headers("Content-Encoding:\r\n")).0.content_encoding, None);
    // Bytes above ASCII are nobody's business in headers without a meaning here.
    accepted(b"GET / HTTP/1.1\r\nHost: h\r\nX-Raw: \xff\r\n\r\n");
    let error = refused(b"GET / HTTP/1.1\r\nHost: h\r\nOrigin: \xff\r\n\r\n", &Limits::default());
    assert_eq!(error.status, 400);
}

#[test]
fn path_and_query() {
    for (target, path, query) in [("/", "/", ""), ("/a?b?c", "/a", "b?c"), ("/a?", "/a", "")] {
        let bytes = format!("GET {target} HTTP/1.0\r\n\r\n");
        let (head, _) = accepted(bytes.as_bytes());
        assert_eq!((head.path(), head.query()), (path, query));
    }
}

#[test]
fn line_ends_and_length() {
    for (bytes, rest) in [
        ("GET / HTTP/1.0\n\n", ""),
        ("\nGET / HTTP/1.0\n\n", ""),
        ("\r\nGET / HTTP/1.0\r\n\r\n", ""),
        ("\r\nGET / HTTP/1.0\n\n", ""),
        ("GET / HTTP/1.1\nHost: h\n\n", "GET /next HTTP/1.1\r\n"),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", "a\0b"),
    ] {
        let (_, len) = accepted(format!("{bytes}{rest}").as_bytes());
        assert_eq!(len, bytes.len(), "{bytes:?}");
    }
    for mixed in [
        "GET / HTTP/1.1\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n",
        "GET / HTTP/1.1\nHost: h\n\r\n",
    ] {
        let error = refused(mixed.as_bytes(), &Limits::default());
        assert_eq!((error.status, error.message.contains("mixed")), (400, true), "{mixed:?}");
    }
}

#[test]
fn limits() {
    let limits = Limits { head_bytes_max: 64, headers_max: 2, target_bytes_max: 20 };
    let fits = |text: &str| {
        matches!(answer(text.as_bytes(), &limits), Ok(Progress::Complete { len, .. })
            if len == text.len())
    };
    assert!(fits(&format!("GET /{} HTTP/1.0\r\n\r\n", "a".repeat(19))));
    assert!(fits("GET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n"));
    assert!(fits(&format!("GET / HTTP/1.0\r\nA: {}\r\n\r\n", "b".repeat(41))));
    for (text, status) in [
        (format!("GET /{} HTTP/1.0\r\n\r\n", "a".repeat(20)), 414),
        (format!("GET /{}", "a".repeat(80)), 414),
        ("GET / HTTP/1.0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n".to_owned(), 431),
        (format!("GET / HTTP/1.0\r\nA: {}\r\n\r\n", "b".repeat(42)), 431),
        (format!("GET / HTTP/1.0\r\nA: {}", "b".repeat(200)), 431),
        (format!("GET / HTTP/1.0\r\n{}", "A: b\r\n".repeat(50)), 431),
    ] {
        assert_eq!(refused(text.as_bytes(), &limits).status, status, "{text:?}");
    }
}

#[test]
fn telnet_or_http() {
    for (line, http) in [
        ("GET / HTTP/1.1\r\n", true),
        ("POST /api/put?details HTTP/1.0\n", true),
        ("OPTIONS * HTTP/1.1", true),
        ("GET x HTTP/1.9", true),
        ("ABCDEFGHIJKLMNOPQRST / HTTP/1.1", true),
        ("GET /\u{e9} HTTP/1.1", true),
        ("ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1", false),
        ("GET / HTTP/2.0", false),
        ("GET / HTTP/1.", false),
        ("GET / HTTP/1.x", false),
        ("GET / HTTP/1.10", false),
        ("GET  HTTP/1.1", false),
        ("GET /a b HTTP/1.1", false),
        ("GET /\t HTTP/1.1", false),
        ("get / HTTP/1.1", false),
        ("M-SEARCH / HTTP/1.1", false),
        (" / HTTP/1.1", false),
        ("put m 1 2 a=b", false),
        ("PUT m 1 HTTP/1.1", false),
        ("version\n", false),
        ("", false),
        ("\r\n", false),
    ] {
        assert_eq!(is_request_line(line.as_bytes()), http, "{line:?}");
    }
}

proptest! {
    /// Damage a good head somewhere: no panic, and prefixes still agree.
    #[test]
    fn damaged_heads(at in 0_usize..80, byte: u8, insert: bool, max in 1_usize..120) {
        let mut bytes = b"POST /a?b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\n\
            Connection: close\r\n\r\nbody of 12 b".to_vec();
        if insert {
            bytes.insert(at, byte);
        } else {
            bytes[at] = byte;
        }
        let limits = Limits { head_bytes_max: max, ..Limits::default() };
        let _ = answer(&bytes, &limits);
    }
}
