//! Both readers against each other, and answers to bodies that are broken at random places.

use super::*;
use crate::put::reply::Flags;
use irontsd_engine::name;
use irontsd_engine::types::Kind;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn the_fast_reader_takes_what_agents_send() {
    let telegraf = r#"[{"metric":"cpu","timestamp":1365465600,"value":0.13,"tags":{"host":"a"}},
        {"metric":"mem","timestamp":"1365465600123","value":"7","tags":{}}]"#;
    let scollector = with("\"other\":null");
    for body in [telegraf, &scollector, r#"{"metric":"m","value":1}"#] {
        assert!(points(body.as_bytes(), true).is_some(), "{body}");
    }
}

/// What must be the same of a point, whichever reader found it.
type Same = (usize, Vec<u8>, i64, bool, u64);

/// The points that one reader finds in a body whose points are all good.
fn points(body: &[u8], fast: bool) -> Option<Vec<Same>> {
    let (policy, extra) = (Policy::default(), [("zone".to_owned(), "x y".to_owned())]);
    let judge = Judge { policy: &policy, now_ms: NOW, extra: &extra };
    let mut batch = Batch::default();
    if fast {
        fast::Parser::default().collect(body, &judge, &mut batch)?;
    } else {
        let refused = plain::collect(body, &judge, What::Numbers, &mut batch).ok()?;
        if refused.count > 0 {
            return None;
        }
    }
    let same = |(index, name, ms, value): (usize, &[u8], i64, Value)| {
        let bits = value.as_f64().to_bits();
        (index, name.to_vec(), ms, value.kind == Kind::INTEGER, bits)
    };
    Some(batch.iter().map(same).collect())
}

fn texts() -> impl Strategy<Value = String> {
    let odd = vec![
        "\"\"",
        "\"__name__\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\n\\/\\\\\"",
        "\"a=b c\"",
        "\"\u{e9}\"",
        "\"\u{7f}\"",
        "null",
        "true",
        "1.50",
        "{}",
        "[]",
        "\"\\x\"",
    ];
    let odd = select(odd).prop_map(str::to_owned);
    prop_oneof![80 => "\"[a-c]{1,2}\"", 1 => odd]
}

fn numbers() -> impl Strategy<Value = String> {
    let odd = vec!["NaN", "-INF", "null", "\"\"", "\" 1.5 \"", "\" 1 \"", "true", "{}", "01", "1."];
    prop_oneof![
        40 => "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,6})?",
        5 => "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?",
        2 => "\"[+-]?[0-9]{0,3}\\.?[0-9]{0,3}\"",
        1 => "-?922337203685477580[0-9]",
        1 => select(odd).prop_map(str::to_owned),
    ]
}

fn times() -> impl Strategy<Value = String> {
    let odd = vec!["null", "\"\"", "0", "1e9", "\"1 \"", "9999999999999", "10000000000000", "-1"];
    prop_oneof![
        40 => "1[0-9]{9}([0-9]{3})?",
        3 => "\"1[0-9]{9}(\\.[0-9]{0,4})?\"",
        2 => "1[0-9]{9}\\.[0-9]{1,4}",
        1 => select(odd).prop_map(str::to_owned),
    ]
}

fn objects(fields: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = String> {
    let space = select(vec!["", "", "", " ", "\n\t"]);
    (prop::collection::vec(fields, 0..=most), space).prop_map(|(fields, space)| {
        format!("{{{space}{}{space}}}", fields.join(&format!(",{space}")))
    })
}

fn bodies() -> impl Strategy<Value = String> {
    let tags = || objects((texts(), texts()).prop_map(|(key, value)| format!("{key}:{value}")), 3);
    let fields = || {
        prop_oneof![
            2 => texts().prop_map(|text| format!("\"metric\":{text}")),
            2 => numbers().prop_map(|number| format!("\"value\": {number}")),
            2 => times().prop_map(|time| format!("\"timestamp\":{time}")),
            2 => tags().prop_map(|tags| format!("\"tags\":{tags}")),
            1 => numbers().prop_map(|number| format!("\"other\":{number}")),
        ]
    };
    let good = (texts(), times(), numbers(), tags()).prop_map(|(metric, time, value, tags)| {
        format!("\"metric\":{metric},\"timestamp\":{time} ,\"value\":{value},\"tags\":{tags}")
    });
    let more = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(fields(), 1..3)];
    let object = (good, more).prop_map(|(good, mut more)| {
        more.insert(0, good);
        format!("{{{}}}", more.join(","))
    });
    let elements = prop_oneof![12 => object, 1 => objects(fields(), 4), 1 => Just("null".into())];
    (prop::collection::vec(elements, 0..4), 0..8).prop_map(|(elements, kind)| match kind {
        0 => elements.concat(),
        1 => format!(" [ {} ] ", elements.join(" , ")),
        _ => format!("[{}]", elements.join(",")),
    })
}

/// Where to cut, how much, and what to put there instead.
fn mutations() -> impl Strategy<Value = Vec<(usize, usize, Vec<u8>)>> {
    let bits: Vec<&[u8]> = vec![
        b"",
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"-",
        b".",
        b"e",
        b" ",
        b"\0",
        b"\x0c",
        b"\x1f",
        b"\xc3",
        b"\xff",
        b"\xe9",
        b"\xed\xa0\x80",
        b"null",
        b"\\u0",
        b"NaN",
    ];
    let one = (any::<usize>(), 0usize..3, select(bits).prop_map(<[u8]>::to_vec));
    prop_oneof![Just(Vec::new()), prop::collection::vec(one, 1..3)]
}

fn mutated(body: String, mutations: Vec<(usize, usize, Vec<u8>)>) -> Vec<u8> {
    let mut body = body.into_bytes();
    for (at, cut, new) in mutations {
        let at = at % (body.len() + 1);
        let end = body.len().min(at + cut);
        body.splice(at..end, new);
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_readers_agree(body in bodies(), mutations in mutations()) {
        let body = mutated(body, mutations);
        if let Some(found) = points(&body, true) {
            prop_assert_eq!(Some(found), points(&body, false), "{}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn answers_are_json_and_count_every_point(body in bodies(), mutations in mutations()) {
        let body = mutated(body, mutations);
        let (status, mut answer) = match judged_with(&body, &Policy::default(), &[]) {
            Ok((outcome, taken)) => {
                prop_assert_eq!(outcome.success, taken.len() as u64);
                prop_assert_eq!(outcome.failed, outcome.failures.len() as u64);
                for (name, ms, _) in &taken {
                    prop_assert!(*ms > 0 && !name::metric(name.as_bytes()).is_empty());
                }
                reply::answer(Flags { details: true, ..Flags::default() }, &outcome)
            }
            Err(error) => reply::refusal(&error),
        };
        prop_assert!(status == 200 || status == 400);
        let mut bytes = std::mem::take(&mut answer).into_bytes();
        prop_assert!(simd_json::to_tape(&mut bytes).is_ok());
    }
}
