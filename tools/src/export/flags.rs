//! Flags of `irontsd export`.

use crate::format::Format;
use clap::Parser;
use std::io::IsTerminal;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  irontsd export irontsd-data > all.jsonl
  irontsd export irontsd-data --match 'cpu.user{host=\"web01\"}' --start 2026-11-01 --end 2026-11-08
  irontsd export irontsd-data --format put | nc -N other-host 4242
  irontsd export irontsd-data --format csv --columns __name__,host,__value__,__timestamp__:rfc3339
  irontsd export irontsd-data/snapshots/NAME --format parquet --output archive/
  duckdb -c \"SELECT metric, tags['host'] AS host, avg(coalesce(\\\"float\\\", \\\"integer\\\"))
             FROM 'archive/*.parquet' GROUP BY ALL\"

A node may be running on the directory: nothing is locked or written, and what it had accepted when the
files were read is exported. JSON lines are byte for byte what its /api/v1/export answers.

Parquet: one file YYYY-MM-DD.parquet for each UTC day, sorted by series, then by time, with the columns
metric (string), tags (map), timestamp (ms, UTC), and integer, float, histogram, of which one is set.

CSV knows no histograms: they are written as cumulative `_bucket` and `_count` series. Lines of `put` cannot
carry names with spaces or control characters, nor infinities: what is left out is counted.

Exit status: 0 all was exported; 1 something is damaged or was left out, which is named, and the rest
was exported; 2 the command line is wrong; 3 nothing can be exported.";

/// Write what a data directory, a snapshot or a segment holds to files, without a node.
#[derive(Debug, Parser)]
#[command(after_long_help = EXAMPLES)]
pub struct Export {
    /// A data directory, a snapshot (DATA_DIR/snapshots/NAME) or one segment's file.
    pub path: PathBuf,

    /// The form.
    #[arg(long, value_enum, default_value = "json")]
    pub format: Format,

    /// Series to export, as a Prometheus selector; may be repeated. By default all.
    #[arg(long = "match", value_name = "SELECTOR")]
    pub matches: Vec<String>,

    /// First time, included: seconds or milliseconds since 1970, 2026-11-27T10:00:00Z or any beginning
    /// of it, or a distance back from now such as -1h.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub start: Option<String>,

    /// Last time, included; in the same forms.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub end: Option<String>,

    /// Where to: a file, or a directory for Parquet. Files appear whole and synced, in the place of any
    /// of the same name. By default text goes to standard output.
    #[arg(long, short, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,

    /// Columns of CSV: tags, __name__, __value__ and __timestamp__, which may say :unix_s, :unix_ms,
    /// :unix_ns, :rfc3339 or :custom:LAYOUT. By default all there are.
    #[arg(long, value_name = "LIST")]
    pub columns: Option<String>,

    /// Most samples of a JSON line; by default a series is one line.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_rows_per_line: Option<u32>,

    /// Say at the end what was exported as one JSON object: on standard output if the data go to
    /// files, else on standard error.
    #[arg(long)]
    pub json: bool,
}

impl Export {
    /// What one flag alone cannot know.
    pub fn check(&self) -> Result<(), String> {
        let only = |given: bool, flag: &str, format: Format, name: &str| {
            if given && self.format != format {
                return Err(format!("{flag} belongs to --format {name}"));
            }
            Ok(())
        };
        only(self.columns.is_some(), "--columns", Format::Csv, "csv")?;
        only(self.max_rows_per_line.is_some(), "--max-rows-per-line", Format::Json, "json")?;
        if self.format == Format::Parquet && self.output.is_none() {
            return Err(
                "--format parquet makes a file a day: say in which directory with --output DIR"
                    .into(),
            );
        }
        Ok(())
    }

    /// Whether data go to a terminal.
    pub fn shows_data(&self) -> bool {
        self.output.is_none() && std::io::stdout().is_terminal()
    }
}
