//! Proves the HTTP endpoints: probes, lists of names, errors of unknown paths and wrong methods.

use crate::common::http::encode;
use crate::common::{Http, Json, Node, Response};

#[test]
fn the_probes_answer() {
    let node = Node::start();
    let health = node.get("/health");
    assert_eq!((health.status, health.text().trim_end()), (200, "OK"));
    for path in ["/-/healthy", "/-/ready", "/metrics"] {
        assert_eq!(node.get(path).status, 200, "{path}");
    }
}

#[test]
fn the_version_is_an_object_on_both_ports() {
    let node = Node::start();
    for addr in [node.http(), node.opentsdb()] {
        let answer = Http::connect(addr).get("/api/version");
        assert_eq!(answer.status, 200);
        assert!(content_type(&answer).starts_with("application/json"), "{answer:?}");
        assert!(!answer.json().get("version").str().is_empty());
    }
}

#[test]
fn unknown_paths_are_404_with_the_error_object() {
    let node = Node::start();
    for addr in [node.http(), node.opentsdb()] {
        let mut http = Http::connect(addr);
        for (method, path) in [("GET", "/nosuch"), ("POST", "/api/nosuch"), ("GET", "/api/v1/")] {
            let answer = http.request(method, path, &[], b"");
            assert_eq!(answer.status, 404, "{path}");
            let json = answer.json();
            assert_eq!(json.get("error").get("code").str(), "404", "{path}");
            assert_eq!(json.get("error").get("message").str(), "Endpoint not found", "{path}");
        }
        assert_eq!(http.get("/api/version").status, 200, "the connection stays");
    }
}

