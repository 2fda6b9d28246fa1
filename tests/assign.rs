//! Proves that names can be made known by hand where new ones are refused: over HTTP and with
//! `irontsd mkmetric`; that they stay known whatever ends the node; and what `/api/suggest` tells.

use crate::common::node::irontsd;
use crate::common::telnet::converse;
use crate::common::{Home, Http, Node};

const OFF: &[&str] =
    &["--auto-create-metrics", "off", "--auto-create-tagks", "off", "--auto-create-tagvs", "off"];

/// GET or POST; status and body.
fn ask(node: &Node, method: &str, target: &str, body: &str) -> (u16, String) {
    let mut http = Http::connect(node.opentsdb());
    let answer = http.request(method, target, &[], body.as_bytes());
    (answer.status, answer.text())
}

/// What the node answers to a point.
fn put(node: &Node, point: &str) -> String {
    converse(node.opentsdb(), format!("put {point}\n"))
}

#[test]
fn assigned_names_may_be_used_and_others_not() {
    let node = Node::with_flags(OFF);
    let unknown = |kind: &str, name: &str| {
        format!("put: unknown metric: No such name for '{kind}': '{name}'\n")
    };
    let point = "sys.cpu 1 1 host=web01";
    assert_eq!(put(&node, point), unknown("metrics", "sys.cpu"));
    let (status, body) = ask(&node, "GET", "/api/uid/assign?metric=sys.cpu,sys.mem", "");
    assert_eq!(status, 200);
    assert_eq!(body, r#"{"metric":{"sys.cpu":"000001","sys.mem":"000002"}}"#);
    assert_eq!(put(&node, point), unknown("tagk", "host"));
    let body = r#"{"tagk":["host"],"tagv":["web01"]}"#;
    let (status, body) = ask(&node, "POST", "/api/v1/uid/assign", body);
    assert_eq!(status, 200);
    assert_eq!(body, r#"{"tagk":{"host":"000003"},"tagv":{"web01":"000004"}}"#);
    assert_eq!(put(&node, point), "");
    assert_eq!(put(&node, "sys.mem 1 1 host=web01"), "");
    assert_eq!(put(&node, "web01 1 1 host=web01"), unknown("metrics", "web01"));
    assert_eq!(put(&node, "sys.mem 1 1 host=sys.mem"), unknown("tagv", "sys.mem"));
    let body = r#"{"metric":"sys.io","timestamp":1,"value":1,"tags":{"host":"web01"}}"#;
    let (status, body) = ask(&node, "POST", "/api/put?details", body);
    assert_eq!(status, 400);
    assert!(body.contains(r#""error":"Unknown metric""#), "{body}");
    assert_eq!(node.export_all().count(), 2);
}

#[test]
fn what_cannot_be_assigned_is_named_and_the_rest_is_assigned() {
    let node = Node::start();
    node.put_lines("put used 1 1 host=web01\n");
    let body = r#"{"metric":["new","used","","new",null],"tagk":["__name__"],"nope":["x"]}"#;
    let (status, body) = ask(&node, "POST", "/api/uid/assign", body);
    assert_eq!(status, 400);
    assert_eq!(
        body,
        concat!(
            r#"{"metric":{"new":"000001"},"#,
            r#""metric_errors":{"":"Invalid metric: empty string","#,
            r#""new":"Name already exists with UID: 000001","null":"Invalid metric: null","#,
            r#""used":"Name already exists with UID: 000002"},"#,
            r#""tagk":{},"tagk_errors":"#,
            r#"{"__name__":"Invalid tagk (\"__name__\"): reserved for the metric"},"#,
            r#""nope":{},"nope_errors":{"x":"Unknown type name"}}"#
        )
    );
    let strict = Node::with_flags(&["--strict"]);
    let (status, body) = ask(&strict, "GET", "/api/uid/assign?metric=a%21b,ok", "");
    assert_eq!(status, 400);
    assert_eq!(
        body,
        r#"{"metric":{"ok":"000001"},"metric_errors":{"a!b":"Invalid metric (\"a!b\"): illegal character: !"}}"#
    );
}

#[test]
fn requests_that_ask_for_nothing_are_refused() {
    let node = Node::start();
    for (method, target, body, status, says) in [
        ("GET", "/api/uid/assign", "", 400, "Missing values to assign UIDs"),
        ("POST", "/api/uid/assign", "", 400, "Missing message content"),
        ("POST", "/api/uid/assign", "{}", 400, "Missing values to assign UIDs"),
        ("POST", "/api/uid/assign", "{\"metric\":1}", 400, "Unable to parse the given JSON"),
        ("PUT", "/api/uid/assign", "{}", 405, "Method not allowed"),
    ] {
        let (found, body) = ask(&node, method, target, body);
        assert_eq!(found, status, "{method} {target}: {body}");
        assert!(body.contains(says), "{method} {target}: {body}");
    }
}

#[test]
fn assigned_names_outlive_the_node() {
    let mut node = Home::new(OFF).start();
    for round in 1..=3 {
        let target = format!("/api/uid/assign?metric=m{round}&tagk=k{round}&tagv=v{round}");
        assert_eq!(ask(&node, "GET", &target, "").0, 200);
        node = if round == 2 { node.stop_and_restart() } else { node.kill_and_restart() };
        let (_, body) = ask(&node, "GET", &target, "");
        let uid = format!("{:06X}", round * 3);
        assert!(body.contains(&format!("Name already exists with UID: {uid}")), "{body}");
        for known in 1..=round {
            assert_eq!(put(&node, &format!("m{known} {round} 1 k{round}=v{known}")), "");
        }
    }
}

#[test]
fn suggest_knows_assigned_names() {
    let node = Node::with_flags(OFF);
    ask(&node, "GET", "/api/uid/assign?metric=b,ab,aa,c&tagk=host&tagv=a1", "");
    node.put_lines("put b 1 1 host=a1\n");
    for (query, names) in [
        ("type=metrics", r#"["aa","ab","b","c"]"#),
        ("type=metrics&q=a", r#"["aa","ab"]"#),
        ("type=metrics&max=2", r#"["aa","ab"]"#),
        ("type=tagk", r#"["host"]"#),
        ("type=tagv&q=a", r#"["a1"]"#),
    ] {
        assert_eq!(ask(&node, "GET", &format!("/api/suggest?{query}"), "").1, names, "{query}");
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let fields: Vec<_> = pairs.map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
        let body = format!("{{{}}}", fields.join(","));
        assert_eq!(ask(&node, "POST", "/api/suggest", &body).1, names, "{body}");
    }
    let refused = [
        ("GET", "/api/suggest", "", "Missing parameter <code>type</code>"),
        ("POST", "/api/suggest?type=", r#"{"q":"a"}"#, "Missing 'type' parameter"),
        ("POST", "/api/suggest", "", "Missing 'type' parameter"),
        ("POST", "/api/suggest", r#"{"type":[]}"#, "expected a text or a number at byte 8"),
    ];
    for (method, target, body, message) in refused {
        let (status, text) = ask(&node, method, target, body);
        assert!(status == 400 && text.contains(message), "{method} {target} {body}: {text}");
    }
}

/// Runs the program against a node; exit code, standard output, standard error.
fn run(node: &Node, args: &[&str]) -> (Option<i32>, String, String) {
    let output = irontsd().args(args).env("IRONTSD_NODE", node.opentsdb().to_string()).output();
    let output = output.expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_line_assigns_names() {
    let node = Node::with_flags(&[OFF, &["--strict"]].concat());
    let (code, out, err) = run(&node, &["mkmetric", "sys.cpu", "sys.mem", "sys.cpu"]);
    let lines =
        "metrics sys.cpu: [0, 0, 1]\nmetrics sys.mem: [0, 0, 2]\nmetrics sys.cpu: [0, 0, 1]\n";
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), lines, ""));
    let (code, out, _) = run(&node, &["uid", "assign", "tagk", "host"]);
    assert_eq!((code, out.as_str()), (Some(0), "tagk host: [0, 0, 3]\n"));
    let (code, out, err) = run(&node, &["uid", "assign", "tagv", "bad name", "web01"]);
    assert_eq!((code, out.as_str()), (Some(1), "tagv web01: [0, 0, 4]\n"));
    assert_eq!(err, "error: Invalid tagv (\"bad name\"): illegal character:  \n");
    assert_eq!(put(&node, "sys.mem 1 1 host=web01"), "");
    let args = ["mkmetric", "--node", "127.0.0.1:1", "sys.io"];
    let (code, out, err) = run(&node, &args);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.contains("127.0.0.1:1") && err.contains("--node"), "{err}");
}
