//! Proves that 200 times `kill -9` at random moments, while telnet and HTTP writers are at full
//! speed, lose nothing acknowledged and invent nothing.
//!
//! All rounds share one data directory, whatever their flavour, so that every recovery starts from what
//! earlier deaths left behind. Every fifth round also kills the node once while it starts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::http::request;
use crate::common::ledger::Ledger;
use crate::common::process::Process;
use crate::common::{Home, Http, Node, Telnet, seed};

const ROUNDS: usize = 200;

/// The longest a round's load lasts before the kill.
const LOAD_MS_MAX: u64 = 120;

/// Telnet writers, HTTP writers, both while segments are sealed, both with a sync for every answer.
const FLAVOURS: [Flavour; 4] = [
    Flavour { name: "telnet", flags: &[], writers: [TELNET; 4], flush: false },
    Flavour { name: "http", flags: &[], writers: [HTTP; 4], flush: false },
    Flavour { name: "flush", flags: &["--event-loops", "3"], writers: BOTH, flush: true },
    Flavour { name: "sync", flags: &["--sync-interval", "0"], writers: BOTH, flush: false },
];
const BOTH: [Connect; 4] = [TELNET, HTTP, TELNET, HTTP];

struct Flavour {
    name: &'static str,
    flags: &'static [&'static str],
    writers: [Connect; 4],
    /// Whether somebody calls `force_flush` all the time.
    flush: bool,
}

/// Opens a connection; what it returns writes one batch and waits for its acknowledgement.
type Connect = fn(&Node) -> Write;
type Write = Box<dyn FnMut(&mut Ledger, u64) -> io::Result<()> + Send>;

const TELNET: Connect = |node| {
    let mut telnet = Telnet::connect(node.opentsdb());
    Box::new(move |ledger, count| {
        let lines = ledger.next_lines(count);
        telnet.try_send(lines.as_bytes())?;
        telnet.try_barrier()
    })
};

const HTTP: Connect = |node| {
    let mut http = Http::connect(node.http());
    Box::new(move |ledger, count| {
        let body = ledger.next_json(count);
        http.try_send(&request("POST", "/api/put", &[], body.as_bytes()))?;
        http.try_status().and_then(|status| match status {
            204 => Ok(()),
            _ => Err(io::Error::other(format!("status {status}"))),
        })
    })
};

#[test]
fn nothing_is_lost_in_200_deaths() {
    let mut chance = seed::chance("kill");
    let home = Home::new(&[]);
    let mut ledgers: Vec<Ledger> = Vec::new();
    for round in 0..ROUNDS {
        let flavour = &FLAVOURS[round % FLAVOURS.len()];
        if round % 5 == 4 {
            kill_during_start(&home, flavour, &mut chance);
        }
        let node = Node::ready(&home, launch(&home, flavour));
        let last = ledgers.len().saturating_sub(flavour.writers.len());
        ledgers[last..].iter().for_each(|ledger| ledger.check(&node.export(&ledger.metric)));
        ledgers.extend(one_life(flavour, node, round, &mut chance));
    }
    account(&home.start(), &ledgers);
}

fn launch(home: &Home, flavour: &Flavour) -> Process {
    Process::spawn(home.command().args(flavour.flags))
}

/// Everything acknowledged in any round is there, and nothing that nobody sent.
fn account(node: &Node, ledgers: &[Ledger]) {
    let export = node.export_all();
    ledgers.iter().for_each(|ledger| ledger.check(&export));
    let known =
        |series: &str| ledgers.iter().any(|l| series.starts_with(&format!("{}{{", l.metric)));
    let stranger = export.series.keys().find(|series| !known(series));
    assert_eq!(stranger, None, "invented");
    for Flavour { name, .. } in FLAVOURS {
        let own = ledgers.iter().filter(|ledger| ledger.metric.starts_with(name));
        let acked = own.map(|ledger| ledger.acked).sum::<u64>();
        assert!(acked > 1000, "no load: {acked} of {name}");
    }
}

/// Loads the node and kills it at a random moment.
fn one_life(
    flavour: &Flavour,
    node: Node,
    round: usize,
    chance: &mut fastrand::Rng,
) -> Vec<Ledger> {
    let dead = Arc::new(AtomicBool::new(false));
    let flusher = flavour.flush.then(|| flush(&node, &dead));
    let start = |(n, connect): (usize, &Connect)| {
        let ledger = Ledger::new(format!("{}.r{round}.w{n}", flavour.name));
        load(ledger, connect(&node), chance.fork(), &dead)
    };
    let writers: Vec<_> = flavour.writers.iter().enumerate().map(start).collect();
    // The moment of the kill is what varies; nothing is expected of it.
    thread::sleep(Duration::from_micros(chance.u64(0..LOAD_MS_MAX * 1000)));
    dead.store(true, Ordering::SeqCst);
    node.kill();
    flusher.into_iter().for_each(|flusher| flusher.join().expect("the flusher ended well"));
    writers.into_iter().map(|writer| writer.join().expect("the writer ended well")).collect()
}

/// Writes batches of random size until the node is gone.
fn load(
    mut ledger: Ledger,
    mut write: Write,
    mut chance: fastrand::Rng,
    dead: &Arc<AtomicBool>,
) -> JoinHandle<Ledger> {
    let dead = Arc::clone(dead);
    thread::spawn(move || {
        loop {
            let Err(error) = write(&mut ledger, chance.u64(1..=20)) else {
                ledger.acknowledge();
                continue;
            };
            let killed = dead.load(Ordering::SeqCst) && error.kind() != io::ErrorKind::Other;
            assert!(killed, "a living node refused: {error}");
            return ledger;
        }
    })
}

fn flush(node: &Node, dead: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (addr, dead) = (node.http(), Arc::clone(dead));
    let mut http = Http::connect(addr);
    thread::spawn(move || {
        while !dead.load(Ordering::SeqCst) {
            let asked = http.try_send(&request("POST", "/internal/force_flush", &[], b""));
            if asked.and_then(|()| http.try_status()).is_err() {
                return;
            }
        }
    })
}

/// Kills a node somewhere between its birth and a little after it serves.
fn kill_during_start(home: &Home, flavour: &Flavour, chance: &mut fastrand::Rng) {
    let mut process = launch(home, flavour);
    thread::sleep(Duration::from_micros(chance.u64(0..40_000)));
    process.kill();
}
