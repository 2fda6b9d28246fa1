//! Proves that a system call that is interrupted, a read that ends early and a write that takes nothing lose
//! nothing and acknowledge nothing falsely: strace makes the node's calls end so.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::common::ledger::Ledger;
use crate::common::node::EVERYTHING;
use crate::common::process::Process;
use crate::common::{Home, Node, require};

/// A home's node whose calls end in other ways; what was done to them stands in a file beside the data.
struct Traced<'a> {
    home: &'a Arc<Home>,
    strace: &'a Path,
}

impl Traced<'_> {
    fn launch(&self, options: &[&str]) -> Process {
        let node = self.home.command();
        let mut command = Command::new(self.strace);
        command.args(["-D", "-f", "-qq", "-o"]).arg(self.told());
        command.args(options).arg(node.get_program()).args(node.get_args());
        Process::spawn(&mut command)
    }

    fn told(&self) -> std::path::PathBuf {
        self.home.data().with_extension("strace")
    }

    /// How many calls did not end as they would have.
    fn injected(&self) -> usize {
        fs::read_to_string(self.told()).expect("strace told").matches("(INJECTED)").count()
    }
}

/// Writes batches and has them flushed, merged and kept; whether nothing of it was refused.
fn live(node: &Node, ledger: &mut Ledger) -> bool {
    let mut telnet = node.telnet();
    let mut went_well = true;
    for round in 0..12 {
        let lines = ledger.next_lines(7);
        // A line that is refused gets an answer before that of the barrier.
        let done = telnet.try_send(lines.as_bytes()).and_then(|()| telnet.try_barrier());
        if done.is_err() {
            return false;
        }
        ledger.acknowledge();
        let target = match round % 6 {
            1 => "/internal/force_flush".to_owned(),
            3 => "/internal/force_merge".to_owned(),
            5 => format!("/snapshot/create?name=s{round}"),
            _ => continue,
        };
        went_well &= node.get(&target).status == 200;
    }
    went_well
}

fn home() -> Arc<Home> {
    Home::new(&["--event-loops", "2", "--sync-interval", "5ms"])
}

#[test]
fn what_is_written_and_synced_is_tried_again() {
    let Some(strace) = require::program("strace") else { return };
    let home = home();
    let traced = Traced { home: &home, strace: &strace };
    let calls = ["pwrite64", "fdatasync", "fsync", "ftruncate"];
    let mut options = vec!["-e".to_owned(), format!("trace={}", calls.join(","))];
    for call in calls {
        // Every other one: each is interrupted once and then goes on.
        options.extend(["-e".to_owned(), format!("inject={call}:error=EINTR:when=1+2")]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let node = Node::ready(&home, traced.launch(&options));
    let mut ledger = Ledger::new("m".into());
    assert!(live(&node, &mut ledger), "something was refused");
    assert_eq!(node.get("/-/ready").text(), "OK");
    ledger.check(&node.export_all());
    let node = node.kill_and_restart();
    assert!(traced.injected() > 20, "{} interruptions", traced.injected());
    assert_eq!(node.get("/-/ready").text(), "OK");
    ledger.check(&node.export_all());
}

#[test]
fn whatever_is_interrupted_or_takes_nothing_loses_nothing() {
    let Some(strace) = require::program("strace") else { return };
    let home = home();
    let traced = Traced { home: &home, strace: &strace };
    let mut ledgers = Vec::new();
    let (mut served, mut refused) = (0, 0);
    // The first calls are the loader's, which gives up.
    let ways = [
        ("openat", "error=EINTR:when=12+5"),
        ("read", "error=EINTR:when=12+3"),
        ("rename,renameat,renameat2", "error=EINTR:when=2+2"),
        ("unlink,unlinkat,link,linkat,mkdir", "error=EINTR:when=2+3"),
        ("pwrite64", "retval=0:when=6"),
    ];
    for (call, how) in ways {
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{how}"));
        let process = traced.launch(&["-e", &trace, "-e", &inject]);
        let mut ledger = Ledger::new(format!("n{}", ledgers.len()));
        let log = match Node::ready_or_ended(&home, process) {
            Ok(node) => {
                served += 1;
                refused += usize::from(!live(&node, &mut ledger));
                node.kill_and_read_log()
            }
            Err(mut process) => {
                assert!(process.exit_status().code().is_some(), "{call}: {}", process.log());
                process.log()
            }
        };
        assert!(!log.contains("panicked"), "{call}: {log}");
        assert!(traced.injected() > 0, "no {call} {how}: {log}");
        ledgers.push(ledger);
        let node = home.start();
        assert_eq!(node.get("/-/ready").text(), "OK", "{call} {how}: {log}");
        let export = node.export_all();
        ledgers.iter().for_each(|ledger| ledger.check(&export));
        node.kill();
    }
    assert!(served >= 2 && refused >= 1, "{served} served, {refused} refused something");
}

/// What was not read must not pass for what was never written.
#[test]
fn a_file_read_in_part_is_not_taken_for_the_file() {
    let Some(strace) = require::program("strace") else { return };
    let home = home();
    let node = home.start();
    let mut ledger = Ledger::new("m".into());
    assert!(live(&node, &mut ledger));
    assert_eq!(node.get("/api/uid/assign?metric=assigned.one").status, 200);
    let suggested = |node: &Node| node.get("/api/suggest?type=metrics&q=assigned").text();
    let (text, names) = (node.export_text(EVERYTHING), suggested(&node));
    assert!(names.contains("assigned.one"));
    let data = node.stop().data();
    let traced = Traced { home: &home, strace: &strace };
    for file in ["MANIFEST", "assigned.names", "names", "WITNESS"] {
        let path = match file {
            "names" => last_names_log(&data),
            file => data.join(file),
        };
        let path = path.to_str().expect("UTF-8");
        let process =
            traced.launch(&["-P", path, "-e", "trace=read", "-e", "inject=read:retval=0:when=1"]);
        let log = match Node::ready_or_ended(&home, process) {
            Ok(node) => {
                // What is made known now must not take the place of what was.
                node.get("/api/uid/assign?metric=assigned.two");
                node.put_lines("put other 1 1 a=b\n");
                node.post("/api/v1/admin/tsdb/delete_series?match[]=other", "");
                node.kill_and_read_log()
            }
            Err(process) => process.log(),
        };
        assert!(traced.injected() > 0, "{file} was not read: {log}");
        let node = home.start();
        assert!(node.export_text(EVERYTHING) == text, "{file}: {log}");
        assert!(suggested(&node).contains("assigned.one"), "{file}: {log}");
        node.stop();
    }
}

fn last_names_log(data: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(data.join("names")).expect("a directory").flatten();
    let logs = entries.map(|entry| entry.path());
    let logs = logs.filter(|path| path.extension().is_some_and(|it| it == "names"));
    logs.max().expect("a names log")
}
