//! Histograms: in by telnet, `put`, HTTP and import, out as they are, as buckets and as lines; as
//! durable as numbers and beside them.

use std::fmt::Write as _;

use crate::common::http::encode;
use crate::common::node::{EVERYTHING, Node};
use crate::common::telnet::converse;

/// Histograms of every kind, with numbers of the same series and times.
const LINES: &str = "put lat 1700000000 7 host=a\n\
    histogram lat 1700000000 u=0:o=1:0,1.5=42:1.5,5.75=24 host=a\n\
    put lat 1700000060 o=2;1.5,5.75=-3;0,1.5=9223372036854775807 host=a\n\
    histogram lat 1700000060 u=5 host=b\n\
    histogram lat 1700000120 42 AAIAAAAAP4AAACo/gAAAQKAAABgAAQ== host=b\n\
    put lat 1700000180 7 AAECAw== host=b\n\
    histogram lat 1700000060.5 0,0.1=1:0.1,1e21=2\n";

/// The same as an export shows it.
const EXPORT: &str = concat!(
    r#"{"metric":{"__name__":"lat"},"histograms":[{"u":0,"o":0,"buckets":[[0,0.1,1],[0.1,1000000000000000000000,2]]}],"timestamps":[1700000060500]}"#,
    "\n",
    r#"{"metric":{"__name__":"lat","host":"a"},"values":[7],"timestamps":[1700000000000]}"#,
    "\n",
    r#"{"metric":{"__name__":"lat","host":"a"},"histograms":[{"u":0,"o":1,"buckets":[[0,1.5,42],[1.5,5.75,24]]},{"u":0,"o":2,"buckets":[[0,1.5,9223372036854775807],[1.5,5.75,-3]]}],"timestamps":[1700000000000,1700000060000]}"#,
    "\n",
    r#"{"metric":{"__name__":"lat","host":"b"},"histograms":[{"u":5,"o":0,"buckets":[]},{"u":0,"o":1,"buckets":[[0,1,42],[1,5,24]]},{"id":7,"base64":"AAECAw=="}],"timestamps":[1700000060000,1700000120000,1700000180000]}"#,
    "\n",
);

const FLAGS: [&str; 4] =
    ["--histogram-codec", "42=simple", "--histogram-codec", "7=somebody.else.Histogram"];

fn filled() -> Node {
    let node = Node::with_flags(&FLAGS);
    node.put_lines(LINES);
    node
}

#[test]
fn what_comes_in_goes_out_whatever_happens_between() {
    let node = filled();
    assert_eq!(node.export_text(EVERYTHING), EXPORT);
    let node = node.kill_and_restart();
    assert_eq!(node.export_text(EVERYTHING), EXPORT, "from the log");
    node.force_flush();
    assert_eq!(node.export_text(EVERYTHING), EXPORT, "from a segment");
    // The last write of a time wins, and a number does not touch a histogram.
    node.put_lines("histogram lat 1700000000 u=9 host=a\nput lat 1700000060 8 host=a\n");
    let changed = EXPORT
        .replace(
            r#"{"u":0,"o":1,"buckets":[[0,1.5,42],[1.5,5.75,24]]}"#,
            r#"{"u":9,"o":0,"buckets":[]}"#,
        )
        .replace(
            "[7],\"timestamps\":[1700000000000]",
            "[7,8],\"timestamps\":[1700000000000,1700000060000]",
        );
    assert_eq!(node.export_text(EVERYTHING), changed);
    assert_eq!(node.stop_and_restart().export_text(EVERYTHING), changed);
}

#[test]
fn an_export_is_taken_back_byte_by_byte() {
    let first = filled().export_text(EVERYTHING);
    // Without any codec mapped: what is kept is kept.
    let other = Node::start();
    assert_eq!(other.post("/api/v1/import", &first).status, 204);
    assert_eq!(other.export_text(EVERYTHING), first);
    other.force_flush();
    assert_eq!(other.export_text(EVERYTHING), first);
}

#[test]
fn put_lines_say_the_same() {
    let node = filled();
    let lines = node.get(&format!("/api/v1/export?format=put&match[]={}", encode(EVERYTHING)));
    assert_eq!((lines.status, lines.text().lines().count()), (200, 7), "{}", lines.text());
    let other = Node::with_flags(&FLAGS);
    other.put_lines(&lines.text());
    assert_eq!(other.export_text(EVERYTHING), EXPORT);
}

