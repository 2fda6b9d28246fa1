//! Flags of `irontsd serve`. One declaration makes parsing, help and the environment variables.

use crate::bench::Bench;
use crate::export::Export;
use crate::import::Import;
use crate::inspect::Inspect;
use crate::verify::Verify;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use irontsd_engine::instructions::{self, Instructions};
use irontsd_net::histogram::codecs::Codec;
use irontsd_net::http::cors::Origins;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

/// A time-series ingestion node: OpenTSDB's wire protocols in, an own storage engine underneath,
/// /api/v1/export out.
#[derive(Debug, Parser)]
#[command(name = "irontsd", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; without a command the node is started with its defaults.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the node until it is told to stop.
    Serve(Box<Serve>),
    /// Make metrics known to a running node that takes no new ones by itself
    /// (--auto-create-metrics off). It keeps them; those known before are fine.
    Mkmetric {
        /// The metrics.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Which node.
        #[command(flatten)]
        ask: AskNode,
    },
    /// Names and their numbers.
    #[command(subcommand)]
    Uid(Uid),
    /// Send a load to this or another server that takes OpenTSDB writes, and tell what it cost.
    Bench(Box<Bench>),
    /// Show what a data directory or one of its files holds.
    Inspect(Box<Inspect>),
    /// Read every byte of a data directory or one of its files and check it.
    Verify(Box<Verify>),
    /// Write what a data directory, a snapshot or a segment holds to files, without a node.
    Export(Box<Export>),
    /// Add files to a data directory, without a node.
    Import(Box<Import>),
    /// Configuration files: check one, show what holds, print an example.
    #[command(subcommand)]
    Config(Config),
    /// Manual pages and shell completions, for packages.
    #[command(subcommand, hide = true)]
    Generate(Generate),
}

/// What can be done with configuration files.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Say what is wrong with a configuration file, line by line: ends with 0 if nothing is, 1 if
    /// something is, 3 if it cannot be read.
    Check {
        /// The file.
        #[arg(env = "IRONTSD_CONFIG", value_name = "FILE", default_value = CONFIG_FILE)]
        file: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print the settings that `irontsd serve` would run with, given the same flags, and where each
    /// comes from. The output is a configuration file, or one object with --json.
    #[command(mut_args = |arg| arg.hide(true), override_usage = "irontsd config show [--json] [FLAGS]",
              after_help = SERVE_FLAGS)]
    Show {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        /// Settings on top of the others.
        #[command(flatten)]
        serve: Box<Serve>,
    },
    /// Print a configuration file that explains every setting. Those given as flags are set in it.
    #[command(mut_args = |arg| arg.hide(true), override_usage = "irontsd config example [FLAGS]",
              after_help = SERVE_FLAGS)]
    Example(Box<Serve>),
}

/// Files made from the declaration of the flags.
#[derive(Debug, Subcommand)]
pub enum Generate {
    /// A completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Names of the manual pages, one a line.
    Pages,
    /// A manual page.
    Page {
        /// Its name, as `pages` prints it.
        name: String,
    },
}

/// What can be done with names.
#[derive(Debug, Subcommand)]
pub enum Uid {
    /// Make names known to a running node, as mkmetric does for metrics.
    Assign {
        /// What is named.
        kind: NameKind,
        /// The names.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Which node.
        #[command(flatten)]
        ask: AskNode,
    },
}

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NameKind {
    /// Metrics.
    Metrics,
    /// Tag keys.
    Tagk,
    /// Tag values.
    Tagv,
}

impl NameKind {
    /// As the command line calls it.
    pub fn word(self) -> &'static str {
        match self {
            NameKind::Metrics => "metrics",
            NameKind::Tagk => "tagk",
            NameKind::Tagv => "tagv",
        }
    }

    /// As `/api/uid/assign` calls it.
    pub fn field(self) -> &'static str {
        if self == NameKind::Metrics { "metric" } else { self.word() }
    }
}

