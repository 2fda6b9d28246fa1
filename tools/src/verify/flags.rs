//! Flags of `irontsd verify`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  irontsd verify /var/lib/irontsd            every byte and every sample
  irontsd verify --quick /var/lib/irontsd    checksums only, as fast as the disk
  irontsd verify --json DIR | jq .faults     for scripts

It takes no lock and writes nothing where it reads, so a node may be running.
Exit codes: 0 all is sound, 1 something is broken, 2 wrong usage, 3 cannot be read.";

/// See [`crate::flags::Command::Verify`].
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// A data directory, a snapshot, a segment, a log or a names file.
    pub path: PathBuf,

    /// Check checksums only: no sample is decoded.
    #[arg(long)]
    pub quick: bool,

    /// Write everything that is not damaged to a new data directory. Stop the node before: what it
    /// takes meanwhile is not in it.
    #[arg(long, value_name = "DEST", conflicts_with = "quick")]
    pub repair: Option<PathBuf>,

    /// Print one JSON object: bytes, blocks, samples, faults.
    #[arg(long)]
    pub json: bool,

    /// Files that are read at the same time; by default one for each core.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}
