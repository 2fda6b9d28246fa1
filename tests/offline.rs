//! `irontsd export` and `irontsd import`: what lies in a directory goes out in every form and comes
//! back with the same bits, without a node, and what does not is named.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use crate::common::http::encode;
use crate::common::node::{Home, Node, irontsd};

mod foreign; // Parquet files of others.
mod forms; // Each form out and back.
mod parquet; // Parquet as DuckDB and pyarrow read it.
mod refused; // Bad lines, locked directories, damage, usage.
mod terminal; // What a terminal is told meanwhile.

/// Every series, with and without a name.
const ALL: &str = "match[]={__name__!=\"\"}&match[]={__name__=\"\"}";

/// Numbers that no double holds, all kinds of doubles, and decimals, on days far apart.
const NUMBERS: &str = "put n.integer 1 9223372036854775807 host=a\n\
    put n.integer 1700000000 -9223372036854775808 host=a\n\
    put n.integer 1700086400 9007199254740993 host=a\n\
    put n.float 1700000000 0.1 host=a\n\
    put n.float 1700000001 -0e0 host=a\n\
    put n.float 1700000002 5e-324 host=a\n\
    put n.float 1700000003 1.7976931348623157e308 host=a\n\
    put n.float 1700000004 0.30000000000000004 host=a\n\
    put n.float 9999999999999 1e21 host=a\n\
    put n.decimal 1700000000.5 23.57\n\
    put n.decimal 1700000001.5 100.00\n\
    put n.mixed 1700000000 5 b=2 a=1\n\
    put n.mixed 1700000060 5.5 a=1 b=2\n";

/// Names that JSON can carry.
const ODD_NAMES: &str = r#"[
    {"metric":"odd <'\"\\ name","timestamp":1700000000,"value":1,"tags":{"a=b":"c, \"d\"\n e"}},
    {"metric":"\u00e9=\t\u0001","timestamp":1700000000,"value":2.5,"tags":{"\ud83d\ude00":"x y"}},
    {"metric":"no.tags","timestamp":1700000000,"value":3}]"#;

/// What only import takes: infinities, and a series without a name.
const IMPORTED: &str = r#"{"metric":{"__name__":"inf"},"values":["Infinity",1.5,"-Infinity"],"timestamps":[1,2,3]}
{"metric":{"only":"labels"},"values":[1],"timestamps":[1700000000000]}
"#;

const HISTOGRAMS: &str = "put lat 1700000000 7 host=a\n\
    histogram lat 1700000000 u=0:o=1:0,1.5=42:1.5,5.75=24 host=a\n\
    histogram lat 1700086400 u=-9223372036854775808:0,0.1=9223372036854775807 host=a\n\
    histogram lat 1700000060 u=5 host=b\n\
    histogram lat 1700000180 7 AAECAw== host=b\n";

/// A node with all of these.
fn filled() -> Node {
    let node = Node::with_flags(&["--histogram-codec", "7=somebody.else.Histogram"]);
    node.put_lines(NUMBERS);
    node.put_json(ODD_NAMES);
    assert_eq!(node.post("/api/v1/import", IMPORTED).status, 204);
    node.force_flush();
    // These stay in the log.
    node.put_lines(HISTOGRAMS);
    node
}

/// Everything a node has, as its export gives it.
#[track_caller]
fn exported(node: &Node, arguments: &str) -> String {
    let encoded: Vec<String> = arguments
        .split('&')
        .map(|argument| argument.split_once('=').expect("name=value"))
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let answer = node.get(&format!("/api/v1/export?{}", encoded.join("&")));
    assert_eq!(answer.status, 200, "{arguments}: {}", answer.text());
    answer.text()
}

fn tool(command: &str, path: &Path, arguments: &[&str]) -> Output {
    let mut tool = irontsd();
    tool.arg(command).arg(path).args(arguments);
    run(&mut tool)
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program runs")
}

/// What it said on standard error.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Exports; all must go well.
#[track_caller]
fn export(path: &Path, arguments: &[&str]) -> String {
    let output = tool("export", path, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Imports files into an empty directory; all must go well.
#[track_caller]
fn import(files: &[&Path], arguments: &[&str]) -> Arc<Home> {
    let home = Home::new(&[]);
    let mut command = irontsd();
    command.arg("import").args(files).arg("--to").arg(home.data()).args(arguments);
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    home
}
