//! Whether a node stayed what it was.

use super::options::Options;
use super::samples::{Sample, Samples};
use crate::common::verdict::Verdict;

const MIB: f64 = 1024.0 * 1024.0;
/// How far the last third may be above the middle one: a share of it, and something that does not
/// depend on it, since both vary with what is being merged.
const MEMORY_SHARE: f64 = 1.10;
const MEMORY_MORE_MIB: f64 = 16.0;
const SEGMENTS_SHARE: f64 = 1.5;
const SEGMENTS_MORE: f64 = 16.0;
/// Segments, whatever their number was before.
const SEGMENTS_MOST: f64 = 512.0;
/// The limit is on sealed segments. Beside them lie the output of a merge until its inputs go, logs
/// and names.
const DISK_SHARE: f64 = 1.25;
const DISK_MORE_MIB: f64 = 256.0;
/// Merges rest as long as they work, and for their bytes; a window may begin with what was just done. Names are
/// merged without rests, a few times each.
const MERGER_CORES: f64 = 0.55;
const MERGE_BYTES_SHARE: f64 = 1.05;
/// No window may be slower than this share of the median.
const RATE_SHARE: f64 = 0.70;

/// All verdicts.
pub fn judge(samples: &Samples, options: &Options, dropped_bytes: u64) -> Vec<Verdict> {
    let third = |third, value: fn(&Sample) -> u64| samples.largest_in_third(third, value) as f64;
    let memory = |number| third(number, |sample| sample.anon_bytes) / MIB;
    let segments = |number| third(number, |sample| sample.segments);
    let directory = samples.largest(|sample| sample.directory_bytes) as f64 / MIB;
    let limit = options.retention_bytes as f64 / MIB;
    let most = |value| samples.rates(value).into_iter().fold(0.0, f64::max);
    let merge_rate = options.merge_bytes_per_second as f64;
    vec![
        at_most(
            "memory flat: largest RssAnon of the last third",
            memory(2),
            memory(1) * MEMORY_SHARE + MEMORY_MORE_MIB,
            " MiB",
            "that of the middle third x 1.10 + 16 MiB",
        ),
        at_most(
            "segments do not grow: most of the last third",
            segments(2),
            segments(1) * SEGMENTS_SHARE + SEGMENTS_MORE,
            "",
            "those of the middle third x 1.5 + 16",
        ),
        at_most(
            "segments bounded: most of all",
            samples.largest(|sample| sample.segments) as f64,
            SEGMENTS_MOST,
            "",
            "whatever the load",
        ),
        at_most(
            "disk bounded: largest directory",
            directory,
            limit * DISK_SHARE + DISK_MORE_MIB,
            " MiB",
            "--retention-bytes x 1.25 + 256 MiB",
        ),
        Verdict {
            what: String::from("retention has dropped something"),
            found: format!("{:.0} MiB", dropped_bytes as f64 / MIB),
            bound: String::from("more than 0"),
            holds: dropped_bytes > 0,
        },
        Verdict {
            what: String::from("merges, share of a core: most of 5 seconds"),
            found: format!("{:.2}", most(|sample| sample.merger_cpu_us) / 1e6),
            bound: format!("at most {MERGER_CORES} (half, and names)"),
            holds: most(|sample| sample.merger_cpu_us) / 1e6 <= MERGER_CORES,
        },
        Verdict {
            what: String::from("merges, share of the disk: most of 5 seconds"),
            found: format!("{:.1} MB/s", most(|sample| sample.merge_bytes) / 1e6),
            bound: format!(
                "at most --merge-bytes-per-second x 1.05, {:.1} MB/s",
                merge_rate * MERGE_BYTES_SHARE / 1e6
            ),
            holds: most(|sample| sample.merge_bytes) <= merge_rate * MERGE_BYTES_SHARE,
        },
        steady(samples),
    ]
}

fn at_most(what: &str, found: f64, bound: f64, unit: &str, how: &str) -> Verdict {
    Verdict {
        what: what.to_owned(),
        found: format!("{found:.0}{unit}"),
        bound: format!("at most {bound:.0}{unit} ({how})"),
        holds: found <= bound,
    }
}

fn steady(samples: &Samples) -> Verdict {
    let mut rates = samples.rates(|sample| sample.accepted);
    rates.sort_by(f64::total_cmp);
    let median = rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN);
    let slowest = rates.first().copied().unwrap_or(f64::NAN);
    Verdict {
        what: String::from("steady: slowest 5 seconds"),
        found: format!("{:.3} M points/s, {:.0} %", slowest / 1e6, slowest / median * 100.0),
        bound: format!("at least 70 % of the median, {:.3} M points/s", median / 1e6),
        holds: slowest >= median * RATE_SHARE,
    }
}
