//! Proves that lists of labels, values and series come whole in bounded memory, or in pages that make up the
//! whole, and that an answer that leaves something out says so.

use std::io::{self, Write};

use crate::common::http::encode;
use crate::common::node::own_memory_bytes;
use crate::common::{Http, Json, Node, Response, wait};

/// The entries of an answer, as they stand there, and whether it says that there are more.
fn entries(answer: &Response) -> (Vec<String>, bool) {
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    let json = answer.json();
    assert_eq!(json.get("status").str(), "success");
    let mut rest = text.split_once("\"data\":[").expect("an array").1;
    let mut entries = Vec::new();
    while !rest.starts_with(']') {
        let behind = Json::prefix(rest).1;
        entries.push(rest[..rest.len() - behind.len()].to_owned());
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
    let truncated = json.find("warnings").is_some_and(|warnings| {
        assert_eq!(warnings, &Json::parse("[\"results truncated due to limit\"]"));
        true
    });
    (entries, truncated)
}

/// What stands behind `after=` to go on: a text as such, a series as the object that it is.
fn argument(entry: &str) -> String {
    encode(
        match Json::parse(entry) {
            Json::Text(text) => text,
            _ => entry.to_owned(),
        }
        .as_str(),
    )
}

/// All entries, page by page.
fn pages(node: &Node, target: &str, limit: usize) -> Vec<String> {
    let (mut joined, mut after) = (Vec::new(), String::new());
    loop {
        let (page, more) = entries(&node.get(&format!("{target}&limit={limit}{after}")));
        assert!(page.len() == limit || !more && page.len() < limit, "{} of {limit}", page.len());
        joined.extend(page);
        let Some(last) = joined.last().filter(|_| more) else { return joined };
        after = format!("&after={}", argument(last));
    }
}

#[test]
fn pages_joined_are_the_whole() {
    let node = Node::start();
    let line = |host| format!("put cpu.m{} 1 {host} host=h{host:04} dc=d{}\n", host % 5, host % 3);
    node.put_lines(&(0..2000).map(line).collect::<String>());
    // The same labels as a number's, and texts that have to be escaped on all ways.
    node.put_lines("histogram cpu.m0 1 u=0:o=1:0,1.5=42 host=h0000 dc=d0\n");
    for odd in ["a b", "a=b", "a", "a\\\"b", "\u{e9}&+%", "{", "a\\u0001"] {
        node.put_json(&format!(
            r#"{{"metric":"{odd}","timestamp":1,"value":1,"tags":{{"{odd}":"{odd}","host":"{odd}"}}}}"#
        ));
    }
    let all = encode(r#"{__name__!=""}"#);
    let some = encode(r#"{host=~"h.*[02468]"}"#);
    for (target, count) in [
        ("/api/v1/labels?start=1".to_owned(), 10),
        ("/api/v1/label/host/values?start=1".to_owned(), 2007),
        (format!("/api/v1/label/host/values?start=1&match[]={some}"), 1000),
        ("/api/v1/label/__name__/values?start=1".to_owned(), 12),
        (format!("/api/v1/series?start=1&match[]={all}"), 2007),
        (format!("/api/v1/series?start=1&match[]={some}"), 1000),
    ] {
        let (whole, truncated) = entries(&node.get(&target));
        assert_eq!((whole.len(), truncated), (count, false), "{target}");
        let mut once = whole.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), count, "nothing stands twice: {target}");
        for limit in [3, count - 1, count, count + 1] {
            if count / limit < 700 {
                assert_eq!(pages(&node, &target, limit), whole, "{target} by {limit}");
            }
        }
    }
}

#[test]
fn an_after_that_is_no_entry() {
    let node = Node::start();
    node.put_lines("put m 1 1 host=a\nput m 1 1 host=c\n");
    let (found, _) = entries(&node.get("/api/v1/label/host/values?start=1&after=b"));
    assert_eq!(found, ["\"c\""]);
    let series = "/api/v1/series?start=1&match[]=m&after=";
    let between = encode(r#"{"host":"b","__name__":"m"}"#);
    let (found, _) = entries(&node.get(&format!("{series}{between}")));
    assert_eq!(found, [r#"{"__name__":"m","host":"c"}"#]);
    for bad in ["m", "[]", "{\"host\":1}", "{} {}", ""] {
        let answer = node.get(&format!("{series}{}", encode(bad)));
        assert_eq!(answer.status, 400, "{bad}");
        assert!(answer.text().contains("cannot parse after="), "{}", answer.text());
    }
}

/// Counts, and looks how much memory the node has meanwhile.
struct Looking {
    process: u32,
    bytes: usize,
    most: u64,
    last: Vec<u8>,
}

impl Write for Looking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.most = self.most.max(own_memory_bytes(self.process).expect("the node runs"));
        self.bytes += bytes.len();
        self.last = bytes[bytes.len().saturating_sub(2)..].to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a pattern says, in code.
type Matches<'a> = &'a dyn Fn(&str) -> bool;

/// Each list has 24 MB or more; a page of names is some megabytes.
#[test]
fn long_lists_take_little_memory() {
    const SERIES: u32 = 200_000;
    const MEMORY_BYTES: u64 = 16 << 20;
    let node = Node::start();
    let long = "x".repeat(110);
    let host = |number: u32| format!("{:08x}-{long}", number.wrapping_mul(0x9e37_79b9));
    for part in 0..10 {
        let series = SERIES / 10 * part..SERIES / 10 * (part + 1);
        let line = |number| format!("put m{} 1 {number} host={}\n", number % 4, host(number));
        node.put_lines(&series.map(line).collect::<String>());
    }
    node.force_flush();
    let node = node.stop_and_restart();
    wait::until("the index is built without a query", || {
        node.metrics().sum("irontsd_series_indexed", &[]) == f64::from(SERIES)
    });
    // Waits for whoever still extends it: merging its parts takes memory.
    assert_eq!(node.get("/api/v1/status/tsdb").status, 200);
    let all = encode("{host!=\"\"}");
    let value = host(0).len() + 2;
    for (target, entry_bytes) in [
        ("/api/v1/label/host/values?start=1".to_owned(), value),
        (
            format!("/api/v1/series?start=1&match[]={all}"),
            "{'__name__':'m0','host':}".len() + value,
        ),
    ] {
        // Once for what is made once.
        let mut http = Http::connect(node.http());
        assert_eq!(http.get(&format!("{target}&limit=1")).status, 200);
        let process = node.id();
        let before = own_memory_bytes(process).expect("the node runs");
        let mut looking = Looking { process, bytes: 0, most: before, last: Vec::new() };
        http.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = http.head();
        assert_eq!(head.header("transfer-encoding"), Some("chunked"), "{target}");
        http.body(&head, &mut looking).expect("a whole body");
        assert_eq!(looking.last, b"]}", "{target}");
        let around = "{'status':'success','data':[]}".len() - 1;
        assert_eq!(looking.bytes, around + SERIES as usize * (entry_bytes + 1), "{target}");
        let grown = looking.most - before;
        assert!(grown < MEMORY_BYTES, "{target}: {grown} bytes more");
    }
    // As many values as make a pattern a table.
    let is_digits = |value: &str| value[..8].bytes().all(|byte| byte.is_ascii_digit());
    let patterns: [(&str, Matches<'_>); 4] = [
        (".*1.*7-x+", &|value| value[..7].contains('1') && value[..8].ends_with('7')),
        ("[0-9]+-x*", &is_digits),
        ("[^a-f]*", &is_digits),
        ("9.*-x*", &|value| value.starts_with('9')),
    ];
    for (pattern, matches) in patterns {
        let count = (0..SERIES).filter(|&number| matches(&host(number))).count();
        assert_ne!(count, 0, "{pattern}");
        let selector = encode(&format!("{{host=~\"{pattern}\"}}"));
        let answer = node.get(&format!("/api/v1/series?start=1&match[]={selector}"));
        assert_eq!(entries(&answer).0.len(), count, "{pattern}");
    }
}
