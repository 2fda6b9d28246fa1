//! Proves that new series are refused beyond the limits, by name, on every protocol, and that known
//! ones never are; and that the node tells where its series come from.

use std::net::UdpSocket;

use crate::common::{Http, Json, Node, Telnet, wait};

const REJECTED: &str = "irontsd_points_rejected_total";
const FULL: &str = "there are 1 series (--max-series), no room for b h=a";

/// A node that has its only series, `a h=a`.
fn full() -> Node {
    let node = Node::with_flags(&[
        "--max-series",
        "1",
        "--opentsdb-udp",
        "on",
        "--kairosdb-listen",
        "127.0.0.1:0",
    ]);
    node.put_lines("put a 1 1 h=a\n");
    node
}

#[track_caller]
fn refused(node: &Node, protocol: &str) -> f64 {
    let labels = [&*format!("protocol=\"{protocol}\""), "reason=\"too_many_series\""];
    node.metrics().sum(REJECTED, &labels)
}

/// `a h=a` has samples at these seconds, and nothing else is there.
#[track_caller]
fn expect(node: &Node, seconds: &[i64]) {
    let export = node.export_all();
    let times: Vec<i64> = export.samples("a", &[("h", "a")]).iter().map(|(ms, _)| *ms).collect();
    assert_eq!(times, seconds.iter().map(|second| second * 1000).collect::<Vec<_>>());
    assert_eq!(export.count(), seconds.len());
}

#[test]
fn lines_beyond_the_limit_are_answered() {
    let node = full();
    let lines = "put a 2 1 h=a\nput b 2 1 h=a\nput  a 3 1 h=a\nput a 4 0:1:2 h=a\n";
    let answers = node.telnet().send(lines).barrier();
    assert_eq!(answers[0], format!("put: illegal argument: {FULL}"));
    assert_eq!(answers.len(), 2, "a histogram is a series of its own, or no number: {answers:?}");
    assert!(refused(&node, "telnet") >= 1.0);
    expect(&node, &[1, 2, 3]);
}

#[test]
fn points_of_a_body_fail_one_by_one() {
    let node = full();
    let body = r#"[{"metric":"b","timestamp":2,"value":1,"tags":{"h":"a"}},
                   {"metric":"a","timestamp":2,"value":1,"tags":{"h":"a"}}]"#;
    let answer = node.post("/api/put?details", body);
    assert_eq!(answer.status, 400);
    let answer = Json::parse(&answer.text());
    assert_eq!(answer.get("errors").items()[0].get("error").str(), FULL);
    assert_eq!(answer.get("errors").items().len(), 1);
    assert_eq!(refused(&node, "http"), 1.0);
    expect(&node, &[1, 2]);
}

#[test]
fn imported_lines_fail_one_by_one() {
    let node = full();
    let line = |name: &str| {
        format!(
            "{{\"metric\":{{\"__name__\":\"{name}\",\"h\":\"a\"}},\"values\":[1],\
             \"timestamps\":[2000]}}\n"
        )
    };
    let answer = node.post("/api/v1/import", line("b") + &line("a"));
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains(FULL), "{}", answer.text());
    assert_eq!(refused(&node, "import"), 1.0);
    expect(&node, &[1, 2]);
}

#[test]
fn kairosdb_and_datagrams_are_refused_too() {
    let node = full();
    let body = r#"[{"name":"b","timestamp":2000,"value":1,"tags":{"h":"a"}},
                   {"name":"a","timestamp":2000,"value":1,"tags":{"h":"a"}}]"#;
    let answer = Http::connect(node.kairosdb()).post("/api/v1/datapoints", body.as_bytes());
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains(FULL), "{}", answer.text());
    let mut lines = Telnet::connect(node.kairosdb());
    lines.send("put b 3 1 h=a\nput a 3 1 h=a\nversion\n");
    assert!(lines.line().is_some_and(|line| line.starts_with("KairosDB")));
    assert_eq!(refused(&node, "kairosdb"), 2.0);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let datagram = "put b 4 1 h=a\nput a 4 1 h=a";
    socket.send_to(datagram.as_bytes(), node.opentsdb()).expect("the kernel takes it");
    wait::until("the datagram to be counted", || refused(&node, "udp") == 1.0);
    expect(&node, &[1, 2, 3, 4]);
}

