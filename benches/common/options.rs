//! The flags that benchmarks have in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::irontsd::IronTsd;
use super::node::Node;
use super::victoria::Victoria;

/// The program under test, where it runs and what becomes of the result.
#[derive(Args, Debug)]
pub struct TestOptions {
    /// The program under test.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_irontsd"))]
    pub irontsd: PathBuf,
    /// Further flag of IronTSD, such as --irontsd-arg=--event-loops=1; may be repeated.
    #[arg(long, allow_hyphen_values = true)]
    pub irontsd_arg: Vec<String>,
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

impl TestOptions {
    /// The longest wait for any one thing.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Where the nodes' directories are made.
    pub fn scratch(&self) -> PathBuf {
        self.scratch.clone().unwrap_or_else(std::env::temp_dir)
    }
}

/// The peer, and who takes part how often.
#[derive(Args, Debug)]
pub struct PeerOptions {
    /// The peer's program.
    #[arg(long, default_value = "/usr/bin/victoria-metrics")]
    pub victoria_metrics: PathBuf,
    /// Further flag of VictoriaMetrics; may be repeated.
    #[arg(long, allow_hyphen_values = true)]
    pub victoria_metrics_arg: Vec<String>,
    /// Runs one of the two alone, for profiling.
    #[arg(long)]
    pub only: Option<Only>,
    /// Runs of each node.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
}

/// One of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// IronTSD.
    Irontsd,
    /// VictoriaMetrics.
    VictoriaMetrics,
}

impl PeerOptions {
    /// Who takes part, or what to say when the peer's program is missing.
    pub fn nodes(&self, test: &TestOptions) -> Result<Vec<Box<dyn Node>>, String> {
        let mut nodes: Vec<Box<dyn Node>> = Vec::new();
        if self.only != Some(Only::VictoriaMetrics) {
            nodes.push(Box::new(IronTsd::new(test)));
        }
        if self.only != Some(Only::Irontsd) {
            if !self.victoria_metrics.is_file() {
                return Err(self.how_to_get_the_peer());
            }
            nodes.push(Box::new(Victoria::new(self, test)));
        }
        Ok(nodes)
    }

    fn how_to_get_the_peer(&self) -> String {
        format!(
            "there is no {}\n\
             VictoriaMetrics comes with Debian: apt-get install victoria-metrics\n\
             or name another program: --victoria-metrics PATH\n\
             or leave it out: --only irontsd",
            self.victoria_metrics.display()
        )
    }
}