/// Which running node is asked.
#[derive(Debug, Parser)]
pub struct AskNode {
    /// Where the node serves OpenTSDB's HTTP requests. It must be running: it owns its data.
    #[arg(long, env = "IRONTSD_NODE", value_name = "HOST:PORT", default_value = "127.0.0.1:4242")]
    pub node: String,
    /// Print the node's answer, one JSON object.
    #[arg(long)]
    pub json: bool,
}

const SERVE_FLAGS: &str = "FLAGS are those of `irontsd serve`: see `irontsd serve --help`.";
/// Where packages put the configuration file.
pub const CONFIG_FILE: &str = "/etc/irontsd/irontsd.toml";

/// How to run the node.
#[derive(Debug, Parser)]
#[command(next_line_help = true)]
pub struct Serve {
    /// A TOML file with any of these settings under the same names; the environment and the command
    /// line override it. None is read by default.
    #[arg(long, env = "IRONTSD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where the data lives; created if missing.
    #[arg(long, env = "IRONTSD_DATA_DIR", value_name = "DIR", default_value = "./irontsd-data")]
    pub data_dir: PathBuf,

    /// Where telnet lines and OpenTSDB's HTTP requests come in: host:port, :port or [::1]:port;
    /// port 0 picks a free one.
    #[arg(long, env = "IRONTSD_OPENTSDB_LISTEN", value_name = "ADDR", value_parser = address,
          default_value = "127.0.0.1:4242")]
    pub opentsdb_listen: SocketAddr,

    /// Where every HTTP path is served.
    #[arg(long, env = "IRONTSD_HTTP_LISTEN", value_name = "ADDR", value_parser = address,
          default_value = "127.0.0.1:8428")]
    pub http_listen: SocketAddr,

    /// Whether put lines are also taken from UDP datagrams, on the same address.
    #[arg(long, env = "IRONTSD_OPENTSDB_UDP", value_name = "on|off", default_value = "off",
          hide_possible_values = true, action = ArgAction::Set)]
    pub opentsdb_udp: Switch,

    /// Where KairosDB's telnet lines and HTTP requests come in; nowhere by default.
    #[arg(long, env = "IRONTSD_KAIROSDB_LISTEN", value_name = "ADDR", value_parser = address)]
    pub kairosdb_listen: Option<SocketAddr>,

    /// Event loops; one for each core by default.
    #[arg(long, env = "IRONTSD_EVENT_LOOPS", value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub event_loops: Option<u16>,

    /// How often logs are synced to disk; 0: every acknowledgement waits for its sync.
    #[arg(long, env = "IRONTSD_SYNC_INTERVAL", value_name = "DURATION", value_parser = duration,
          default_value = "1s")]
    pub sync_interval: Duration,

    /// How long the reader of an export may take no byte before it is cut off.
    #[arg(long, env = "IRONTSD_EXPORT_STALL_TIMEOUT", value_name = "DURATION",
          value_parser = duration, default_value = "30s")]
    pub export_stall_timeout: Duration,

    /// How long an HTTP request that has begun may take for each 64 KiB until it is whole; a slower one
    /// is refused with 408.
    #[arg(long, env = "IRONTSD_REQUEST_TIMEOUT", value_name = "DURATION", value_parser = duration,
          default_value = "30s")]
    pub request_timeout: Duration,

    /// Keep to OpenTSDB's rules without the relaxations that other agents need.
    #[arg(long, env = "IRONTSD_STRICT", value_name = "on|off", default_value = "off",
          default_missing_value = "on", num_args = 0..=1, hide_possible_values = true,
          action = ArgAction::Set)]
    pub strict: Switch,

    /// Most tags of a point; 40 by default, 8 with --strict.
    #[arg(long, env = "IRONTSD_MAX_TAGS", value_name = "N")]
    pub max_tags: Option<usize>,

    /// Whether metrics come into being by being used.
    #[arg(long, env = "IRONTSD_AUTO_CREATE_METRICS", value_name = "on|off",
          default_value = "on", hide_possible_values = true, action = ArgAction::Set)]
    pub auto_create_metrics: Switch,

    /// Whether tag keys come into being by being used.
    #[arg(long, env = "IRONTSD_AUTO_CREATE_TAGKS", value_name = "on|off",
          default_value = "on", hide_possible_values = true, action = ArgAction::Set)]
    pub auto_create_tagks: Switch,

    /// Whether tag values come into being by being used.
    #[arg(long, env = "IRONTSD_AUTO_CREATE_TAGVS", value_name = "on|off",
          default_value = "on", hide_possible_values = true, action = ArgAction::Set)]
    pub auto_create_tagvs: Switch,

    /// Most series; points of further ones are refused. No limit by default.
    #[arg(long, env = "IRONTSD_MAX_SERIES", value_name = "N")]
    pub max_series: Option<u32>,

    /// Most new series in a second; points of further ones are refused. No limit by default.
    #[arg(long, env = "IRONTSD_MAX_NEW_SERIES_PER_SECOND", value_name = "N")]
    pub max_new_series_per_second: Option<u32>,

    /// Longest telnet line in bytes.
    #[arg(long, env = "IRONTSD_MAX_LINE_BYTES", value_name = "SIZE", value_parser = size,
          default_value = "64KiB")]
    pub max_line_bytes: u64,

    /// Largest HTTP body, as sent and decompressed.
    #[arg(long, env = "IRONTSD_MAX_BODY_BYTES", value_name = "SIZE", value_parser = size,
          default_value = "32MiB")]
    pub max_body_bytes: u64,

    /// Whose pages may read HTTP answers: origins separated by commas, or * for all. Unset, browsers
    /// decide by themselves; set, a request with another Origin is refused.
    #[arg(long, env = "IRONTSD_CORS_ORIGIN", value_name = "ORIGINS", value_parser = Origins::parse)]
    pub cors_origin: Option<Origins>,

    /// Whether bad telnet lines are answered.
    #[arg(long, env = "IRONTSD_TELNET_ERRORS", value_name = "on|off", default_value = "on",
          hide_possible_values = true, action = ArgAction::Set)]
    pub telnet_errors: Switch,

    /// What the binary histograms with an id are: `simple` is OpenTSDB's own form, which is decoded;
    /// the bytes of any other are kept as they came. May be repeated.
    #[arg(long, env = "IRONTSD_HISTOGRAM_CODEC", value_name = "ID=NAME",
          value_parser = histogram_codec, value_delimiter = ',')]
    pub histogram_codec: Vec<(u8, Codec)>,

    /// Series that send nothing for this long leave memory, after twice as long at the latest. Their
    /// names stay on disk, and they come back when they send again.
    #[arg(long, env = "IRONTSD_FORGET_AFTER", value_name = "DURATION", default_value = "1h",
          value_parser = duration)]
    pub forget_after: Duration,

    /// Cut merged data at multiples of this, in UTC; retention drops such partitions. For a new data
    /// directory, which keeps it; by default 1d.
    #[arg(long, env = "IRONTSD_PARTITION", value_name = "DURATION", value_parser = partition)]
    pub partition: Option<Duration>,

    /// Drop samples older than this and refuse to take them; by default all are kept.
    #[arg(long, env = "IRONTSD_RETENTION", value_name = "DURATION", value_parser = duration)]
    pub retention: Option<Duration>,

    /// Drop the oldest segments when all together are larger than this; by default none.
    #[arg(long, env = "IRONTSD_RETENTION_BYTES", value_name = "SIZE", value_parser = size)]
    pub retention_bytes: Option<u64>,

    /// Refuse points while fewer bytes than this are free on the disk of the data directory; what is
    /// stored is served all the time. Taken again by itself when there is more.
    #[arg(long, env = "IRONTSD_MIN_FREE_DISK_BYTES", value_name = "SIZE", value_parser = size,
          default_value = "64MiB")]
    pub min_free_disk_bytes: u64,

    /// Bytes a second that merges may read and write together, beside half of one core; 0: no bound. Where
    /// that is less than what comes in needs, segments grow in number. `/internal/force_merge` is not bound.
    #[arg(long, env = "IRONTSD_MERGE_BYTES_PER_SECOND", value_name = "SIZE", value_parser = size,
          default_value = "128MiB")]
    pub merge_bytes_per_second: u64,

    /// Memory of its own that the node may use. Near it new series are refused first, then large
    /// bodies and new connections, then all points; 0: no limit. By default 60 % of what the machine
    /// or the control group has.
    #[arg(long, env = "IRONTSD_MEMORY_LIMIT", value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,

    /// The vector instructions to use: those named and less; no variant changes a result. By default
    /// the most that this machine has, which the log says at the start.
    #[arg(long, env = "IRONTSD_INSTRUCTIONS", value_name = "plain|avx2|avx512",
          value_parser = instructions)]
    pub instructions: Option<Instructions>,

    /// How much is logged to standard error.
    #[arg(
        long,
        env = "IRONTSD_LOG_LEVEL",
        value_name = "error|warn|info|debug",
        default_value = "info"
    )]
    pub log_level: tracing::Level,

    /// How messages are written: for people, or as one JSON object a line.
    #[arg(
        long,
        env = "IRONTSD_LOG_FORMAT",
        value_name = "text|json",
        hide_possible_values = true,
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is on.
    On,
    /// It is off.
    Off,
}