#[test]
fn event_loops_together_keep_to_the_limit() {
    let node = Node::with_flags(&["--max-series", "1000", "--event-loops", "4"]);
    std::thread::scope(|scope| {
        for connection in 0..8 {
            let opentsdb = node.opentsdb();
            scope.spawn(move || {
                let line = |n: i32| format!("put m 1 1 c={connection} n={n}\n");
                let lines: String = (0..500).map(line).collect();
                Telnet::connect(opentsdb).send(lines).barrier();
            });
        }
    });
    let metrics = node.metrics();
    assert_eq!(metrics.sum("irontsd_series", &[]), 1000.0);
    assert_eq!((metrics.accepted(), metrics.rejected()), (1000.0, 3000.0));
    assert_eq!(node.export_all().count(), 1000);
}

#[test]
fn known_series_pass_where_no_new_one_may_be_made() {
    let node = Node::start();
    node.put_lines("put a 1 1 h=a\n");
    let node = node.stop().copy_with(&["--max-new-series-per-second", "0"]).start();
    let answers = node.telnet().send("put a 2 1 h=a\nput b 2 1 h=a\nput a 3 1 h=a\n").barrier();
    let expected = "put: illegal argument: more than 0 new series a second \
                    (--max-new-series-per-second), not now: b h=a";
    assert_eq!(answers, [expected]);
    assert_eq!(node.metrics().sum(REJECTED, &["reason=\"new_series_rate\""]), 1.0);
    expect(&node, &[1, 2, 3]);
}

#[test]
fn the_status_counts_series_by_metric_label_and_value() {
    let node = Node::start();
    node.put_lines("put b 1 1 h=a\nput a 1 1 h=a\nput a 1 1 h=b c=x\nput a 2 2 h=a\n");
    let expect = |arguments: &str, data: &str| {
        let answer = node.get(&format!("/api/v1/status/tsdb{arguments}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.text(), format!("{{\"status\":\"success\",\"data\":{{{data}}}}}"));
    };
    expect(
        "?topN=2&date=2020-01-01&focusLabel=h",
        "\"totalSeries\":3,\"totalLabelValuePairs\":7,\
         \"seriesCountByMetricName\":[{\"name\":\"a\",\"value\":2},{\"name\":\"b\",\"value\":1}],\
         \"seriesCountByLabelName\":[{\"name\":\"__name__\",\"value\":3},{\"name\":\"h\",\"value\":3}],\
         \"seriesCountByFocusLabelValue\":[{\"name\":\"a\",\"value\":2},{\"name\":\"b\",\"value\":1}],\
         \"seriesCountByLabelValuePair\":[{\"name\":\"__name__=a\",\"value\":2},\
         {\"name\":\"h=a\",\"value\":2}],\
         \"labelValueCountByLabelName\":[{\"name\":\"__name__\",\"value\":2},\
         {\"name\":\"h\",\"value\":2}]",
    );
    expect(
        "?match[]=%7Bc!=%22%22%7D",
        "\"totalSeries\":1,\"totalLabelValuePairs\":3,\
         \"seriesCountByMetricName\":[{\"name\":\"a\",\"value\":1}],\
         \"seriesCountByLabelName\":[{\"name\":\"__name__\",\"value\":1},\
         {\"name\":\"c\",\"value\":1},{\"name\":\"h\",\"value\":1}],\
         \"seriesCountByFocusLabelValue\":[],\
         \"seriesCountByLabelValuePair\":[{\"name\":\"__name__=a\",\"value\":1},\
         {\"name\":\"c=x\",\"value\":1},{\"name\":\"h=b\",\"value\":1}],\
         \"labelValueCountByLabelName\":[{\"name\":\"__name__\",\"value\":1},\
         {\"name\":\"c\",\"value\":1},{\"name\":\"h\",\"value\":1}]",
    );
    for (arguments, error) in
        [("?topN=x", "cannot parse `topN` arg"), ("?match[]=%7B", "cannot parse")]
    {
        let answer = node.get(&format!("/api/v1/status/tsdb{arguments}"));
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(error), "{}", answer.text());
    }
}
