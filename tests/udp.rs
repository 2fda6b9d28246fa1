//! Proves that put lines in datagrams are stored like those of a connection, that bad ones are
//! counted and harm nothing else, and that nothing is ever answered.

use std::io::ErrorKind;
use std::net::UdpSocket;

use crate::common::node::irontsd;
use crate::common::process::Process;
use crate::common::{Home, Node, wait};

const ON: [&str; 4] = ["--opentsdb-udp", "on", "--event-loops", "1"];
const H_A: [(&str, &str); 1] = [("h", "a")];

/// A socket that sends to the node.
#[track_caller]
fn sender(node: &Node) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(node.opentsdb()).expect("an address");
    socket
}

#[track_caller]
fn send(socket: &UdpSocket, datagram: impl AsRef<[u8]>) {
    let sent = socket.send(datagram.as_ref()).expect("the kernel takes it");
    assert_eq!(sent, datagram.as_ref().len());
}

/// Waits until that many points and refusals of datagrams are counted.
#[track_caller]
fn settle(node: &Node, accepted: f64, rejected: f64) {
    let udp = ["protocol=\"udp\""];
    wait::until("datagrams to be counted", || {
        let metrics = node.metrics();
        metrics.sum("irontsd_points_accepted_total", &udp) == accepted
            && metrics.sum("irontsd_points_rejected_total", &udp) == rejected
    });
}

#[test]
fn the_end_of_a_datagram_ends_its_last_line() {
    let node = Node::with_flags(&ON);
    let socket = sender(&node);
    send(&socket, "put a.b 1 1 h=a");
    send(&socket, "put a.b 2 2 h=a\n");
    send(&socket, "put a.b 3 3 h=a\r\n  put  a.b 4 4.5  h=a \r\nput a.b 5 5 h=a\r");
    send(&socket, "");
    settle(&node, 5.0, 0.0);
    let expected = ["1", "2", "3", "4.5", "5"].iter().zip(1..);
    let expected: Vec<_> = expected.map(|(value, at)| (at * 1000, (*value).to_owned())).collect();
    assert_eq!(node.export("a.b").samples("a.b", &H_A), expected);
}

#[test]
fn datagrams_and_connections_feed_the_same_series() {
    let node = Node::with_flags(&["--opentsdb-udp", "on", "--event-loops", "2"]);
    let socket = sender(&node);
    node.put_lines("put a.b 1 1 h=a\n");
    send(&socket, "put a.b 2 2 h=a");
    settle(&node, 1.0, 0.0);
    node.put_lines("put a.b 2 3 h=a\n");
    let expected = [(1000, "1".to_owned()), (2000, "3".to_owned())];
    assert_eq!(node.export("a.b").samples("a.b", &H_A), expected);
}

#[test]
fn bad_lines_are_counted_by_reason_and_harm_nothing_else() {
    let node = Node::with_flags(&ON);
    let socket = sender(&node);
    let bad = [
        ("put a.b notatime 1 h=a", "invalid_value"),
        ("put a.b 1", "illegal_argument"),
        ("put a.b 1 1 h=a=b", "illegal_argument"),
        ("put a.b 99999999999999 1 h=a", "timestamp_range"),
        ("version", "unknown_command"),
        ("exit", "unknown_command"),
        ("help", "unknown_command"),
        ("stats", "unknown_command"),
        ("rollup 1m-sum a 1 1 h=a", "unknown_command"),
        ("", "unknown_command"),
        ("GET / HTTP/1.1", "unknown_command"),
    ];
    for (at, (line, _)) in bad.iter().enumerate() {
        send(&socket, format!("{line}\nput a.b {} {at} h=a", at + 1));
    }
    settle(&node, bad.len() as f64, bad.len() as f64);
    assert_eq!(node.export("a.b").count(), bad.len());
    let metrics = node.metrics();
    for (_, reason) in bad {
        let labels = ["protocol=\"udp\"", &format!("reason=\"{reason}\"")];
        let expected = bad.iter().filter(|(_, other)| *other == reason).count();
        let found = metrics.sum("irontsd_points_rejected_total", &labels);
        assert_eq!(found, expected as f64, "{reason}");
    }
    let peer = socket.local_addr().expect("an address").to_string();
    let refused = node.get("/api/v1/status/rejected").text();
    assert!(refused.contains(&peer) && refused.contains("notatime"), "{refused}");
}

