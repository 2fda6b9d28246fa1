//! Proves that KairosDB's lines and bodies are taken and answered as KairosDB does, and that what
//! is refused is named, counted and harms nothing else.

use std::net::TcpListener;
use std::process::Command;

use crate::common::gzip::gzip;
use crate::common::process::Process;
use crate::common::telnet::converse;
use crate::common::{Home, Http, Node, Response, Telnet};

const ON: [&str; 2] = ["--kairosdb-listen", "127.0.0.1:0"];
const H_A: [(&str, &str); 1] = [("h", "a")];

fn version() -> String {
    format!("KairosDB 1.3.0 (irontsd {})", env!("CARGO_PKG_VERSION"))
}

#[track_caller]
fn post(node: &Node, body: impl AsRef<[u8]>) -> Response {
    Http::connect(node.kairosdb()).post("/api/v1/datapoints", body.as_ref())
}

#[track_caller]
fn rejected(node: &Node, reason: &str) -> f64 {
    let labels = ["protocol=\"kairosdb\"", &format!("reason=\"{reason}\"")];
    node.metrics().sum("irontsd_points_rejected_total", &labels)
}

#[track_caller]
fn accepted(node: &Node) -> f64 {
    node.metrics().sum("irontsd_points_accepted_total", &["protocol=\"kairosdb\""])
}

#[test]
fn timestamps_of_put_are_seconds_or_milliseconds_and_of_putm_milliseconds() {
    let node = Node::with_flags(&ON);
    let lines = "put a.b 1356998400 1 h=a\nput a.b 2999999999 2 h=a\nput a.b 3000000000 3 h=a\n\
                 put a.b 1356998400500 4.50 h=a\nputm a.b 5 -5 h=a\nputm a.b 1356998400 6 h=a\n\
                 version\n";
    assert_eq!(converse(node.kairosdb(), lines), version() + "\n");
    let expected = [
        (5, "-5"),
        (1_356_998_400, "6"),
        (3_000_000_000, "3"),
        (1_356_998_400_000, "1"),
        (1_356_998_400_500, "4.5"),
        (2_999_999_999_000, "2"),
    ];
    let expected = expected.map(|(ms, value)| (ms, value.to_owned()));
    assert_eq!(node.export("a.b").samples("a.b", &H_A), expected);
    assert_eq!(accepted(&node), 6.0);
}

#[test]
fn words_and_tags_are_split_as_kairosdb_splits_them() {
    let node = Node::with_flags(&ON);
    let lines = "  put\ta.b 1   1 \t h=a kairos_opt.ttl=60\r\n\
                 put \"a b\" 1 2 \"h=x y\"\nput none 1 3\nversion\n";
    assert_eq!(converse(node.kairosdb(), lines), version() + "\n");
    let export = node.export_all();
    assert_eq!(export.samples("a.b", &H_A).len(), 1);
    assert_eq!(export.samples("a b", &[("h", "x y")]).len(), 1);
    assert_eq!(export.samples("none", &[]).len(), 1);
}

#[test]
fn bad_lines_are_silent_counted_and_harm_nothing_else() {
    let node = Node::with_flags(&ON);
    let bad = [
        ("put a.b 1", "illegal_argument"),
        ("put a.b 1 1 h", "illegal_argument"),
        ("put a.b 1 1 h=a=b", "illegal_argument"),
        ("put a.b 1 1 h=a h=b", "illegal_argument"),
        ("put a.b 1 1 __name__=x", "illegal_argument"),
        ("puts a.b 1 text h=a", "illegal_argument"),
        ("put \"a.b 1 1 h=a", "illegal_argument"),
        ("put a.b x 1 h=a", "invalid_value"),
        ("put a.b 1.5 1 h=a", "invalid_value"),
        ("put a.b 1 1e5 h=a", "invalid_value"),
        ("put a.b 1 NaN h=a", "invalid_value"),
        ("put a.b 1 +5 h=a", "invalid_value"),
        ("put a.b 0 1 h=a", "timestamp_range"),
        ("putm a.b 10000000000000 1 h=a", "timestamp_range"),
        ("PUT a.b 1 1 h=a", "unknown_command"),
        ("help", "unknown_command"),
        ("", "unknown_command"),
    ];
    let mut telnet = Telnet::connect(node.kairosdb());
    for (at, (line, _)) in bad.iter().enumerate() {
        telnet.send(format!("{line}\nput a.b {} {at} h=a\n", at + 1));
    }
    // The answer to `version` is the only one, and comes behind the points before it.
    assert_eq!(telnet.send("version\n").line(), Some(version()));
    assert_eq!(node.export("a.b").count(), bad.len());
    for (_, reason) in bad {
        let expected = bad.iter().filter(|(_, other)| *other == reason).count();
        assert_eq!(rejected(&node, reason), expected as f64, "{reason}");
    }
    let peer = telnet.socket().local_addr().expect("an address").to_string();
    let refused = node.get("/api/v1/status/rejected").text();
    assert!(refused.contains(&peer) && refused.contains("kairosdb"), "{refused}");
}

