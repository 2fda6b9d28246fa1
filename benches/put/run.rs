//! One run of one node, from an empty directory to a clean stop.

use std::time::Instant;

use irontsd::workload::digest_export;

use super::client::Clients;
use super::figures::Figures;
use super::load::Load;
use crate::common::Outcome;
use crate::common::node::Node;
use ::irontsd::bench::http;
use ::irontsd::bench::process::{AnonWatch, CpuTime, others_busy_s, rss_peak_bytes};

/// Runs the node once and returns what it cost, or why the run does not count.
pub fn measure(node: &dyn Node, load: &Load) -> Outcome<Figures> {
    rustix::fs::sync();
    let mut running = node.start()?;
    let pid = running.server.pid();
    let anon = AnonWatch::start(pid);
    let mut clients = Clients::connect(&running, load)?;
    let (before, others_before) = (CpuTime::of(pid)?, others_busy_s(pid)?);
    let start = clients.send(load)?;
    let answered = Instant::now();
    let cpu_answered = CpuTime::of(pid)?.since(before);
    let others_s = others_busy_s(pid)? - others_before;
    node.seal(&mut running, load.points)?;
    let cpu_sealed = CpuTime::of(pid)?.since(before);
    let (rss_peak_bytes, anon_peak_bytes) = (rss_peak_bytes(pid)?, anon.finish()?);
    node.check_counters(&running, load.points)?;
    if node.keeps_points() {
        let found = digest_export(http::stream(running.http, http::EXPORT_ALL, running.timeout)?)?;
        if found != load.digest {
            return Err(format!("{} exported {found}; sent {}", node.name(), load.digest).into());
        }
        running.server.stop(running.timeout)?;
    }
    Ok(Figures {
        points: load.points,
        requests: load.requests,
        answered_s: (answered - start).as_secs_f64(),
        cpu_answered,
        cpu_sealed,
        others_s,
        rss_peak_bytes,
        anon_peak_bytes,
    })
}
