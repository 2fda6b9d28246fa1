//! The export of everything.

use irontsd::workload::{Shape, digest_export};

use crate::Lines;
use crate::common::Outcome;
use crate::common::fetch::{fetch, serve_once};
use crate::common::node::{Node, Running};
use crate::common::peaks::Peaks;
use crate::common::table::{Row, row};
use ::irontsd::bench::http;
use ::irontsd::bench::process::{CpuTime, MemoryWatch};

const MIB: f64 = 1024.0 * 1024.0;
/// Exports behind each other.
const EXPORTS: u32 = 3;

/// Exports of everything in one state of the data.
#[derive(Clone, Copy, Debug)]
pub struct Exports {
    cpu_s: f64,
    seconds: f64,
}

/// The measurements of one run.
#[derive(Clone, Debug)]
pub struct Figures {
    points: u64,
    bytes: u64,
    sealed: Exports,
    merged: Exports,
    memory_s: f64,
    growth: Growth,
    growth_tenth: Growth,
    peaks: Peaks,
}

/// How much larger memory became.
#[derive(Clone, Copy, Debug)]
struct Growth {
    resident_bytes: u64,
    anon_bytes: u64,
}

/// The rows, the most telling first.
pub const ROWS: [Row<Figures>; 14] = [
    row("CPU us/point, sealed", 4, |run| run.micros(run.sealed)),
    row("CPU us/point, merged", 4, |run| run.micros(run.merged)),
    row("M points/s, sealed", 2, |run| run.rate(run.sealed.seconds)),
    row("M points/s, merged", 2, |run| run.rate(run.merged.seconds)),
    row("MB/s, merged", 0, |run| run.bytes as f64 / run.merged.seconds / 1e6),
    row("M points/s, same bytes from memory", 2, |run| run.rate(run.memory_s)),
    row("MB/s, same bytes from memory", 0, |run| run.bytes as f64 / run.memory_s / 1e6),
    row("bytes/point exported", 2, |run| run.bytes as f64 / run.points as f64),
    row("anonymous memory grown, MiB", 1, |run| run.growth.anon_bytes as f64 / MIB),
    row("the same, a tenth", 1, |run| run.growth_tenth.anon_bytes as f64 / MIB),
    row("resident memory grown, MiB", 1, |run| run.growth.resident_bytes as f64 / MIB),
    row("the same, a tenth", 1, |run| run.growth_tenth.resident_bytes as f64 / MIB),
    row("peak RSS MiB, from filling on", 0, |run| run.peaks.rss_mib()),
    row("peak anonymous MiB, from filling on", 0, |run| run.peaks.anon_mib()),
];

impl Figures {
    fn micros(&self, exports: Exports) -> f64 {
        exports.cpu_s * 1e6 / self.points as f64
    }

    fn rate(&self, seconds: f64) -> f64 {
        self.points as f64 / seconds / 1e6
    }
}

/// Fills a node, exports from it, and returns what that cost.
pub fn measure(node: &dyn Node, lines: &Lines, shape: &Shape) -> Outcome<Figures> {
    let (mut running, anon) = lines.fill(node)?;
    let last_s = shape.start_s + shape.interval_s * (shape.samples_per_series / 10).max(1) - 1;
    let tenth = format!("{}&end={last_s}", http::EXPORT_ALL);
    let (_, growth_tenth) = watched(&running, || exports(&running, &tenth))?;
    let (sealed, growth) = watched(&running, || exports(&running, http::EXPORT_ALL))?;
    let found = digest_export(http::stream(running.http, http::EXPORT_ALL, running.timeout)?)?;
    if found != lines.digest {
        return Err(format!("{} exported {found}; sent {}", node.name(), lines.digest).into());
    }
    node.merge(&mut running)?;
    let merged = exports(&running, http::EXPORT_ALL)?;
    let mut body = Vec::new();
    let fetched = fetch(running.http, http::EXPORT_ALL, running.timeout, |piece| {
        body.extend_from_slice(piece);
    })?;
    let peaks = Peaks::of(&running, anon)?;
    running.server.stop(running.timeout)?;
    let (address, thread) = serve_once(body)?;
    let from_memory = fetch(address, "/", running.timeout, |_| {})?;
    thread.join().map_err(|_| "the server failed")??;
    Ok(Figures {
        points: lines.digest.count,
        bytes: fetched.bytes,
        sealed,
        merged,
        memory_s: from_memory.whole.as_secs_f64(),
        growth,
        growth_tenth,
        peaks,
    })
}

/// Means of some exports.
fn exports(running: &Running, path: &str) -> Outcome<Exports> {
    let before = CpuTime::of(running.server.pid())?;
    let mut seconds = 0.0;
    for _ in 0..EXPORTS {
        seconds += fetch(running.http, path, running.timeout, |_| {})?.whole.as_secs_f64();
    }
    let cpu = CpuTime::of(running.server.pid())?.since(before);
    let mean = f64::from(EXPORTS);
    Ok(Exports { cpu_s: cpu.total_s() / mean, seconds: seconds / mean })
}

fn watched<T>(running: &Running, work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Growth)> {
    let watch = MemoryWatch::start(running.server.pid())?;
    let done = work()?;
    let (resident_bytes, anon_bytes) = watch.finish()?;
    Ok((done, Growth { resident_bytes, anon_bytes }))
}