#[test]
fn the_opentsdb_port_serves_opentsdb_paths_only() {
    let node = Node::start();
    let mut http = Http::connect(node.opentsdb());
    assert_eq!(http.get("/api/v1/export?match=m").status, 404);
    assert_eq!(http.get("/internal/force_flush").status, 404);
    assert_eq!(http.post("/api/put", br#"{"metric":"m","value":1}"#).status, 204);
}

#[test]
fn wrong_methods_are_405_and_name_the_right_ones() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    for (method, path, allowed) in [
        ("GET", "/api/put", "POST"),
        ("PUT", "/api/put", "POST"),
        ("DELETE", "/api/v1/put", "POST"),
        ("DELETE", "/api/v1/export", "GET"),
        ("DELETE", "/api/v1/export", "POST"),
        ("PUT", "/internal/force_flush", "POST"),
        ("POST", "/health", "GET"),
        ("DELETE", "/metrics", "GET"),
    ] {
        let answer = http.request(method, path, &[], b"");
        assert_eq!(answer.status, 405, "{method} {path}");
        let allow = answer.header("allow").expect("Allow");
        assert!(allow.split(',').any(|word| word.trim() == allowed), "{path}: {allow}");
        assert_eq!(answer.json().get("error").get("code").str(), "405", "{method} {path}");
        assert_eq!(answer.json().get("error").get("message").str(), "Method not allowed");
    }
}

#[test]
fn a_wrong_method_on_put_says_what_opentsdb_says() {
    let node = Node::start();
    let answer = Http::connect(node.opentsdb()).get("/api/put");
    let details = "The HTTP method [GET] is not permitted for this endpoint";
    assert_eq!(answer.json().get("error").get("details").str(), details);
}

#[test]
fn series_labels_and_values_are_listed() {
    let node = Node::start();
    node.put_lines("put cpu 1 1 host=a dc=x\nput cpu 1 2 host=b\nput mem 1 3 host=a\n");
    assert_eq!(data(&node, "/api/v1/series/count"), Json::parse("[3]"));
    let labels = data(&node, "/api/v1/labels?start=1");
    assert_eq!(texts(&labels), ["__name__", "dc", "host"]);
    assert_eq!(texts(&data(&node, "/api/v1/label/host/values?start=1")), ["a", "b"]);
    assert_eq!(texts(&data(&node, "/api/v1/label/__name__/values?start=1")), ["cpu", "mem"]);
    assert!(data(&node, "/api/v1/label/nosuch/values?start=1").items().is_empty());
    let series = data(&node, "/api/v1/series?start=1&match[]=cpu");
    let hosts: Vec<&str> = series.items().iter().map(|one| one.get("host").str()).collect();
    assert_eq!(hosts.len(), 2);
    assert!(hosts.contains(&"a") && hosts.contains(&"b"), "{hosts:?}");
    assert!(series.items().iter().all(|one| one.get("__name__").str() == "cpu"));
}

/// Enough series for the index; the last ones come behind it.
#[test]
fn limits_and_selectors_hold_for_many_series() {
    let node = Node::start();
    let put = |hosts: std::ops::Range<u32>| {
        let line = |host| format!("put cpu 1 {host} host=h{host:04} dc=d{}\n", host % 3);
        node.put_lines(&hosts.map(line).collect::<String>());
    };
    put(0..3000);
    let first = "/api/v1/label/host/values?start=1&limit=2";
    assert_eq!(texts(&data(&node, first)), ["h0000", "h0001"]);
    put(3000..3010);
    for (query, count) in [
        ("{host=\"h2999\"}", 1),
        ("{host=\"h3009\"}", 1),
        ("{host=~\"h300.*\"}", 10),
        ("{host=~\".*9\",dc=\"d0\"}", 101),
        ("cpu{dc!~\"d[01]\"}", 1003),
        ("{nosuch=\"\"}", 3010),
        ("{nosuch!=\"\"}", 0),
    ] {
        let series = format!("/api/v1/series?start=1&match[]={}", encode(query));
        assert_eq!(data(&node, &series).items().len(), count, "{query}");
        assert_eq!(data(&node, &format!("{series}&limit=7")).items().len(), count.min(7));
        let hosts = format!("/api/v1/label/host/values?start=1&match[]={}", encode(query));
        assert_eq!(data(&node, &hosts).items().len(), count, "{query}");
        assert_eq!(node.export(query).series.len(), count, "{query}");
    }
    // Nothing is that young.
    let young = "/api/v1/label/host/values?start=2000000000&end=2000000001";
    assert!(data(&node, young).items().is_empty());
}

#[test]
fn the_lists_are_the_same_after_flush_and_restart() {
    let mut node = Node::start();
    node.put_lines("put cpu 1 1 host=a dc=x\nput cpu 1 2 host=b\nput mem 1 3 host=a\n");
    let paths = ["/api/v1/series/count", "/api/v1/labels", "/api/v1/label/host/values"];
    let before = paths.map(|path| data(&node, path));
    node.force_flush();
    assert_eq!(paths.map(|path| data(&node, path)), before);
    node = node.kill_and_restart();
    assert_eq!(paths.map(|path| data(&node, path)), before);
}

#[test]
fn force_flush_takes_get_and_post_and_loses_nothing() {
    let node = Node::start();
    for n in 1..=10 {
        node.put_lines(&format!("put m {n} {n} h=a\n"));
        let method = if n % 2 == 0 { "GET" } else { "POST" };
        let answer = Http::connect(node.http()).request(method, "/internal/force_flush", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(node.export("m").count(), n);
    }
}

#[test]
fn export_takes_get_and_post() {
    let node = Node::start();
    node.put_lines("put m 1 1 h=a\nput n 1 2 h=a\nput o 1 3 h=a\n");
    let whole = node.export_text("m") + &node.export_text("n");
    let mut http = Http::connect(node.http());
    let query = "match[]=m&match=n";
    assert_eq!(http.get(&format!("/api/v1/export?{query}")).text(), whole);
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let posted = http.request("POST", "/api/v1/export", &form, query.as_bytes());
    assert_eq!(posted.text(), whole);
    let posted = http.request("POST", &format!("/api/v1/export?{query}"), &[], b"");
    assert_eq!(posted.text(), whole);
}

#[test]
fn export_of_nothing_is_an_empty_200() {
    let node = Node::start();
    let answer = node.get("/api/v1/export?match=nosuch");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[test]
fn bad_exports_are_400_in_plain_text() {
    let node = Node::start();
    for query in ["", "?start=1", "?match=", "?match={", "?match={a=}", "?match=m&start=x"] {
        let answer = node.get(&format!("/api/v1/export{}", query.replace('{', &encode("{"))));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(content_type(&answer).starts_with("text/plain"), "{query}: {answer:?}");
        assert!(!answer.text().trim().is_empty(), "{query}");
    }
}

#[track_caller]
fn data(node: &Node, target: &str) -> Json {
    let answer = node.get(target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    assert_eq!(answer.json().get("status").str(), "success", "{target}");
    answer.json().get("data").clone()
}

fn texts(json: &Json) -> Vec<&str> {
    json.items().iter().map(Json::str).collect()
}

fn content_type(answer: &Response) -> &str {
    answer.header("content-type").unwrap_or_default()
}