#[test]
fn lines_may_be_split_anywhere_and_only_whole_ones_count() {
    let node = Node::with_flags(&ON);
    let script = "put a.b 1 1 h=a\r\nputm a.b 2 2 h=a\nversion\n";
    for place in 0..script.len() {
        let mut telnet = Telnet::connect(node.kairosdb());
        telnet.send("version\n").send(&script[..place]);
        assert_eq!(telnet.line(), Some(version()));
        let answer = telnet.send(&script[place..]).line();
        assert_eq!(answer, Some(version()), "{place}");
    }
    assert_eq!(accepted(&node), 2.0 * script.len() as f64);
    assert_eq!(converse(node.kairosdb(), "put cut 1 1 h=a\nput cut 2 2 h=a"), "");
    assert_eq!(node.export("cut").count(), 1);
}

#[test]
fn a_line_that_is_too_long_is_dropped_and_the_connection_stays() {
    let node = Node::with_flags(&[&ON[..], &["--max-line-bytes", "100"]].concat());
    let mut telnet = Telnet::connect(node.kairosdb());
    let long = "x".repeat(10_000);
    telnet.send(format!("version\nput long 1 1 h={long}"));
    assert_eq!(telnet.line(), Some(version()));
    telnet.send(format!("{long}\nput a.b 1 1 h={}\nput a.b 1 1 h=a\nversion\n", &long[..100]));
    assert_eq!(telnet.line(), Some(version()));
    assert_eq!(rejected(&node, "line_too_long"), 2.0);
    assert_eq!(node.export_all().count(), 1);
}

#[test]
fn both_forms_of_bodies_are_stored_when_204_is_answered() {
    let node = Node::with_flags(&ON);
    let answer = post(
        &node,
        r#"[{"name":"a.b","timestamp":1356998400000,"value":1,"tags":{"h":"a"}},
            {"name":"a.b","tags":{"h":"a"},"datapoints":[[1,"2"],[2,-3.5],["3",9223372036854775807,"long"]]},
            {"name":"bare","time":4,"value":"5","ttl":60,"skip_validate":true,"unknown":[{}]}]"#,
    );
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    for (header, value) in [
        ("access-control-allow-origin", "*"),
        ("pragma", "no-cache"),
        ("cache-control", "no-cache"),
        ("expires", "0"),
    ] {
        assert_eq!(answer.header(header), Some(value), "{header}");
    }
    let node = node.kill_and_restart();
    let export = node.export_all();
    let expected = [(1, "2"), (2, "-3.5"), (3, "9223372036854775807"), (1_356_998_400_000, "1")];
    let expected = expected.map(|(ms, value)| (ms, value.to_owned()));
    assert_eq!(export.samples("a.b", &H_A), expected);
    assert_eq!(export.samples("bare", &[]), [(4, "5".to_owned())]);
    assert_eq!(post(&node, "[]").status, 204);
}

