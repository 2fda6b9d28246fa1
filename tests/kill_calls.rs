//! Proves that a death at any chosen system call, in the middle of a start, of a sync, of a rename, loses
//! nothing acknowledged and invents nothing: strace kills the node when one of its threads makes the call
//! for the Nth time. The deaths of a run share one data directory.
//!
//! `IRONTSD_KILL_CALLS=FIRST..END` says which deaths are tried: each number is a call and an N.

use std::env;
use std::io;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::common::http::request;
use crate::common::ledger::Ledger;
use crate::common::process::Process;
use crate::common::{Home, Http, Node, Telnet, require};

/// What the node changes files by, and what a start does most; each set is one call in several forms. The
/// highest N is what a thread does in a short life, and a little more.
const CALLS: [(&str, u64); 9] = [
    ("pwrite64", 80),
    ("fdatasync", 40),
    ("openat", 60),
    ("rename,renameat,renameat2", 12),
    ("unlink,unlinkat", 16),
    ("ftruncate", 3),
    ("fsync", 30),
    ("mmap", 100),
    ("write", 60),
];
const SIGKILL: i32 = 9;
const COUNT: u64 = CALLS.len() as u64;
/// Flushes of one life, with a merge or a snapshot now and then.
const FLUSHES: u64 = 12;

#[test]
fn a_death_at_any_call_loses_nothing() {
    let Some(strace) = require::program("strace") else { return };
    let home = Home::new(&["--event-loops", "2", "--sync-interval", "5ms"]);
    let mut ledgers: Vec<Ledger> = Vec::new();
    let mut deaths = 0;
    let tried = numbers();
    for number in tried.clone() {
        let (round, (call, highest)) = (number / COUNT, CALLS[(number % COUNT) as usize]);
        let times = 1 + (highest / 4 + round * 7) % highest;
        let process = Process::spawn(&mut under(&strace, &home.command(), call, times));
        let ledger = Ledger::new(format!("n{number}"));
        match Node::ready_or_ended(&home, process) {
            Ok(node) => {
                let (ledger, has_died) = live(node, ledger);
                ledgers.push(ledger);
                deaths += usize::from(has_died);
            }
            Err(mut process) => {
                let (status, log) = (process.exit_status(), process.log());
                // Otherwise it was not the node that ended, but what should have killed it.
                assert_eq!(status.signal(), Some(SIGKILL), "{number}: {status}: {log}");
                assert!(!log.contains("ERROR"), "{number}: {log}");
                deaths += 1;
            }
        }
        let node = home.start();
        assert_eq!(
            node.get("/-/ready").text(),
            "OK",
            "number {number}, {call} for the {times}th time"
        );
        let last = ledgers.len().saturating_sub(2);
        ledgers[last..].iter().for_each(|ledger| ledger.check(&node.export(&ledger.metric)));
        node.kill();
    }
    assert!(
        deaths * 2 > tried.clone().count(),
        "{deaths} deaths: the calls are not made so often any more"
    );
    let acked = ledgers.iter().map(|ledger| ledger.acked).sum::<u64>();
    assert!(
        ledgers.len() * 3 > tried.clone().count() && acked > 10 * ledgers.len() as u64,
        "{} lives of {tried:?} got ready, {acked} points acknowledged",
        ledgers.len()
    );
    let export = home.start().export_all();
    ledgers.iter().for_each(|ledger| ledger.check(&export));
    let is_known =
        |series: &String| ledgers.iter().any(|l| series.starts_with(&format!("{}{{", l.metric)));
    assert_eq!(export.series.keys().find(|series| !is_known(series)), None, "invented");
}

fn numbers() -> Range<u64> {
    let Ok(text) = env::var("IRONTSD_KILL_CALLS") else { return 0..COUNT };
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.expect("IRONTSD_KILL_CALLS is FIRST..END")
}

/// The same command, killed at a call. The tracer is nobody's parent, so the process is the node.
fn under(strace: &std::path::Path, node: &Command, call: &str, times: u64) -> Command {
    let mut command = Command::new(strace);
    // Not with --seccomp-bpf: N is not counted then (strace 6.1).
    command.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
    command.args(["-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:signal=KILL:when={times}")]);
    command.arg(node.get_program()).args(node.get_args());
    command
}

/// Loads and flushes a node until it dies, or is killed after a while; whether it died by itself.
fn live(mut node: Node, ledger: Ledger) -> (Ledger, bool) {
    let ends = Arc::new(AtomicBool::new(false));
    let writer = write(&node, ledger, &ends);
    let keep = Http::try_connect(node.http()).and_then(|mut http| {
        (0..FLUSHES).try_for_each(|round| {
            let target = match round % 6 {
                3 => "/internal/force_merge",
                5 => "/snapshot/create",
                _ => "/internal/force_flush",
            };
            http.try_send(&request("POST", target, &[], b""))?;
            http.try_status().map(drop)
        })
    });
    let has_died = keep.is_err();
    if has_died {
        let status = node.process().exit_status();
        assert_eq!(status.signal(), Some(SIGKILL), "{status}: {}", node.process().log());
    }
    ends.store(true, Ordering::SeqCst);
    node.kill();
    (writer.join().expect("the writer ended well"), has_died)
}

/// Writes until the node is gone.
fn write(node: &Node, mut ledger: Ledger, ends: &Arc<AtomicBool>) -> JoinHandle<Ledger> {
    let (addr, ends) = (node.opentsdb(), Arc::clone(ends));
    thread::spawn(move || {
        let Ok(mut telnet) = Telnet::try_connect(addr) else { return ledger };
        while !ends.load(Ordering::SeqCst) {
            let lines = ledger.next_lines(7);
            match telnet.try_send(lines.as_bytes()).and_then(|()| telnet.try_barrier()) {
                Ok(()) => ledger.acknowledge(),
                Err(error) => {
                    assert!(error.kind() != io::ErrorKind::Other, "a living node refused: {error}");
                    break;
                }
            }
        }
        ledger
    })
}
