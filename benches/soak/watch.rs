//! Looks at a node once a second while it is loaded.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::samples::{Sample, Samples, Timing};
use crate::common::node::Running;
use crate::common::{Outcome, disk};
use ::irontsd::bench::metrics::Metrics;
use ::irontsd::bench::process::{self, CpuTime};

const EVERY: Duration = Duration::from_secs(1);

/// A thread that looks.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome<Samples>>,
}

/// What is looked at.
struct Target {
    pid: u32,
    http: SocketAddr,
    data: PathBuf,
    timeout: Duration,
}

impl Watch {
    /// Starts to look; the load begins now and takes so long.
    pub fn start(running: &Running, duration: Duration) -> Self {
        let target = Target {
            pid: running.server.pid(),
            http: running.http,
            data: running.server.data_dir(),
            timeout: running.timeout,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || watch(&target, duration, &stopped));
        Watch { stop, thread }
    }

    /// What was seen while the load lasted.
    pub fn finish(self) -> Outcome<Samples> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the watch failed")?
    }
}

fn watch(target: &Target, duration: Duration, stop: &AtomicBool) -> Outcome<Samples> {
    let start = Instant::now();
    let mut samples = vec![target.look(start)?];
    for second in 1.. {
        let due = EVERY * second;
        if due > duration || stop.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        samples.push(target.look(start)?);
    }
    Ok(Samples { samples })
}

impl Target {
    fn look(&self, start: Instant) -> Outcome<Sample> {
        let metrics = Metrics::read(self.http, self.timeout)?;
        // Taken right behind the counter, so that rates come from times that belong to it.
        let at_s = start.elapsed().as_secs_f64();
        let timing = |what: &str| -> Outcome<Timing> {
            let count = metrics.count(&format!("irontsd_{what}_duration_seconds_count"), "")?;
            let seconds = metrics.sum(&format!("irontsd_{what}_duration_seconds_sum"), "");
            Ok(Timing { count, seconds: seconds.unwrap_or(0.0) })
        };
        let micros = |seconds: f64| (seconds * 1e6).max(0.0) as u64;
        Ok(Sample {
            at_s,
            server_cpu_us: micros(CpuTime::of(self.pid)?.total_s()),
            others_cpu_us: micros(process::others_busy_s(self.pid)?),
            merger_cpu_us: micros(of_thread(self.pid, "merger")?.total_s()),
            merge_bytes: metrics.count("irontsd_merge_bytes_total", "")?,
            flushes: timing("flush")?,
            syncs: timing("sync")?,
            accepted: metrics.count("irontsd_points_accepted_total", "")?,
            segments: metrics.count("irontsd_segments", "")?,
            segment_bytes: metrics.count("irontsd_segment_bytes", "")?,
            anon_bytes: process::anon_bytes(self.pid)?,
            directory_bytes: usage(&self.data)?,
            written_bytes: process::written_bytes(self.pid)?,
        })
    }
}

/// What a thread has used so far.
fn of_thread(pid: u32, name: &str) -> Outcome<CpuTime> {
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        // A thread may have ended meanwhile.
        let Ok(its_name) = std::fs::read_to_string(task.join("comm")) else { continue };
        if its_name.trim_end() == name {
            return CpuTime::parse(&std::fs::read_to_string(task.join("stat"))?);
        }
    }
    Err(format!("process {pid} has no thread {name}").into())
}

fn usage(data: &Path) -> Outcome<u64> {
    Ok(disk::usage(data)?.allocated_bytes)
}
