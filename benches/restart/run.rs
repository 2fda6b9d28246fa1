//! One node: filled, killed, started; killed again in a flood of lines, started.

use std::path::Path;
use std::time::{Duration, Instant};

use irontsd::workload::{Digest, EndlessLines, Kind, Shape, digest_export, split};

use super::figures::{Figures, Start};
use crate::common::node::{Node, Running, expect_count};
use crate::common::send::Senders;
use crate::common::stream::{Pace, Streams};
use crate::common::{Outcome, disk};
use ::irontsd::bench::http;
use ::irontsd::bench::process::{CpuTime, anon_bytes};

const CONNECTIONS: u64 = 4;
/// IronTSD flushes at two million rows; a log with fewer stays as it is.
const LOG_ROWS: u64 = 1_990_000;
const FLOOD_FOR: Duration = Duration::from_secs(2);

/// Runs the node and returns how it started after each kill.
pub fn measure(node: &dyn Node, shape: &Shape) -> Outcome<Figures> {
    rustix::fs::sync();
    let mut running = node.start()?;
    let ranges = split(shape.series_count, CONNECTIONS);
    let mut lines: Vec<EndlessLines> =
        ranges.into_iter().map(|range| EndlessLines::new(Kind::Agent, shape, range)).collect();
    send(node, &running, &mut lines, shape.series_count)?;
    node.seal(&mut running, shape.series_count)?;
    let more = LOG_ROWS.min(shape.series_count);
    send(node, &running, &mut lines, more)?;
    let (again, full) = killed_and_started(node, running)?;
    if node.is_exact() {
        check(&again, shape.series_count + more)?;
    }
    let (_, flood) = killed_in_flood(node, again, shape)?;
    Ok(Figures { full, flood })
}

/// Sends so many lines of all connections together and waits until they are accepted.
fn send(node: &dyn Node, running: &Running, lines: &mut [EndlessLines], count: u64) -> Outcome<()> {
    let connections = lines.len() as u64;
    let shares = split(count, connections).into_iter().map(|share| share.end - share.start);
    let parts: Vec<Vec<u8>> =
        lines.iter_mut().zip(shares).map(|(l, share)| taken(l, share)).collect();
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
fn killed_in_flood(node: &dyn Node, running: Running, shape: &Shape) -> Outcome<(Running, Start)> {
    let later = Shape { start_s: shape.start_s + 86_400, ..*shape };
    let mut streams =
        Streams::connect(running.opentsdb, Kind::Agent, &later, CONNECTIONS, running.timeout)?;
    std::thread::scope(|scope| {
        let senders = scope.spawn(|| {
            let _cut_off = streams.run(Pace::Closed, FLOOD_FOR * 10);
        });
        std::thread::sleep(FLOOD_FOR);
        let started = killed_and_started(node, running);
        senders.join().map_err(|_| "a sender failed")?;
        started
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
