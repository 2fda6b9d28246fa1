//! The benchmark's flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use irontsd::workload::{Kind, Shape};

/// Feeds the same put lines to VictoriaMetrics and to IronTSD and compares what it cost them.
#[derive(Parser, Debug)]
pub struct Options {
    /// The peer's program.
    #[arg(long, default_value = "/usr/bin/victoria-metrics")]
    pub victoria_metrics: PathBuf,
    /// The program under test.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_irontsd"))]
    pub irontsd: PathBuf,
    /// Runs one of the two alone, for profiling.
    #[arg(long)]
    pub only: Option<Only>,
    /// The lines to send.
    #[arg(long, default_value = "agent")]
    pub workload: Lines,
    /// Number of distinct series.
    #[arg(long, default_value_t = 40_000)]
    pub series: u64,
    /// Samples of each series; by default 500 agent samples or 250 TSBS samples.
    #[arg(long)]
    pub samples_per_series: Option<u64>,
    /// Unix time of the first samples.
    #[arg(long, default_value_t = Shape::default().start_s)]
    pub start_s: u64,
    /// Seconds between two samples of a series.
    #[arg(long, default_value_t = Shape::default().interval_s)]
    pub interval_s: u64,
    /// Seed of the generated lines.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Connections to send over; a series stays on one of them.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub connections: u64,
    /// Runs of each node.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// Leaves out the export that checks every stored point.
    #[arg(long)]
    pub skip_verify: bool,
    /// Further flag of IronTSD, such as --irontsd-arg=--event-loops=1; may be repeated.
    #[arg(long, allow_hyphen_values = true)]
    pub irontsd_arg: Vec<String>,
    /// Further flag of VictoriaMetrics; may be repeated.
    #[arg(long, allow_hyphen_values = true)]
    pub victoria_metrics_arg: Vec<String>,
    /// Where the nodes' directories are made; by default the system's temporary directory.
    #[arg(long)]
    pub scratch: Option<PathBuf>,
    /// Longest wait for any one thing: a start, the acceptance of all points, a flush, a stop.
    #[arg(long, default_value_t = 300)]
    pub timeout_s: u64,
    /// Writes the result as Markdown to this file.
    #[arg(long)]
    pub record: Option<PathBuf>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// One of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// IronTSD.
    Irontsd,
    /// VictoriaMetrics.
    VictoriaMetrics,
}

/// The kinds of lines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// About 61 bytes, two tags.
    Agent,
    /// About 195 bytes, ten tags.
    Tsbs,
}

impl Options {
    /// Whether IronTSD takes part.
    pub fn wants_irontsd(&self) -> bool {
        self.only != Some(Only::VictoriaMetrics)
    }

    /// Whether VictoriaMetrics takes part.
    pub fn wants_victoria(&self) -> bool {
        self.only != Some(Only::Irontsd)
    }

    /// The kind of load.
    pub fn kind(&self) -> Kind {
        match self.workload {
            Lines::Agent => Kind::Agent,
            Lines::Tsbs => Kind::Tsbs,
        }
    }

    /// The size of the load.
    pub fn shape(&self) -> Shape {
        let samples_default = match self.workload {
            Lines::Agent => 500,
            Lines::Tsbs => 250,
        };
        Shape {
            seed: self.seed,
            series_count: self.series,
            samples_per_series: self.samples_per_series.unwrap_or(samples_default),
            start_s: self.start_s,
            interval_s: self.interval_s,
        }
    }

    /// The longest wait for any one thing.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Where the nodes' directories are made.
    pub fn scratch(&self) -> PathBuf {
        self.scratch.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// What to say when the peer's program is missing.
    pub fn how_to_get_the_peer(&self) -> String {
        format!(
            "compare: there is no {}\n\
             VictoriaMetrics comes with Debian: apt-get install victoria-metrics\n\
             or name another program: --victoria-metrics PATH\n\
             or leave it out: --only irontsd",
            self.victoria_metrics.display()
        )
    }
}
