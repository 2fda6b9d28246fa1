//! Proves that every integer, float and timestamp comes back as it was sent, to the last bit,
//! through telnet and HTTP: from the write buffers, after `force_flush`, after `kill -9` and
//! after an orderly restart.

use crate::common::series::stamp_ms;
use crate::common::{Export, Node, seed};

/// A number as sent, and how it must read.
struct Number {
    sent: String,
    expected: Expected,
}

enum Expected {
    /// This text and no other.
    Integer(i64),
    /// A text that parses to these bits.
    Float(u64),
}

#[test]
fn integers_through_telnet_and_http() {
    let mut chance = seed::chance("integers");
    let edges = [0, 1, -1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, i64::MAX, i64::MIN];
    let mut numbers: Vec<Number> = edges.into_iter().map(integer).collect();
    (0..63).for_each(|bit| numbers.push(integer((1 << bit) + chance.i64(-2..3))));
    (0..1000).for_each(|_| numbers.push(integer(chance.i64(..) >> chance.u32(..64))));
    survives_everything(&numbers);
}

#[test]
fn floats_through_telnet_and_http() {
    let mut chance = seed::chance("floats");
    let mut numbers: Vec<Number> = EDGES.into_iter().map(float).collect();
    (0..2000).for_each(|_| numbers.push(random_bits(&mut chance)));
    (0..2000).for_each(|_| numbers.push(random_decimal(&mut chance)));
    survives_everything(&numbers);
}

#[test]
fn integers_and_floats_in_one_series() {
    let mut chance = seed::chance("mixed");
    let mixed = |_| match chance.u32(..3) {
        0 => integer(chance.i64(..)),
        1 => random_bits(&mut chance),
        _ => random_decimal(&mut chance),
    };
    let numbers: Vec<Number> = (0..3000).map(mixed).collect();
    survives_everything(&numbers);
}

#[test]
fn series_of_equal_and_slowly_changing_values() {
    // What codecs like best, and where they are tempted to cut corners.
    let constant = (0..2000).map(|_| float("0.1"));
    let counter = (0..2000).map(|n| integer(1_000_000_007 * n));
    let zeros = (0..2000).map(|n| float(if n % 7 == 0 { "-0.0" } else { "0.0" }));
    let gauge = (0..2000).map(|n| float(&format!("{}.{:02}", 20 + n % 3, n % 100)));
    survives_everything(&constant.chain(counter).chain(zeros).chain(gauge).collect::<Vec<_>>());
}

#[test]
fn other_spellings_of_integers() {
    let node = Node::start();
    node.put_lines("put m 1 +42\nput m 2 007\nput m 3 -0\nput m 4 -007\nput m 5 +0\n");
    let values: Vec<_> = node.export("m").samples("m", &[]).iter().map(|s| s.1.clone()).collect();
    assert_eq!(values, ["42", "7", "0", "-7", "0"]);
}

