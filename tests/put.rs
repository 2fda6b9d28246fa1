//! Proves `/api/put`: what is stored, what is counted, how each failure is named, and that one
//! bad point never loses its neighbours.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::{Http, Json, Node, Response};

const GOOD: &str = r#"{"metric":"m","timestamp":1365465600,"value":42,"tags":{"h":"a"}}"#;

#[test]
fn both_ports_and_both_paths_take_points() {
    let node = Node::start();
    let mut stamp = 1;
    for addr in [node.opentsdb(), node.http()] {
        for path in ["/api/put", "/api/v1/put"] {
            let body = format!(r#"{{"metric":"m","timestamp":{stamp},"value":1,"tags":{{}}}}"#);
            let answer = Http::connect(addr).post(path, body.as_bytes());
            assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
            stamp += 1;
            assert_eq!(node.export("m").count(), stamp - 1, "{path}");
        }
    }
}

#[test]
fn single_points_and_arrays_are_taken() {
    let node = Node::start();
    node.put_json(GOOD);
    node.put_json(r#" [{"metric":"n","timestamp":1,"value":1.5},{"metric":"n","timestamp":2,"value":2,"tags":{"a":"b"}}] "#);
    let export = node.export_all();
    assert_eq!(export.samples("m", &[("h", "a")]), [(1_365_465_600_000, "42".to_owned())]);
    assert_eq!(export.samples("n", &[]), [(1000, "1.5".to_owned())]);
    assert_eq!(export.samples("n", &[("a", "b")]), [(2000, "2".to_owned())]);
}

#[test]
fn agents_variants_of_json_are_taken() {
    let node = Node::start();
    let more = r#""metric":"m","tags":{"h":"a"}"#;
    for (n, body) in [
        format!(r#"{{"timestamp":"1",{more},"value":"42"}}"#),
        format!(r#"{{"timestamp":2,{more},"value":"+42"}}"#),
        format!(r#"{{"timestamp":3000.0,{more},"value":4.2E1}}"#),
        format!(r#"{{"timestamp":4,{more},"value":42,"more":{{"deep":[1,{{"x":null}}]}}}}"#),
        format!("\n\t {{ \"timestamp\" : 5 , {more} , \"value\" : 42.0 }} \n"),
        r#"{"metric":"x","metric":"m","timestamp":6,"value":1,"value":42,"tags":{"h":"x","h":"a"}}"#.into(),
        r#"{"metric":"\u006d","timestamp":7,"value":42,"tags":{"\u0068":"\u0061"}}"#.into(),
    ]
    .iter()
    .enumerate()
    {
        node.put_json(body);
        let export = node.export("m");
        let samples = export.samples("m", &[("h", "a")]);
        assert_eq!(samples.len(), n + 1, "{body}");
        assert_eq!(samples[n].1.parse(), Ok(42.0), "{body}");
    }
}

#[test]
fn numbers_and_booleans_as_tag_values_keep_their_text() {
    let node = Node::start();
    node.put_json(r#"{"metric":"m","timestamp":1,"value":1,"tags":{"n":1.50,"b":true,"i":7}}"#);
    assert_eq!(node.export("m").only().0, r#"m{b="true",i="7",n="1.50"}"#);
}

#[test]
fn a_missing_timestamp_is_now_in_milliseconds() {
    let node = Node::start();
    let before = now_ms();
    node.put_json(r#"[{"metric":"m","value":1},{"metric":"n","value":2,"tags":{}}]"#);
    let after = now_ms();
    for name in ["m", "n"] {
        let (_, stamp_ms, _) = only_owned(&node, name);
        assert!((before..=after).contains(&stamp_ms), "{before} {stamp_ms} {after}");
    }
}

#[test]
fn summary_and_details_count() {
    let node = Node::start();
    let two = format!("[{GOOD},{GOOD}]");
    for (target, answer) in [
        ("/api/put?summary", r#"{"success":2,"failed":0}"#),
        ("/api/put?summary=false", r#"{"success":2,"failed":0}"#),
        ("/api/put?details", r#"{"success":2,"failed":0,"errors":[]}"#),
        ("/api/put?summary&details", r#"{"success":2,"failed":0,"errors":[]}"#),
        ("/api/put?sync&details=false", r#"{"success":2,"failed":0,"errors":[]}"#),
    ] {
        let found = node.post(target, &two);
        assert_eq!(found.status, 200, "{target}: {}", found.text());
        assert_members(&found.json(), &Json::parse(answer), target);
    }
    assert_eq!(node.post("/api/put?sync", &two).status, 204);
}

#[test]
fn a_partly_failed_body_keeps_its_good_points() {
    let node = Node::start();
    let body = |n: u32| {
        let bad = r#"{"metric":"m","timestamp":1365465601,"value":"x","tags":{"h":"a"}}"#;
        format!(r#"[{bad},{{"metric":"m","timestamp":{n},"value":{n},"tags":{{"h":"a"}}}}]"#)
    };
    let plain = node.post("/api/put", body(1));
    assert_error(&plain, 400, "One or more data points had errors");
    let summary = node.post("/api/put?summary", body(2));
    assert_eq!(summary.status, 400);
    assert_members(&summary.json(), &Json::parse(r#"{"success":1,"failed":1}"#), "summary");
    assert_eq!(summary.json().find("errors"), None);
    let details = node.post("/api/put?details", body(3));
    assert_eq!(details.status, 400);
    assert_members(&details.json(), &Json::parse(r#"{"success":1,"failed":1}"#), "details");
    let details = details.json();
    let [error] = details.get("errors").items() else { panic!("{details:?}") };
    assert_eq!(error.get("error").str(), "Unable to parse value to a number");
    let point = error.get("datapoint");
    assert_eq!(point.get("metric").str(), "m");
    assert_eq!(point.get("timestamp").str(), "1365465601");
    assert_eq!(point.get("value"), &Json::Text("x".into()));
    assert_eq!(point.get("tags").get("h").str(), "a");
    let expected: Vec<_> = (1..=3).map(|n| (n * 1000, n.to_string())).collect();
    assert_eq!(node.export("m").samples("m", &[("h", "a")]), expected);
}

#[test]
fn bad_points_are_named() {
    let node = Node::start();
    let infinite = "value is NaN or Infinite: Infinity for metric=m timestamp=1";
    for (members, error) in [
        (r#""timestamp":1,"value":1"#, "Metric name was empty"),
        (r#""metric":null,"timestamp":1,"value":1"#, "Metric name was empty"),
        (r#""metric":"","timestamp":1,"value":1"#, "Metric name was empty"),
        (r#""Metric":"m","timestamp":1,"value":1"#, "Metric name was empty"),
        (r#""metric":"m","timestamp":null,"value":1"#, "Invalid timestamp"),
        (r#""metric":"m","timestamp":0,"value":1"#, "Invalid timestamp"),
        (r#""metric":"m","timestamp":-5,"value":1"#, "Invalid timestamp"),
        (r#""metric":"m","timestamp":1"#, "Empty value"),
        (r#""metric":"m","timestamp":1,"value":null"#, "Empty value"),
        (r#""metric":"m","timestamp":1,"value":"""#, "Empty value"),
        (r#""metric":"m","timestamp":1,"value":"x""#, "Unable to parse value to a number"),
        (r#""metric":"m","timestamp":1,"value":true"#, "Unable to parse value to a number"),
        (r#""metric":"m","timestamp":1,"value":"NaN""#, "Unable to parse value to a number"),
        (r#""metric":"m","timestamp":1,"value":NaN"#, "Unable to parse value to a number"),
        (r#""metric":"m","timestamp":1,"value":"0x1p3""#, "Unable to parse value to a number"),
        (
            r#""metric":"m","timestamp":1,"value":9223372036854775808"#,
            "Unable to parse value to a number",
        ),
        (r#""metric":"m","timestamp":1,"value":1e400"#, infinite),
    ] {
        assert_named(&node, &format!(r#"{{{members},"tags":{{"h":"a"}}}}"#), error);
    }
    assert_eq!(node.export_all().count(), 0);
}

#[test]
fn bad_tags_are_named() {
    let node = Node::start();
    for (tags, error) in [
        ("null", "Missing tags"),
        (r#"{"h":""}"#, "Invalid tag value with key [h]: empty string"),
        (r#"{"h":null}"#, "Invalid tag value with key [h]: null"),
        (r#"{"":"a"}"#, "Invalid tag name with value [a]: empty string"),
    ] {
        let body = format!(r#"{{"metric":"m","timestamp":1,"value":1,"tags":{tags}}}"#);
        assert_named(&node, &body, error);
    }
    assert_eq!(node.export_all().count(), 0);
}

#[test]
fn one_wild_number_does_not_lose_the_body() {
    let node = Node::start();
    for (n, wild) in ["NaN", "1e400", "-Infinity", "18446744073709551616"].iter().enumerate() {
        let body = format!(
            r#"[{{"metric":"m","timestamp":{},"value":1}},{{"metric":"m","timestamp":9,"value":{wild}}}]"#,
            n + 1
        );
        let answer = node.post("/api/put?summary", body);
        assert_eq!(answer.status, 400, "{wild}");
        let counts = Json::parse(r#"{"success":1,"failed":1}"#);
        assert_members(&answer.json(), &counts, wild);
        assert_eq!(node.export("m").count(), n + 1, "{wild}");
    }
}

#[test]
fn bodies_that_are_not_points_answer_with_the_error_object() {
    let node = Node::start();
    let not_json = "Unable to parse the given JSON";
    for (body, message) in [
        ("", "Missing request content"),
        ("hello", "The JSON must start as an object or an array"),
        ("[]", "No datapoints found in content"),
        ("[1]", not_json),
        ("{", not_json),
        (r#"{"metric":"m""#, not_json),
        (r#"[{"metric":"m","timestamp":1,"value":1},]"#, not_json),
        (r#"{"metric":"m","timestamp":1,"value":+5}"#, not_json),
        (r#"{"metric":"m","timestamp":1,"value":.5}"#, not_json),
        (r#"{"metric":"m","timestamp":1,"value":Nan}"#, not_json),
        (r#"{"metric":"m","timestamp":1,"value":{}}"#, not_json),
        (r#"{"metric":"m","timestamp":"abc","value":1}"#, not_json),
        (r#"{"metric":"m","timestamp":true,"value":1}"#, not_json),
        (r#"{"metric":"m","timestamp":1,"value":1,"tags":[]}"#, not_json),
    ] {
        assert_error(&node.post("/api/put", body), 400, message);
    }
    assert_eq!(node.export_all().count(), 0);
    node.put_json(GOOD);
}

#[test]
fn invalid_utf8_and_endless_nesting_are_refused() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let utf8 = b"{\"metric\":\"m\xff\",\"timestamp\":1,\"value\":1}";
    let deep = [vec![b'['; 1 << 20], vec![b']'; 1 << 20]].concat();
    let deep_object = r#"{"metric":"#.repeat(100_000).into_bytes();
    for body in [utf8.as_slice(), &deep, &deep_object] {
        let answer = http.post("/api/put", body);
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json().get("error").get("code").str(), "400");
    }
    assert_eq!(http.post("/api/put", GOOD.as_bytes()).status, 204);
    assert_eq!(node.export_all().count(), 1);
}

#[test]
fn extra_labels_join_every_point() {
    let node = Node::start();
    let target = "/api/put?extra_label=dc=lga&extra_label=rack=r%3D1";
    assert_eq!(node.post(target, GOOD).status, 204);
    assert_eq!(node.export("m").only().0, r#"m{dc="lga",h="a",rack="r=1"}"#);
}

#[test]
fn an_extra_label_goes_over_tags_and_earlier_ones() {
    let node = Node::start();
    let target = "/api/put?extra_label=h=b&extra_label=dc=x&extra_label=dc=y";
    // Read by both readers of bodies: the value of the second is beyond 64 bits.
    let point = |value: &str| {
        format!(r#"{{"metric":"m","timestamp":1,"value":{value},"tags":{{"h":"a"}}}}"#)
    };
    assert_eq!(node.post(target, point("1")).status, 204);
    assert_eq!(node.export_all().only().0, r#"m{dc="y",h="b"}"#);
    let wild = format!("[{},{}]", point("2"), point("18446744073709551616"));
    assert_eq!(node.post(target, wild).status, 400);
    assert_eq!(node.export_all().only(), (r#"m{dc="y",h="b"}"#, 1000, "2"));
    for wrong in ["dc", "=x", "__name__=x"] {
        let answer = node.post(&format!("/api/put?extra_label={wrong}"), GOOD);
        assert_error(&answer, 400, &format!("Invalid extra_label: {wrong} (expected name=value)"));
    }
}

#[track_caller]
fn assert_named(node: &Node, body: &str, error: &str) {
    let answer = node.post("/api/put?details", body);
    assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    let json = answer.json();
    assert_members(&json, &Json::parse(r#"{"success":0,"failed":1}"#), body);
    assert_eq!(json.get("errors").items()[0].get("error").str(), error, "{body}");
}

/// OpenTSDB's error object.
#[track_caller]
fn assert_error(answer: &Response, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{message}: {}", answer.text());
    let json = answer.json();
    let error = json.get("error");
    assert_eq!(error.get("code").str(), status.to_string(), "{message}");
    assert_eq!(error.get("message").str(), message);
}

/// Every expected member is there with its value.
#[track_caller]
fn assert_members(found: &Json, expected: &Json, what: &str) {
    for (name, value) in expected.members() {
        assert_eq!(found.get(name), value, "{what}: {name}");
    }
}

#[track_caller]
fn only_owned(node: &Node, selector: &str) -> (String, i64, String) {
    let export = node.export(selector);
    let (series, stamp_ms, value) = export.only();
    (series.to_owned(), stamp_ms, value.to_owned())
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(now.as_millis()).expect("this age")
}
