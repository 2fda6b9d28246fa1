//! The benchmark's flags.

use std::time::Duration;

use clap::Parser;
use irontsd::workload::Shape;

use crate::common::options::TestOptions;

/// Loads a node steadily for minutes and judges whether it stays what it was.
#[derive(Parser, Debug)]
pub struct Options {
    /// What every benchmark takes.
    #[command(flatten)]
    pub test: TestOptions,
    /// How long.
    #[arg(long, default_value_t = 10.0)]
    pub minutes: f64,
    /// The part of the highest rate that is sent.
    #[arg(long, default_value_t = 0.6)]
    pub share: f64,
    /// The limit on segments, small enough to be reached.
    #[arg(long, default_value_t = 1 << 30)]
    pub retention_bytes: u64,
    /// Bytes a second that merges may read and write.
    #[arg(long, default_value_t = 128 << 20)]
    pub merge_bytes_per_second: u64,
    /// Number of distinct series.
    #[arg(long, default_value_t = 40_000)]
    pub series: u64,
    /// Seconds between two samples of a series.
    #[arg(long, default_value_t = 15)]
    pub interval_s: u64,
    /// Connections to send over.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub connections: u64,
}

impl Options {
    /// How long.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// The load's rounds that are made.
    pub fn shape(&self, rounds: u64) -> Shape {
        Shape {
            series_count: self.series,
            samples_per_series: rounds,
            interval_s: self.interval_s,
            ..Shape::default()
        }
    }

    /// The load in words.
    pub fn describe(&self, shape: &Shape, days: f64) -> String {
        format!(
            "{} series, one sample each every {} s of its own time, of which {days:.1} days passed; {} \
             rounds of values in turn; {} connections",
            shape.series_count, shape.interval_s, shape.samples_per_series, self.connections
        )
    }
}
