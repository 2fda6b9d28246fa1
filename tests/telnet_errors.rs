//! Proves that bad telnet lines are answered as OpenTSDB answers them, in order, that nothing
//! of them is stored, and that neither the connection nor its neighbours suffer.
//!
//! The node runs without `--strict`, so what a relaxation accepts is not among the errors.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;

use crate::common::telnet::converse;
use crate::common::{Node, Telnet};

/// Sends every line on one connection; each must get its answer, and nothing is stored.
#[track_caller]
fn refused(cases: &[(&str, &str)]) {
    let node = Node::start();
    let mut telnet = node.telnet();
    for (line, answer) in cases {
        let answers = telnet.send(format!("{line}\n")).barrier();
        assert_eq!(answers.join("\n"), *answer, "{line:?}");
    }
    assert_eq!(node.export_all().count(), 0);
    assert_eq!(node.metrics().accepted(), 0.0);
    assert!(telnet.send("put still.alive 1 1 h=a\n").barrier().is_empty());
    assert_eq!(node.export_all().count(), 1);
}

/// The same where only the start of the answer is fixed.
#[track_caller]
fn refused_with(prefix: &str, lines: &[&[u8]]) {
    let node = Node::start();
    let mut telnet = node.telnet();
    for line in lines {
        let answers = telnet.send([line, b"\n".as_slice()].concat()).barrier();
        let text = String::from_utf8_lossy(line);
        assert_eq!(answers.len(), 1, "{text:?}: {answers:?}");
        let more = answers[0].len() > prefix.len();
        assert!(answers[0].starts_with(prefix) && more, "{text:?}: {answers:?}");
    }
    assert_eq!(node.export_all().count(), 0);
    let telnet = ["protocol=\"telnet\""];
    let counted = node.metrics().sum("irontsd_points_rejected_total", &telnet);
    assert_eq!(counted, lines.len() as f64);
}

#[test]
fn unknown_commands_are_named() {
    refused(&[
        ("", "unknown command: .  Try `help'."),
        ("   ", "unknown command: .  Try `help'."),
        ("get sys.cpu.user 1365465600", "unknown command: get.  Try `help'."),
        ("puts a.b 1365465600 1 h=a", "unknown command: puts.  Try `help'."),
        ("PUT a.b 1365465600 1 h=a", "unknown command: PUT.  Try `help'."),
        ("diediedie", "unknown command: diediedie.  Try `help'."),
        ("put\ta.b\t1\t1\th=a", "unknown command: put\ta.b\t1\t1\th=a.  Try `help'."),
    ]);
}

#[test]
fn missing_arguments_are_counted_as_opentsdb_counts() {
    let few =
        |count| format!("put: illegal argument: not enough arguments (need least 4, got {count})");
    refused(&[
        ("put", &few(0)),
        ("put ", &few(1)),
        ("put sys.cpu.user", &few(1)),
        ("put sys.cpu.user 1365465600", &few(2)),
        ("put a.b 1365465600 1\th=a", &few(3)),
        ("put    ", "put: illegal argument: empty metric name"),
        ("put  1365465600 42 host=web01", "put: illegal argument: empty metric name"),
    ]);
}

#[test]
fn bad_timestamps() {
    let value = |text: &str| format!("put: invalid value: {text}");
    let stamp = |text: &str| format!("put: illegal argument: invalid timestamp: {text}");
    refused(&[
        ("put m notatime 42 h=a", &value("Invalid character 'n' in notatime")),
        ("put m 1e9 42 h=a", &value("Invalid character 'e' in 1e9")),
        ("put m 0x5 42 h=a", &value("Invalid character 'x' in 0x5")),
        ("put m - 42 h=a", &value("Just a sign, no value: -")),
        ("put m 9223372036854775808 42 h=a", &value("Overflow in 9223372036854775808")),
        ("put m 18446744073709551616 42 h=a", &value("Value too long: 18446744073709551616")),
        ("put m 0 42 h=a", &stamp("0")),
        ("put m -0 42 h=a", &stamp("0")),
        ("put m -1356998400 42 h=a", &stamp("-1356998400")),
    ]);
}

#[test]
fn timestamps_out_of_range() {
    refused_with(
        "put: illegal argument: bad timestamp=10000000000000",
        &[
            b"put m 10000000000000 42 h=a",
            b"put m 10000000000000 300 h=a",
            b"put m 10000000000000 -1.5 h=a",
            b"put m 10000000000000 0.1 ",
        ],
    );
    refused_with(
        "put: illegal argument: bad timestamp=",
        &[b"put m 1356998400500000000 42 h=a", b"put m 9223372036854775807 42 h=a"],
    );
}