#[test]
fn nothing_is_answered() {
    let node = Node::with_flags(&ON);
    let socket = sender(&node);
    send(&socket, "version\nput a.b x 1 h=a\nhelp\nput a.b 1 1 h=a\nstats\nexit");
    send(&socket, "put a.b 2 2 h=a");
    settle(&node, 2.0, 5.0);
    // The one loop counted before it answered the request for its figures.
    socket.set_nonblocking(true).expect("a socket option");
    let received = socket.recv(&mut [0; 1024]).expect_err("silence");
    assert_eq!(received.kind(), ErrorKind::WouldBlock);
}

#[test]
fn the_longest_datagram_is_taken_whole() {
    let node = Node::with_flags(&ON);
    let mut datagram = String::new();
    let mut count = 0;
    while datagram.len() + 120 < 65_507 {
        count += 1;
        datagram.push_str(&format!("put long.datagram {count} {count} h=a\n"));
    }
    let last = format!("put long.last 1 {} h=", "1".repeat(15));
    datagram.push_str(&last);
    datagram.push_str(&"z".repeat(65_507 - datagram.len()));
    send(&sender(&node), &datagram);
    settle(&node, f64::from(count) + 1.0, 0.0);
    assert_eq!(node.export("long.datagram").count(), count as usize);
    assert_eq!(node.export("long.last").count(), 1);
}

#[test]
fn many_datagrams_are_taken_and_survive_a_kill() {
    let node = Node::with_flags(&ON);
    let socket = sender(&node);
    let mut sent = 0;
    for _ in 0..60 {
        // No more at once than the smallest socket buffer holds.
        for _ in 0..50 {
            let line = |at| format!("put bulk {at} {at} h=a\n");
            send(&socket, (sent + 1..=sent + 10).map(line).collect::<String>());
            sent += 10;
        }
        settle(&node, f64::from(sent), 0.0);
    }
    let expected: Vec<_> = (1..=i64::from(sent)).map(|n| (n * 1000, n.to_string())).collect();
    let node = node.kill_and_restart();
    assert!(node.export("bulk").samples("bulk", &H_A) == expected);
}

#[test]
fn what_came_before_the_signal_to_stop_is_kept() {
    let node = Node::with_flags(&ON);
    let socket = sender(&node);
    for at in 1..=50 {
        send(&socket, format!("put last {at} {at} h=a"));
    }
    let node = node.stop_and_restart();
    assert_eq!(node.export("last").count(), 50);
}

#[test]
fn the_policy_holds_for_datagrams_too() {
    let flags = [&ON[..], &["--strict", "--max-line-bytes", "40"]].concat();
    let node = Node::with_flags(&flags);
    let socket = sender(&node);
    send(&socket, "put a.b 1 1\n put a.b 1 1 h=a\nput a.b 1 1 h=a");
    send(&socket, format!("put a.b 1 2 h={}\nput a.b 2 2 h=a", "x".repeat(40)));
    settle(&node, 2.0, 3.0);
    assert_eq!(node.export_all().count(), 2);
    let node = Node::with_flags(&[&ON[..], &["--auto-create-metrics", "off"]].concat());
    send(&sender(&node), "put a.b 1 1 h=a");
    settle(&node, 0.0, 1.0);
    let unknown = ["protocol=\"udp\"", "reason=\"unknown_name\""];
    assert_eq!(node.metrics().sum("irontsd_points_rejected_total", &unknown), 1.0);
}

#[test]
fn datagrams_are_not_received_unless_asked_for() {
    let node = Node::start();
    UdpSocket::bind(node.opentsdb()).expect("nobody holds the port");
    let node = Node::with_flags(&ON);
    UdpSocket::bind(node.opentsdb()).expect_err("the node holds the port");
}

#[test]
fn a_taken_port_is_named() {
    let log = wait::until_some("a port free for connections", || {
        let taken = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = taken.local_addr().expect("an address").to_string();
        let home = Home::new(&[]);
        let mut command = irontsd();
        command.arg("serve").arg("--data-dir").arg(home.data()).args(ON);
        command.args(["--opentsdb-listen", &address, "--http-listen", "127.0.0.1:0"]);
        let mut process = Process::spawn(&mut command);
        assert!(!process.exit_status().success());
        let log = process.log();
        assert!(log.contains(&address), "{log}");
        (!log.contains("cannot listen")).then_some(log)
    });
    assert!(log.contains("cannot take datagrams") && log.contains("--opentsdb-udp"), "{log}");
}
