//! Proves what a user of the command line reads: the help of every command, and the answer to every
//! mistake, as texts in `tests/snapshots/`.

use crate::common::Node;
use crate::common::node::irontsd;
use crate::common::snapshot::assert_snapshot;
use crate::common::transcript::transcript;

/// One snapshot of several runs.
#[track_caller]
fn runs(name: &str, commands: &[&[&str]], changes: &[(&str, &str)]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = |arguments: &&[&str]| {
        transcript(irontsd().args(*arguments).current_dir(&directory), changes)
    };
    assert_snapshot(name, &commands.iter().map(run).collect::<Vec<_>>().join("\n"));
}

#[test]
fn help() {
    runs("help", &[&["--help"], &["--version"]], &[]);
    runs("help-serve", &[&["serve", "--help"]], &[]);
    runs("help-names", &[&["mkmetric", "--help"], &["uid", "-h"], &["uid", "assign", "-h"]], &[]);
    let config: [&[&str]; 4] = [
        &["config", "--help"],
        &["config", "check", "--help"],
        &["config", "show", "--help"],
        &["config", "example", "--help"],
    ];
    runs("help-config", &config, &[]);
}

#[test]
fn wrong_arguments() {
    let wrong: [&[&str]; 13] = [
        &["sevre"],
        &["serve", "--data-dri", "x"],
        &["serve", "--data-dir"],
        &["serve", "--event-loops", "many"],
        &["serve", "--event-loops", "0"],
        &["serve", "--http-listen", "8428"],
        &["serve", "--opentsdb-listen", "127.0.0.1:99999"],
        &["serve", "--sync-interval", "5parsecs"],
        &["serve", "--retention-bytes", "1PB"],
        &["serve", "--strict=maybe"],
        &["serve", "--histogram-codec", "300=simple"],
        &["mkmetric"],
        &["uid", "assign", "metric", "sys.cpu"],
    ];
    runs("wrong-arguments", &wrong, &[]);
}

#[test]
fn assigning_names() {
    let node = Node::with_flags(&["--strict"]);
    let address = node.opentsdb().to_string();
    let commands: [&[&str]; 5] = [
        &["mkmetric", "--node", &address, "sys.cpu", "sys.mem"],
        &["mkmetric", "--json", "--node", &address, "sys.cpu", "sys.disk"],
        &["uid", "assign", "--node", &address, "tagk", "host", "bad name"],
        &["mkmetric", "--node", "127.0.0.1:1", "sys.cpu"],
        &["mkmetric", "--node", "nowhere", "sys.cpu"],
    ];
    runs("assigning-names", &commands, &[(&address, "127.0.0.1:4242")]);
}
