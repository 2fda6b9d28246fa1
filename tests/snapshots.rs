//! Snapshots hold exactly what was accepted when they were made, serve it anywhere, and never change.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::common::node::{EVERYTHING, Node, copy_tree};
use crate::common::{Home, Telnet};

fn create(node: &Node) -> String {
    let answer = node.post("/snapshot/create", "");
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let name = text.strip_prefix(r#"{"status":"ok","snapshot":""#);
    name.and_then(|rest| rest.strip_suffix(r#""}"#)).unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn list(node: &Node) -> String {
    node.get("/snapshot/list").text()
}

/// Starts a node on a copy of a snapshot.
fn restore(home: &Home, name: &str) -> Node {
    let copy = Home::new(&[]);
    copy_tree(&home.data().join("snapshots").join(name), &copy.data());
    copy.start()
}

/// Every file below a directory with its bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            let inner = files(&path).into_iter();
            let name = entry.file_name().to_string_lossy().into_owned();
            all.extend(inner.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            let name = entry.file_name().to_string_lossy().into_owned();
            all.insert(name, fs::read(path).expect("readable"));
        }
    }
    all
}

fn lines(series: std::ops::Range<u32>, at: i64) -> String {
    series.map(|number| format!("put m{} {at} {number} h=h{number}\n", number % 5)).collect()
}

#[test]
fn a_snapshot_holds_what_there_was_and_never_changes() {
    let home = Home::new(&[]);
    let node = home.start();
    assert_eq!(list(&node), r#"{"status":"ok","snapshots":[]}"#);
    node.put_lines(&lines(0..3000, 1000));
    node.force_flush();
    node.put_lines(&lines(0..3000, 2000));
    node.put_lines("histogram hist 2000 u=1:0,1=2 h=a\n");
    assert_eq!(node.get("/api/uid/assign?metric=assigned").status, 200);
    let (then, first) = (node.export_text(EVERYTHING), create(&node));
    let dir = home.data().join("snapshots").join(&first);
    let bytes = files(&dir);
    // Whatever happens now: duplicates, new series, deletes, merges, names, a kill.
    node.put_lines(&lines(0..4000, 2000).replace(" 2000 ", " 2000 1"));
    assert_eq!(node.post("/api/v1/admin/tsdb/delete_series?match[]=m1", "").status, 204);
    assert_eq!(node.get("/api/uid/assign?metric=another").status, 200);
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    node.put_lines(&lines(4000..5000, 2000));
    let (now, second) = (node.export_text(EVERYTHING), create(&node));
    let node = node.kill_and_restart();
    assert!(files(&dir) == bytes, "files of the snapshot have changed");
    assert_eq!(node.export_text(EVERYTHING), now);
    let mut names = [first.clone(), second.clone()];
    names.sort();
    let listed = format!(r#"{{"status":"ok","snapshots":["{}","{}"]}}"#, names[0], names[1]);
    assert_eq!(list(&node), listed);
    for (name, expected) in [(&first, &then), (&second, &now)] {
        let restored = restore(&home, name);
        assert!(restored.export_text(EVERYTHING) == *expected, "{name}");
        restored.put_lines(&lines(0..10, 9000));
        let restored = restored.kill_and_restart();
        let text = restored.export_text(EVERYTHING);
        assert_eq!(text.matches("9000000").count(), 10, "{name}");
        assert!(restored.get("/internal/force_merge").text().ends_with("merged\n"));
    }
    assert_eq!(node.post(&format!("/snapshot/delete?snapshot={first}"), "").status, 200);
    assert!(!dir.exists());
    assert_eq!(list(&node), format!(r#"{{"status":"ok","snapshots":["{second}"]}}"#));
    let unknown = node.post("/snapshot/delete?snapshot=..%2Fsegments", "");
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.text(), r#"{"status":"error","msg":"no such snapshot: ../segments"}"#);
    let missing = node.post("/snapshot/delete", "");
    let expected = r#"{"status":"error","msg":"the argument `snapshot` is missing"}"#;
    assert_eq!((missing.status, missing.text()), (400, expected.to_owned()));
    assert_eq!(node.get("/snapshot/delete_all").text(), r#"{"status":"ok"}"#);
    assert_eq!(list(&node), r#"{"status":"ok","snapshots":[]}"#);
    assert_eq!(node.export_text(EVERYTHING), now);
}

/// Points stream in on one connection while snapshots are made: each holds a prefix of them that has
/// everything acknowledged before it was asked for.
#[test]
fn a_snapshot_under_load_is_a_prefix() {
    let home = Home::new(&["--event-loops", "2"]);
    let node = home.start();
    let done = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let sender = {
        let (done, acknowledged, addr) = (done.clone(), acknowledged.clone(), node.opentsdb());
        std::thread::spawn(move || {
            let mut telnet = Telnet::connect(addr);
            let mut next = 1;
            while !done.load(Relaxed) {
                let batch = next..next + 500;
                next = batch.end;
                let line = |at: i64| format!("put load {at} {at} s=s{}\n", at % 700);
                telnet.send(batch.map(line).collect::<String>());
                assert_eq!(telnet.barrier(), Vec::<String>::new());
                acknowledged.store(next - 1, Relaxed);
            }
        })
    };
    let mut made = Vec::new();
    while made.len() < 8 {
        let least = acknowledged.load(Relaxed);
        made.push((least, create(&node)));
    }
    done.store(true, Relaxed);
    sender.join().expect("sent");
    drop(node.stop());
    for (least, name) in made {
        let restored = restore(&home, &name);
        let export = restored.export("load");
        let mut times: Vec<i64> =
            export.series.values().flatten().map(|(ms, _)| ms / 1000).collect();
        times.sort_unstable();
        let count = times.len() as i64;
        assert!(count >= least, "{name}: {count} of {least}");
        assert!(times.into_iter().eq(1..=count), "{name} is no prefix");
    }
}

#[test]
fn half_made_snapshots_go_at_the_next_start() {
    let home = Home::new(&[]);
    let node = home.start();
    node.put_lines(&lines(0..5, 1000));
    let (name, text) = (create(&node), node.export_text(EVERYTHING));
    let home = node.kill();
    let dir = home.data().join("snapshots");
    copy_tree(&dir.join(&name), &dir.join("20260101000000-00000000.tmp"));
    let node = home.start();
    assert_eq!(fs::read_dir(&dir).expect("a directory").count(), 1);
    assert_eq!(node.export_text(EVERYTHING), text);
    assert!(list(&node).contains(&name));
}