#[test]
fn bad_integers() {
    let value = |text: &str| format!("put: invalid value: {text}");
    refused(&[
        ("put m 1 notanum h=a", &value("Invalid character 'n' in notanum")),
        ("put m 1 42a51 h=a", &value("Invalid character 'a' in 42a51")),
        ("put m 1 0x10 h=a", &value("Invalid character 'x' in 0x10")),
        ("put m 1 10% h=a", &value("Invalid character '%' in 10%")),
        ("put m 1 \"42\" h=a", &value("Invalid character '\"' in \"42\"")),
        ("put m 1 (42) h=a", &value("Invalid character '(' in (42)")),
        ("put m 1 1,5 h=a", &value("Invalid character ',' in 1,5")),
        ("put m 1 1_000 h=a", &value("Invalid character '_' in 1_000")),
        ("put m 1 10f h=a", &value("Invalid character 'f' in 10f")),
        ("put m 1 - h=a", &value("Just a sign, no value: -")),
        ("put m 1 + h=a", &value("Just a sign, no value: +")),
        ("put m 1 9223372036854775808 h=a", &value("Overflow in 9223372036854775808")),
        ("put m 1 -9223372036854775809 h=a", &value("Overflow in -9223372036854775809")),
        ("put m 1 18446744073709551616 h=a", &value("Value too long: 18446744073709551616")),
        ("put m 1 00000000000000000001 h=a", &value("Value too long: 00000000000000000001")),
    ]);
}

#[test]
fn infinities_and_nan_are_words_not_numbers() {
    let value = |text: &str| format!("put: invalid value: {text}");
    let infinite = |text: &str| {
        format!("put: illegal argument: value is NaN or Infinite: {text} for metric=m timestamp=1")
    };
    refused(&[
        ("put m 1 NaN h=a", &value("Invalid character 'N' in NaN")),
        ("put m 1 nan h=a", &value("Invalid character 'n' in nan")),
        ("put m 1 inf h=a", &value("Invalid character 'i' in inf")),
        ("put m 1 Infinity h=a", &value("Invalid character 'I' in Infinity")),
        ("put m 1 -Infinity h=a", &value("Invalid character 'I' in -Infinity")),
        ("put m 1 1e400 h=a", &infinite("Infinity")),
        ("put m 1 -1e400 h=a", &infinite("-Infinity")),
    ]);
}

#[test]
fn bad_floats() {
    refused_with(
        "put: invalid value: ",
        &[
            b"put m 1 1.2.3 h=a",
            b"put m 1 1e h=a",
            b"put m 1 e h=a",
            b"put m 1 . h=a",
            b"put m 1 0x1e h=a",
            b"put m 1 0x1.8p1 h=a",
            b"put m 1 1.5f h=a",
            b"put m 1 1.5D h=a",
            b"put m 1 true h=a",
            b"put m 1 1,500.5 h=a",
            b"put m 1 1e5e5 h=a",
            b"put m 1 --1.5 h=a",
        ],
    );
}

#[test]
fn bad_tags() {
    let tag = |text: &str| format!("put: illegal argument: invalid tag: {text}");
    refused(&[
        ("put m 1 42 host", &tag("host")),
        ("put m 1 42 =web01", &tag("=web01")),
        ("put m 1 42 host=", &tag("host=")),
        ("put m 1 42 =", &tag("=")),
        ("put m 1 42 host=a=b", &tag("host=a=b")),
        ("put m 1 42 host=web01 dc=", &tag("dc=")),
        (
            "put m 1 42 h=a\rb",
            "put: illegal argument: Invalid tag value with key [h] (\"a\rb\"): illegal \
             character: \r",
        ),
        (
            "put m 1 42 host=web01 host=web02",
            "put: illegal argument: duplicate tag: host=web02, tags={host=web01}",
        ),
    ]);
}

#[test]
fn a_tag_said_twice_counts_once() {
    let node = Node::start();
    node.put_lines("put m 1 42 host=a host=a\n");
    assert_eq!(node.export("m").only(), ("m{host=\"a\"}", 1000, "42"));
}

#[test]
fn too_many_tags() {
    let mut line = "put m 1 42".to_owned();
    (0..41).for_each(|n| write!(line, " t{n}=v").expect("text"));
    let prefix = "put: illegal argument: Too many tags: 41 maximum allowed: 40, tags: {";
    refused_with(prefix, &[line.as_bytes()]);
}

