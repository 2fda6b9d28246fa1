//! One node: filled, killed, started; killed again in a flood of lines, started.

use std::path::Path;
use std::time::{Duration, Instant};

use irontsd::workload::{Digest, EndlessLines, Kind, Shape, Variety, digest_export, split};

use super::figures::{Figures, Start};
use crate::common::node::{Node, Running, expect_count};
use crate::common::peaks::Peaks;
use crate::common::send::Senders;
use crate::common::stream::{Pace, Streams};
use crate::common::{Outcome, disk};
use ::irontsd::bench::http;
use ::irontsd::bench::process::{AnonWatch, CpuTime, anon_bytes};

const CONNECTIONS: u64 = 4;
/// IronTSD flushes at two million rows; a log with fewer stays as it is.
const LOG_ROWS: u64 = 1_990_000;
const FLOOD_FOR: Duration = Duration::from_secs(2);

/// Runs the node and returns how it started after each kill.
pub fn measure(node: &dyn Node, shape: &Shape) -> Outcome<Figures> {
    rustix::fs::sync();
    let mut running = node.start()?;
    let anon = AnonWatch::start(running.server.pid());
    let ranges = split(shape.series_count, CONNECTIONS);
    let mut lines: Vec<EndlessLines> =
        ranges.into_iter().map(|range| EndlessLines::new(Kind::Agent, shape, range)).collect();
    send(node, &running, &mut lines, shape.series_count)?;
    node.seal(&mut running, shape.series_count)?;
    let more = LOG_ROWS.min(shape.series_count);
    let later = Shape { start_s: shape.start_s + 86_400, ..*shape };
    let doubles = Kind::Varied(Variety::Doubles);
    let ranges = split(shape.series_count, CONNECTIONS).into_iter();
    let mut lines: Vec<EndlessLines> =
        ranges.map(|range| EndlessLines::new(doubles, &later, range)).collect();
    let parts = parts(&mut lines, more).iter().map(|part| scattered(part)).collect();
    send_parts(node, &running, parts)?;
    let filled = Peaks::of(&running, anon)?;
    let (again, full) = killed_and_started(node, running)?;
    let anon = AnonWatch::start(again.server.pid());
    if node.is_exact() {
        check(&again, shape.series_count + more)?;
    }
    let (_, flood, flooded) = killed_in_flood(node, again, shape, anon)?;
    Ok(Figures { full, flood, peaks: [filled, flooded] })
}

/// Sends so many lines of all connections together and waits until they are accepted.
fn send(node: &dyn Node, running: &Running, lines: &mut [EndlessLines], count: u64) -> Outcome<()> {
    send_parts(node, running, parts(lines, count))
}

/// So many lines of all connections together, by connection.
fn parts(lines: &mut [EndlessLines], count: u64) -> Vec<Vec<u8>> {
    let connections = lines.len() as u64;
    let shares = split(count, connections).into_iter().map(|share| share.end - share.start);
    lines.iter_mut().zip(shares).map(|(l, share)| taken(l, share)).collect()
}

fn send_parts(node: &dyn Node, running: &Running, parts: Vec<Vec<u8>>) -> Outcome<()> {
    Senders::connect(running.opentsdb, parts.len(), node.ending(), running.timeout)?
        .send(&parts)?;
    Ok(())
}

fn taken(lines: &mut EndlessLines, mut count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while count > 0 {
        let (piece, lines) = lines.take(count);
        bytes.extend_from_slice(piece);
        count -= lines;
    }
    bytes
}

/// The same lines in an order of no kind, each at a millisecond of its own within a day: what a log
/// stores worst.
fn scattered(lines: &[u8]) -> Vec<u8> {
    let mixed = |at: u64| {
        let once = (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (once ^ once >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    let mut order: Vec<(u64, &[u8])> =
        (0..).map(mixed).zip(lines.split_inclusive(|&byte| byte == b'\n')).collect();
    order.sort_unstable();
    let mut out = Vec::with_capacity(lines.len() + 3 * order.len());
    for (mixed, line) in order {
        let mut words = line.splitn(4, |&byte| byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (put, metric, seconds, rest) = (word(), word(), word(), word());
        let within_ms = mixed % 86_400_000;
        let seconds = std::str::from_utf8(seconds).ok().and_then(|text| text.parse::<u64>().ok());
        let ms = (seconds.unwrap_or_default() * 1000 + within_ms).to_string();
        out.extend_from_slice(&[put, metric, ms.as_bytes(), rest].join(&b' '));
    }
    out
}

fn killed_and_started(node: &dyn Node, mut running: Running) -> Outcome<(Running, Start)> {
    running.server.kill()?;
    let log_bytes = log_bytes(&running.server.data_dir())?;
    let start = Instant::now();
    let again = node.start_on(running.server.dir())?;
    let ready_s = start.elapsed().as_secs_f64();
    let pid = again.server.pid();
    let cpu_s = CpuTime::of(pid)?.total_s();
    let anon_bytes = anon_bytes(pid)?;
    Ok((again, Start { ready_s, cpu_s, log_bytes, anon_bytes }))
}

/// The senders end with an error when the node is gone; that is meant.
fn killed_in_flood(
    node: &dyn Node,
    running: Running,
    shape: &Shape,
    anon: AnonWatch,
) -> Outcome<(Running, Start, Peaks)> {
    let later = Shape { start_s: shape.start_s + 86_400, ..*shape };
    let mut streams =
        Streams::connect(running.opentsdb, Kind::Agent, &later, CONNECTIONS, running.timeout)?;
    std::thread::scope(|scope| {
        let senders = scope.spawn(|| {
            let _cut_off = streams.run(Pace::Closed, FLOOD_FOR * 10);
        });
        std::thread::sleep(FLOOD_FOR);
        let peaks = Peaks::of(&running, anon);
        let started = killed_and_started(node, running);
        senders.join().map_err(|_| "a sender failed")?;
        let (again, start) = started?;
        Ok((again, start, peaks?))
    })
}

/// Fails unless all series are known and so many points are exported.
fn check(running: &Running, points: u64) -> Outcome<()> {
    let export = http::stream(running.http, http::EXPORT_ALL, running.timeout)?;
    let Digest { count, .. } = digest_export(export)?;
    expect_count("the number of samples exported after the restart", count, points)
}

/// Bytes of the files that are logs by their names.
fn log_bytes(dir: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in disk::unless_gone(dir.read_dir())?.into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            bytes += log_bytes(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "log") {
            bytes += disk::unless_gone(path.metadata())?.map_or(0, |metadata| metadata.len());
        }
    }
    Ok(bytes)
}
