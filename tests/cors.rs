//! Proves that pages of other sites are judged as OpenTSDB judges them: the listed ones may read
//! answers, others are refused before anything is done, and without a list `Origin` means nothing.

use crate::common::{Http, Node, Response};

const POINT: &[u8] = br#"{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}}"#;
const ORIGIN: &str = "Origin: http://grafana.example";

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

fn allowed(answer: &Response) -> Option<&str> {
    header(answer, "Access-Control-Allow-Origin")
}

#[test]
fn without_a_list_nothing_changes() {
    let node = Node::start();
    let mut http = Http::connect(node.http());
    let answer = http.request("POST", "/api/put", &[ORIGIN], POINT);
    assert_eq!((answer.status, allowed(&answer)), (204, None));
    let answer = http.request("OPTIONS", "/api/put", &[ORIGIN], b"");
    assert_eq!(answer.status, 405);
    let details = answer.json().get("error").get("details").str().to_owned();
    assert_eq!(details, "The HTTP method [OPTIONS] is not permitted");
}

#[test]
fn listed_origins_may_read_every_kind_of_answer() {
    let node = Node::with_flags(&["--cors-origin", "http://a, HTTP://GRAFANA.example"]);
    for addr in [node.opentsdb(), node.http()] {
        let mut http = Http::connect(addr);
        let preflight = http.request("OPTIONS", "/api/put", &[ORIGIN], b"");
        assert_eq!((preflight.status, preflight.body.len()), (200, 0));
        let methods = header(&preflight, "Access-Control-Allow-Methods");
        assert_eq!(methods, Some("GET, POST, PUT, DELETE"));
        let headers = header(&preflight, "Access-Control-Allow-Headers").expect("headers");
        assert!(headers.contains("Content-Type"), "{headers}");
        let put = http.request("POST", "/api/put", &[ORIGIN], POINT);
        assert_eq!((put.status, allowed(&put)), (204, Some("http://grafana.example")));
        for target in ["/api/version", "/nosuch", "/api/suggest?type=metrics"] {
            let answer = http.request("GET", target, &[ORIGIN], b"");
            assert_eq!(allowed(&answer), Some("http://grafana.example"), "{target}");
            let answer = http.get(target);
            assert_eq!(allowed(&answer), None, "{target}");
        }
        assert_eq!(http.request("OPTIONS", "/api/put", &[], b"").status, 405);
    }
    let mut http = Http::connect(node.http());
    for target in ["/api/v1/export?match[]=m", "/internal/force_flush"] {
        let answer = http.request("GET", target, &[ORIGIN], b"");
        assert_eq!((answer.status, allowed(&answer)), (200, Some("http://grafana.example")));
    }
    assert_eq!(node.export_all().count(), 1);
}

#[test]
fn other_origins_are_refused_and_nothing_is_stored() {
    let node = Node::with_flags(&["--cors-origin", "http://a"]);
    let mut http = Http::connect(node.opentsdb());
    for method in ["POST", "OPTIONS"] {
        let answer = http.request(method, "/api/put", &[ORIGIN], POINT);
        assert_eq!((answer.status, allowed(&answer)), (200, None));
        let json = answer.json();
        assert_eq!(json.get("error").get("message").str(), "CORS domain not allowed");
        let details = "The domain [http://grafana.example] is not permitted access";
        assert_eq!(json.get("error").get("details").str(), details);
    }
    assert_eq!(node.export_all().count(), 0);
    assert_eq!(http.post("/api/put", POINT).status, 204);
}

#[test]
fn an_asterisk_is_every_origin() {
    let node = Node::with_flags(&["--cors-origin", "*"]);
    let answer = Http::connect(node.http()).request("GET", "/api/version", &[ORIGIN], b"");
    assert_eq!(allowed(&answer), Some("http://grafana.example"));
}
