//! Flags of `irontsd bench`.

use crate::flags::{Switch, duration};
use clap::{ArgGroup, Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::compare::Peer;
use super::values::{batch, positive, server, some_duration, whole_seconds};

const EXAMPLES: &str = "\
Examples:
  As fast as a local node takes lines, for ten seconds:
    irontsd bench --telnet 127.0.0.1:4242
  20 million points until they lie in sealed files, CPU per point, and proof that all are there:
    irontsd bench --telnet :4242 --http :8428 --server-pid $(pidof irontsd) --points 20M --verify
  How long do requests of 50 points take at 100,000 points a second?
    irontsd bench --put :4242 --rate 100k --batch 50 --duration 1m --report put.html
  The same load into two servers, one after the other:
    irontsd bench --points 20M --compare iron=:4242,:8428,PID --compare vm=:4243,:8429,PID

Latency is measured from the moment a batch was due: with --rate by the clock, so that a server that
stalls is charged for what had to wait (no coordinated omission), without it from the moment the
batch was ready. It ends with the answer: that of a request, or that of a `version` behind a batch of
lines, which IronTSD and OpenTSDB answer in turn. Where nobody answers (VictoriaMetrics on telnet,
datagrams) it ends when the kernel has taken the bytes, and the summary says so. In a closed loop lines
wait in the sockets' buffers, which are always full: that latency tells how deep they are; with
--rate it tells what an agent sees.

Exit codes: 0 all was taken; 1 something was refused, lost or not as sent; 2 wrong flags;
3 the load could not be run.";

/// Send a load to IronTSD, or to any server that takes OpenTSDB writes, and tell what it cost.
#[derive(Debug, Parser)]
#[command(next_line_help = true, after_help = EXAMPLES)]
#[command(group = ArgGroup::new("target").required(true).args(["telnet", "put", "udp", "compare"]))]
pub struct Bench {
    /// Where to.
    #[command(flatten)]
    pub target: Target,
    /// What.
    #[command(flatten)]
    pub load: LoadFlags,
    /// How.
    #[command(flatten)]
    pub style: Style,
    /// What becomes of it.
    #[command(flatten)]
    pub results: ResultFlags,
}

/// Where the load goes.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Where to")]
pub struct Target {
    /// Send put lines over connections to this address.
    #[arg(long, value_name = "HOST:PORT", value_parser = server)]
    pub telnet: Option<SocketAddr>,

    /// Send POST /api/put requests to this address, histograms to /api/histogram.
    #[arg(long, value_name = "HOST:PORT", value_parser = server)]
    pub put: Option<SocketAddr>,

    /// Send put lines in datagrams to this address; nothing is answered, and what the server is too
    /// slow for is lost.
    #[arg(long, value_name = "HOST:PORT", value_parser = server)]
    pub udp: Option<SocketAddr>,

    /// Where the server's counters, /internal/force_flush and /api/v1/export are. With it the run
    /// ends when the flush is answered and the server has counted every point.
    #[arg(long, value_name = "HOST:PORT", value_parser = server)]
    pub http: Option<SocketAddr>,

    /// The server's process on this machine, for its CPU and memory.
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,

    /// Run the load on two servers in turn and tell the ratios: a name, where the load goes, where
    /// HTTP is answered, and the process. Give it twice; the last two may be left out.
    #[arg(long, value_name = "NAME=ADDR,HTTP,PID",
          conflicts_with_all = ["http", "server_pid"])]
    pub compare: Vec<Peer>,

    /// What --compare speaks.
    #[arg(long, default_value = "telnet", conflicts_with_all = ["telnet", "put", "udp"])]
    pub protocol: Protocol,
}

/// What is sent.
#[derive(Debug, Clone, Parser)]
#[command(next_help_heading = "What to send")]
pub struct LoadFlags {
    /// The lines; `put` has the same points as JSON.
    #[arg(long, default_value = "agent")]
    pub workload: WorkloadName,

    /// Send the lines of this file, plain or gzip, in place of a workload; a series stays on one
    /// connection. It is held in memory.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["workload", "series", "interval", "start"])]
    pub replay: Option<PathBuf>,

    /// Series that are alive at the same time; 40,000 by default, 2 million for new-series.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub series: Option<u64>,

    /// End after so many points: 20M, 500k or a plain number.
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "duration")]
    pub points: Option<u64>,

    /// End after so long; 10s unless --points is given.
    #[arg(long, value_name = "DURATION", value_parser = some_duration)]
    pub duration: Option<Duration>,

    /// Time between two samples of a series, in whole seconds, as the timestamps say.
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds, default_value = "15s")]
    pub interval: u64,

    /// Unix time of the first samples, from 2001 to 2200.
    #[arg(long, value_name = "SECONDS", default_value_t = 1_700_000_000,
          value_parser = clap::value_parser!(u64).range(1_000_000_000..7_258_118_400))]
    pub start: u64,

    /// Runs with the same seed and sizes send the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// How it is sent.