#[test]
fn the_first_failing_check_answers() {
    refused(&[
        ("put  notatime 42 host=web01", "put: illegal argument: empty metric name"),
        ("put m 0  host=web01", "put: illegal argument: invalid timestamp: 0"),
        ("put m 1 notanum host", "put: illegal argument: invalid tag: host"),
        ("put m@ 1 notanum h=a", "put: invalid value: Invalid character 'n' in notanum"),
        (
            "put m 10000000000000 1e400 h=a",
            "put: illegal argument: value is NaN or Infinite: Infinity for metric=m \
             timestamp=10000000000000",
        ),
    ]);
}

#[test]
fn control_characters_and_broken_utf8_are_refused() {
    refused_with(
        "put: ",
        &[
            b"put a\0b 1 1 h=a",
            b"put a.b 1 1 h=a\0",
            b"put a.b 1 1 h=\x01",
            b"put a.b 1 1 h\x7f=a",
            b"put a\xffb 1 1 h=a",
            b"put a.b 1 1 h=\xc3",
            b"put a.b 1 1 h=\xed\xa0\x80",
            b"put a.b 1 1 h=\xc0\xaf",
        ],
    );
}

#[test]
fn the_name_of_the_name_is_no_tag() {
    refused_with("put: ", &[b"put a.b 1 1 __name__=x", b"put a.b 1 1 h=a __name__=a.b"]);
}

#[test]
fn a_bad_line_harms_no_other() {
    let node = Node::start();
    let lines = b"put a.b 1 1 h=a\nput a.b x 2 h=a\n\0\xff\nput a.b 3 3 h=a\n";
    let answer = converse(node.opentsdb(), lines);
    assert!(answer.starts_with("put: invalid value: Invalid character 'x' in x\n"), "{answer:?}");
    assert_eq!(node.export("a.b").count(), 2);
}

#[test]
fn errors_and_replies_keep_their_order() {
    let node = Node::start();
    let mut telnet = node.telnet();
    let mut sent = String::new();
    for n in 0..2000 {
        writeln!(sent, "put m x{n} 1 h=a\nversion\nwhat{n}\nput m {} {n} h=a", n + 1)
            .expect("text");
    }
    let mut socket = telnet.socket();
    let writer = thread::spawn(move || socket.write_all(sent.as_bytes()).expect("it reads"));
    for n in 0..2000 {
        let error = format!("put: invalid value: Invalid character 'x' in x{n}");
        assert_eq!(telnet.until_version(), Some(between(n, error)));
    }
    writer.join().expect("the writer is done");
    assert_eq!(telnet.line(), Some("unknown command: what1999.  Try `help'.".into()));
    assert!(telnet.barrier().is_empty());
    assert_eq!(node.export("m").count(), 2000);
}

/// What stands before the `n`th answer to `version`.
fn between(n: usize, error: String) -> Vec<String> {
    let before = n.checked_sub(1).map(|n| format!("unknown command: what{n}.  Try `help'."));
    before.into_iter().chain([error]).collect()
}

#[test]
fn a_client_that_reads_no_errors_costs_little_and_blocks_nobody() {
    let node = Node::start();
    let peak_before = node.memory_peak_bytes();
    let mut telnet = node.telnet();
    let mut socket = telnet.socket();
    let flood = thread::spawn(move || flood(&mut socket));
    // Others are served while the flood runs or stands still.
    for n in 1..=200 {
        node.put_lines(&format!("put calm {n} {n} h=a\n"));
    }
    let answers = telnet.until_version().expect("the connection is open");
    flood.join().expect("the node took every line");
    assert!(answers.iter().all(|line| line.starts_with("put: invalid value: ")));
    assert!(node.memory_peak_bytes() < peak_before + (64 << 20), "unread errors are kept");
    assert_eq!(node.metrics().rejected(), 1_000_000.0);
    assert_eq!(node.export("calm").count(), 200);
    still_works(&mut telnet);
}

/// A million bad lines, whose answers are some 50 MB.
fn flood(socket: &mut TcpStream) {
    let lines = "put m notatime 1 h=a\n".repeat(1000);
    for _ in 0..1000 {
        socket.write_all(lines.as_bytes()).expect("the node reads");
    }
    socket.write_all(b"version\n").expect("the node reads");
}

fn still_works(telnet: &mut Telnet) {
    assert!(telnet.send("put calm 1 1 h=b\n").barrier().is_empty());
}
