//! `irontsd inspect` and `irontsd verify` as people and scripts see them: help, output and errors word by
//! word, JSON that agrees with the data, colours and progress on a terminal only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::node::{copy_tree, irontsd};
use crate::common::require::program;
use crate::common::snapshot::assert_snapshot;
use crate::common::tool::{Told, irontsd_in, irontsd_with};
use crate::common::{Home, Json, Node};

/// A directory that never changes.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/v4-witness")
}

const MERGED: &str = "data/segments/merged-0000000003.seg";
const FRESH: &str = "data/segments/0000000003.seg";
const LOG: &str = "data/log/0000000004-000.log";

/// Everything a command said, and its code; how long it took is not the same twice.
fn said(told: &Told) -> String {
    let timed = |line: &str| match line.rsplit_once(" in ") {
        Some((before, after)) if after.ends_with(" s") => format!("{before} in N s"),
        _ => line.to_owned(),
    };
    let lines = told.out.lines().map(|line| timed(line) + "\n").collect::<String>();
    let err = told.err.lines().map(|line| format!("stderr: {line}\n")).collect::<String>();
    format!("{lines}{err}exit code {}\n", told.code)
}

#[track_caller]
fn snapshot(name: &str, arguments: &[&str]) {
    assert_snapshot(name, &said(&irontsd_in(&golden(), arguments)));
}

#[test]
fn help_teaches() {
    snapshot("inspect-help", &["inspect", "--help"]);
    snapshot("verify-help", &["verify", "--help"]);
}

#[test]
fn directories_and_files_are_shown() {
    snapshot("inspect-directory", &["inspect", "data"]);
    snapshot("inspect-directory-json", &["inspect", "data", "--json"]);
    snapshot("inspect-manifest", &["inspect", "data/MANIFEST", "--hex"]);
    snapshot("inspect-segment", &["inspect", MERGED]);
    snapshot("inspect-segment-json", &["inspect", FRESH, "--json"]);
    snapshot("inspect-log", &["inspect", LOG]);
    snapshot("inspect-log-json", &["inspect", LOG, "--json"]);
    snapshot("inspect-names", &["inspect", "data/names/0000000002.part"]);
    snapshot("inspect-names-log", &["inspect", "data/names/0000000001.names"]);
    snapshot("inspect-assigned", &["inspect", "data/assigned.names"]);
    snapshot("inspect-delete", &["inspect", "data/segments/delete-0000000004.ids"]);
}

