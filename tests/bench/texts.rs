//! What a run prints at its end, as texts in `tests/snapshots/`: what was measured is masked, what
//! follows from the flags is not.

use crate::common::node::{Node, irontsd};
use crate::common::snapshot::assert_snapshot;
use crate::common::transcript::transcript;

/// Beginnings of the lines whose numbers are measured.
const MEASURED: [&str; 5] = ["  rate ", "  latency ", "  server ", "  generator ", "{\"points\""];
/// Units that depend on the number in front of them.
const UNITS: [&str; 7] = ["k", "M", "G", "ns", "us", "ms", "s"];

/// A small load in a certain order.
const SMALL: [&str; 6] = ["--series", "240", "--points", "24k", "--connections", "1"];

fn has_digits(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit() || first == '(')
        && word.contains(|sign: char| sign.is_ascii_digit())
}

/// A word with its number as `N`.
fn masked_word(word: &str) -> String {
    let number = |sign: char| sign.is_ascii_digit() || matches!(sign, '.' | ',' | '/');
    let inside = word.trim_matches(|sign: char| !sign.is_ascii_digit());
    if inside.chars().all(number) { word.replace(inside, "N") } else { word.to_owned() }
}

/// A line with its numbers as `N`, without units that change with them.
fn masked_line(line: &str) -> String {
    let (mut words, mut after_number) = (Vec::new(), false);
    for word in line.split(' ') {
        let (unit, behind) = word.split_at(word.trim_end_matches([')', ',', ';']).len());
        if after_number && UNITS.contains(&unit) {
            if let Some(last) = words.last_mut() {
                *last = format!("{last}{behind}");
            }
        } else {
            words.push(if has_digits(word) { masked_word(word) } else { word.to_owned() });
        }
        after_number = has_digits(word);
    }
    words.join(" ")
}

/// An object with every number but those that follow from the flags as `N`.
fn masked_json(line: &str) -> String {
    let mut out = String::new();
    for (at, piece) in line.split(':').enumerate() {
        let known = at == 0 || out.ends_with("\"points\":") || out.ends_with("\"errors\":");
        let number = piece.find(|sign: char| !sign.is_ascii_digit() && sign != '.');
        match number.filter(|length| *length > 0 && !known) {
            Some(length) => out.extend(["N", &piece[length..]]),
            None => out.push_str(piece),
        }
        out.push(':');
    }
    out.trim_end_matches(':').to_owned()
}

/// A row of a comparison with its cells as `N`, where they stood.
fn masked_row(line: &str) -> String {
    let (name, mut cells) = line.split_at(36);
    let mut out = name.to_owned();
    while let Some((cell, rest)) = cells.split_at_checked(17) {
        out.push_str(&format!("{:>17}", masked_line(cell.trim_start())));
        cells = rest;
    }
    out + cells
}

/// What a run is and prints, measured numbers masked.
fn masked(args: &[&str], changes: &[(&str, &str)]) -> String {
    let text = transcript(irontsd().arg("bench").args(args), changes);
    let table = |line: &str| line.starts_with("points/s,") || line.starts_with("latency p");
    let line = |line: &str| match line {
        line if line.starts_with('{') => masked_json(line),
        line if table(line) => masked_row(line),
        line if MEASURED.iter().any(|start| line.starts_with(start)) => masked_line(line),
        line => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn a_summary_reads_as_kept() {
    let mut node = Node::start();
    let (lines, http) = (node.opentsdb().to_string(), node.http().to_string());
    let pid = node.process().id().to_string();
    let given = format!("--server-pid {pid} ");
    let changes = [(&*lines, "TELNET"), (&*http, "HTTP"), (&*given, "--server-pid PID ")];
    let whole = ["--telnet", &lines, "--http", &http, "--server-pid", &pid, "--verify"];
    let mut texts = vec![masked(&[&whole, &SMALL[..]].concat(), &changes)];
    texts.push(masked(&[&whole[..], &["--json"], &SMALL[..]].concat(), &changes));
    let short = ["--put", &*lines, "--workload", "histograms", "--rate", "1M", "--batch", "100"];
    texts.push(masked(&[&short, &SMALL[..]].concat(), &changes));
    assert_snapshot("bench-summary", &texts.join("\n"));
}

#[test]
fn findings_read_as_kept() {
    let node = Node::with_flags(&["--max-series", "239"]);
    node.put_lines("put x 1700000020 1 a=b\n");
    let (lines, http) = (node.opentsdb().to_string(), node.http().to_string());
    let changes = [(&*lines, "TELNET"), (&*http, "HTTP")];
    let target = ["--telnet", &*lines, "--http", &*http, "--verify"];
    let small = ["--series", "240", "--points", "720", "--connections", "1"];
    let mut texts = vec![masked(&[&target, &small[..]].concat(), &changes)];
    let args = ["--put", &*lines, "--batch", "10", "--json"];
    texts.push(masked(&[&args, &small[..]].concat(), &changes));
    assert_snapshot("bench-findings", &texts.join("\n"));
}

#[test]
fn a_comparison_reads_as_kept() {
    let nodes = [Node::start(), Node::start()];
    let [one, two] = nodes.each_ref().map(|node| (node.opentsdb(), node.http()));
    let peers = [format!("iron={},{}", one.0, one.1), format!("other={},{}", two.0, two.1)];
    let addresses = [one.0, one.1, two.0, two.1].map(|address| address.to_string());
    let names = ["LINES-1", "HTTP-1", "LINES-2", "HTTP-2"];
    let changes: Vec<(&str, &str)> = addresses.iter().map(String::as_str).zip(names).collect();
    let args = ["--compare", &*peers[0], "--compare", &*peers[1]];
    let table = masked(&[&args, &SMALL[..]].concat(), &changes);
    let json = masked(&[&args[..], &["--json"], &SMALL[..]].concat(), &changes);
    assert_snapshot("bench-compare", &[table, json].join("\n"));
}

#[test]
fn mistakes_read_as_kept() {
    let node = Node::start();
    let (lines, http) = (node.opentsdb().to_string(), node.http().to_string());
    let changes = [(&*lines, "TELNET"), (&*http, "HTTP")];
    let runs: [&[&str]; 15] = [
        &[],
        &["--telnet", ":1", "--put", ":1"],
        &["--telnet", "nowhere:1x"],
        &["--telnet", ":1", "--verify"],
        &["--telnet", ":1", "--gzip"],
        &["--telnet", ":1", "--points", "1.5"],
        &["--telnet", ":1", "--points", "1", "--duration", "1s"],
        &["--telnet", ":1", "--interval", "1ms"],
        &["--telnet", ":1", "--workload", "agents"],
        &["--compare", "a=:1"],
        &["--compare", "a", "--compare", "b=:1"],
        &["--telnet", "127.0.0.1:1", "--points", "1"],
        &["--telnet", &lines, "--http", "127.0.0.1:1", "--points", "1"],
        &["--telnet", &lines, "--server-pid", "999999999", "--points", "1"],
        &["--telnet", &lines, "--replay", "/nonexistent/lines", "--points", "1"],
    ];
    let texts = runs.map(|args| masked(args, &changes));
    assert_snapshot("bench-mistakes", &texts.join("\n"));
}
