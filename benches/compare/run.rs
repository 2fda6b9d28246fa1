//! One run of one node, from an empty directory to a clean stop.

use std::time::Instant;

use irontsd::workload::digest_export;

use super::disk::allocated_bytes;
use super::figures::Figures;
use super::http;
use super::load::Load;
use super::node::{Node, Running};
use super::options::Options;
use super::process::{AnonWatch, CpuTime, machine_busy_s, rss_peak_bytes};
use super::send::Senders;
use crate::Outcome;

/// Every series: `match[]={__name__=~".*"}`.
const EXPORT_ALL: &str = "/api/v1/export?match%5B%5D=%7B__name__%3D~%22.*%22%7D";

/// The runs of one node.
pub struct Results {
    /// The node's name.
    pub name: &'static str,
    /// Its release.
    pub version: String,
    /// The flags it was started with.
    pub flags: Vec<String>,
    /// What each run cost.
    pub figures: Vec<Figures>,
}

impl Results {
    /// No runs yet.
    pub fn of(node: &dyn Node) -> Self {
        let (name, version, flags) = (node.name(), node.version(), node.flags());
        Results { name, version, flags, figures: Vec::new() }
    }
}

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
        figures.disk_merged_bytes = self.disk_bytes(&running)?;
        if !self.options.skip_verify {
            self.verify(&running)?;
        }
        running.server.stop(running.timeout)?;
        figures.disk_stopped_bytes = self.disk_bytes(&running)?;
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
        let start = senders.send(self.load)?;
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
            disk_sealed_bytes: self.disk_bytes(running)?,
            disk_merged_bytes: 0,
            disk_stopped_bytes: 0,
            cpu_merging: CpuTime::default(),
        })
    }

    /// Disk space of everything but caches.
    fn disk_bytes(&self, running: &Running) -> Outcome<u64> {
        let data_dir = running.server.data_dir();
        let cache = self.node.cache_dir().map(|name| allocated_bytes(&data_dir.join(name)));
        Ok(allocated_bytes(&data_dir)? - cache.transpose()?.unwrap_or(0))
    }

    /// Fails unless the export of everything is what was sent, sample for sample.
    fn verify(&self, running: &Running) -> Outcome<()> {
        let body = http::stream(running.http, EXPORT_ALL, running.timeout)?;
        let (found, sent) = (digest_export(body)?, self.load.digest);
        if found != sent {
            return Err(format!("{} exported {found}; sent {sent}", self.node.name()).into());
        }
        Ok(())
    }
}

/// CPU seconds spent on anything but the server and this process.
fn others_busy_s(server: u32) -> Outcome<f64> {
    let own = CpuTime::of(std::process::id())?.total_s();
    Ok(machine_busy_s()? - own - CpuTime::of(server)?.total_s())
}