#[test]
fn what_was_asked_for_is_shown() {
    snapshot(
        "inspect-series",
        &["inspect", "data", "--series", r#"{host="a",__name__=~"g.*|h.*"}"#],
    );
    snapshot("inspect-series-json", &["inspect", FRESH, "--json", "--series", "counter"]);
    snapshot("inspect-no-series", &["inspect", "data", "--series", "nothing"]);
    snapshot("inspect-plot", &["inspect", "data", "--series", r#"double{host="a"}"#, "--plot"]);
    snapshot("inspect-block", &["inspect", FRESH, "--block", "0"]);
    snapshot("inspect-dump", &["inspect", FRESH, "--block", "0", "--dump"]);
    snapshot("inspect-hex-segment", &["inspect", FRESH, "--hex", "--block", "0"]);
    snapshot("inspect-hex-log", &["inspect", LOG, "--hex"]);
    snapshot("inspect-hex-json", &["inspect", FRESH, "--hex", "--block", "0", "--json"]);
    snapshot("inspect-hex-part", &["inspect", "data/names/0000000002.part", "--hex"]);
}

#[test]
fn errors_say_what_to_do() {
    snapshot("inspect-nothing", &["inspect", "nothing"]);
    snapshot("inspect-no-directory", &["inspect", "."]);
    snapshot("inspect-other-file", &["inspect", "export.jsonl"]);
    snapshot("inspect-bad-selector", &["inspect", "data", "--series", "a{b"]);
    snapshot("inspect-bad-block", &["inspect", FRESH, "--block", "99"]);
    snapshot("inspect-block-of-directory", &["inspect", "data", "--block", "0"]);
    snapshot("inspect-no-path", &["inspect"]);
    snapshot("verify-nothing", &["verify", "nothing"]);
    snapshot("verify-bad-flag", &["verify", "data", "--fast"]);
}

#[test]
fn verdicts_are_told() {
    snapshot("verify-sound", &["verify", "data"]);
    snapshot("verify-quick", &["verify", "--quick", "data"]);
    let home = Home::new(&[]);
    copy_tree(&golden(), &home.data());
    for (file, at) in [(MERGED, 5000), (LOG, 300), ("data/MANIFEST", 40)] {
        let path = home.data().join(file);
        let mut bytes = fs::read(&path).expect("readable");
        bytes[at] ^= 1;
        fs::write(path, bytes).expect("written");
    }
    let told = irontsd_in(&home.data(), &["verify", "data", "--repair", "repaired"]);
    assert_snapshot("verify-damaged", &said(&told));
    let told = irontsd_in(&home.data(), &["inspect", "data"]);
    assert_snapshot("inspect-damaged-manifest", &said(&told));
    let told = irontsd_in(&home.data(), &["inspect", MERGED]);
    assert_snapshot("inspect-damaged", &said(&told));
}

#[test]
fn a_dump_for_scripts_has_the_same_samples() {
    let arguments = ["inspect", FRESH, "--block", "0", "--dump"];
    let lines = irontsd_in(&golden(), &arguments).ended(0).out;
    let json = irontsd_in(&golden(), &[&arguments[..], &["--json"]].concat()).ended(0).json();
    let plain = |text: &str| match text.parse::<f64>() {
        Ok(number) => number.to_string(),
        // A histogram, whatever the order of its members.
        Err(_) => {
            let mut members = Json::parse(text).members().to_vec();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            format!("{members:?}")
        }
    };
    let mut found = Vec::new();
    for run in json.get("runs").items() {
        let dump = run.get("dump");
        let times = dump.get("timestamps").items().iter();
        for (time, value) in times.zip(dump.get("values").items()) {
            let value = match value {
                Json::Object(members) => format!("{members:?}"),
                value => plain(value.str()),
            };
            found.push((run.get("series").str().to_owned(), time.str().to_owned(), value));
        }
    }
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        (words[0].to_owned(), words[1].to_owned(), plain(words[2]))
    };
    let expected: Vec<_> = lines.lines().map(line).collect();
    assert!(expected.len() > 500);
    assert!(found == expected, "{:?}", found.iter().zip(&expected).find(|(a, b)| a != b));
}

/// What JSON says is what the node serves.
#[test]
fn figures_are_those_of_the_data() {
    let node = Node::start();
    let line = |n: i64| format!("put m{} {} {n} h=a\n", n % 3, 1_700_000_000 + n);
    node.put_lines(&(0..3000).map(line).collect::<String>());
    node.force_flush();
    node.put_lines(&(3000..3100).map(line).collect::<String>());
    let data = node.home().data();
    let told = irontsd_with(&["inspect", "--json", data.to_str().expect("UTF-8")]).ended(0).json();
    let figure = |json: &Json, key: &str| json.get(key).str().parse::<i64>().expect("a number");
    assert_eq!((figure(&told, "series"), figure(&told, "samples")), (3, 3000));
    assert_eq!(figure(&told, "start"), 1_700_000_000_000);
    assert_eq!(figure(&told, "end"), 1_700_003_099_000);
    let rows: i64 = told.get("logs").items().iter().map(|log| figure(log, "samples")).sum();
    assert_eq!(rows, 100);
    let metrics = told.get("metrics").items();
    let samples: Vec<i64> = metrics.iter().map(|metric| figure(metric, "samples")).collect();
    assert_eq!(samples, [1000, 1000, 1000]);
    let columns = told.get("columns").items().iter();
    let in_columns: i64 = columns.map(|column| figure(column, "bytes")).sum();
    let rest = ["directories", "tables", "names", "indexes"].map(|key| figure(&told, key));
    // All but what fills names up to multiples of eight.
    let all = in_columns + rest.iter().sum::<i64>();
    assert!((figure(&told, "bytes") - 16..=figure(&told, "bytes")).contains(&all), "{told:?}");
}

/// What a command prints on a terminal.
fn on_terminal(command: &str, environment: &[(&str, &str)]) -> Option<String> {
    let mut script = Command::new(program("script")?);
    script.args(["-qec", command, "/dev/null"]).current_dir(golden()).env("TERM", "xterm");
    script.env_remove("NO_COLOR").envs(environment.iter().copied()).stdin(Stdio::null());
    let output = script.output().expect("script runs");
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn colours_and_progress_are_for_terminals() {
    let binary = env!("CARGO_BIN_EXE_irontsd");
    for command in ["verify data", "inspect data"] {
        let Some(shown) = on_terminal(&format!("{binary} {command}"), &[]) else { return };
        assert!(shown.contains("\u{1b}[0m"), "no colour: {shown:?}");
        let progress = if command.starts_with("verify") { "verifying" } else { "reading" };
        assert!(shown.contains(progress), "no progress: {shown:?}");
        let plain = on_terminal(&format!("{binary} {command} 2>/dev/null"), &[("NO_COLOR", "1")]);
        let plain = plain.expect("a terminal");
        assert!(!plain.contains('\u{1b}') && !plain.contains(progress), "{plain:?}");
        let arguments: Vec<&str> = command.split(' ').collect();
        let told = irontsd_in(&golden(), &arguments).ended(0);
        assert!(!told.out.contains('\u{1b}') && told.err.is_empty(), "{}{}", told.out, told.err);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [&["inspect", MERGED, "--block", "0", "--dump"][..], &["verify", "data"]] {
        let mut command = irontsd();
        command.current_dir(golden()).args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