#[test]
fn bad_points_are_listed_and_their_neighbours_stored() {
    let node = Node::with_flags(&ON);
    let answer = post(
        &node,
        r#"[{"name":"x","timestamp":1,"value":1,"tags":null},
            {"timestamp":1,"value":1,"tags":{"h":"a"}},
            {"name":"a.b","tags":{"h":"a"},"datapoints":[[1,1],[2],[3,3,"string"],[4,NaN],[5,5]]}]"#,
    );
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let errors = answer.json();
    let errors: Vec<&str> = errors.get("errors").items().iter().map(|text| text.str()).collect();
    let expected = [
        "metric[0](name=x).tags count must be greater than or equal to 1.",
        "metric[1].name may not be null.",
        "metric[2](name=a.b).datapoints[1].value cannot be null or empty.",
        "Unregistered data point type 'string'",
        "metric[2](name=a.b).datapoints[3].value is not a finite number: Invalid character 'N' in NaN",
    ];
    assert_eq!(errors, expected);
    let stored = [(1, "1".to_owned()), (5, "5".to_owned())];
    assert_eq!(node.export_all().samples("a.b", &H_A), stored);
    assert_eq!(node.export_all().count(), 2);
    assert_eq!((accepted(&node), rejected(&node, "illegal_argument")), (2.0, 4.0));
    assert_eq!(rejected(&node, "invalid_value"), 1.0);
}

