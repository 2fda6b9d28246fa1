//! How fast `irontsd bench` itself is: its loads into a sink that receives and drops.
//!
//! `cargo bench --bench generator` runs each workload over one connection, so on one core, and prints
//! lines a second and the generator's CPU for each line. What a server is measured with must be
//! several times faster than the server.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its user")]

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, ExitCode};

use clap::Parser;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const READ_BYTES: usize = 1 << 20;
const WORKLOADS: [&str; 8] =
    ["agent", "tsbs", "new-series", "churn", "histograms", "out-of-order", "duplicates", "doubles"];

/// Measures the load generator.
#[derive(Parser, Debug)]
struct Options {
    /// The program under test.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_irontsd"))]
    irontsd: std::path::PathBuf,
    /// Seconds of each workload.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Only this workload.
    #[arg(long)]
    workload: Option<String>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let wanted = |name: &&&str| options.workload.as_deref().is_none_or(|only| only == **name);
    println!("| workload | M lines/s | own CPU us a line | bytes a line |\n|---|---|---|---|");
    for workload in WORKLOADS.iter().filter(wanted) {
        match measure(&options, workload) {
            Ok(line) => println!("{line}"),
            Err(error) => {
                eprintln!("generator: {workload}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// A row of the table.
fn measure(options: &Options, workload: &str) -> Outcome<String> {
    let (address, bytes) = sink()?;
    let seconds = format!("{}s", options.seconds);
    let output = Command::new(&options.irontsd)
        .args(["bench", "--telnet", &address.to_string(), "--ack", "close", "--connections", "1"])
        .args(["--workload", workload, "--duration", &seconds])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let bytes = bytes.join().map_err(|_| "the sink failed")??;
    let sent = word_of(&text, "sent ", 0)?.replace(',', "").parse::<f64>()?;
    let own_us = word_of(&text, "generator ", 0)?;
    let rate = sent / seconds_of(&text)? / 1e6;
    Ok(format!("| {workload} | {rate:.1} | {own_us} | {:.1} |", bytes as f64 / sent))
}

/// The seconds in `... until accepted (3.00 s)`.
fn seconds_of(text: &str) -> Outcome<f64> {
    let rest = text.split_once("until accepted (").ok_or("no rate")?.1;
    Ok(rest.split(' ').next().ok_or("no seconds")?.parse()?)
}

/// A word of the line that begins with a label.
fn word_of<'a>(text: &'a str, label: &str, number: usize) -> Outcome<&'a str> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
    let word = line.and_then(|line| line.split_whitespace().nth(number));
    Ok(word.ok_or_else(|| format!("no {label}in {text}"))?)
}

type Sink = std::thread::JoinHandle<Outcome<u64>>;

/// Takes one connection and counts what comes.
fn sink() -> Outcome<(SocketAddr, Sink)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let thread = std::thread::spawn(move || -> Outcome<u64> {
        let (mut socket, mut buffer, mut bytes) = (listener.accept()?.0, vec![0; READ_BYTES], 0);
        loop {
            match socket.read(&mut buffer)? {
                0 => return Ok(bytes),
                read => bytes += read as u64,
            }
        }
    });
    Ok((address, thread))
}
