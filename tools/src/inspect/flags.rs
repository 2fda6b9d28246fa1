//! Flags of `irontsd inspect`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  irontsd inspect DIR                             a data directory or a snapshot
  irontsd inspect DIR/segments/0000000001.seg     one file: segment, log, names, MANIFEST
  irontsd inspect DIR --series 'cpu{host=\"a\"}'    where a series lies
  irontsd inspect DIR --series cpu --plot         what it looks like
  irontsd inspect FILE.seg --block 0 --dump       every sample of a block
  irontsd inspect FILE --hex                      header fields against their offsets

It takes no lock and writes nothing, so a node may be running, and a single copied file will do.
Exit codes: 0 shown, 1 shown but something is damaged, 2 wrong usage, 3 cannot be read.";

/// See [`crate::flags::Command::Inspect`].
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Inspect {
    /// A data directory, a snapshot, a segment, a log, a names file or a manifest.
    pub path: PathBuf,

    /// List the blocks of the series that a selector means, as in match[]: 'cpu{host=~"a.*"}'.
    #[arg(long, value_name = "SELECTOR")]
    pub series: Option<String>,

    /// Draw the series.
    #[arg(long, requires = "series", conflicts_with = "json")]
    pub plot: bool,

    /// Show one block of a segment: its runs, columns and codecs.
    #[arg(long, value_name = "NUMBER", conflicts_with = "series")]
    pub block: Option<usize>,

    /// Print every sample of the block: series, time in milliseconds, value, separated by tabs; with
    /// --json those of each run.
    #[arg(long, requires = "block")]
    pub dump: bool,

    /// Show header fields against their offsets, as in engine/FORMAT.md; with --block also those of
    /// the block.
    #[arg(long, conflicts_with = "series")]
    pub hex: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
