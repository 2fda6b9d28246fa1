//! Proves the telnet side: commands, line ends, splits, and that `version` is a barrier.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::telnet::converse;
use crate::common::{Http, Node};

const H_A: [(&str, &str); 1] = [("h", "a")];

#[test]
fn a_put_is_silent_and_visible_after_the_next_reply() {
    let node = Node::start();
    let mut telnet = node.telnet();
    for value in 1..=50 {
        let line = format!("put barrier {} {value} h=a\n", 1_365_465_600 + value);
        assert!(telnet.send(line).barrier().is_empty());
        assert_eq!(node.export("barrier").count(), value);
    }
}

#[test]
fn version_names_the_program_and_ignores_arguments() {
    let node = Node::start();
    let answer = converse(node.opentsdb(), "version please\n");
    assert!(answer.starts_with("irontsd ") && answer.ends_with('\n'), "{answer:?}");
}

#[test]
fn help_lists_the_commands() {
    let node = Node::start();
    let answer = converse(node.opentsdb(), "help\n");
    assert!(answer.starts_with("available commands: "), "{answer:?}");
    for command in ["put", "rollup", "version", "dropcaches", "stats", "status", "help", "exit"] {
        assert!(answer.split_whitespace().any(|word| word == command), "{command}: {answer:?}");
    }
    let listed = answer.strip_prefix("available commands: ").expect("a list");
    for command in listed.split_whitespace() {
        let answer = converse(node.opentsdb(), format!("{command}\n"));
        assert!(!answer.starts_with("unknown command"), "{command}: {answer:?}");
    }
}

#[test]
fn stats_are_lines_of_name_time_and_integer() {
    let node = Node::start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let answer = converse(node.opentsdb(), "put a.b 1365465600 1 h=a\nstats\n");
    assert!(answer.lines().count() > 3, "{answer:?}");
    for line in answer.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(words.len() >= 3, "{line:?}");
        assert!(words[1].parse::<u64>().expect("seconds").abs_diff(now) < 300, "{line:?}");
        words[2].parse::<i64>().unwrap_or_else(|e| panic!("{line:?}: {e}"));
        assert!(words[3..].iter().all(|tag| tag.contains('=')), "{line:?}");
    }
}

#[test]
fn exit_closes_after_what_came_before_it() {
    let node = Node::start();
    let mut telnet = node.telnet();
    telnet.send("version\nput a.b 1365465600 1 h=a\nexit\nput a.b 1365465601 2 h=a\n");
    assert_eq!(telnet.until_version(), Some(vec![]));
    assert_eq!(telnet.line(), None, "the node closes");
    assert_eq!(node.export("a.b").only(), ("a.b{h=\"a\"}", 1_365_465_600_000, "1"));
}

#[test]
fn lines_end_in_lf_or_crlf_and_spaces_repeat() {
    let node = Node::start();
    let forms = [
        "put a.b 1 1 h=a\n",
        "put a.b 2 2 h=a\r\n",
        "put  a.b 3 3 h=a\n",
        "put a.b  4 4 h=a\n",
        "put a.b 5  5 h=a\n",
        "put a.b 6 6   h=a\n",
        "put a.b 7 7 h=a  \r\n",
        "  put a.b 8 8 h=a \n",
    ];
    node.put_lines(&forms.concat());
    let expected: Vec<_> = (1..=8).map(|n| (n * 1000, n.to_string())).collect();
    assert_eq!(node.export("a.b").samples("a.b", &H_A), expected);
}

#[test]
fn tags_are_optional_and_their_order_is_irrelevant() {
    let node = Node::start();
    node.put_lines("put bare 1 1\nput bare 2 2 \nput two 1 1 a=1 b=2\nput two 2 2 b=2 a=1\n");
    let export = node.export_all();
    assert_eq!(export.samples("bare", &[]).len(), 2);
    assert_eq!(export.samples("two", &[("a", "1"), ("b", "2")]).len(), 2);
}

#[test]
fn forty_tags_are_taken() {
    let node = Node::start();
    let mut line = "put many 1 1".to_owned();
    (0..40).for_each(|n| write!(line, " t{n:02}=v{n}").expect("text"));
    node.put_lines(&(line + "\n"));
    let export = node.export("many");
    let (series, ..) = export.only();
    assert_eq!(series.matches("=\"v").count(), 40, "{series}");
}

#[test]
fn names_are_stored_as_sent() {
    let node = Node::start();
    let names =
        ["aZ09-_./b", "sys@cpu", "sys:cpu", "sys=cpu", ".", "-", "Caf\u{e9}.\u{4e2d}", "\\"];
    for name in names {
        node.put_lines(&format!("put {name} 1 1 K-_./9=v:@\\\u{df}\u{1f600}\n"));
    }
    let export = node.export_all();
    for name in names {
        let samples = export.samples(name, &[("K-_./9", "v:@\\\u{df}\u{1f600}")]);
        assert_eq!(samples, [(1000, "1".to_owned())], "{name}: {export:?}");
    }
}

#[test]
fn a_line_may_be_split_at_any_byte() {
    let node = Node::start();
    for place in 0..script(0).len() {
        let script = script(place);
        let mut telnet = node.telnet();
        // The first half travels with a `version`: its answer proves that it was consumed.
        telnet.send(["version\n", &script[..place]].concat());
        assert_eq!(telnet.until_version(), Some(vec![]));
        let answer = String::from_utf8(telnet.send(&script[place..]).rest()).expect("text");
        check_script(&node, place, &answer);
    }
}