/// `host:port`, `:port` (every address of this machine) or `[::1]:port`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let expected = "expected host:port, :port or [::1]:port";
    let mut found = full.to_socket_addrs().map_err(|error| format!("{error} ({expected})"))?;
    found.next().ok_or_else(|| format!("no address of that name ({expected})"))
}

/// `0`, or a whole number with a unit: `500ms`, `1s`, `5m`, `2h`, `90d`.
/// A minute to a century.
fn partition(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_secs(60)..=Duration::from_secs(36_525 * 86_400);
    let partition = duration(text)?;
    let expected = || "expected 1m to 36525d, for example 1d".to_owned();
    if bounds.contains(&partition) { Ok(partition) } else { Err(expected()) }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected 0 or a number with ms, s, m, h or d, for example 500ms".to_owned();
    let (number, unit) = split(text).ok_or_else(expected)?;
    let milliseconds: u64 = match unit {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    let total = number.checked_mul(milliseconds).ok_or_else(expected)?;
    Ok(Duration::from_millis(total))
}

/// Bytes, or with a unit: `64KiB`, `512MiB`, `2GiB`; `KB`, `MB`, `GB` for powers of 1000.
fn size(text: &str) -> Result<u64, String> {
    let expected =
        || "expected bytes or a number with KiB, MiB or GiB, for example 512MiB".to_owned();
    let (number, unit) = split(text).ok_or_else(expected)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(expected()),
    };
    number.checked_mul(bytes).ok_or_else(expected)
}

