//! Looks at a run while it goes on: makes the timeline and tells the progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Outcome;
use super::clock::now;
use super::meter::{Counts, Latencies, Meter, latencies};
use super::process::{CpuTime, anon_bytes, rss_bytes};
use super::progress::Progress;
use super::timeline::{Tick, Timeline};

/// CPU time is counted in hundredths of a second, so shorter ticks would tell little.
const TICK: Duration = Duration::from_millis(100);

/// A thread that watches a run.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Watched>,
}

/// What it saw.
pub(super) struct Watched {
    /// What happened when.
    pub(super) timeline: Timeline,
    /// All latencies.
    pub(super) latencies: Latencies,
}

impl Watch {
    /// Begins to look; `server_pid` is the server's process.
    pub(super) fn start(
        meter: &Arc<Meter>,
        server_pid: Option<u32>,
        start: Instant,
        mut progress: Progress,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, meter) = (Arc::clone(&stop), Arc::clone(meter));
        let thread = std::thread::spawn(move || {
            let mut eye = Eye::new(&meter, server_pid, start);
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                let tick = eye.look();
                progress.tell(&tick, &eye.counts);
            }
            progress.end();
            eye.seen
        });
        Watch { stop, thread }
    }

    /// Looks a last time.
    pub(super) fn finish(self) -> Outcome<Watched> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        Ok(self.thread.join().map_err(|_| "the watching thread failed")?)
    }
}

/// The state between two looks.
struct Eye<'a> {
    meter: &'a Meter,
    server_pid: Option<u32>,
    start: Instant,
    last: Instant,
    counts: Counts,
    server_cpu_s: f64,
    own_cpu_s: f64,
    seen: Watched,
}

impl<'a> Eye<'a> {
    fn new(meter: &'a Meter, server_pid: Option<u32>, start: Instant) -> Self {
        Eye {
            meter,
            server_pid,
            start,
            last: start,
            counts: Counts::default(),
            server_cpu_s: server_pid.map_or(0.0, cpu_s),
            own_cpu_s: cpu_s(std::process::id()),
            seen: Watched { timeline: Timeline::default(), latencies: latencies() },
        }
    }

    fn look(&mut self) -> Tick {
        let (at, counts) = (now(), self.meter.counts());
        let mut fresh = latencies();
        self.meter.take_latencies(&mut fresh);
        let quantile =
            |quantile| if fresh.is_empty() { 0 } else { fresh.value_at_quantile(quantile) };
        let server_cpu_s = self.server_pid.map_or(0.0, cpu_s).max(self.server_cpu_s);
        let own_cpu_s = cpu_s(std::process::id());
        let bytes =
            |read: fn(u32) -> Outcome<u64>| self.server_pid.map_or(0, |pid| read(pid).unwrap_or(0));
        let tick = Tick {
            end_s: (at - self.start).as_secs_f64(),
            seconds: (at - self.last).as_secs_f64(),
            points: counts.accepted - self.counts.accepted,
            errors: counts.errors - self.counts.errors,
            latency_ns: [quantile(0.5), quantile(0.99), quantile(1.0)],
            lag_ns: u64::try_from(self.meter.take_lag().as_nanos()).unwrap_or(u64::MAX),
            server_cpu_s: server_cpu_s - self.server_cpu_s,
            own_cpu_s: own_cpu_s - self.own_cpu_s,
            rss_bytes: bytes(rss_bytes),
            anon_bytes: bytes(anon_bytes),
        };
        // The bounds are the same.
        let _added = self.seen.latencies.add(&fresh);
        self.seen.timeline.push(tick);
        (self.last, self.counts) = (at, counts);
        (self.server_cpu_s, self.own_cpu_s) = (server_cpu_s, own_cpu_s);
        tick
    }
}

/// A process that has ended uses nothing more.
fn cpu_s(pid: u32) -> f64 {
    CpuTime::of(pid).map_or(0.0, CpuTime::total_s)
}