#[test]
fn a_script_may_arrive_byte_by_byte() {
    let node = Node::start();
    let mut telnet = node.telnet();
    for byte in script(0).as_bytes() {
        telnet.send([*byte]);
    }
    let answer = String::from_utf8(telnet.rest()).expect("text");
    check_script(&node, 0, &answer);
}

/// Good and bad lines that store three points under a metric of their own and close.
fn script(number: usize) -> String {
    format!(
        "put s{number:03} 1 1 h=a\r\n\nput s{number:03} 2 x h=a\nput s{number:03} 3 3.5  h=a\n\
         get\nput s{number:03} 4 -4 h=a \nexit\n"
    )
}

#[track_caller]
fn check_script(node: &Node, number: usize, answer: &str) {
    let expected = "unknown command: .  Try `help'.\n\
                    put: invalid value: Invalid character 'x' in x\n\
                    unknown command: get.  Try `help'.\n";
    assert_eq!(answer, expected, "script {number}");
    let name = format!("s{number:03}");
    let expected = [(1000, "1".to_owned()), (3000, "3.5".to_owned()), (4000, "-4".to_owned())];
    assert_eq!(node.export(&name).samples(&name, &H_A), expected, "script {number}");
}

#[test]
fn an_unterminated_last_line_is_not_stored() {
    let node = Node::start();
    let answer = converse(node.opentsdb(), "put a.b 1 1 h=a\nput a.b 2 2 h=a");
    assert_eq!(answer, "");
    // A second connection orders the check behind the first one's end.
    node.put_lines("put other 1 1 h=a\n");
    assert_eq!(node.export("a.b").samples("a.b", &H_A), [(1000, "1".to_owned())]);
}

#[test]
fn any_command_or_a_blank_line_may_come_first() {
    let node = Node::start();
    for (first, answer) in [
        ("version\n", "irontsd "),
        ("\n", "unknown command: .  Try `help'.\n"),
        ("\r\n", "unknown command: .  Try `help'.\n"),
        ("help\n", "available commands: "),
        ("PUT x\n", "unknown command: PUT.  Try `help'.\n"),
        ("GET / HTTP/2.0\n", "unknown command: GET.  Try `help'.\n"),
        ("GET  / HTTP/1.1\n", "unknown command: GET.  Try `help'.\n"),
        ("VERSION\n", "unknown command: VERSION.  Try `help'.\n"),
    ] {
        let mut telnet = node.telnet();
        let line = telnet.send(first).line().expect("an answer") + "\n";
        assert!(line.starts_with(answer), "{first:?}: {line:?}");
        assert!(telnet.send("put first 1 1 h=a\n").barrier().is_empty(), "{first:?}");
    }
}

#[test]
fn http_and_telnet_share_the_port() {
    let node = Node::start();
    let mut telnet = node.telnet();
    telnet.send("put a.b 1 1 h=a\n");
    let mut http = Http::connect(node.opentsdb());
    assert_eq!(http.get("/api/version").status, 200);
    let body = br#"{"metric":"a.b","timestamp":2,"value":2,"tags":{"h":"a"}}"#;
    assert_eq!(http.post("/api/put", body).status, 204);
    assert!(telnet.barrier().is_empty());
    assert_eq!(node.export("a.b").count(), 2);
}

#[test]
fn many_lines_in_one_go_all_arrive() {
    let node = Node::start();
    let lines: String = (1..=50_000).map(|n| format!("put bulk {n} {n} h=a\n")).collect();
    node.put_lines(&lines);
    let expected: Vec<_> = (1..=50_000).map(|n| (n * 1000, n.to_string())).collect();
    assert!(node.export("bulk").samples("bulk", &H_A) == expected);
}

#[test]
fn commands_of_telnet_itself_are_left_out() {
    let node = Node::start();
    let mut telnet = node.telnet();
    // What telnet clients send by themselves when they connect, when the window changes (its size
    // may hold a line feed), and for Ctrl-C.
    telnet.send(b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f");
    assert!(telnet.barrier().is_empty());
    telnet.send(
        b"\xff\xfa\x1f\x00\x50\x00\x0a\xff\xf0put i\xff\xf1ac 1 1 h=a\xff\xf4\xff\xfd\x06\r\n",
    );
    telnet.send(b"put iac 2 2 h=a\xff\xfb\x1f\nput iac 2 2 \xff\xf9h=a\n");
    assert!(telnet.barrier().is_empty());
    let samples = [(1000, "1".to_owned()), (2000, "2".to_owned())];
    assert_eq!(node.export_all().samples("iac", &H_A), samples);
    let refused = telnet.send(b"put i\xffac 1 1 h=a\n").barrier();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("not UTF-8 at byte 1"), "{refused:?}");
}

#[test]
fn errors_can_be_switched_off_and_are_counted_all_the_same() {
    let node = Node::with_flags(&["--telnet-errors", "off"]);
    let long = format!("put m 1 1 h={}\n", "x".repeat(70_000));
    let mut telnet = node.telnet();
    telnet.send("put\nput m x 1 h=a\nnosuch\nrollup\nput m 1 1 h=a\n").send(long);
    assert!(telnet.barrier().is_empty());
    telnet.send("help\nstatus\n");
    assert!(telnet.line().is_some_and(|line| line.starts_with("available commands: ")));
    assert_eq!(telnet.line().as_deref(), Some("ok"));
    assert_eq!(node.export_all().count(), 1);
    assert_eq!(node.metrics().rejected(), 5.0);
}
