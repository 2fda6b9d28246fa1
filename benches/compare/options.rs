//! The benchmark's flags.

use clap::{Parser, ValueEnum};
use irontsd::workload::{Kind, Shape};

use crate::common::options::{PeerOptions, TestOptions};

/// Feeds the same put lines to VictoriaMetrics and to IronTSD and compares what it cost them.
#[derive(Parser, Debug)]
pub struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    pub test: TestOptions,
    /// What comparisons take.
    #[command(flatten)]
    pub peer: PeerOptions,
    /// The lines to send.
    #[arg(long, default_value = "agent")]
    pub workload: Lines,
    /// Number of distinct series; by default 40,000, or 2,000,000 with newseries.
    #[arg(long)]
    pub series: Option<u64>,
    /// Samples of each series; by default 500 agent samples, 250 TSBS samples or 5 with newseries.
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
    /// How often each real series is sent, told apart by a tag `copy`.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub copies: u64,
    /// Connections to send over; a series stays on one of them.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub connections: u64,
    /// Leaves out the export that checks every stored point.
    #[arg(long)]
    pub skip_verify: bool,
}

/// The kinds of lines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// About 61 bytes, two tags.
    Agent,
    /// About 195 bytes, ten tags.
    Tsbs,
    /// Agent lines of many series with few samples each.
    Newseries,
    /// Real series: `benches/data/nab.put.gz`.
    Nab,
    /// Real series: `benches/data/collectd.put.gz`.
    Collectd,
    /// Real series: `benches/data/collectd-hour.put.gz`.
    CollectdHour,
    /// Real series: `benches/data/statsmodels.put.gz`.
    Statsmodels,
}

impl Lines {
    /// As the command line calls it.
    pub fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The kind of generated load; `None` for real series.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Lines::Agent | Lines::Newseries => Some(Kind::Agent),
            Lines::Tsbs => Some(Kind::Tsbs),
            Lines::Nab | Lines::Collectd | Lines::CollectdHour | Lines::Statsmodels => None,
        }
    }
}

impl Options {
    /// The size of a generated load.
    pub fn shape(&self) -> Shape {
        let (series, samples) = match self.workload {
            Lines::Newseries => (2_000_000, 5),
            Lines::Tsbs => (40_000, 250),
            _ => (40_000, 500),
        };
        Shape {
            seed: self.seed,
            series_count: self.series.unwrap_or(series),
            samples_per_series: self.samples_per_series.unwrap_or(samples),
            start_s: self.start_s,
            interval_s: self.interval_s,
        }
    }
}
