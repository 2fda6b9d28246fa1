//! Proves that the arguments of an export mean the same in every shape and wherever the node runs:
//! times, selectors, what narrows them, limits; and that an error shows the place.

use crate::common::http::encode;
use crate::common::process::Process;
use crate::common::{Home, Node};

/// 2023-11-14T22:13:20Z and the four seconds behind it.
const START: u64 = 1_700_000_000;

/// Every shape, as path and arguments.
const SHAPES: [(&str, &str); 5] = [
    ("export", ""),
    ("export", "&format=prometheus"),
    ("export", "&format=promapi"),
    ("export", "&format=put"),
    ("export/csv", "&format=__name__,host,dc,__value__,__timestamp__"),
];

/// A node far from Greenwich that holds `m` and `n` of two hosts in two places.
fn node() -> Node {
    let home = Home::new(&[]);
    let node = Node::ready(&home, Process::spawn(home.command().env("TZ", "Pacific/Auckland")));
    for second in START..START + 5 {
        let line = |metric: &str, host: &str, dc: &str| {
            format!("put {metric} {second} {} dc={dc} host={host}\n", second - START)
        };
        node.put_lines(
            &[line("m", "a", "fra"), line("m", "b", "lon"), line("n", "a", "fra")].concat(),
        );
    }
    node
}

fn ask(node: &Node, (path, shape): (&str, &str), arguments: &str) -> (u16, String) {
    let answer = node.get(&format!("/api/v1/{path}?{arguments}{shape}"));
    (answer.status, answer.text())
}

