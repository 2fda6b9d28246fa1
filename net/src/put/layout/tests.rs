//! Bodies of known series against the plain reader.

use super::super::{What, plain, rules::Judge};
use super::*;
use crate::policy::Policy;
use proptest::prelude::*;

/// Element, name, milliseconds, whether it is an integer, the bits of the double.
type Point = (usize, Vec<u8>, i64, bool, u64);

fn plain(body: &[u8]) -> Option<Vec<Point>> {
    let policy = Policy::default();
    let judge = Judge { policy: &policy, now_ms: 1_400_000_000_000, extra: &[] };
    let mut batch = super::super::Batch::default();
    let refused = plain::collect(body, &judge, What::Numbers, &mut batch).ok()?;
    let point = |(index, name, ms, value): (usize, &[u8], i64, Value)| {
        (index, name.to_vec(), ms, value.kind == Kind::INTEGER, bits(value))
    };
    (refused.count() == 0).then(|| batch.iter().map(point).collect())
}

fn bits(value: Value) -> u64 {
    if value.kind == Kind::INTEGER { value.bits } else { value.as_f64().to_bits() }
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => any::<i32>().prop_map(|n| n.to_string()),
        6 => (-99999i64..99999, 0..1000u32).prop_map(|(n, part)| format!("{n}.{part:03}")),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => "-?[0-9.]{0,4}",
        1 => "-?[0-9]{1,30}(\\.[0-9]{1,30})?",
        1 => Just("1e5".to_owned()),
    ]
}

/// The order of an object whose value stands before its time.
const METRIC_VALUE_TIME_TAGS: usize = 16;

/// All of an object but time and value: metric, tags, order of the fields, blanks.
type Shape = (String, Vec<(String, String)>, usize, &'static str, &'static str);

fn shape() -> impl Strategy<Value = Shape> {
    let tag = ("[ab\"}]{0,2}", "[x}\\\\\":{ é]{0,2}");
    let tags = prop_oneof![
        9 => prop::collection::vec(("[ab]{1,2}", "[x{ é]{1,2}"), 1..2),
        1 => prop::collection::vec(tag, 0..3)
    ];
    let metric = prop_oneof![9 => "[mn]{1,2}", 1 => "[mn\"\\\\é]{0,2}"];
    let blank = || prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
    // Most begin with the metric and end with the tags.
    let order = prop_oneof![2 => Just(0), 1 => Just(METRIC_VALUE_TIME_TAGS), 3 => 0..26usize];
    (metric, tags, order, blank(), blank())
}

/// Of some series; most are written alike.
fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    (prop::collection::vec(shape(), 1..4), 0..4).prop_map(|(mut shapes, alike)| {
        if alike > 0 {
            let (_, _, order, before, behind) = shapes[0];
            let all = shapes.iter_mut();
            all.for_each(|shape| (shape.2, shape.3, shape.4) = (order, before, behind));
        }
        shapes
    })
}

fn element((metric, tags, order, before, behind): &Shape, time: &str, value: &str) -> String {
    let tags: Vec<_> = tags.iter().map(|(k, v)| format!("\"{k}\":\"{v}\"")).collect();
    let mut fields = vec![
        format!("\"metric\":{before}\"{metric}\""),
        format!("\"timestamp\"{behind}:{time}"),
        format!("\"value\":{before}{value}{behind}"),
        format!("\"tags\":{{{}}}", tags.join(",")),
    ];
    // All orders there are; the first is the one written above.
    fields[..].rotate_left(order % 4);
    fields[1..].rotate_left(order / 4 % 3);
    fields[2..].rotate_left(order / 12 % 2);
    if *order == 25 {
        fields.pop();
    }
    format!("{before}{{{}}}{behind}", fields.join(","))
}

/// Series that the plain reader took by themselves; counts how often it is asked.
struct Seen<'a> {
    lookup: &'a mut Lookup,
    names: &'a mut Vec<Vec<u8>>,
    body: &'a [u8],
    asked: usize,
}

impl Known for Seen<'_> {
    fn guesser(&mut self) -> &mut Lookup {
        self.lookup
    }

    fn find(&mut self, raw: &mut Raw, trail: &mut Trail) -> Option<SeriesId> {
        self.asked += 1;
        let (metric, tags) = (&self.body[raw.metric.clone()], &self.body[raw.tags.clone()]);
        if let Some(series) = self.lookup.find(metric, tags, trail) {
            return Some(series);
        }
        let found = is_closed(tags).then(|| plain(&self.body[raw.element.clone()])).flatten()?;
        let series = self.names.len() as SeriesId;
        self.names.push(found[0].1.clone());
        self.lookup.learn(metric, tags, series, trail);
        Some(series)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    /// What is taken of bodies whose series come again and again is what the plain reader takes.
    #[test]
    fn what_is_taken_is_what_the_plain_reader_takes(
        shapes in shapes(),
        bodies in prop::collection::vec(
            (prop::collection::vec((0..12usize, time(), number()), 1..9), fault()), 1..6),
    ) {
        let (mut lookup, mut names) = (Lookup::new(7, 1 << 20), Vec::new());
        let mut trail = Trail::default();
        for (points, fault) in bodies {
            let shape = |at: usize, odd: usize| &shapes[if odd < 3 { odd } else { at } % shapes.len()];
            let elements = points.iter().enumerate();
            let elements: Vec<_> = elements
                .map(|(at, (odd, time, value))| element(shape(at, *odd), time, value))
                .collect();
            let body = match &elements[..] {
                [one] => one.clone(),
                all => format!("[{}]{}", all.join(","), " ".repeat(points[0].0 * 4)),
            };
            let mut body = body.into_bytes();
            if let Some((place, byte)) = fault {
                let at = place.index(body.len());
                body.splice(at..at + usize::from(body[at].is_ascii()), byte);
            }
            let body = &body[..];
            let mut rows = Vec::new();
            let (lookup, names) = (&mut lookup, &mut names);
            let mut known = Seen { lookup, names, body, asked: 0 };
            if take(body, 0, &mut known, &mut trail, &mut rows).is_none() {
                continue;
            }
            let found = rows.iter().enumerate().map(|(index, (series, row))| {
                let (name, value) = (known.names[*series as usize].clone(), row.value());
                let integer = value.kind == Kind::INTEGER;
                (index, name, row.timestamp_ms(), integer, bits(value))
            });
            prop_assert_eq!(Some(found.collect::<Vec<_>>()), plain(body), "{}", body.escape_ascii());
        }
    }
}

