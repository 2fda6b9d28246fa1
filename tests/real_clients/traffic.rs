//! A plain reader of what collectors send: `put` lines and JSON bodies.

use crate::common::series::{series, stamp_ms};
use crate::common::{Export, Json};

/// The samples found in recorded bytes.
#[derive(Default)]
pub struct Traffic {
    /// What an export must hold; the last of several writes of a time.
    pub samples: Export,
    /// Points sent, rewrites included.
    pub points: u64,
}

impl Traffic {
    /// Reads whole telnet lines; an unterminated last one does not count.
    #[track_caller]
    pub fn add_lines(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let words: Vec<&str> = line.trim_end_matches('\r').split(' ').collect();
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            let ["put", metric, stamp, value, tags @ ..] = &words[..] else {
                panic!("not a put line: {line:?}");
            };
            let tags: Vec<_> = tags.iter().map(|tag| tag.split_once('=').expect("a tag")).collect();
            self.add(metric, &tags, stamp, value);
        }
    }

    /// Reads whole requests; returns how many points each body had.
    #[track_caller]
    pub fn add_requests(&mut self, mut bytes: &[u8]) -> Vec<usize> {
        let mut counts = Vec::new();
        while let Some((head, rest)) = split_head(bytes) {
            assert!(head.starts_with("POST /api/put HTTP/1.1\r\n"), "{head}");
            let length = content_length(&head);
            if rest.len() < length {
                break;
            }
            counts.push(self.add_body(&rest[..length]));
            bytes = &rest[length..];
        }
        counts
    }

    /// Panics unless this was real load.
    #[track_caller]
    pub fn assert_substantial(&self) {
        assert!(self.points > 500, "only {} points", self.points);
        assert!(self.samples.series.len() > 20, "only {} series", self.samples.series.len());
    }

    /// Adds another connection's traffic, which shares no series and time with this one's.
    pub fn merge(&mut self, other: Traffic) {
        self.points += other.points;
        for (series, samples) in other.samples.series {
            samples.iter().for_each(|sample| {
                self.samples.insert(series.clone(), sample.0, &sample.1);
            });
        }
    }

    #[track_caller]
    fn add_body(&mut self, body: &[u8]) -> usize {
        let json = Json::parse(std::str::from_utf8(body).expect("UTF-8"));
        for point in json.items() {
            let tags = point.get("tags").members().iter();
            let tags: Vec<_> = tags.map(|(name, value)| (name.as_str(), value.str())).collect();
            let (stamp, value) = (point.get("timestamp").str(), point.get("value").str());
            self.add(point.get("metric").str(), &tags, stamp, value);
        }
        json.items().len()
    }

    #[track_caller]
    fn add(&mut self, metric: &str, tags: &[(&str, &str)], stamp: &str, value: &str) {
        let stamp = stamp_ms(stamp.parse().expect("a timestamp"));
        self.samples.insert(series(metric, tags), stamp, value);
        self.points += 1;
    }
}

/// The statuses of recorded answers.
#[track_caller]
pub fn statuses(mut bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some((head, rest)) = split_head(bytes) {
        statuses.push(head[9..12].parse().expect("a status"));
        bytes = &rest[content_length(&head).min(rest.len())..];
    }
    statuses
}

fn split_head(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end..]))
}

fn content_length(head: &str) -> usize {
    let lower = head.to_ascii_lowercase();
    let value = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.map_or(0, |value| value.trim().parse().expect("a length"))
}

#[test]
fn the_plain_reader_reads_both_forms() {
    let mut traffic = Traffic::default();
    traffic.add_lines(b"put m 1 2.50 h=a  k=b \r\nput m 1 3 k=b h=a\nput cut 1");
    assert_eq!(traffic.samples.only(), (r#"m{h="a",k="b"}"#, 1000, "3"));
    let body = r#"[{"metric":"n","timestamp":2,"value":1.0,"tags":{"h":"a"}}]"#;
    let length = body.len();
    let request = format!("POST /api/put HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
    let empty = "POST /api/put HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]";
    assert_eq!(traffic.add_requests((request + empty + "POST").as_bytes()), [1, 0]);
    assert_eq!((traffic.points, traffic.samples.count()), (3, 2));
    let answers = b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 400 B\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(statuses(answers), [204, 400]);
}
