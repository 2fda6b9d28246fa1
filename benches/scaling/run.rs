//! One run at one place, from an empty directory to a clean stop.

use std::time::Instant;

use super::axis::Place;
use super::figures::{Cost, Figures};
use super::load::Load;
use crate::common::Outcome;
use crate::common::irontsd::IronTsd;
use crate::common::node::{Node, Running, expect_count};
use crate::common::send::Senders;
use ::irontsd::bench::metrics::Metrics;
use ::irontsd::bench::process::CpuTime;

/// Runs a node once and returns what it cost.
pub fn measure(node: &IronTsd, place: &Place, load: &Load) -> Outcome<Figures> {
    rustix::fs::sync();
    let mut running = node.start()?;
    let count = load.first.len();
    let senders = Senders::connect(running.opentsdb, count, node.ending(), running.timeout)?;
    let senders = senders.with_writes_of(place.write_bytes);
    let sizes = load.sizes;
    let first = cost(node, &mut running, &senders, &load.first, sizes.series)?;
    node.merge(&mut running)?;
    let later = cost(node, &mut running, &senders, &load.later, sizes.points)?;
    node.check_counters(&running, sizes.series + sizes.points)?;
    let series = Metrics::read(running.http, running.timeout)?.count("irontsd_series", "")?;
    expect_count("irontsd_series", series, sizes.series)?;
    drop(senders);
    running.server.stop(running.timeout)?;
    Ok(Figures { first, later })
}

/// Sends lines and has them sealed.
fn cost(
    node: &IronTsd,
    running: &mut Running,
    senders: &Senders,
    lines: &[Vec<u8>],
    points: u64,
) -> Outcome<Cost> {
    let before = CpuTime::of(running.server.pid())?;
    let start = senders.send(lines)?;
    let accepted_s = (Instant::now() - start).as_secs_f64();
    node.seal(running, points)?;
    let cpu_s = CpuTime::of(running.server.pid())?.since(before).total_s();
    Ok(Cost { points, cpu_s, accepted_s })
}