/// A byte more, less or in the place of another, somewhere.
fn fault() -> impl Strategy<Value = Option<(prop::sample::Index, Option<u8>)>> {
    let byte = prop::sample::select(b"{}[],:\" 0.-x\\".to_vec());
    prop::option::weighted(0.4, (any::<prop::sample::Index>(), prop::option::of(byte)))
}

fn time() -> impl Strategy<Value = String> {
    let seconds = (1..9_999_999_999i64).prop_map(|n| n.to_string());
    prop_oneof![5 => seconds, 5 => Just("1400000000".to_owned()), 1 => number()]
}

/// Series, milliseconds and value of each row, and how often a series was asked for.
type Taken = (Vec<(SeriesId, i64, f64)>, usize);

/// The rows of bodies with one shape, one after the other, and how often a series was asked for.
fn taken(bodies: &[String], oldest_ms: i64) -> Vec<Option<Taken>> {
    let (mut lookup, mut names) = (Lookup::new(7, 1 << 20), Vec::new());
    let mut trail = Trail::default();
    let mut take_one = |body: &String| {
        let (lookup, names, body) = (&mut lookup, &mut names, body.as_bytes());
        let (mut known, mut rows) = (Seen { lookup, names, body, asked: 0 }, Vec::new());
        take(body, oldest_ms, &mut known, &mut trail, &mut rows)?;
        let shown = |(id, row): &(SeriesId, Row)| (*id, row.timestamp_ms(), row.value().as_f64());
        Some((rows.iter().map(shown).collect(), known.asked))
    };
    bodies.iter().map(&mut take_one).collect()
}

#[test]
fn what_came_once_is_compared_and_not_split_the_second_time() {
    for order in 0..24 {
        let shape = |at: u32| {
            let tags = vec![("host".to_owned(), format!("web{}", at / 3))];
            (format!("cpu.{}", at % 3), tags, order, if order % 2 == 0 { "" } else { " " }, "")
        };
        let body = |time: u32| {
            let one = |at| element(&shape(at), &time.to_string(), &format!("-{at}.5"));
            format!("[{}]", (0..30).map(one).collect::<Vec<_>>().join(","))
        };
        let found = taken(&[body(1_400_000_000), body(1_400_000_015)], 0);
        let rows =
            |s: i64| (0..30).map(move |at| (at, 1_400_000_000_000 + s, -f64::from(at) - 0.5));
        assert_eq!(found[0], Some((rows(0).collect(), 30)), "{order}");
        // The first tells how they are written; the last may be too near to the end.
        let again = found[1].as_ref().expect("taken");
        assert_eq!(again.0, rows(15_000).collect::<Vec<_>>(), "{order}");
        assert!(again.1 <= 2, "{order}: {}", again.1);
    }
}

#[test]
fn what_is_too_old_is_not_guessed() {
    let shape = ("m".to_owned(), vec![("h".to_owned(), "a".to_owned())], 0, "", "");
    let body = |times: [&str; 3]| {
        let elements: Vec<_> = times.iter().map(|time| element(&shape, time, "1")).collect();
        format!("[{}]", elements.join(","))
    };
    let bodies = ["1400000000", "1400000001", "1300000000"].map(|time| body([time; 3]));
    let asked = |found: &Option<Taken>| found.as_ref().map(|found| found.1);
    let found = taken(&bodies, 1_400_000_000_000);
    // Those that are older are left to whoever knows the series.
    assert!(asked(&found[1]) < Some(3) && asked(&found[2]) == Some(3), "{found:?}");
}

#[test]
fn what_is_no_ordinary_body_is_left_alone() {
    let good = r#"[{"metric":"m","timestamp":1400000000,"value":1.50,"tags":{"h":"a"}},
        { "tags": {"h":"b"}, "value": -7, "metric": "n", "timestamp": 1400000000123 }]"#;
    let found = taken(&[good.to_owned()], 0).remove(0).expect("ordinary");
    assert_eq!(found.0, [(0, 1_400_000_000_000, 1.5), (1, 1_400_000_000_123, -7.0)]);
    for body in [
        "[]",
        r#"{"metric":"m","value":1,"tags":{"h":"a"}}"#,
        r#"{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}} x"#,
        r#"{"metric":"m","timestamp":1,"timestamp":1,"value":1,"tags":{"h":"a"}}"#,
        r#"[{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}},]"#,
        r#"[{"metric":"m","timestamp":1,"value":1,"tags":{"h":"a"}}"#,
    ] {
        assert_eq!(taken(&[body.to_owned()], 0), [None], "{body}");
    }
}