#[test]
fn bodies_that_are_no_json_are_refused_with_the_place() {
    let node = Node::with_flags(&ON);
    for (body, error) in [
        ("", "Invalid json. No content due to end of input."),
        ("[{\"name\":", "Invalid json. No content due to end of input."),
        ("name", "Invalid start of json."),
        ("[{]", "Invalid json: expected a key at byte 2."),
    ] {
        let answer = post(&node, body);
        let expected = format!("{{\"errors\":[\"{error}\"]}}");
        assert_eq!((answer.status, answer.text()), (400, expected), "{body:?}");
    }
    assert_eq!(rejected(&node, "invalid_json"), 4.0);
    // What stands before the fault is whole.
    let answer = post(&node, r#"[{"name":"a.b","timestamp":1,"value":1,"tags":{"h":"a"}},"#);
    assert_eq!(answer.status, 400);
    assert_eq!(node.export_all().count(), 1);
    assert_eq!(post(&node, b"[\"\xff\"]").status, 400);
    assert_eq!(rejected(&node, "invalid_utf8"), 1.0);
}

#[test]
fn gzip_is_known_by_its_encoding_or_its_type() {
    let node = Node::with_flags(&[&ON[..], &["--max-body-bytes", "100KB"]].concat());
    let mut http = Http::connect(node.kairosdb());
    let path = "/api/v1/datapoints";
    let body =
        |at: u32| format!(r#"{{"name":"a.b","timestamp":{at},"value":1,"tags":{{"h":"a"}}}}"#);
    for (at, lines) in [
        (1, ["Content-Encoding: gzip", "Content-Type: application/json"]),
        (2, ["X-Other: 1", "Content-Type: application/gzip"]),
        (3, ["Content-Encoding: gzip", "Content-Type: application/gzip"]),
    ] {
        let answer = http.request("POST", path, &lines, &gzip(body(at).as_bytes()));
        assert_eq!(answer.status, 204, "{lines:?}");
    }
    assert_eq!(node.export("a.b").count(), 3);
    let typed = ["Content-Type: application/gzip"];
    let answer = http.request("POST", path, &typed, b"no gzip");
    assert_eq!(answer.status, 400);
    assert!(answer.text().starts_with("{\"errors\":[\"the body does not decompress"));
    let answer = http.request("POST", path, &typed, &gzip(&vec![b' '; 200_000]));
    assert_eq!(answer.text(), "{\"errors\":[\"the body exceeds 100000 bytes\"]}");
    let answer = http.request("POST", path, &[], &vec![b' '; 200_000]);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.text(), "{\"errors\":[\"the body exceeds 100000 bytes\"]}");
    assert_eq!(rejected(&node, "body_too_large"), 2.0);
}

#[test]
fn one_metric_may_bring_many_points_and_many_errors() {
    let node = Node::with_flags(&ON);
    let points: Vec<String> = (1..=50_000).map(|n| format!("[{n},{n}],[]")).collect();
    let body =
        format!(r#"{{"datapoints":[{}],"tags":{{"h":"a"}},"name":"bulk"}}"#, points.join(","));
    let answer = post(&node, body);
    assert_eq!(answer.status, 400);
    let errors = answer.json();
    assert_eq!(errors.get("errors").items().len(), 101);
    assert_eq!(errors.get("errors").items()[100].str(), "and 49900 more");
    let expected: Vec<_> = (1..=50_000).map(|n| (n, n.to_string())).collect();
    assert!(node.export("bulk").samples("bulk", &H_A) == expected);
    assert_eq!((accepted(&node), rejected(&node, "illegal_argument")), (50_000.0, 50_000.0));
}

#[test]
fn the_port_has_kairosdbs_paths_and_no_others() {
    let node = Node::with_flags(&ON);
    let mut http = Http::connect(node.kairosdb());
    let answer = http.get("/api/v1/version");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().get("version").str(), version());
    assert_eq!(http.get("/api/v1/datapoints").status, 405);
    assert_eq!(http.get("/api/v1/export").status, 404);
    assert_eq!(http.post("/api/put", b"{}").status, 404);
    assert_eq!(Http::connect(node.http()).post("/api/v1/datapoints", b"[]").status, 404);
    let open = node.metrics().sum("irontsd_connections", &["protocol=\"kairosdb\""]);
    assert_eq!(open, 1.0);
}

#[test]
fn the_policy_holds_on_this_port_too() {
    let node = Node::with_flags(&[&ON[..], &["--strict"]].concat());
    assert_eq!(converse(node.kairosdb(), "put none 1 1\nput b@d 1 1 h=a\n"), "");
    assert_eq!(post(&node, r#"{"name":"none","timestamp":1,"value":1}"#).status, 400);
    let tagged = node.export_all();
    assert_eq!(tagged.only().0, "none{add=\"tag\"}");
    let node = Node::with_flags(&[&ON[..], &["--auto-create-metrics", "off"]].concat());
    assert_eq!(converse(node.kairosdb(), "put new 1 1 h=a\n"), "");
    let answer = post(&node, r#"{"name":"new","timestamp":1,"value":1,"tags":{"h":"a"}}"#);
    let expected = r#"{"errors":["metric[0](name=new): No such name for 'metrics': 'new'"]}"#;
    assert_eq!((answer.status, answer.text().as_str()), (400, expected));
    assert_eq!(rejected(&node, "unknown_name"), 2.0);
}

#[test]
fn nothing_listens_unless_asked_to() {
    let (without, with) = (Node::start(), Node::with_flags(&ON));
    assert_eq!(without.listener_count() + 1, with.listener_count());
    TcpListener::bind(with.kairosdb()).expect_err("the node holds the port");
}

#[test]
fn points_that_cannot_be_stored_are_not_acknowledged() {
    let home = Home::new(&ON);
    // No file of this node grows beyond 16 KiB.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\""]);
    let command = home.command();
    limited.arg(command.get_program()).args(command.get_args());
    let node = Node::ready(&home, Process::spawn(&mut limited));
    let mut telnet = Telnet::connect(node.kairosdb());
    telnet.send("version\n");
    assert_eq!(telnet.line(), Some(version()));
    let points: Vec<String> = (1..=50_000).map(|n| format!("[{n},{n}]")).collect();
    let body = format!(r#"{{"name":"m","tags":{{"h":"a"}},"datapoints":[{}]}}"#, points.join(","));
    let mut http = Http::connect(node.kairosdb());
    let answer = http.post("/api/v1/datapoints", body.as_bytes());
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().starts_with("{\"errors\":[\"write "), "{}", answer.text());
    assert!(http.closed(), "one answer and the end");
    telnet.send("put a.b 1 1 h=a\nversion\n");
    assert_eq!(telnet.line(), None, "the end is the only way to say so");
    assert_eq!((accepted(&node), rejected(&node, "unavailable")), (0.0, 2.0));
    assert_eq!(node.export_all().count(), 0);
}
