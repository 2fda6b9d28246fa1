//! What goes wrong is named, counted, and loses nothing else; scripts see it by the exit status.

use std::fs;
use std::io::Write;

use tempfile::tempdir;

use super::*;
use crate::common::snapshot::assert_snapshot;

const GOOD: &str = r#"{"metric":{"__name__":"m"},"values":[1],"timestamps":[1]}"#;

/// Imports a text from standard input.
fn import_text(home: &Home, text: &[u8], arguments: &[&str]) -> Output {
    let mut command = irontsd();
    command.args(["import", "-", "--to"]).arg(home.data()).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(text).expect("the program reads");
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

#[test]
fn bad_lines_are_named_and_the_rest_is_kept() {
    let home = Home::new(&[]);
    let late = r#"{"metric":{"__name__":"m"},"values":[1],"timestamps":[99999999999999]}"#;
    let text = format!("{GOOD}\nnot json\n\n{late}\n{}", GOOD.replace("[1]", "[2]"));
    let output = import_text(&home, text.as_bytes(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "standard input:2: expected a value at byte 0 (invalid_json)\n\
        standard input:4: timestamp out of range: 99999999999999 (timestamp_range)\n";
    assert_eq!(said(&output), expected);
    let summary = "refused as invalid_json: 1 line\nrefused as timestamp_range: 1 line\n\
        imported 2 samples from 2 of 4 lines; the directory holds 1 series\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), summary);
    let output = import_text(&home, b"put m 3 3\nput m notatime 3 h=a\nput 1 2\n", &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let json = String::from_utf8_lossy(&output.stdout);
    assert!(json.contains(r#""refused":{"illegal_argument":1,"invalid_value":1}"#), "{json}");
    assert!(json.contains(r#""line":2"#) && json.contains(r#""samples":1"#), "{json}");
    let csv = "__name__,__value__,__timestamp__\nm,4,4\nm,x,5\nm,6\nm,7,0\n";
    let output = import_text(&home, csv.as_bytes(), &[]);
    let expected = "standard input:3: not a value: x (invalid_value)\n\
        standard input:4: 2 cells, and the header has 3 (illegal_argument)\n\
        standard input:5: timestamp out of range: 0 (timestamp_range)\n";
    assert_eq!((output.status.code(), said(&output)), (Some(1), expected.to_owned()));
    let expected = r#"{"metric":{"__name__":"m"},"values":[1,2,4,3],"timestamps":[1,2,4,3000]}"#;
    assert_eq!(exported(&home.start(), ALL).trim_end(), expected);
}

#[test]
fn a_directory_in_use_is_not_touched() {
    let node = Node::start();
    node.put_lines("put m 1 1\n");
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("a.jsonl");
    fs::write(&file, GOOD).expect("written");
    let mut command = irontsd();
    command.arg("import").arg(&file).arg("--to").arg(node.home().data());
    let output = run(&mut command);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("is in use by irontsd process"), "{said}");
    assert!(said.contains("/api/v1/import"), "{said}");
    assert_eq!(node.export_all().count(), 1);
}

#[test]
fn files_that_cannot_be_read_change_nothing() {
    let home = Home::new(&[]);
    let dir = tempdir().expect("a directory");
    let (good, odd) = (dir.path().join("good"), dir.path().join("odd"));
    fs::write(&good, GOOD).expect("written");
    fs::write(&odd, "time,value\n1,2\n").expect("written");
    for bad in [&dir.path().join("missing"), &odd, &dir.path().to_owned()] {
        let mut command = irontsd();
        command.arg("import").args([&good, bad]).arg("--to").arg(home.data());
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(3), "{bad:?}");
        assert!(said(&output).contains(bad.to_str().expect("UTF-8")), "{}", said(&output));
        assert!(!home.data().exists());
    }
    // Cut in the middle: what came before is kept, and the error says where.
    let packed = crate::common::gzip::gzip(format!("{GOOD}\n").repeat(10_000).as_bytes());
    let output = import_text(&home, &packed[..packed.len() - 9], &["--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said(&output).contains("standard input: cannot read on behind line"),
        "{}",
        said(&output)
    );
    assert_eq!(home.start().export_all().count(), 1);
}

/// Times and values of an exported line, as texts; as many of the one as of the other.
fn pairs(line: &str) -> Vec<(&str, &str)> {
    let (_, rest) = line.split_once("\"values\":[").expect("values");
    let (values, times) = rest.split_once("],\"timestamps\":[").expect("timestamps");
    let times = times.strip_suffix("]}").expect("an end");
    assert_eq!(values.split(',').count(), times.split(',').count());
    times.split(',').zip(values.split(',')).collect()
}

#[test]
fn damage_is_named_and_the_rest_exported() {
    let node = Node::start();
    let lines = |series: usize| {
        let line = |n: usize| format!("put m{series} {} {}.5 h=a\n", n + 1, n * 7919 % 1000);
        (0..70_000).map(line).collect::<String>()
    };
    (0..3).for_each(|series| node.put_lines(&lines(series)));
    node.force_flush();
    let whole = exported(&node, ALL);
    let home = node.stop();
    let segments = fs::read_dir(home.data().join("segments")).expect("segments").flatten();
    let segment = segments.map(|file| file.path()).next().expect("a segment");
    let length = fs::metadata(&segment).expect("a segment").len();
    let damaged = |place: u64| {
        let mut bytes = fs::read(&segment).expect("a segment");
        bytes[(length * place / 8) as usize] ^= 0x55;
        let copy = home.copy();
        let name = segment.file_name().expect("a name");
        fs::write(copy.data().join("segments").join(name), bytes).expect("written");
        let output = tool("export", &copy.data(), &[]);
        if output.status.code() == Some(3) {
            return 0;
        }
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(&*name.to_string_lossy()), "{}", said(&output));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        for line in text.lines() {
            // Damaged blocks are left out: what is there is what was, each value at its time.
            let (head, _) = line.split_once("\"values\":[").expect("values");
            let full = whole.lines().find(|line| line.starts_with(head)).expect("a series");
            let (found, full) = (pairs(line), pairs(full));
            let mut all = full.iter();
            assert!(found.iter().all(|pair| all.any(|other| other == pair)));
        }
        text.lines().count()
    };
    assert!((1..7).map(damaged).max() >= Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let node = Node::start();
    let lines: String = (1..100_000).map(|n| format!("put m {n} {n} h=a\n")).collect();
    node.put_lines(&lines);
    let home = node.stop();
    let mut command = irontsd();
    command.args(["export", "--format", "put"]).arg(home.data());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
}

#[test]
fn help_and_errors_read_as_they_should() {
    for command in ["export", "import"] {
        let output = run(irontsd().args([command, "--help"]));
        assert_eq!(output.status.code(), Some(0));
        assert_snapshot(&format!("{command}-help"), &String::from_utf8_lossy(&output.stdout));
    }
    let dir = tempdir().expect("a directory");
    fs::write(dir.path().join("odd"), "time,value\n1,2\n").expect("written");
    let mut errors = String::new();
    for (command, status) in [
        ("export", 2),
        ("export .", 3),
        ("export missing", 3),
        ("export . --match {a=", 2),
        ("export . --start yesterday", 2),
        ("export . --format parquet", 2),
        ("export . --columns a", 2),
        ("export . --format csv --columns __timestamp__:unix", 2),
        ("import odd", 2),
        ("import odd --to data", 3),
        ("import missing --to data", 3),
        ("import odd --to data --format csv", 3),
        ("import odd --to data --format parquet", 3),
    ] {
        let output = run(irontsd().args(command.split(' ')).current_dir(dir.path()));
        assert_eq!(output.status.code(), Some(status), "{command}: {}", said(&output));
        errors += &format!("$ irontsd {command}\n{}\n", said(&output));
    }
    assert_snapshot("export-import-errors", &errors);
}