/// The values of `m` of host `a` within a range.
fn values(node: &Node, range: &str) -> Vec<String> {
    let target = format!("/api/v1/export?match[]={}{range}", encode(r#"m{host="a"}"#));
    let answer = node.get(&target);
    assert_eq!(answer.status, 200, "{range}: {}", answer.text());
    let samples = crate::common::Export::parse(&answer.text());
    samples.samples("m", &[("dc", "fra"), ("host", "a")]).iter().map(|s| s.1.clone()).collect()
}

#[test]
fn every_form_of_a_time_is_utc_and_included() {
    let node = node();
    for (range, expected) in [
        ("start=1700000001&end=1700000002", "1 2"),
        ("start=1700000001000&end=1700000002000", "1 2"),
        ("start=1700000001000000&end=1700000002000000", "1 2"),
        ("start=1700000001000000000&end=1700000002000000000", "1 2"),
        ("start=1700000000.001&end=1700000002.999", "1 2"),
        ("start=2023-11-14T22:13:21Z&end=2023-11-14T22:13:22Z", "1 2"),
        ("start=2023-11-14T22:13:21&end=2023-11-14T22:13:22", "1 2"),
        ("start=2023-11-15T11:13:21%2B13:00&end=2023-11-14T20:13:22-02:00", "1 2"),
        ("start=2023-11-14T22:13:21.000000001Z&end=2023-11-14T22:13:22.5Z", "1 2"),
        ("start=2023-11-14T22:13&end=2023-11-14T22:14", "0 1 2 3 4"),
        ("start=2023-11-14T22:14", ""),
        ("start=2023-11-14T22&end=2023-11-14T23", "0 1 2 3 4"),
        ("start=2023-11-14&end=2023-11-15", "0 1 2 3 4"),
        ("start=2023-11-15", ""),
        ("end=2023-11-14", ""),
        ("start=2023-11&end=2023-12", "0 1 2 3 4"),
        ("start=2023&end=2024", "0 1 2 3 4"),
        ("end=2023", ""),
        ("start=now-100y&end=now", "0 1 2 3 4"),
        ("start=-100y&end=1h", "0 1 2 3 4"),
        ("start=1s", ""),
        ("start=&end=", "0 1 2 3 4"),
        ("start=1700000004&end=1700000004", "4"),
    ] {
        assert_eq!(values(&node, &format!("&{range}")).join(" "), expected, "{range}");
    }
}

#[test]
fn an_end_before_the_start_and_bad_times_are_refused_in_every_shape() {
    let node = node();
    for shape in SHAPES {
        for (range, said) in [
            (
                "start=1700000001&end=1700000000",
                "end=1700000000000 lies before start=1700000001000",
            ),
            ("start=2023-11-15&end=2023-11-14", "lies before"),
            ("start=now&end=1h", "lies before"),
            ("start=tomorrow", "cannot parse start=tomorrow: "),
            ("end=2023-02-30", "cannot parse end=2023-02-30: "),
            ("start=1700000000&end=2023-11-14T25", "cannot parse end=2023-11-14T25: "),
        ] {
            let (status, text) = ask(&node, shape, &format!("match[]=m&{range}"));
            assert!(status == 400 && text.contains(said), "{shape:?} {range}: {status} {text}");
        }
        let (status, text) = ask(&node, shape, "start=1");
        assert!(status == 400 && text.starts_with("missing `match[]` arg"), "{shape:?}: {text}");
    }
}

#[test]
fn a_bad_selector_is_refused_with_the_place_marked() {
    let node = node();
    for (selector, place) in [
        (r#"m{host="a""#, "at byte 10, the end"),
        (r#"m{host="a" dc="fra"}"#, r#"at byte 11, here: "dc=\"fra\"}""#),
        (r#"m{host=a}"#, r#"at byte 7, here: "a}""#),
        (r#"m{host=~"("}"#, "at byte 8, here: "),
        (r#"m{host="\q"}"#, "at byte 7, here: "),
        (r#"m{host="a"}[5m]"#, r#"at byte 11, here: "[5m]""#),
        ("rate(m)", "at byte 4, here: "),
        ("m n", r#"at byte 2, here: "n""#),
        ("{}", "at byte "),
        ("\u{e9}{a=}", "at byte 5, here: "),
    ] {
        for (name, shown) in
            [("match", "matches[]"), ("match[]", "matches[]"), ("extra_filters[]", "extra_filters")]
        {
            let arguments = format!("match[]=m&{name}={}", encode(selector));
            for shape in [SHAPES[0], SHAPES[4]] {
                let (status, text) = ask(&node, shape, &arguments);
                let named = text.starts_with(&format!("cannot parse {shown}={selector}: "));
                assert!(
                    status == 400 && named && text.contains(place),
                    "{selector}: {status} {text}"
                );
            }
        }
    }
}

#[test]
fn comments_and_escapes_mean_what_they_mean_to_the_peer() {
    let node = Node::start();
    node.put_json(
        r#"[{"metric":"a b","timestamp":1,"value":1,"tags":{"k":"x"}},
            {"metric":"a-b","timestamp":1,"value":2,"tags":{"k":"\"\\\n"}},
            {"metric":"m","timestamp":1,"value":3,"tags":{"l-1":"it's # no comment"}}]"#,
    );
    for (selector, value) in [
        (r"a\ b", "1"),
        (r"a\x20b", "1"),
        (r#"{"a b"}"#, "1"),
        (r"{'a b',k='x'}", "1"),
        ("{ # all of them\n__name__=\"a b\" # but one\n}", "1"),
        ("# first\na\\-b # last", "2"),
        (r#"{k="\"\\\n"}"#, "2"),
        (r#"{k=~"\"\\\\\\s"}"#, "2"),
        (r#"{l\-1="it's # no comment"}"#, "3"),
        (r#"{"l-1"='it\'s # no comment'}"#, "3"),
    ] {
        assert_eq!(node.export(selector).only().2, value, "{selector}");
    }
}

#[test]
fn every_shape_is_narrowed_alike() {
    let node = node();
    let fra = encode(r#"{dc="fra"}"#);
    let lon_or_c = encode(r#"{dc="lon" or host="c"}"#);
    let narrowed = [
        (r#"match[]=m&match[]=n"#.to_owned(), r#"{__name__=~"m|n"}"#),
        ("match[]=m&match[]=n&extra_label=dc=lon".to_owned(), r#"m{dc="lon"}"#),
        (format!("match=m&match=n&extra_filters[]={fra}"), r#"{dc="fra"}"#),
        (format!("match[]=m&extra_filters={lon_or_c}"), r#"m{dc="lon"}"#),
        (format!("match[]=m&match[]=n&extra_filters[]={lon_or_c}&extra_label=host=a"), "nosuch"),
        (format!("match[]=m&extra_filters[]={fra}&extra_filters[]={lon_or_c}"), "m"),
        ("match[]=m&extra_label=dc=fra&extra_label=dc=lon".to_owned(), "nosuch"),
    ];
    for shape in SHAPES {
        for (arguments, same) in &narrowed {
            let wanted = ask(&node, shape, &format!("match[]={}", encode(same)));
            assert_eq!(ask(&node, shape, arguments), wanted, "{shape:?} {arguments}");
            assert_eq!(wanted.0, 200);
        }
    }
}

#[test]
fn limits_change_the_lines_and_nothing_else() {
    let node = node();
    let whole = node.export_text("m");
    for same in ["reduce_mem_usage=1", "max_rows_per_line=0", "max_rows_per_line=x", "timeout=1ms"]
    {
        let answer = node.get(&format!("/api/v1/export?match=m&{same}"));
        assert_eq!(answer.text(), whole, "{same}");
    }
    for (rows, lines) in [(1, 10), (2, 6), (4, 4), (5, 2), (6, 2)] {
        let target = format!("/api/v1/export?match=m&reduce_mem_usage=1&max_rows_per_line={rows}");
        let text = node.get(&target).text();
        assert_eq!(text.lines().count(), lines, "{rows} rows a line");
        assert_eq!(crate::common::Export::parse(&text), node.export("m"), "{rows} rows a line");
    }
    for shape in &SHAPES[1..] {
        let whole = ask(&node, *shape, "match=m");
        assert_eq!(ask(&node, *shape, "match=m&max_rows_per_line=1"), whole, "{shape:?}");
    }
}
