//! Proves that `--instructions` changes no result: lines, exports and files are the same with every
//! set that this machine can run, and one that it cannot run is refused.

use irontsd::workload::{Kind, Shape, collect};
use irontsd_engine::instructions::{ALL, Instructions};

use crate::common::node::EVERYTHING;
use crate::common::{Home, Node};

/// Counters, decimals and whole numbers, doubles of all digits, and lines that only some variants
/// leave to the plain reading.
fn lines() -> String {
    let shape = Shape { series_count: 120, samples_per_series: 300, ..Shape::default() };
    let mut text = String::new();
    for kind in [Kind::Agent, Kind::Tsbs] {
        for mut load in kind.connections(&shape, 1) {
            text += &String::from_utf8(collect(&mut *load).0).expect("lines are ASCII");
        }
    }
    for at in 0..2000u32 {
        let (time, third) = (1_700_000_000 + at, f64::from(at) / 3.0);
        text += &format!("put wide {time} {third:e} h=a\nput near {time} {third:.11} h=a\n");
        text += &format!("put odd  {time}.5 -{at}.{at:04}  h=b g=\u{e9}\n");
    }
    text
}

#[test]
fn results_are_the_same_with_all_that_this_machine_can_run() {
    let (lines, mut plainly) = (lines(), None);
    for variant in ALL.into_iter().filter(|variant| variant.is_here()) {
        let node = Node::with_flags(&["--instructions", variant.word()]);
        node.put_lines(&lines);
        let taken = exported(&node);
        node.force_flush();
        let flushed = exported(&node);
        assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
        let merged = exported(&node);
        assert!(taken == flushed && flushed == merged, "{variant}");
        let home = node.stop();
        for other in ALL.into_iter().filter(|other| other.is_here()) {
            let reader = home.copy_with(&["--instructions", other.word()]).start();
            assert!(exported(&reader) == taken, "{variant}, read with {other}");
        }
        assert!(*plainly.get_or_insert_with(|| taken.clone()) == taken, "{variant}");
    }
}

fn exported(node: &Node) -> String {
    let text = node.export_text(EVERYTHING);
    assert!(text.lines().count() >= 2 * 120 + 3);
    text
}

#[test]
fn what_this_machine_lacks_is_refused() {
    for variant in ALL {
        let home = Home::new(&["--instructions", variant.word()]);
        match Node::ready_or_ended(&home, home.launch()) {
            Ok(node) => {
                assert!(variant.is_here());
                let best = Instructions::best();
                let said = format!("instructions: {variant} (of this machine: {best})");
                assert!(node.kill_and_read_log().contains(&said), "{variant}");
            }
            Err(process) => {
                assert!(!variant.is_here());
                let said = format!("cannot run --instructions {variant}");
                assert!(process.log().contains(&said), "{}", process.log());
            }
        }
    }
}