#[derive(Debug, Clone, Parser)]
#[command(next_help_heading = "How to send")]
pub struct Style {
    /// Points a second over all connections, by the clock (open loop). Without it each connection
    /// sends as fast as the server takes it (closed loop).
    #[arg(long, value_name = "N", value_parser = positive)]
    pub rate: Option<u64>,

    /// Connections, each with a thread and its share of the series.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub connections: u64,

    /// Points of a request, or of a piece of lines. By default 1,000 in requests, 2,048 lines, and
    /// less at rates at which that would take more than 5 ms to gather.
    #[arg(long, value_name = "N", value_parser = batch)]
    pub batch: Option<u64>,

    /// Compress the bodies of requests.
    #[arg(long)]
    pub gzip: bool,

    /// Whether a connection carries more than one request.
    #[arg(long, value_name = "on|off", default_value = "on")]
    pub keep_alive: Switch,

    /// How a telnet connection learns that lines were accepted: by `version` behind each batch, by the
    /// server closing the connection, or not at all. By default `version` if the server answers it.
    #[arg(long, default_value = "auto")]
    pub ack: AckChoice,

    /// Longest wait for any one thing: a connection, an answer, the flush, the last points counted.
    #[arg(long, value_name = "DURATION", value_parser = some_duration, default_value = "60s")]
    pub timeout: Duration,
}

/// What becomes of the result.
#[derive(Debug, Clone, Parser)]
#[command(next_help_heading = "Results")]
pub struct ResultFlags {
    /// Export the time range that was sent and compare it, sample by sample, with what was sent. The
    /// server must hold nothing else in that range. Needs --http.
    #[arg(long)]
    pub verify: bool,

    /// Go on counting the server's CPU for so long behind the end, for servers that write later
    /// than they say.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0")]
    pub settle: Duration,

    /// Write a page with plots and settings to this file; it needs no other file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print one JSON object in place of the summary.
    #[arg(long)]
    pub json: bool,
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Put lines over connections.
    Telnet,
    /// POST /api/put, and /api/histogram.
    Put,
    /// Put lines in datagrams.
    Udp,
}

/// How acceptance is learnt on telnet connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AckChoice {
    /// By `version` if the server answers it, else by the end of the connection.
    Auto,
    /// By `version` behind each batch.
    Version,
    /// By the server closing what was closed here.
    Close,
    /// Not at all.
    None,
}

/// The workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkloadName {
    /// As a monitoring agent sends them: 61 bytes, two tags; counters, gauges, whole numbers.
    Agent,
    /// The cpu-only case of the Time Series Benchmark Suite: 195 bytes, ten tags.
    Tsbs,
    /// A storm of new series: each gets five samples, then none again.
    NewSeries,
    /// Series that end after 100 samples and are replaced, a hundredth of them in each interval.
    Churn,
    /// Histograms of nine bounds.
    Histograms,
    /// Agent lines, of which one series in four comes out of order, up to 16 intervals late.
    OutOfOrder,
    /// Agent lines, of which every eighth is a second value for a series and time already sent.
    Duplicates,
    /// Doubles that need 16 or 17 digits.
    Doubles,
}

impl Target {
    /// The one server of a run without --compare.
    pub fn single(&self) -> Option<(Protocol, SocketAddr)> {
        let one = |protocol, address: Option<SocketAddr>| Some((protocol, address?));
        one(Protocol::Telnet, self.telnet)
            .or_else(|| one(Protocol::Put, self.put))
            .or_else(|| one(Protocol::Udp, self.udp))
    }
}

impl Bench {
    /// What the declaration of flags cannot say.
    pub fn check(&self) -> Result<(), String> {
        let servers = self.target.compare.len();
        let http_everywhere = match servers {
            0 => self.target.http.is_some(),
            _ => self.target.compare.iter().all(|peer| peer.http.is_some()),
        };
        if servers != 0 && servers != 2 {
            return Err("--compare wants two servers: give it twice".to_owned());
        }
        if self.results.verify && !http_everywhere {
            return Err("--verify reads an export: say where with --http HOST:PORT".to_owned());
        }
        let protocol = self.target.single().map_or(self.target.protocol, |(protocol, _)| protocol);
        if self.style.gzip && protocol != Protocol::Put {
            return Err("--gzip is for requests: use it with --put HOST:PORT".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Bench::command().debug_assert();
    }
}
