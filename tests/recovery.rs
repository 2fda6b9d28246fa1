//! Proves that whatever ends the node, a signal or a second one, in peace or under load, the
//! next start serves every acknowledged point.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::process::Signal;

use crate::common::ledger::Ledger;
use crate::common::{Home, Http, Node, Telnet, wait};

#[test]
fn kill_keeps_everything_acknowledged_by_either_protocol() {
    let node = Node::start();
    let mut telnet = Ledger::new("telnet".into());
    node.put_lines(&telnet.next_lines(5000));
    telnet.acknowledge();
    let mut http = Ledger::new("http".into());
    node.put_json(&http.next_json(5000));
    http.acknowledge();
    let before = node.export_all();
    let node = node.kill_and_restart();
    let after = node.export_all();
    after.assert_same(&before);
    telnet.check(&after);
    http.check(&after);
}

#[test]
fn the_good_points_of_a_failed_body_survive_a_kill() {
    let node = Node::start();
    let body =
        r#"[{"metric":"m","timestamp":1,"value":"x"},{"metric":"m","timestamp":2,"value":2}]"#;
    assert_eq!(node.post("/api/put", body).status, 400);
    let node = node.kill_and_restart();
    assert_eq!(node.export_all().only(), ("m{}", 2000, "2"));
}

#[test]
fn recovery_tells_what_it_found() {
    let node = Node::start();
    let lines: String = (1..=7919).map(|n| format!("put m {n} {n} h=a\n")).collect();
    node.put_lines(&lines);
    let log = node.kill_and_restart().kill_and_read_log();
    assert!(log.contains("7919"), "how many points were recovered: {log}");
}

#[test]
fn many_deaths_in_a_row_lose_nothing() {
    let mut node = Node::start();
    for n in 1..=20 {
        node.put_lines(&format!("put m {n} {n} h=a\n"));
        if n % 5 == 0 {
            node.force_flush();
        }
        node = node.kill_and_restart();
        assert_eq!(node.export("m").count(), n);
    }
}

#[test]
fn a_node_killed_before_it_served_starts_again() {
    let home = Home::new(&[]);
    for _ in 0..5 {
        home.launch().kill();
    }
    let node = home.start();
    node.put_lines("put m 1 1 h=a\n");
    assert_eq!(node.kill_and_restart().export("m").count(), 1);
}

#[test]
fn a_stop_takes_the_lines_already_received() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut node = Node::start();
        let mut telnet = node.telnet();
        telnet.barrier();
        let lines: String = (1..=1000).map(|n| format!("put m {n} {n} h=a\n")).collect();
        telnet.send(lines + "put m 1001 1001 h=a");
        node.process().signal(signal);
        assert!(node.process().exit_status().success(), "{signal:?}");
        let home = node.kill();
        assert_eq!(home.start().export("m").count(), 1000, "{signal:?}");
    }
}

#[test]
fn a_stop_under_load_keeps_what_was_acknowledged() {
    let mut node = Node::with_flags(&["--event-loops", "2"]);
    for round in 0..5 {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4).map(|n| write(&node, round * 10 + n, &stop)).collect();
        let acknowledged = || node.metrics().accepted() > 5000.0;
        wait::until("some load", acknowledged);
        node = node.stop_and_restart();
        stop.store(true, Ordering::SeqCst);
        let export = node.export_all();
        for writer in writers {
            writer.join().expect("the writer ended").check(&export);
        }
    }
}

#[test]
fn a_second_signal_ends_a_slow_stop_at_once() {
    let mut node = Node::start();
    let mut ledger = Ledger::new("m".into());
    for _ in 0..20 {
        node.put_lines(&ledger.next_lines(20_000));
    }
    ledger.acknowledge();
    // A request in progress that cannot be answered: nobody reads it.
    let mut reader = Http::connect(node.http());
    reader.send("GET /api/v1/export?match=m HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_eq!(reader.head().status, 200);
    wait::until("the end", || {
        let ended = node.process().ended();
        if !ended {
            node.process().signal(Signal::TERM);
        }
        ended
    });
    // It neither waited for the reader nor gave him up: no stop came to its end, and no last flush.
    let (status, log) = (node.process().exit_status(), node.process().log_to_the_end());
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("second SIGTERM: ending at once") && !log.contains("stopped"), "{log}");
    let home = node.kill();
    let segments = fs::read_dir(home.data().join("segments")).expect("a directory");
    assert_eq!(segments.count(), 0, "{log}");
    ledger.check(&home.start().export_all());
}

#[test]
fn every_sync_mode_keeps_what_it_acknowledged() {
    for interval in ["0", "10ms", "1s", "90d"] {
        let node = Node::with_flags(&["--sync-interval", interval]);
        let mut ledger = Ledger::new("m".into());
        for _ in 0..20 {
            node.put_lines(&ledger.next_lines(10));
            assert_eq!(node.post("/api/put?sync", ledger.next_json(10)).status, 204);
        }
        ledger.acknowledge();
        ledger.check(&node.kill_and_restart().export_all());
    }
}

/// Writes until the node is gone; the ledger says what it must have kept.
fn write(node: &Node, number: usize, stop: &Arc<AtomicBool>) -> JoinHandle<Ledger> {
    let mut ledger = Ledger::new(format!("w{number:03}"));
    let mut telnet = Telnet::connect(node.opentsdb());
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        while !stop.load(Ordering::SeqCst) {
            let lines = ledger.next_lines(100);
            let sent = telnet.try_send(lines.as_bytes()).and_then(|()| telnet.try_barrier());
            if sent.is_err() {
                break;
            }
            ledger.acknowledge();
        }
        ledger
    })
}
