//! Anonymous memory per active series of the real binary, fed over telnet.
//!
//! `cargo bench --bench memory [-- agent|tsbs] [CONNECTIONS] [--program PATH]` prints a table. For
//! each number of series a node on an empty directory gets the same number of lines, is flushed,
//! measured, stopped, started again, measured as it says that it is ready, fed again and measured.
//! Started once more it gets a last round and then nothing for as long as it takes to forget series
//! (`--forget-after`), and is measured as quiet. What grows with series is the slope between the first
//! and the last row; the rest is buffers.

#![expect(clippy::print_stdout, reason = "a benchmark is a program")]

use irontsd::workload::{Kind, Shape};
use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SERIES: [u64; 4] = [500_000, 1_000_000, 2_000_000, 4_000_000];
/// Every row gets as many lines as the largest needs for this many rounds.
const ROUNDS: u64 = 2;
const PIECE_LINES: u64 = 4096;
/// What the quiet node is told to forget after, in seconds; twice as long is waited, and a little.
const FORGET_AFTER_S: u64 = 5;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let program = arguments.iter().position(|word| word == "--program");
    let program = program.and_then(|at| arguments.get(at + 1)).map(PathBuf::from);
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_irontsd").into());
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let kinds = [("agent", Kind::Agent), ("tsbs", Kind::Tsbs)];
    let any = kinds.iter().any(|(word, _)| asked(word));
    let counts: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    for (word, kind) in kinds.into_iter().filter(|(word, _)| !any || asked(word)) {
        for &connections in if counts.is_empty() { &[1, 4][..] } else { &counts[..] } {
            table(&program, word, kind, connections)?;
        }
    }
    Ok(())
}

fn table(program: &Path, word: &str, kind: Kind, connections: u64) -> Outcome<()> {
    println!("\n## {word}, {connections} connections\n");
    println!("| series | bytes a name | fed | started again | fed again | quiet |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut rows = Vec::new();
    for series in SERIES {
        let (name_bytes, row) = measure(program, kind, series, connections)?;
        let [fed, started, again, quiet] = row.map(|bytes| format!("{:.1} MB", bytes as f64 / 1e6));
        println!("| {series} | {name_bytes:.0} | {fed} | {started} | {again} | {quiet} |");
        rows.push(row);
    }
    let span = (SERIES[SERIES.len() - 1] - SERIES[0]) as f64;
    let slope = |at: usize| (rows[SERIES.len() - 1][at] as f64 - rows[0][at] as f64) / span;
    let [fed, started, again, quiet] = [0, 1, 2, 3].map(slope);
    println!("| bytes a series | | {fed:.1} | {started:.1} | {again:.1} | {quiet:.1} |");
    Ok(())
}

/// Bytes of a name in the mean; anonymous memory when fed, started again, fed again, and quiet.
fn measure(program: &Path, kind: Kind, series: u64, connections: u64) -> Outcome<(f64, [u64; 4])> {
    let dir = tempfile::tempdir()?;
    let most = SERIES[SERIES.len() - 1];
    let shape = Shape {
        series_count: series,
        samples_per_series: ROUNDS * most / series,
        ..Shape::default()
    };
    let mut node = Node::start(program, dir.path(), &[])?;
    node.feed(kind, &shape, connections)?;
    let fed = node.anonymous()?;
    node.stop()?;
    let mut node = Node::start(program, dir.path(), &[])?;
    let started = node.anonymous()?;
    let later = Shape { start_s: shape.start_s + 1_000_000, ..shape };
    node.feed(kind, &later, connections)?;
    let again = node.anonymous()?;
    node.stop()?;
    let forgetful = ["--forget-after".to_owned(), format!("{FORGET_AFTER_S}s")];
    let mut node = Node::start(program, dir.path(), &forgetful)?;
    let last = Shape { start_s: shape.start_s + 2_000_000, samples_per_series: 1, ..shape };
    node.feed(kind, &last, connections)?;
    std::thread::sleep(Duration::from_secs(2 * FORGET_AFTER_S + 2));
    let quiet = node.anonymous()?;
    node.stop()?;
    Ok((name_bytes(kind, series), [fed, started, again, quiet]))
}

/// Bytes of a canonical name in the mean: a line without `put`, timestamp and value.
fn name_bytes(kind: Kind, series: u64) -> f64 {
    let shape = Shape { series_count: series, samples_per_series: 1, ..Shape::default() };
    let mut lines = Vec::new();
    let count = kind.connections(&shape, 1)[0].fill(&mut lines, PIECE_LINES);
    let text = String::from_utf8_lossy(&lines);
    let name = |line: &str| {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        words[1].len() + 1 + words[4].len()
    };
    text.lines().map(name).sum::<usize>() as f64 / count as f64
}

struct Node {
    child: Child,
    opentsdb: String,
    http: String,
}

impl Node {
    fn start(program: &Path, dir: &Path, flags: &[String]) -> Outcome<Node> {
        let mut command = Command::new(program);
        command.arg("serve").arg("--data-dir").arg(dir).args(["--log-level", "error"]);
        command.args(["--opentsdb-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
        command.args(flags);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let (mut opentsdb, mut http) = (String::new(), String::new());
        loop {
            let line = lines.next().ok_or("the node ended")??;
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["listening", "opentsdb", address] => opentsdb = address.to_owned(),
                ["listening", "http", address] => http = address.to_owned(),
                ["ready"] => return Ok(Node { child, opentsdb, http }),
                _ => {}
            }
        }
    }

    /// Sends everything, waits until it is taken, and flushes.
    fn feed(&mut self, kind: Kind, shape: &Shape, connections: u64) -> Outcome<()> {
        let address = &self.opentsdb;
        std::thread::scope(|scope| {
            let loads = kind.connections(shape, connections).into_iter();
            let threads: Vec<_> = loads
                .map(|mut load| {
                    scope.spawn(move || -> Outcome<()> {
                        let mut socket = TcpStream::connect(address)?;
                        let mut lines = Vec::new();
                        while load.fill(&mut lines, PIECE_LINES) > 0 {
                            socket.write_all(&lines)?;
                            lines.clear();
                        }
                        socket.write_all(b"version\n")?;
                        let mut answer = String::new();
                        BufReader::new(&socket).read_line(&mut answer)?;
                        match answer.starts_with("irontsd ") {
                            true => Ok(()),
                            false => Err(answer.into()),
                        }
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a sender")?)
        })?;
        let mut socket = TcpStream::connect(&self.http)?;
        socket.write_all(b"GET /internal/force_flush HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200") {
            Ok(())
        } else {
            Err(answer.into())
        }
    }

    fn anonymous(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no RssAnon")?;
        Ok(kib.parse::<u64>()? << 10)
    }

    fn stop(mut self) -> Outcome<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}
