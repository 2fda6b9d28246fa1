//! Proves that endless lines, decompression bombs, other people's protocols and half-open
//! floods get a clear answer, cost little memory and disturb nobody.

use crate::common::gzip::bomb;
use crate::common::{Http, Node, Telnet, wait};

/// More memory than any bounded buffer of a few connections.
const MEMORY_GROWTH_MAX: u64 = 48 << 20;

#[test]
fn a_long_line_is_refused_and_the_connection_goes_on() {
    let node = Node::start();
    let mut telnet = node.telnet();
    let line = format!("put long 1 1 h={}\n", "x".repeat(2 << 20));
    let answers = telnet.send(line).send("put m 1 1 h=a\n").barrier();
    assert_eq!(answers.len(), 1, "{answers:.200?}");
    assert!(answers[0].len() < 2000, "the answer repeats the line");
    assert_eq!(node.export_all().only(), ("m{h=\"a\"}", 1000, "1"));
    assert_eq!(node.metrics().rejected(), 1.0);
}

#[test]
fn an_endless_line_costs_no_memory() {
    let node = Node::start();
    let peak_before = node.memory_peak_bytes();
    let mut telnet = node.telnet();
    let piece = vec![b'x'; 1 << 20];
    telnet.send("put m 1 1 h=");
    (0..256).for_each(|_| {
        telnet.send(&piece);
    });
    assert_eq!(telnet.send("\nput m 1 1 h=a\n").barrier().len(), 1);
    let grown = node.memory_peak_bytes() - peak_before;
    assert!(grown < MEMORY_GROWTH_MAX, "{grown} bytes for one line");
    assert_eq!(node.export_all().count(), 1);
}

#[test]
fn a_decompression_bomb_is_refused_early() {
    let node = Node::start();
    let peak_before = node.memory_peak_bytes();
    let body = bomb(1 << 30);
    let mut http = Http::connect(node.http());
    let answer = http.request("POST", "/api/put", &["Content-Encoding: gzip"], &body);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let grown = node.memory_peak_bytes() - peak_before;
    assert!(grown < 4 * MEMORY_GROWTH_MAX, "{grown} bytes for a bomb of {}", body.len());
    assert_eq!(node.get("/health").status, 200);
}

#[test]
fn bombs_and_deep_nesting_are_refused_by_every_path_that_takes_bodies() {
    let node = Node::with_flags(&["--kairosdb-listen", "127.0.0.1:0"]);
    let bomb = bomb(40 << 20);
    let deep = |opens: &str| opens.repeat(400_000).into_bytes();
    let peak_before = node.memory_peak_bytes();
    for (addr, target) in [
        (node.http(), "/api/put"),
        (node.opentsdb(), "/api/histogram"),
        (node.http(), "/api/v1/import"),
        (node.kairosdb(), "/api/v1/datapoints"),
    ] {
        let send = |lines: &[&str], body: &[u8]| {
            Http::connect(addr).request("POST", target, lines, body).status
        };
        assert_eq!(send(&["Content-Encoding: gzip"], &bomb), 413, "{target}");
        for opens in ["[", "{\"metric\":", "[{\"tags\":", "{\"metric\":{\"a\":"] {
            assert_eq!(send(&[], &deep(opens)), 400, "{target}: {opens}");
        }
    }
    let grown = node.memory_peak_bytes() - peak_before;
    assert!(grown < 4 * MEMORY_GROWTH_MAX, "{grown} bytes");
    assert_eq!(node.export_all().count(), 0);
    node.put_lines("put m 1 1 h=a\n");
}

/// However many days there are, thin ones share files.
#[test]
fn a_sample_in_each_of_many_days_makes_few_files() {
    let node = Node::start();
    // From 1970 to 2286; the last part, a day of each month, in milliseconds.
    let days: Vec<i64> = (0..49_700).chain((49_711..115_740).step_by(30)).collect();
    let stamp = |day: i64| if day < 49_700 { day * 86_400 + 1 } else { day * 86_400_000 };
    let lines: String =
        days.iter().map(|&day| format!("put m {} {day} h=a\n", stamp(day))).collect();
    node.put_lines(&lines);
    let peak_before = node.memory_peak_bytes();
    node.force_flush();
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    let grown = node.memory_peak_bytes() - peak_before;
    assert!(grown < MEMORY_GROWTH_MAX, "{grown} bytes for {} days", days.len());
    let files = std::fs::read_dir(node.home().data().join("segments")).expect("segments").count();
    assert!(files <= 16, "{files} files for {} days", days.len());
    let export = node.export_all();
    let expected = days.iter().map(|day| day.to_string());
    assert!(
        export.samples("m", &[("h", "a")]).iter().map(|sample| &sample.1).cloned().eq(expected)
    );
    assert_eq!(node.stop_and_restart().export_all(), export);
}

