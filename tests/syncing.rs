//! An acknowledgement that promises a sync waits for one: as many rounds of syncing as there were
//! acknowledgements one after the other, and none where none was asked for.

use crate::common::node::Node;

const TIMES: usize = 10;

fn rounds(node: &Node) -> usize {
    node.metrics().sum("irontsd_sync_duration_seconds_count", &[]) as usize
}

fn put(node: &Node, target: &str) {
    assert_eq!(node.post(target, r#"{"metric":"m","value":1,"tags":{"h":"a"}}"#).status, 204);
}

#[test]
fn a_put_with_sync_waits_for_it() {
    let node = Node::with_flags(&["--sync-interval", "90d"]);
    (0..TIMES).for_each(|_| put(&node, "/api/put"));
    assert_eq!(rounds(&node), 0);
    (0..TIMES).for_each(|_| put(&node, "/api/put?sync"));
    assert!(rounds(&node) >= TIMES, "{} rounds", rounds(&node));
}

#[test]
fn without_an_interval_every_answer_waits() {
    let node = Node::with_flags(&["--sync-interval", "0"]);
    let before = rounds(&node);
    (0..TIMES).for_each(|_| put(&node, "/api/put"));
    let between = rounds(&node);
    assert!(between >= before + TIMES, "{before} rounds, then {between}");
    let mut telnet = node.telnet();
    for second in 1..=TIMES {
        telnet.send(format!("put t {second} 1 h=a\n"));
        telnet.barrier();
    }
    let after = rounds(&node);
    assert!(after >= between + TIMES, "{between} rounds, then {after}");
}

#[test]
fn by_default_the_log_is_synced_without_being_asked() {
    let node = Node::start();
    put(&node, "/api/put");
    crate::common::wait::until("a round of syncing", || rounds(&node) > 0);
}
