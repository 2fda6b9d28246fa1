//! Proves that an export as put lines, sent to an empty node, makes the same node; that what no
//! line can carry is left out and counted; that tables are quoted; and that packed answers are the
//! same answers, whole or visibly not.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::common::http::{Http, Response, encode};
use crate::common::ledger::Ledger;
use crate::common::node::EVERYTHING;
use crate::common::telnet::converse;
use crate::common::{Export, Node};

/// Series and samples that no put line can carry; import takes them.
const NOT_FOR_TELNET: &str = concat!(
    r#"{"metric":{"__name__":"disk free","k":"v"},"values":[1],"timestamps":[1700000000000]}"#,
    "\n",
    r#"{"metric":{"__name__":"tab","k":"a\tb"},"values":[2],"timestamps":[1700000000000]}"#,
    "\n",
    r#"{"metric":{"__name__":"equals","k":"a=b"},"values":[3],"timestamps":[1700000000000]}"#,
    "\n",
    r#"{"metric":{"k":"no name"},"values":[4],"timestamps":[1700000000000]}"#,
    "\n",
    r#"{"metric":{"__name__":"ends","k":"v"},"values":["Infinity",5,"-Infinity"],"#,
    r#""timestamps":[1700000000000,1700000001000,1700000002000]}"#,
    "\n",
);

/// One of every kind of value and timestamp that a line can carry.
fn odd_points() -> String {
    let values = [
        "0",
        "-0",
        "9223372036854775807",
        "-9223372036854775808",
        "1.50",
        "1.5",
        "5.",
        ".5",
        "-0.0",
        "1e-8",
        "-1e300",
        "5e-324",
        "1.7976931348623157e308",
        "0.1e1",
        "123456789.987654321",
        "0.30000000000000004",
        "0.0000000000000000000001",
        "1e21",
        "100000000000000000000.5",
    ];
    let line = |(n, value): (usize, &&str)| format!("put odd {} {value} n={n}\n", n + 1);
    let mut lines: String = values.iter().enumerate().map(line).collect();
    for stamp in ["0.001", "1.5", "4294967.295", "4294967295", "4294967296", "9999999999999"] {
        lines += &format!("put stamps {stamp} 1 \u{e9}:|=\u{1f600}\"\\\n");
    }
    lines + "put bare=name 1 1\nput m 1 1 k=\u{a0}\n"
}

fn export(node: &Node, arguments: &str, lines: &[&str]) -> Response {
    let target = format!("/api/v1/export?match[]={}{arguments}", encode(EVERYTHING));
    Http::connect(node.http()).request("GET", &target, lines, b"")
}