#[test]
fn tls_on_a_plain_port_is_named_and_counted() {
    let node = Node::start();
    for (n, addr) in [node.opentsdb(), node.http()].into_iter().enumerate() {
        let mut client = Telnet::connect(addr);
        client.send(CLIENT_HELLO);
        let answer = String::from_utf8_lossy(&client.rest()).into_owned();
        assert!(answer.to_ascii_lowercase().contains("tls"), "{addr}: {answer:?}");
        wait::until("TLS to be counted", || node.metrics().rejected() >= n as f64 + 1.0);
    }
    node.put_lines("put m 1 1 h=a\n");
}

#[test]
fn other_first_bytes_leave_the_node_well() {
    let node = Node::start();
    let mut chance = crate::common::seed::chance("garbage");
    let fixed: [&[u8]; 6] = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x00\x00\x54\xff\xfdMB",
        b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\r\n",
        b"GET / HTTP/1.1\r\n\x00\r\n\r\n",
        b"\r\n\r\n\r\n\0",
    ];
    let random = (0..200).map(|_| (0..chance.usize(1..2000)).map(|_| chance.u8(..)).collect());
    let all: Vec<Vec<u8>> = fixed.iter().map(|bytes| bytes.to_vec()).chain(random).collect();
    for bytes in &all {
        for addr in [node.opentsdb(), node.http()] {
            let mut client = Telnet::connect(addr);
            client.send(bytes);
            drain(client);
        }
    }
    assert_eq!(node.export_all().count(), 0);
    node.put_lines("put m 1 1 h=a\n");
}

#[test]
fn idle_and_half_open_connections_disturb_nobody() {
    let node = Node::start();
    let idle: Vec<Telnet> = (0..200).map(|_| node.telnet()).collect();
    let mut half: Vec<Http> = (0..200).map(|n| half_request(&node, n)).collect();
    for n in 1..=50 {
        node.put_lines(&format!("put m {n} {n} h=a\n"));
    }
    assert_eq!(node.export("m").count(), 50);
    for mut telnet in idle {
        assert!(telnet.barrier().is_empty(), "an idle connection was closed");
    }
    half.iter_mut().for_each(|http| {
        assert_eq!(http.send("1}").response().status, 204);
    });
}

/// A request that lacks its last two bytes.
fn half_request(node: &Node, number: usize) -> Http {
    let body = format!(r#"{{"metric":"half{number}","timestamp":1,"value":"#);
    let mut http = Http::connect(node.opentsdb());
    let length = body.len() + 2;
    http.send(format!(
        "POST /api/put HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    http
}

/// Half-closes and reads whatever comes, even a reset.
fn drain(client: Telnet) {
    use std::io::Read;
    use std::net::Shutdown;
    let mut socket = client.socket();
    let _ = socket.shutdown(Shutdown::Write);
    let mut piece = [0; 4096];
    while let Ok(1..) = socket.read(&mut piece) {}
}

/// The start of a TLS 1.3 handshake; no byte of it ends a line.
const CLIENT_HELLO: &[u8] = &[
    0x16, 0x03, 0x01, 0x00, 0x6b, 0x01, 0x00, 0x00, 0x67, 0x03, 0x03, 0x11, 0x22, 0x33, 0x44, 0x55,
    0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x12, 0x23, 0x34, 0x45, 0x56,
    0x67, 0x78, 0x89, 0x9a, 0xab, 0xbc, 0xcd, 0xde, 0xef, 0xf0, 0x01, 0x00, 0x00, 0x06, 0x13, 0x01,
    0x13, 0x02, 0x13, 0x03, 0x01, 0x00, 0x00, 0x38, 0x00, 0x00, 0x00, 0x0e, 0x00, 0x0c, 0x00, 0x00,
    0x09, 0x6c, 0x6f, 0x63, 0x61, 0x6c, 0x68, 0x6f, 0x73, 0x74, 0x00, 0x2b, 0x00, 0x03, 0x02, 0x03,
    0x04, 0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03, 0x00, 0x33, 0x00, 0x11, 0x00, 0x0f, 0x00,
    0x1d, 0x00, 0x0b, 0x55, 0x44, 0x33, 0x22, 0x11, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0x00, 0x00,
];