/// `42=simple`, or another name for bytes that are kept as they are.
pub(crate) fn histogram_codec(text: &str) -> Result<(u8, Codec), String> {
    let expected = || "expected ID=NAME with an id from 0 to 255, for example 42=simple".to_owned();
    let (id, name) =
        text.split_once('=').filter(|(_, name)| !name.is_empty()).ok_or_else(expected)?;
    let id = id.parse().map_err(|_| expected())?;
    Ok((id, if name == "simple" { Codec::Simple } else { Codec::Opaque }))
}

fn instructions(text: &str) -> Result<Instructions, String> {
    let found = instructions::ALL.into_iter().find(|known| known.word() == text);
    found.ok_or_else(|| "expected plain, avx2 or avx512".to_owned())
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_and_sizes() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("90d"), Ok(Duration::from_secs(90 * 86_400)));
        for text in ["", "5", "-1s", "1.5s", "s", "99999999999999999999d", "1w"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("100"), Ok(100));
        assert!(size("1PiB").is_err());
    }

    #[test]
    fn histogram_codecs() {
        assert_eq!(histogram_codec("42=simple"), Ok((42, Codec::Simple)));
        assert_eq!(histogram_codec("0=tdigest"), Ok((0, Codec::Opaque)));
        for text in ["", "42", "256=simple", "x=simple", "42="] {
            assert!(histogram_codec(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address(":4242"), Ok(([0, 0, 0, 0], 4242).into()));
        assert_eq!(address("[::1]:0").map(|address| address.is_ipv6()), Ok(true));
        assert!(address("4242").is_err());
    }
}