#[test]
fn put_lines_replayed_into_an_empty_node_export_the_same() {
    let node = Node::start();
    node.put_lines(&odd_points());
    node.put_json(r#"{"metric":"j","timestamp":1,"value":"1.10","tags":{"a":"b"}}"#);
    let long = r#"{"metric":{"__name__":"j"},"values":[12345678901234567890],"timestamps":[2]}"#;
    assert_eq!(node.post("/api/v1/import", long).status, 204);
    let mut ledger = Ledger::new("replay".into());
    node.put_lines(&ledger.next_lines(20_000));
    for flushed in [false, true] {
        if flushed {
            node.force_flush();
        }
        let lines = export(&node, "&format=put", &[]);
        assert_eq!(lines.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(
            lines.header("trailer"),
            Some("X-Irontsd-Skipped-Series, X-Irontsd-Skipped-Samples")
        );
        assert_eq!(lines.header("x-irontsd-skipped-series"), Some("0"));
        assert_eq!(lines.header("x-irontsd-skipped-samples"), Some("0"));
        let other = Node::start();
        assert_eq!(converse(other.opentsdb(), &lines.body), "", "refused");
        assert_eq!(other.export_text(EVERYTHING), node.export_text(EVERYTHING));
        // Not only the same numbers, also the same kinds.
        assert_eq!(export(&other, "&format=put", &[]).body, lines.body);
    }
}

#[test]
fn what_no_put_line_can_carry_is_left_out_and_counted() {
    let node = Node::start();
    assert_eq!(node.post("/api/v1/import", NOT_FOR_TELNET).status, 204);
    let tags: Vec<String> = (0..41).map(|n| format!("k{n}=v")).collect();
    let wide = Node::with_flags(&["--max-tags", "41"]);
    wide.put_lines(&format!("put wide 1 1 {}\n", tags.join(" ")));
    // This node takes what it exports, the one with fewer tags would not.
    assert_eq!(export(&wide, "&format=put", &[]).header("x-irontsd-skipped-series"), Some("0"));
    assert_eq!(node.post("/api/v1/import", wide.export_text(EVERYTHING)).status, 400);

    let keyed = format!("&match[]={}", encode(r#"{k!=""}"#));
    let lines = export(&node, &format!("{keyed}&format=put"), &[]);
    assert_eq!(lines.text(), "put ends 1700000001000 5 k=v\n");
    assert_eq!(lines.header("x-irontsd-skipped-series"), Some("4"));
    assert_eq!(lines.header("x-irontsd-skipped-samples"), Some("2"));
    // Of what was not asked for nothing is counted.
    let lines = export(&node, "&format=put&end=1700000000", &[]);
    assert_eq!(lines.header("x-irontsd-skipped-samples"), Some("1"));
    let lines = export(&node, "&format=put&end=1", &[]);
    assert_eq!((lines.text().as_str(), lines.header("x-irontsd-skipped-series")), ("", Some("0")));
    // An old client, which knows no chunks, gets the lines without a trailer.
    let mut http = Http::connect(node.http());
    http.send("GET /api/v1/export?match=ends&format=put HTTP/1.0\r\n\r\n");
    let old = http.response();
    assert_eq!(old.text(), "put ends 1700000001000 5 k=v\n");
    assert_eq!((old.header("trailer"), old.header("x-irontsd-skipped-series")), (None, None));
}

#[test]
fn tables_are_quoted_and_bad_columns_named() {
    let node = Node::start();
    let body = r#"{"metric":"a,b","timestamp":1.5,"value":-0.0,"tags":{"q\"":"line\r\nend\""}}"#;
    node.put_json(body);
    let columns = encode(
        "__name__,q\",nosuch,__value__,__timestamp__,__timestamp__:unix_ns,__timestamp__:rfc3339",
    );
    let table =
        node.get(&format!("/api/v1/export/csv?match={}&format={columns}", encode(EVERYTHING)));
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let expected = "__name__,\"q\"\"\",nosuch,__value__,__timestamp__,__timestamp__:unix_ns,\
                    __timestamp__:rfc3339\n\"a,b\",\"line\r\nend\"\"\",,-0.0,1500,1500000000,\
                    1970-01-01T00:00:01.5Z\n";
    assert_eq!(table.text(), expected);
    let empty = node.get("/api/v1/export/csv?match=nosuch&format=__value__");
    assert_eq!((empty.status, empty.text().as_str()), (200, "__value__\n"));
    let bad = node.get("/api/v1/export/csv?match=m&format=__timestamp__:unix");
    assert_eq!(bad.status, 400);
    assert!(bad.text().contains("unknown time format \"unix\""), "{}", bad.text());
}

#[test]
fn packed_answers_are_the_same_answers() {
    let node = Node::start();
    node.put_lines(&Ledger::new("m".into()).next_lines(200_000));
    let tags = |n: u32| format!("put wide 1 1 k{n}=v{n}\n");
    node.put_lines(&(0..300).map(tags).collect::<String>());
    let everything = format!("match[]={}", encode(EVERYTHING));
    for target in [
        format!("/api/v1/export?{everything}"),
        format!("/api/v1/export?{everything}&format=prometheus"),
        format!("/api/v1/export?{everything}&format=promapi"),
        format!("/api/v1/export?{everything}&format=put"),
        format!("/api/v1/export/csv?{everything}&format=__name__,__value__,__timestamp__"),
        format!("/api/v1/series?{everything}&start=1"),
        "/api/v1/labels?start=1".to_owned(),
        "/api/suggest?type=tagk&max=1000".to_owned(),
    ] {
        let ask = |lines: &[&str]| Http::connect(node.http()).request("GET", &target, lines, b"");
        let plain = ask(&[]);
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{target}");
        assert_eq!(plain.header("vary"), Some("Accept-Encoding"), "{target}");
        for accepted in ["gzip", "deflate, gzip;q=0.5", "br;q=1, *;q=0.1", "GZIP, identity;q=0"] {
            let packed = ask(&[&format!("Accept-Encoding: {accepted}")]);
            assert_eq!(packed.header("content-encoding"), Some("gzip"), "{accepted}: {target}");
            assert_eq!(packed.header("vary"), Some("Accept-Encoding"), "{target}");
            assert!(packed.body.len() < plain.body.len() / 2, "{target}");
            assert!(unpacked(&packed) == plain.body, "{accepted}: {target}");
            let skipped = "x-irontsd-skipped-series";
            assert_eq!(packed.header(skipped), plain.header(skipped));
        }
        for refused in ["gzip;q=0", "identity", "gzip;q=0.0, *", "br", "*;q=0", ""] {
            let plain_too = ask(&[&format!("Accept-Encoding: {refused}")]);
            assert_eq!(plain_too.header("content-encoding"), None, "{refused}: {target}");
            assert!(plain_too.body == plain.body, "{refused}: {target}");
        }
    }
    // Without chunks, too; the connection stays in step behind a packed answer.
    let mut http = Http::connect(node.http());
    http.send("GET /api/v1/export?match=m HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_eq!(unpacked(&http.response()), node.export_text("m").into_bytes());
    let mut http = Http::connect(node.http());
    for _ in 0..3 {
        let packed = http.request("GET", "/api/v1/export?match=m", &["Accept-Encoding: gzip"], b"");
        assert_eq!(
            Export::parse(&String::from_utf8(unpacked(&packed)).expect("utf-8")),
            node.export("m")
        );
        assert_eq!(http.get("/health").text(), "OK");
    }
}

fn unpacked(answer: &Response) -> Vec<u8> {
    let mut body = Vec::new();
    MultiGzDecoder::new(&*answer.body).read_to_end(&mut body).expect("gzip");
    body
}
