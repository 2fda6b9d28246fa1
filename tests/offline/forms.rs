//! Each form goes out and comes back; JSON lines are those of the node.

use std::fs;

use tempfile::tempdir;

use super::*;
use crate::common::gzip::gzip;

#[test]
fn json_lines_are_those_of_the_node() {
    let node = filled();
    let everything = exported(&node, ALL);
    let one = exported(&node, "match[]={host=\"a\"}&start=1700000000&end=1700000002");
    let short = exported(&node, "match[]=n.integer&max_rows_per_line=2");
    let check = |path: &Path, when: &str| {
        assert!(export(path, &[]) == everything, "{when}");
        let arguments = ["--match", "{host=\"a\"}", "--start", "1700000000", "--end", "1700000002"];
        assert_eq!(export(path, &arguments), one, "{when}");
        let arguments = ["--match", "n.integer", "--max-rows-per-line", "2"];
        assert_eq!(export(path, &arguments), short, "{when}");
    };
    let snapshot = node.post("/snapshot/create", "").json().get("snapshot").str().to_owned();
    let home = node.home().clone();
    check(&home.data(), "beside the node");
    check(&home.data().join("snapshots").join(snapshot), "of a snapshot");
    let home = node.kill();
    check(&home.data(), "from logs and segments");
    let home = home.start().stop();
    check(&home.data(), "from segments");
    // A single segment knows its names.
    let segments = fs::read_dir(home.data().join("segments")).expect("segments").flatten();
    let lines: usize = segments.map(|file| export(&file.path(), &[]).lines().count()).sum();
    assert!(lines >= everything.lines().count(), "{lines}");
}

#[test]
fn json_comes_back() {
    let node = filled();
    let everything = exported(&node, ALL);
    let home = node.kill();
    let dir = tempdir().expect("a directory");
    let (plain, packed) = (dir.path().join("a.jsonl"), dir.path().join("b.gz"));
    let summary = export(&home.data(), &["--output", plain.to_str().expect("UTF-8")]);
    assert!(summary.contains("exported 25 samples of 12 series"), "{summary}");
    fs::write(&packed, gzip(&fs::read(&plain).expect("a file"))).expect("written");
    for file in [&plain, &packed] {
        assert!(exported(&import(&[file], &[]).start(), ALL) == everything, "{file:?}");
    }
    let left: Vec<_> = fs::read_dir(dir.path()).expect("a directory").flatten().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn put_lines_come_back() {
    let node = Node::with_flags(&["--histogram-codec", "7=somebody.else.Histogram"]);
    node.put_lines(NUMBERS);
    node.put_lines(HISTOGRAMS);
    let everything = exported(&node, ALL);
    let lines = exported(&node, &format!("{ALL}&format=put"));
    let home = node.kill();
    assert_eq!(export(&home.data(), &["--format", "put"]), lines);
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("lines.txt");
    fs::write(&file, &lines).expect("written");
    assert_eq!(exported(&import(&[&file], &[]).start(), ALL), everything);
}

#[test]
fn what_put_lines_cannot_carry_is_counted() {
    let home = filled().kill();
    let output = tool("export", &home.data(), &["--format", "put", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let skipped = r#""skipped":{"series":3,"samples":2}"#;
    assert!(said(&output).contains(skipped), "{}", said(&output));
}

#[test]
fn csv_comes_back() {
    let node = Node::start();
    node.put_lines(NUMBERS);
    node.put_json(ODD_NAMES);
    assert_eq!(node.post("/api/v1/import", IMPORTED).status, 204);
    let everything = exported(&node, ALL);
    let home = node.kill();
    let text = export(&home.data(), &["--format", "csv"]);
    let header = text.lines().next().expect("a header");
    assert_eq!(header, "__name__,a,a=b,b,host,only,\u{1f600},__value__,__timestamp__");
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("rows.csv");
    fs::write(&file, &text).expect("written");
    assert_eq!(exported(&import(&[&file], &[]).start(), ALL), everything);
    let columns = "__timestamp__:rfc3339,__value__,__name__,host";
    let text =
        export(&home.data(), &["--format", "csv", "--match", "n.float", "--columns", columns]);
    assert!(text.contains("\n2023-11-14T22:13:21Z,-0.0,n.float,a\n"), "{text}");
    fs::write(&file, &text).expect("written");
    let node = import(&[&file], &[]).start();
    let floats = everything.lines().find(|line| line.contains("\"n.float\"")).expect("a line");
    assert_eq!(exported(&node, ALL).trim_end(), floats);
}
