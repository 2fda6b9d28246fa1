//! VictoriaMetrics in the comparison.
//!
//! It never answers on a telnet connection and renews its page of counters only once a second,
//! too coarse for a clock. It closes a connection when the lines read from it are worked off;
//! that stops the clock, and the counters are the proof afterwards. It has no request that waits
//! for the disk either. Releases that count rows in memory are asked for those; older ones,
//! such as Debian's 1.79, name the directory of a part by its number of rows, and a part has
//! that name only once it is written and synced.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::Outcome;
use super::disk::unless_gone;
use super::node::{Node, Running, expect_count, first_line_of};
use super::options::{PeerOptions, TestOptions};
use super::send::Ending;
use super::server::{Server, free_address};
use ::irontsd::bench::metrics::Metrics;
use ::irontsd::bench::{http, wait};

const POLL: Duration = Duration::from_millis(10);
/// How long it may take until a merge that was asked for shows: its page of counters is up to a second
/// old.
const MERGE_SHOWS: Duration = Duration::from_millis(1200);
/// How long the removal of merged parts may take to be waited for.
const REMOVALS_LAST: Duration = Duration::from_secs(5);
const POLL_SEALED: Duration = Duration::from_millis(50);
const FLAGS: [&str; 3] =
    ["-retentionPeriod=100y", "-search.disableCache", "-http.disableResponseCompression"];

/// The peer and how to start it.
pub struct Victoria {
    program: PathBuf,
    flags: Vec<String>,
    scratch: PathBuf,
    timeout: Duration,
}

impl Victoria {
    /// As the options say.
    pub fn new(peer: &PeerOptions, test: &TestOptions) -> Self {
        let own = FLAGS.iter().map(|flag| String::from(*flag));
        Victoria {
            program: peer.victoria_metrics.clone(),
            flags: own.chain(peer.victoria_metrics_arg.iter().cloned()).collect(),
            scratch: test.scratch(),
            timeout: test.timeout(),
        }
    }
}

impl Victoria {
    /// Merged parts stay for a moment. Names of parts are all there is to see, and other releases
    /// name theirs otherwise, so this does not insist.
    fn wait_for_removals(&self, running: &Running) -> Outcome<()> {
        let metrics = Metrics::read(running.http, running.timeout)?;
        let added = metrics.count("vm_rows_added_to_storage_total", "")?;
        let data = running.server.data_dir().join("data");
        let removed = || Ok((rows_in_part_names(&data)? <= added).then_some(()));
        let _insists_not = wait::until("removals", REMOVALS_LAST, POLL, removed);
        Ok(())
    }
}

impl Node for Victoria {
    fn name(&self) -> &'static str {
        "VictoriaMetrics"
    }

    fn version(&self) -> String {
        let own = first_line_of(&self.program, &["--version"]);
        if !own.is_empty() {
            return own;
        }
        let query = ["--showformat=${Version} (Debian)", "--show", "victoria-metrics"];
        first_line_of(Path::new("dpkg-query"), &query)
    }

    fn flags(&self) -> Vec<String> {
        self.flags.clone()
    }

    fn cache_dir(&self) -> Option<&'static str> {
        Some("cache")
    }

    fn ending(&self) -> Ending {
        Ending::Close
    }

    /// It keeps about fifteen digits.
    fn is_exact(&self) -> bool {
        false
    }

    fn scratch(&self) -> &Path {
        &self.scratch
    }

    fn start_on(&self, dir: Arc<TempDir>) -> Outcome<Running> {
        let (opentsdb, http) = (free_address()?, free_address()?);
        let mut server = Server::start(dir, &self.program, |data_dir| {
            let mut arguments = vec![
                format!("-storageDataPath={}", data_dir.display()),
                format!("-opentsdbListenAddr={opentsdb}"),
                format!("-httpListenAddr={http}"),
            ];
            arguments.extend(self.flags.iter().cloned());
            arguments
        })?;
        wait::until("VictoriaMetrics's start", self.timeout, POLL, || {
            server.check_alive()?;
            Ok(http::get(http, "/health", self.timeout).ok())
        })?;
        Ok(Running { server, opentsdb, http, timeout: self.timeout })
    }

    fn seal(&self, running: &mut Running, points: u64) -> Outcome<()> {
        http::get(running.http, "/internal/force_flush", running.timeout)?;
        let shows_memory = Metrics::read(running.http, running.timeout)?
            .sum("vm_rows", "type=\"storage/inmemory\"")
            .is_some();
        wait::until("VictoriaMetrics to write every point", running.timeout, POLL_SEALED, || {
            running.server.check_alive()?;
            let sealed = match shows_memory {
                true => rows_written_by_metrics(running)?,
                false => rows_in_part_names(&running.server.data_dir().join("data"))?,
            };
            Ok((sealed == points).then_some(()))
        })
    }

    /// The request only has it begun soon; the end shows in a gauge.
    fn merge(&self, running: &mut Running) -> Outcome<()> {
        http::get(running.http, "/internal/force_merge", running.timeout)?;
        std::thread::sleep(MERGE_SHOWS);
        wait::until("VictoriaMetrics' merge", running.timeout, POLL, || {
            let metrics = Metrics::read(running.http, running.timeout)?;
            let active = metrics.count("vm_active_force_merges", "")?;
            Ok((active == 0).then_some(()))
        })?;
        self.wait_for_removals(running)
    }

    fn check_counters(&self, running: &Running, points: u64) -> Outcome<()> {
        wait::until("vm_rows_added_to_storage_total", running.timeout, POLL_SEALED, || {
            let metrics = Metrics::read(running.http, running.timeout)?;
            let added = metrics.count("vm_rows_added_to_storage_total", "")?;
            Ok((added == points).then_some(()))
        })?;
        let metrics = Metrics::read(running.http, running.timeout)?;
        expect_count("vm_pending_rows", metrics.count("vm_pending_rows", "")?, 0)?;
        for name in ["vm_rows_ignored_total", "vm_rows_invalid_total"] {
            expect_count(name, metrics.count(name, "")?, 0)?;
        }
        Ok(())
    }
}

/// Rows in file parts, once none are pending or in memory; 0 before.
fn rows_written_by_metrics(running: &Running) -> Outcome<u64> {
    let metrics = Metrics::read(running.http, running.timeout)?;
    let rows = |kind: &str| metrics.count("vm_rows", &format!("type=\"storage/{kind}\""));
    let unwritten = rows("inmemory")? + metrics.count("vm_pending_rows", "type=\"storage\"")?;
    match unwritten {
        0 => Ok(rows("small")? + rows("big")?),
        _ => Ok(0),
    }
}

/// The rows of all parts below `data/{small,big}/YYYY_MM`, from names like `1000_1_...`.
fn rows_in_part_names(data: &Path) -> Outcome<u64> {
    let mut rows = 0;
    for size in ["small", "big"] {
        for month in names(&data.join(size))? {
            let parts = names(&data.join(size).join(month))?;
            rows += parts.iter().filter_map(|part| rows_of_part(part)).sum::<u64>();
        }
    }
    Ok(rows)
}

fn rows_of_part(name: &str) -> Option<u64> {
    name.split_once('_')?.0.parse().ok()
}

/// Names in a directory; none if it is not there.
fn names(dir: &Path) -> Outcome<Vec<String>> {
    let Some(entries) = unless_gone(dir.read_dir())? else {
        return Ok(Vec::new());
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}
