//! Judged bodies.

mod differ;

use super::*;

const NOW: i64 = 1_400_000_000_123;

type Taken = Vec<(String, i64, Value)>;

fn judged_with(
    body: &[u8],
    policy: &Policy,
    extra: &[(String, String)],
) -> Result<(Outcome, Taken), BodyError> {
    let mut taken = Taken::new();
    let mut out = |name: &[u8], ms: i64, value: Value| {
        if name.starts_with(b"unknown") {
            return Err(Reject::new(Reason::IllegalArgument, "Unknown metric"));
        }
        taken.push((String::from_utf8_lossy(name).into_owned(), ms, value));
        Ok(())
    };
    let outcome = judge(body, NOW, policy, extra, &mut Scratch::default(), &mut out);
    outcome.map(|outcome| (outcome, taken))
}

fn judged(body: &str) -> (Outcome, Taken) {
    judged_with(body.as_bytes(), &Policy::default(), &[])
        .unwrap_or_else(|error| panic!("{body}: {error:?}"))
}

fn body_error(body: &[u8]) -> (String, String) {
    let error = judged_with(body, &Policy::default(), &[]).expect_err("refused");
    (error.message, error.details.unwrap_or_default())
}

/// A point with these fields over good ones.
fn with(fields: &str) -> String {
    let good = r#""metric":"m","timestamp":1365465600,"value":42,"tags":{"h":"a"}"#;
    format!("{{{good},{fields}}}")
}

