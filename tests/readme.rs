//! Proves that the README's tour works as pasted; only the ports differ, and `kill -9` goes to the
//! node by its number instead of its name.

use std::fs;
use std::path::Path;

use crate::common::node::EVERYTHING;
use crate::common::shell::{Shell, on_ports_of};
use crate::common::{Node, wait};

/// The commands of the tour, those in several lines joined.
#[track_caller]
fn tour() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(path).expect("the README");
    let (_, tour) = readme.split_once("## One-minute tour").expect("the tour");
    let (_, block) = tour.split_once("```sh\n").expect("its commands");
    let (block, _) = block.split_once("```").expect("their end");
    let block = block.replace("\\\n", " ");
    let lines = block.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_tour_works_as_pasted() {
    let Some(shell) = Shell::new() else { return };
    let tour = tour();
    let [put, one, two, read_back, bad_line, bad_point, refusals, kill, read_all] = &tour[..]
    else {
        panic!("{tour:#?}");
    };
    let node = Node::start();
    let run = |command: &str| shell.run(&on_ports_of(&node, command));
    for command in [put, one, two] {
        assert_eq!(run(command), "", "success is silent: {command}");
    }
    wait::until("the line to be taken", || node.export_all().count() == 4);
    let text = run(read_back);
    for name in ["bar", "foo", "foo.bar.baz"] {
        assert!(text.contains(&format!("\"__name__\":\"{name}\"")), "{name}: {text}");
    }
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(run(bad_line).starts_with("put: invalid value: "), "a bad line gets an answer");
    let answer = run(bad_point);
    assert!(answer.contains("\"failed\":1") && answer.contains("\"success\":1"), "{answer}");
    let text = run(refusals);
    assert!(text.contains("notatime") && text.contains("\"protocol\":\"http\""), "{text}");
    assert_eq!(kill, "pkill -9 -x irontsd");
    let before = node.export_text(EVERYTHING);
    let node = node.kill_and_restart();
    assert_eq!(shell.run(&on_ports_of(&node, read_all)), before);
    assert_eq!(before.lines().count(), 5, "{before}");
}
