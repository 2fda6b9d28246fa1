//! Request heads: what is said of a part must not change when the rest comes, and of a head that is
//! taken a plain reading finds the same framing; one that is written like it, but for a byte, is what
//! parsing says. The first byte chooses the limits and the changed byte.

use std::sync::Arc;

use irontsd_net::http::head::{Framing, Head, Limits, Progress, parse};
use irontsd_net::http::repeat::{Found, Repeat};

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let mut limits = Limits::default();
    if how & 1 != 0 {
        limits = Limits { head_bytes_max: 200, headers_max: 3, target_bytes_max: 20 };
    }
    let whole = parse(bytes, &limits);
    for len in 0..bytes.len() {
        let part = parse(&bytes[..len], &limits);
        assert!(part == Ok(Progress::Incomplete) || part == whole, "{len} bytes say {part:?}");
    }
    if let Ok(Progress::Complete { head, body, len }) = whole {
        assert!(len <= bytes.len().min(limits.head_bytes_max), "{len} bytes of head");
        assert_eq!(parse(&bytes[..len - 1], &limits), Ok(Progress::Incomplete));
        plain(&head, body, &bytes[..len]);
        repeated(head, &bytes[..len], how);
    }
}

/// The head comes again, with a digit in the place of each of its bytes in turn.
fn repeated(head: Head, bytes: &[u8], how: u8) {
    let (mut repeat, mut second) = (Repeat::default(), bytes.to_vec());
    repeat.note(bytes, &Arc::new(head));
    for at in 0..bytes.len() {
        second[at] = b'0' + how % 10;
        if let Some(found) = repeat.find(&second) {
            let Ok(Progress::Complete { head, body, len }) = parse(&second, &Limits::default())
            else {
                panic!("{} is a head", second.escape_ascii());
            };
            assert_eq!(found, Found { head: Arc::new(head), body, len });
        }
        second[at] = bytes[at];
    }
}

/// Lines, names and values found in the simplest way.
fn plain(head: &Head, body: Framing, bytes: &[u8]) {
    let text = bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    let first = lines.by_ref().find(|line| !line.is_empty()).expect("a request line");
    let words: Vec<&str> = first.split(' ').collect();
    assert_eq!((words.len(), words[0]), (3, head.method.as_str()), "{first:?}");
    assert_eq!(words[2], format!("HTTP/1.{}", head.minor));
    let fields: Vec<(String, &str)> = lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_once(':').expect("a colon in a header line"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let values = |wanted: &str| -> Vec<&str> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| *value).collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match body {
        Framing::Chunked => {
            assert_eq!((codings.len(), lengths.len(), head.minor), (1, 0, 1));
            assert!(codings[0].eq_ignore_ascii_case("chunked"), "{codings:?}");
        }
        Framing::Length(bytes) => {
            assert!(codings.is_empty() && !lengths.is_empty());
            let same = |text: &&str| text.parse() == Ok(bytes) && !text.starts_with('+');
            assert!(lengths.iter().all(same), "{lengths:?} is {bytes}");
        }
        Framing::None => assert!(codings.is_empty() && lengths.is_empty()),
    }
    let closes = values("connection")
        .iter()
        .any(|value| value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close")));
    assert!(!closes || !head.keep_alive, "kept open against `close`");
    assert!(head.minor == 0 || values("host").len() == 1);
}