#[test]
fn timestamps() {
    for (sent, ms) in [
        ("1365465600", 1365465600000),
        ("1365465600123", 1365465600123),
        ("4294967296", 4294967296),
        ("1365465600.9", 1365465600900),
        ("1365465600.1239", 1365465600123),
        ("0.5", 500),
        ("1365465600123.7", 1365465600123),
        ("1e9", 1000000000000),
        ("1.3654656005e9", 1365465600500),
        ("1365465600123e-3", 1365465600123),
        ("1.365465600123E+12", 1365465600123),
        ("\"1365465600\"", 1365465600000),
        ("\" 1365465600\\n\"", 1365465600000),
        ("\"+1365465600\"", 1365465600000),
        ("\"1365465600.5\"", 1365465600500),
        ("1,\"timestamp\":2", 2000),
    ] {
        let (outcome, taken) = judged(&with(&format!("\"timestamp\":{sent}")));
        assert_eq!((outcome.success, taken[0].1), (1, ms), "{sent}");
    }
    assert_eq!(judged(r#"{"metric":"m","value":1}"#).1, [("m".into(), NOW, Value::integer(1))]);
    for sent in ["null", "\"\"", "\" \"", "0", "-1", "-0.5", "0.0004", "-1e9", "1e-300"] {
        let (outcome, _) = judged(&with(&format!("\"timestamp\":{sent}")));
        assert_eq!(outcome.failures[0].reject.message, "Invalid timestamp", "{sent}");
    }
    for sent in [
        "true",
        "[]",
        "{}",
        "\"abc\"",
        "\"1e9\"",
        "9223372036854775808",
        "1e19",
        "1e400",
        "NaN",
        "-Infinity",
        "true,\"timestamp\":1",
    ] {
        let body = with(&format!("\"timestamp\":{sent}"));
        let (message, details) = body_error(body.as_bytes());
        assert_eq!(message, BAD_JSON, "{sent}");
        assert_eq!(details, "the timestamp is not a number at byte 77", "{sent}");
    }
    let (outcome, _) = judged(&with("\"timestamp\":10000000000000,\"value\":300"));
    let expected = "bad timestamp=10000000000000 when trying to add value=[1, 44]/1 to metric=m, \
                    tags={h=a}";
    assert_eq!(outcome.failures[0].reject.message, expected);
}

#[test]
fn values() {
    for (sent, value) in [
        ("42", Value::integer(42)),
        ("-0", Value::integer(0)),
        ("9223372036854775807", Value::integer(i64::MAX)),
        ("-9223372036854775808", Value::integer(i64::MIN)),
        ("-0.0", Value::float(-0.0)),
        ("1E3", Value::from_f64(1000.0)),
        ("\"+42\"", Value::integer(42)),
        ("\".5\"", Value::from_f64(0.5)),
        ("\"1e3\"", Value::from_f64(1000.0)),
        ("\" 42.5\\t\"", Value::from_f64(42.5)),
    ] {
        let (outcome, taken) = judged(&with(&format!("\"value\":{sent}")));
        assert_eq!((outcome.success, taken[0].2), (1, value), "{sent}");
    }
    let unusual = judged(&format!("[{},null]", with("\"value\":42.50"))).1;
    assert_eq!(Some(unusual[0].2), Value::decimal(4250, 2), "the text is kept");
    let not_a_number = "Unable to parse value to a number";
    for (sent, message) in [
        ("null", "Empty value"),
        ("\"\"", "Empty value"),
        ("\" 42 \"", not_a_number),
        ("true", not_a_number),
        ("NaN", not_a_number),
        ("+INF", not_a_number),
        ("\"NaN\"", not_a_number),
        ("\"1.5f\"", not_a_number),
        ("9223372036854775808", not_a_number),
        ("1e400", "value is NaN or Infinite: Infinity for metric=m timestamp=1365465600"),
        ("-1e400", "value is NaN or Infinite: -Infinity for metric=m timestamp=1365465600"),
    ] {
        let (outcome, _) = judged(&with(&format!("\"value\":{sent}")));
        assert_eq!(outcome.failures[0].reject.message, message, "{sent}");
    }
}

#[test]
fn metrics_and_tags() {
    for (sent, expected) in [
        ("\"tags\":{}", "m"),
        ("\"tags\":{\"b\":1.50,\"a\":true,\"c\":1e400}", "m a=true b=1.50 c=1e400"),
        ("\"tags\":{\"b\":null,\"b\":\"x\"}", "m b=x"),
        ("\"metric\":7.0", "7.0 h=a"),
        ("\"metric\":false", "false h=a"),
        ("\"tags\":{\"a\":\"\\u00e9\\n\"}", "m a=\u{e9}\n"),
        ("\"other\":{\"tags\":[{},[NaN]]},\"tsuid\":\"0101\"", "m h=a"),
    ] {
        let (outcome, taken) = judged(&with(sent));
        assert_eq!((outcome.success, &*taken[0].0), (1, expected), "{sent}");
    }
    let many = |count: u32| {
        let tags: Vec<String> = (0..count).map(|n| format!("\"k{}\":\"{n}\"", n % 2000)).collect();
        format!("\"tags\":{{{}}}", tags.join(","))
    };
    assert_eq!(judged(&with(&many(40))).0.success, 1);
    for (sent, message) in [
        ("\"metric\":null", "Metric name was empty"),
        ("\"metric\":\"\"", "Metric name was empty"),
        ("\"tags\":null", "Missing tags"),
        ("\"tags\":{\"h\":null}", "Invalid tag value with key [h]: null"),
        ("\"tags\":{\"\":\"x\",\"h\":null}", "Invalid tag name with value [x]: empty string"),
        ("\"tags\":{\"h\":null,\"\":\"x\"}", "Invalid tag value with key [h]: null"),
        ("\"tags\":{\"\":null}", "Invalid tag name with value [null]: empty string"),
        ("\"tags\":{\"h\":\"\"}", "Invalid tag value with key [h]: empty string"),
        (&many(41), "Too many tags: 41 maximum allowed: 40, tags: {k0=0, k1=1, "),
        (&(many(41) + ",\"tags\":null"), "Missing tags"),
        (&many(5000), "Too many tags: 2000 maximum allowed: 40, tags: {k0=4000, k1=4001, "),
    ] {
        let (outcome, _) = judged(&with(sent));
        let found = &outcome.failures[0].reject.message;
        assert!(found.starts_with(message), "{sent}: {found}");
    }
}

#[test]
fn extra_labels_win() {
    let extra = [("h".to_owned(), "x".to_owned()), ("z".to_owned(), "1".to_owned())];
    for tags in ["{\"h\":\"a\",\"k\":\"v\"}", "{\"h\":null,\"k\":\"v\"}"] {
        let body = with(&format!("\"tags\":{tags}"));
        let (_, taken) = judged_with(body.as_bytes(), &Policy::default(), &extra).expect("JSON");
        assert_eq!(taken[0].0, "m h=x k=v z=1");
    }
}

#[test]
fn bodies_refused_as_a_whole() {
    let point = with("\"a\":1");
    for (body, message, details) in [
        ("", "Missing request content", ""),
        (" \r\n", "Missing request content", ""),
        ("\u{feff}[]", "The JSON must start as an object or an array", ""),
        ("1", "The JSON must start as an object or an array", ""),
        ("[ ]", "No datapoints found in content", ""),
        ("[1]", BAD_JSON, "the element is not an object at byte 1"),
        ("[[]]", BAD_JSON, "the element is not an object at byte 1"),
        ("[", BAD_JSON, "the text ends too early at byte 1"),
        (&with("\"value\":{}"), BAD_JSON, "the value is not a number at byte 73"),
        (&with("\"metric\":[]"), BAD_JSON, "the metric is not a text at byte 74"),
        (&with("\"tags\":[]"), BAD_JSON, "the tags are not an object at byte 72"),
        (&with("\"tags\":\"\""), BAD_JSON, "the tags are not an object at byte 72"),
        (&with("\"tags\":{\"a\":{}}"), BAD_JSON, "the value of a tag is not a text at byte 77"),
        (&format!("[{point},]"), BAD_JSON, "expected a value at byte 73"),
        (&format!("[{point}"), BAD_JSON, "the text ends too early at byte 72"),
    ] {
        assert_eq!(body_error(body.as_bytes()), (message.into(), details.into()), "{body}");
    }
    let error = judged_with(b"[\"\xff\"]", &Policy::default(), &[]).expect_err("not UTF-8");
    assert_eq!(error.details.as_deref(), Some("invalid UTF-8 at byte 2"));
    assert_eq!(error.reject.reason, Reason::InvalidUtf8);
}

#[test]
fn one_bad_point_loses_no_other() {
    let body = r#" [{"metric":"a","value":1}, null, [7], {"metric":"c","timestamp":"x","value":2},
        {"metric":"unknown","timestamp":5,"value":1.50,"tags":{"h":"\""}},
        {"timestamp":1,"value":"x","tags":{"h":null,"n":1.0}}, {"metric":"b","value":2}] tail"#;
    let (outcome, taken) = judged(body);
    assert_eq!(taken.iter().map(|point| &*point.0).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((outcome.success, outcome.failed), (2, 5));
    let failures = outcome.failures.iter();
    let found: Vec<_> = failures.map(|f| (&*f.datapoint, &*f.reject.message)).collect();
    let expected = [
        ("null", "Unexpected null datapoint encountered in set."),
        ("null", BAD_JSON),
        (r#"{"metric":"c","timestamp":0,"value":"2"}"#, BAD_JSON),
        (
            r#"{"metric":"unknown","timestamp":5,"value":"1.50","tags":{"h":"\""}}"#,
            "Unknown metric",
        ),
        (r#"{"timestamp":1,"value":"x","tags":{"h":null,"n":"1.0"}}"#, "Metric name was empty"),
    ];
    assert_eq!(found, expected);
}