#[test]
fn buckets_are_cumulative_numbers() {
    let node = filled();
    let get = |rest: &str| {
        let answer = node.get(&format!("/api/v1/export?{rest}"));
        (answer.status, answer.text())
    };
    let (status, text) = get(&format!("histograms=buckets&match[]={}", encode("lat{host=\"b\"}")));
    let line = |name: &str, le: &str, values: &str, times: &str| {
        format!(
            "{{\"metric\":{{\"__name__\":\"{name}\",\"host\":\"b\"{le}}},\
             \"values\":[{values}],\"timestamps\":[{times}]}}\n"
        )
    };
    let (both, second) = ("1700000060000,1700000120000", "1700000120000");
    let expected = [
        line("lat_bucket", r#","le":"1""#, "42", second),
        line("lat_bucket", r#","le":"5""#, "66", second),
        line("lat_bucket", r#","le":"+Inf""#, "5,67", both),
        line("lat_count", "", "5,67", both),
    ];
    assert_eq!((status, text), (200, expected.concat()));
    let other = Node::start();
    assert_eq!(other.post("/api/v1/import", expected.concat()).status, 204, "any store takes it");
    // Shapes that know no histograms show buckets without being asked.
    let (status, text) = get("format=prometheus&match[]=lat");
    assert_eq!(status, 200);
    assert!(text.contains("lat_bucket{host=\"a\",le=\"1.5\"} 42 1700000000000\n"), "{text}");
    assert!(text.contains("lat{host=\"a\"} 7 1700000000000\n"), "{text}");
    node.put_lines("histogram other 1700000000 u=5 le=1\n");
    let (status, text) = get("histograms=buckets&match[]=other");
    let message = "histograms with a label `le` cannot be shown as buckets: \
                   {\"__name__\":\"other\",\"le\":\"1\"}";
    assert_eq!((status, text.trim_end()), (400, message));
    assert_eq!(get("histograms=percentiles&match[]=lat").0, 400);
}

#[test]
fn violations_are_answered_and_harm_nothing_else() {
    let node = Node::start();
    let answers = converse(
        node.opentsdb(),
        "histogram m 1 0,1=1:2,3=1 h=a\n\
         histogram m 1 0,2=1:1,3=1 h=a\n\
         put m 1 0,1=1:0.5,1=2 h=a\n\
         histogram m 1 2,1=1 h=a\n\
         histogram m 1 0,1=9223372036854775808 h=a\n\
         histogram m 1 7 AAIA h=a\n\
         histogram m 1 0,1=1:0,1=2:u=1:u=3 h=a\n",
    );
    let expected = "histogram: illegal argument: histogram: there is a gap between buckets 0,1 and 2,3\n\
         histogram: illegal argument: histogram: buckets 0,2 and 1,3 overlap\n\
         put: illegal argument: histogram: buckets 0,1 and 0.5,1 overlap\n\
         histogram: illegal argument: histogram: the lower bound of bucket 2,1 is not below the upper\n\
         histogram: illegal argument: histogram entry '0,1=9223372036854775808' at byte 0: \
         the count is not a 64-bit integer\n\
         histogram: illegal argument: No codec found mapped to ID 7\n";
    assert_eq!(answers, expected);
    // Of a key that comes again the last counts.
    let stored = r#"{"metric":{"__name__":"m","h":"a"},"histograms":[{"u":3,"o":0,"buckets":[[0,1,2]]}],"timestamps":[1000]}"#;
    assert_eq!(node.export_text("m"), format!("{stored}\n"));
    let reason = [r#"reason="invalid_histogram""#];
    assert_eq!(node.metrics().sum("irontsd_points_rejected_total", &reason), 6.0);
}

#[test]
fn a_body_keeps_its_good_histograms() {
    let node = Node::with_flags(&FLAGS);
    let body = r#"[{"metric":"m","timestamp":1,"tags":{"h":"a"},"buckets":{"0,1":"42","1,5":1.9,"5,6":null},"underflow":"7"},
        {"metric":"m","timestamp":2,"tags":{"h":"a"},"buckets":{}},
        {"metric":"m","timestamp":3,"tags":{"h":"a"},"buckets":{"0,x":1}},
        {"metric":"m","timestamp":4,"tags":{"h":"a"},"id":42,"value":"AAIAAAAAP4AAACo="},
        {"metric":"m","timestamp":5,"tags":{"h":"a"},"buckets":{"0,1":{}}},
        {"metric":"m","timestamp":6,"tags":{"h":"a"},"id":7,"value":"AAECAw=="}]"#;
    let answer = node.post("/api/histogram?details", body);
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.starts_with(r#"{"success":2,"failed":4,"errors":["#), "{text}");
    for error in [
        "Histogram buckets cannot be null or empty if 'value' is empty.",
        "Unable to parse value to a number\"",
        "Buffer underflow.",
        "Unable to parse the given JSON",
    ] {
        assert!(text.contains(&format!("\"error\":\"{error}")), "{error}: {text}");
    }
    let expected = r#"{"metric":{"__name__":"m","h":"a"},"histograms":[{"u":7,"o":0,"buckets":[[0,1,42],[1,5,1],[5,6,0]]},{"id":7,"base64":"AAECAw=="}],"timestamps":[1000,6000]}"#;
    assert_eq!(node.export_text("m"), format!("{expected}\n"));
}

/// Far more than a run or a turn of a log holds, so every bound on histogram bytes is met.
#[test]
fn large_and_many_histograms_come_back() {
    let node = Node::with_flags(&["--event-loops", "2"]);
    let mut telnet = node.telnet();
    let mut expected = String::new();
    let mut values: Vec<String> = Vec::new();
    for time in 1..=400 {
        let mut line = format!("histogram big {time} u={time}");
        let mut shown = format!("{{\"u\":{time},\"o\":0,\"buckets\":[");
        for bucket in 0..1500 {
            let count = time * bucket % 977;
            write!(line, ":{bucket},{}={count}", bucket + 1).expect("memory");
            let comma = if bucket == 0 { "" } else { "," };
            write!(shown, "{comma}[{bucket},{},{count}]", bucket + 1).expect("memory");
        }
        telnet.send(line + " h=a\n");
        values.push(shown + "]}");
    }
    assert_eq!(telnet.barrier(), Vec::<String>::new());
    let times: Vec<String> = (1..=400).map(|time| format!("{time}000")).collect();
    writeln!(
        expected,
        "{{\"metric\":{{\"__name__\":\"big\",\"h\":\"a\"}},\"histograms\":[{}],\"timestamps\":[{}]}}",
        values.join(","),
        times.join(",")
    )
    .expect("memory");
    assert!(node.export_text("big") == expected, "from memory");
    node.force_flush();
    assert!(node.export_text("big") == expected, "from a segment");
    let node = node.kill_and_restart();
    assert!(node.export_text("big") == expected, "after a restart");
    // The bounds of 1,500 buckets take 12 kB each time; the segment holds them once a run.
    let bytes = node.metrics().sum("irontsd_segment_bytes", &[]);
    assert!(bytes < 400.0 * 4000.0, "{bytes}");
}
