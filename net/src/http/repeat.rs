//! Heads written like the one before on their connection, but for the digits of `Content-Length`, as
//! agents send them: known by their bytes, without parsing. Pure; [`parse`](super::head::parse) is the plain twin.

use super::head::{Framing, Head};
use std::ops::Range;
use std::sync::Arc;

/// Longer heads are parsed each time: a connection should keep little.
const HEAD_BYTES_MAX: usize = 512;
/// More digits than a body can have bytes, and fewer than overflow.
const DIGITS_MAX: usize = 15;
const LENGTH: &[u8] = b"content-length";

/// The head before.
#[derive(Debug, Default)]
pub struct Repeat(Option<Known>);

#[derive(Debug)]
struct Known {
    bytes: Vec<u8>,
    /// Where the length of the body stands.
    digits: Range<usize>,
    head: Arc<Head>,
}

/// A head that is whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub head: Arc<Head>,
    /// How its body is delimited.
    pub body: Framing,
    /// Bytes it took.
    pub len: usize,
}

impl Repeat {
    /// The head at the start of `bytes`, if it is written like the one before.
    pub fn find(&self, bytes: &[u8]) -> Option<Found> {
        let known = self.0.as_ref()?;
        let (before, behind) =
            (&known.bytes[..known.digits.start], &known.bytes[known.digits.end..]);
        let rest = bytes.strip_prefix(before)?;
        let (length, digits) = length(rest)?;
        rest[digits..].starts_with(behind).then(|| Found {
            head: known.head.clone(),
            body: Framing::Length(length),
            len: before.len() + digits + behind.len(),
        })
    }

    /// Remembers a head that was parsed; `bytes` are its own.
    pub fn note(&mut self, bytes: &[u8], head: &Arc<Head>) {
        let digits = (bytes.len() <= HEAD_BYTES_MAX).then(|| digits(bytes)).flatten();
        self.0 = digits.map(|digits| Known { bytes: bytes.to_vec(), digits, head: head.clone() });
    }
}

/// A number without leading zeros, and how many digits it has.
fn length(bytes: &[u8]) -> Option<(u64, usize)> {
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let digits = bytes.iter().take(DIGITS_MAX + 1).take_while(is_digit).count();
    if !(1..=DIGITS_MAX).contains(&digits) || bytes[0] == b'0' {
        return None;
    }
    let add = |sum: u64, byte: &u8| sum * 10 + u64::from(byte - b'0');
    Some((bytes[..digits].iter().fold(0, add), digits))
}

/// Where the only `Content-Length` of a good head has its digits.
fn digits(head: &[u8]) -> Option<Range<usize>> {
    let mut found = None;
    for end in memchr::memchr_iter(b'\n', head).map(|end| end + 1) {
        let line = &head[end..];
        let Some(colon) = memchr::memchr(b':', line) else { break };
        if !line[..colon].eq_ignore_ascii_case(LENGTH) {
            continue;
        }
        let value = &line[colon + 1..];
        let start = value.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let (_, digits) = length(&value[start..])?;
        let start = end + colon + 1 + start;
        if found.replace(start..start + digits).is_some() {
            return None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::head::{Limits, Progress, parse};
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    fn parsed(bytes: &[u8]) -> Option<Found> {
        match parse(bytes, &Limits::default()) {
            Ok(Progress::Complete { head, body, len }) => {
                Some(Found { head: Arc::new(head), body, len })
            }
            _ => None,
        }
    }

    /// Knows `first`; what is found of each of `seconds` is what parsing finds. How many are found.
    fn found(first: &[u8], seconds: &[Vec<u8>]) -> usize {
        let mut repeat = Repeat::default();
        let Some(Found { head, len, .. }) = parsed(first) else { return 0 };
        repeat.note(&first[..len], &head);
        let found = seconds.iter().filter_map(|second| Some((second, repeat.find(second)?)));
        found
            .inspect(|(second, found)| {
                let text = second.escape_ascii();
                assert_eq!(Some(found), parsed(second).as_ref(), "{text} as {repeat:?}");
            })
            .count()
    }

    fn head(fields: &str) -> Vec<u8> {
        format!("POST /api/put?a:b HTTP/1.1\r\nHost: h\r\n{fields}\r\n").into_bytes()
    }

    #[test]
    fn other_lengths_are_found() {
        for (first, second) in [
            ("Content-Length: 5", "Content-Length: 5"),
            ("Content-Length: 5", "Content-Length: 123456789012345"),
            ("content-length:\t77 \r\nX: y", "content-length:\t8 \r\nX: y"),
            (
                "X: Content-Length: 1\r\nContent-Length: 5",
                "X: Content-Length: 1\r\nContent-Length: 60",
            ),
        ] {
            let second = [head(&format!("{second}\r\n")), b"0 body".to_vec()].concat();
            assert_eq!(found(&head(&format!("{first}\r\n")), &[second]), 1, "{first}");
        }
    }

    #[test]
    fn others_are_not() {
        for (first, second) in [
            ("Content-Length: 5", "Content-Length: 05"),
            ("Content-Length: 5", "Content-Length: 0"),
            ("Content-Length: 05", "Content-Length: 05"),
            ("Content-Length: 5", "Content-Length: 1234567890123456"),
            ("Content-Length: 5", "Content-Length: 5 "),
            ("Content-Length: 5", "Content-length: 5"),
            ("Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 5"),
            ("X: Content-Length: 1", "X: Content-Length: 1"),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ] {
            let (first, second) = (head(&format!("{first}\r\n")), head(&format!("{second}\r\n")));
            assert_eq!(found(&first, &[second]), 0, "{}", first.escape_ascii());
        }
        let long = head(&format!("X: {}\r\nContent-Length: 5\r\n", "y".repeat(HEAD_BYTES_MAX)));
        assert_eq!(found(&long, std::slice::from_ref(&long)), 0);
    }

    fn field() -> impl Strategy<Value = &'static str> {
        select(vec![
            "Content-Length: 12",
            "Content-Length: 12",
            "content-length:9 ",
            "Content-Length: 012",
            "Content-Length: 0",
            "Content-Length : 1",
            "Content-Length: 1, 1",
            "X: 7",
            "Transfer-Encoding: chunked",
            "Connection: close",
            "Expect: 100-continue",
            "Content-Encoding: gzip",
        ])
    }

    /// A head, and heads made of it by changes of single bytes.
    fn heads() -> impl Strategy<Value = (Vec<u8>, Vec<Vec<u8>>)> {
        let fields = prop::collection::vec(field(), 0..4);
        let byte = prop_oneof![select(b"0123456789 \r\n:,".to_vec()), any::<u8>()];
        let change = (any::<Index>(), byte, 0..3_u8);
        let first = (fields, select(vec!["\r\n", "\n"]));
        (first, prop::collection::vec(change, 1..20)).prop_map(|((fields, end), changes)| {
            let lines = ["POST /api/put HTTP/1.1", "Host: h"].into_iter().chain(fields);
            let first: Vec<u8> =
                lines.chain([""]).flat_map(|line| [line, end]).collect::<String>().into();
            let changed = |(place, byte, how): &(Index, u8, u8)| {
                let (mut bytes, at) = (first.clone(), place.index(first.len()));
                match how {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => bytes.truncate(at),
                }
                bytes
            };
            let changed = changes.iter().map(changed).collect();
            (first, changed)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_is_found_is_what_parsing_finds((first, seconds) in heads()) {
            found(&first, &seconds);
        }
    }
}