#[test]
fn timestamps_are_seconds_below_two_to_the_32_and_else_milliseconds() {
    let mut stamps = vec![1, 2, 1_365_465_600, 4_294_967_294, 4_294_967_295];
    stamps.extend([4_294_967_296_i64, 13_569_984_000, 1_356_998_400_500, 9_999_999_999_999]);
    let mut chance = seed::chance("timestamps");
    stamps.extend((0..500).map(|_| chance.i64(1..10_000_000_000_000)));
    stamps.extend((0..500).map(|_| chance.i64(1..4_294_967_296)));
    let mut expected = Export::default();
    let (mut lines, mut points) = (String::new(), Vec::new());
    for (n, &stamp) in stamps.iter().enumerate() {
        lines += &format!("put telnet {stamp} {n}\n");
        points.push(format!(r#"{{"metric":"http","timestamp":{stamp},"value":{n}}}"#));
        for metric in ["telnet{}", "http{}"] {
            expected.insert(metric.to_owned(), stamp_ms(stamp), &n.to_string());
        }
    }
    let node = Node::start();
    node.put_lines(&lines);
    node.put_json(&format!("[{}]", points.join(",")));
    through_every_state(node, |export| export.assert_same(&expected));
}

#[test]
fn fractional_seconds_are_rounded_down_to_milliseconds() {
    let node = Node::start();
    let stamps = ["1356998400.5", "1356998401.50", "1356998402.500", "1356998403.9999", "5."];
    for stamp in stamps {
        node.put_lines(&format!("put telnet {stamp} 1\n"));
        node.put_json(&format!(r#"{{"metric":"text","timestamp":"{stamp}","value":1}}"#));
        let number = stamp.trim_end_matches('.');
        node.put_json(&format!(r#"{{"metric":"number","timestamp":{number},"value":1}}"#));
    }
    let expected = [5000, 1356998400500, 1356998401500, 1356998402500, 1356998403999_i64];
    for metric in ["telnet", "text", "number"] {
        let export = node.export(metric);
        let found: Vec<i64> = export.samples(metric, &[]).iter().map(|sample| sample.0).collect();
        assert_eq!(found, expected, "{metric}");
    }
}

/// Floats at the edges of what a double or a decimal parser can do.
const EDGES: [&str; 32] = [
    "0.0",
    "-0.0",
    "1.0",
    "-1.5",
    ".5",
    "-.5",
    "5.",
    "0.1",
    "0.30000000000000004",
    "123456.123456789",
    "1e3",
    "1E+3",
    "42.22e-3",
    "9007199254740993.0",
    "9223372036854775807.0",
    "-9223372036854775808.0",
    "18446744073709551615.0",
    "1e22",
    "1e23",
    "1e308",
    "1.7976931348623157e308",
    "-1.7976931348623157e308",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "5e-324",
    "-5e-324",
    "4.9406564584124654e-324",
    "1e-400",
    "-1e-400",
    "2.4703282292062327208e-324",
    "3.14159265358979323846264338327950288419716939937510582097494459",
    "0.000000000000000000000000000000000000000000000000000000000001",
];

fn integer(value: i64) -> Number {
    Number { sent: value.to_string(), expected: Expected::Integer(value) }
}

fn float(text: &str) -> Number {
    let value: f64 = text.parse().expect("a float");
    assert!(text.contains(['.', 'e', 'E']) && value.is_finite());
    Number { sent: text.to_owned(), expected: Expected::Float(value.to_bits()) }
}

/// Any finite double, in one of the spellings that keep all its bits.
fn random_bits(chance: &mut fastrand::Rng) -> Number {
    let value = f64::from_bits(chance.u64(..));
    let value = if value.is_finite() { value } else { chance.f64() };
    float(&match chance.u32(..3) {
        0 => format!("{value:e}"),
        1 => format!("{value:.17e}"),
        _ => format!("{value:?}"),
    })
}

/// Digits with a point somewhere, as collectors print them.
fn random_decimal(chance: &mut fastrand::Rng) -> Number {
    let mut text: String = (0..chance.usize(1..25)).map(|_| chance.digit(10)).collect();
    text.insert(chance.usize(1..=text.len()), '.');
    if chance.u32(..4) == 0 {
        text.insert(0, '-');
    }
    float(&text)
}

/// Sends the numbers through both protocols, one each second, and checks every state.
fn survives_everything(numbers: &[Number]) {
    let line = |(n, number): (usize, &Number)| format!("put telnet {} {}\n", n + 1, number.sent);
    let lines: String = numbers.iter().enumerate().map(line).collect();
    let node = Node::start();
    node.put_lines(&lines);
    node.put_json(&body("number", numbers, json_number));
    node.put_json(&body("text", numbers, |sent| format!("\"{sent}\"")));
    through_every_state(node, |export| {
        for metric in ["telnet", "number", "text"] {
            check(metric, numbers, export);
        }
    });
}

/// Write buffers, log, segments, both ways to end, and both orders of ending and sealing.
fn through_every_state(node: Node, check: impl Fn(&Export)) {
    check(&node.export_all());
    let node = node.kill_and_restart();
    check(&node.export_all());
    let node = node.stop_and_restart();
    check(&node.export_all());
    node.force_flush();
    check(&node.export_all());
    let node = node.kill_and_restart();
    check(&node.export_all());
    let node = node.stop_and_restart();
    check(&node.export_all());
}

fn body(metric: &str, numbers: &[Number], value: impl Fn(&str) -> String) -> String {
    let point = |(n, number): (usize, &Number)| {
        let (stamp, value) = (n + 1, value(&number.sent));
        format!(r#"{{"metric":"{metric}","timestamp":{stamp},"value":{value}}}"#)
    };
    format!("[{}]", numbers.iter().enumerate().map(point).collect::<Vec<_>>().join(","))
}

/// JSON knows no numbers that start or end with a point, or start with more zeros.
fn json_number(sent: &str) -> String {
    let (sign, digits) = sent.strip_prefix('-').map_or(("", sent), |digits| ("-", digits));
    let short = digits.trim_start_matches('0');
    let short =
        if short.starts_with(|c: char| c.is_ascii_digit()) { short } else { &format!("0{short}") };
    let whole = short.replace(".e", ".0e");
    format!("{sign}{whole}{}", if whole.ends_with('.') { "0" } else { "" })
}

#[track_caller]
fn check(metric: &str, numbers: &[Number], export: &Export) {
    let samples = export.samples(metric, &[]);
    assert_eq!(samples.len(), numbers.len(), "{metric}");
    for (n, (number, (stamp_ms, found))) in numbers.iter().zip(samples).enumerate() {
        assert_eq!(*stamp_ms, 1000 * (n as i64 + 1), "{metric}");
        let sent = &number.sent;
        match number.expected {
            Expected::Integer(value) => assert_eq!(*found, value.to_string(), "{metric}: {sent}"),
            Expected::Float(bits) => {
                let found_bits = found.parse::<f64>().map(f64::to_bits);
                assert_eq!(found_bits, Ok(bits), "{metric}: {sent} became {found}");
            }
        }
    }
}
