//! One run of one node, from an empty directory to a clean stop.

use std::time::Instant;

use super::figures::Figures;
use super::load::Load;
use super::options::Options;
use crate::common::Outcome;
use crate::common::disk::{self, Usage};
use crate::common::node::{Node, Running};
use crate::common::send::Senders;
use ::irontsd::bench::http;
use ::irontsd::bench::process::{AnonWatch, CpuTime, others_busy_s, rss_peak_bytes};

/// What one run needs.
pub struct Run<'a> {
    /// The node to run.
    pub node: &'a dyn Node,
    /// What to send it.
    pub load: &'a Load,
    /// How.
    pub options: &'a Options,
}

impl Run<'_> {
    /// Runs the node once and returns what it cost, or why the run does not count.
    pub fn measure(&self) -> Outcome<Figures> {
        rustix::fs::sync();
        let mut running = self.node.start()?;
        let ingested = self.ingest(&mut running);
        if ingested.is_err() {
            running.server.check_alive()?;
        }
        let mut figures = ingested?;
        self.node.check_counters(&running, self.load.points)?;
        let before = CpuTime::of(running.server.pid())?;
        self.node.merge(&mut running)?;
        figures.cpu_merging = CpuTime::of(running.server.pid())?.since(before);
        figures.disk_merged = self.disk_uncached(&running)?;
        running.server.stop(running.timeout)?;
        figures.disk_stopped = disk::usage(&running.server.data_dir())?;
        figures.disk_stopped_uncached = self.disk_uncached(&running)?;
        if !self.options.skip_verify {
            figures.changed = self.verify(&running)?;
        }
        Ok(figures)
    }

    /// Sends the load and measures until it is sealed.
    fn ingest(&self, running: &mut Running) -> Outcome<Figures> {
        let (pid, points) = (running.server.pid(), self.load.points);
        let anon = AnonWatch::start(pid);
        let ending = self.node.ending();
        let count = self.load.connections.len();
        let senders = Senders::connect(running.opentsdb, count, ending, running.timeout)?;
        let (cpu_before, others_before) = (CpuTime::of(pid)?, others_busy_s(pid)?);
        let start = senders.send(&self.load.connections)?;
        let accepted = Instant::now();
        let cpu_accepted = CpuTime::of(pid)?.since(cpu_before);
        let others_s = others_busy_s(pid)? - others_before;
        self.node.seal(running, points)?;
        Ok(Figures {
            points,
            accepted_s: (accepted - start).as_secs_f64(),
            sealed_s: (Instant::now() - start).as_secs_f64(),
            cpu_accepted,
            cpu_sealed: CpuTime::of(pid)?.since(cpu_before),
            others_s,
            rss_peak_bytes: rss_peak_bytes(pid)?,
            anon_peak_bytes: anon.finish()?,
            disk_sealed: self.disk_uncached(running)?,
            disk_merged: Usage::default(),
            disk_stopped: Usage::default(),
            disk_stopped_uncached: Usage::default(),
            changed: 0,
            cpu_merging: CpuTime::default(),
        })
    }

    /// Disk space of everything but caches.
    fn disk_uncached(&self, running: &Running) -> Outcome<Usage> {
        let data_dir = running.server.data_dir();
        let cache = self.node.cache_dir().map(|name| disk::usage(&data_dir.join(name)));
        Ok(disk::usage(&data_dir)?.without(cache.transpose()?.unwrap_or_default()))
    }

    /// How many values of the export of everything are not what was sent; fails if the node may change
    /// none, and if the samples are not those sent. Another process on the same directory is asked: an
    /// export fills caches that are written at a stop, and would count as disk space.
    fn verify(&self, stopped: &Running) -> Outcome<u64> {
        let (node, timeout) = (self.node, stopped.timeout);
        let mut running = node.start_on(stopped.server.dir())?;
        let body = http::stream(running.http, http::EXPORT_ALL, timeout)?;
        let changed = self.load.changed_in(body);
        let changed = changed.map_err(|error| format!("{}: {error}", node.name()))?;
        if node.is_exact() && changed > 0 {
            return Err(format!("{} changed {changed} values", node.name()).into());
        }
        running.server.stop(timeout)?;
        Ok(changed)
    }
}
