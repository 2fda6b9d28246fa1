//! One run against one server, from the first connection to the proof.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use parking_lot::RwLock;

use super::Outcome;
use super::ack::Ack;
use super::clock::now;
use super::flags::{Bench, Protocol};
use super::latency::Percentiles;
use super::loops::Task;
use super::meter::{Counts, Latencies, Meter};
use super::plan::Plan;
use super::process::CpuTime;
use super::progress::Progress;
use super::put::{Put, Requests};
use super::server::{Control, Finish};
use super::telnet::Telnet;
use super::timeline::Timeline;
use super::udp::Udp;
use super::units::grouped;
use super::verify::{Verdict, verify};
use super::watch::Watch;
use super::wire::Wire;
use crate::flags::Switch;

/// A server to load.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// What it is called in a comparison, else nothing.
    pub(super) name: String,
    /// What it is spoken to.
    pub(super) protocol: Protocol,
    /// Where the load goes.
    pub(super) address: SocketAddr,
    /// Where it is asked.
    pub(super) http: Option<SocketAddr>,
    /// Its process.
    pub(super) pid: Option<u32>,
}

impl Target {
    /// The servers that the flags name.
    pub(super) fn all(flags: &Bench) -> Vec<Target> {
        let flags = &flags.target;
        if let Some((protocol, address)) = flags.single() {
            let (http, pid) = (flags.http, flags.server_pid);
            return vec![Target { name: String::new(), protocol, address, http, pid }];
        }
        let peers = flags.compare.iter().map(|peer| Target {
            name: peer.name.clone(),
            protocol: flags.protocol,
            address: peer.address,
            http: peer.http,
            pid: peer.pid,
        });
        peers.collect()
    }
}

/// What a run has shown.
pub(super) struct Run {
    /// The server.
    pub(super) target: Target,
    /// What was counted.
    pub(super) counts: Counts,
    /// Seconds from the first byte until every connection knew its points accepted.
    pub(super) accepted_s: f64,
    /// Seconds until the finish line: flushed and counted if the server could be asked.
    pub(super) finished_s: f64,
    /// How the server was asked.
    pub(super) finish: Option<Finish>,
    /// The server's CPU until accepted.
    pub(super) cpu_accepted: Option<CpuTime>,
    /// The server's CPU until the finish line, and what `--settle` adds.
    pub(super) cpu: Option<CpuTime>,
    /// The load generator's own CPU until accepted.
    pub(super) own_cpu_s: f64,
    /// All latencies.
    pub(super) latencies: Latencies,
    /// What a latency ends with.
    pub(super) latency_ends: &'static str,
    /// What happened when.
    pub(super) timeline: Timeline,
    /// Points of a piece.
    pub(super) batch: u64,
    /// Some of the refusals, with how often each came.
    pub(super) answers: Vec<(String, u64)>,
    /// What the export has shown, if it was asked for.
    pub(super) verdict: Option<Verdict>,
    /// Whether the user ended it.
    pub(super) interrupted: bool,
}

impl Run {
    /// Points a second until the finish line.
    pub(super) fn points_per_s(&self) -> f64 {
        self.counts.sent as f64 / self.finished_s.max(1e-9)
    }

    /// The server's CPU in microseconds a point.
    pub(super) fn cpu_us_per_point(&self) -> Option<f64> {
        Some(self.cpu?.total_s() * 1e6 / self.counts.sent.max(1) as f64)
    }

    /// The latencies in short.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        Percentiles::of(&self.latencies)
    }

    /// The most memory seen: resident and anonymous bytes.
    pub(super) fn memory_peak(&self) -> (u64, u64) {
        let ticks = self.timeline.ticks();
        let most = |bytes: fn(&super::timeline::Tick) -> u64| ticks.iter().map(bytes).max();
        (most(|tick| tick.rss_bytes).unwrap_or(0), most(|tick| tick.anon_bytes).unwrap_or(0))
    }

    /// Points that were sent and never counted; refusals are no losses.
    pub(super) fn lost(&self) -> u64 {
        let counted = self.finish.and_then(|finish| finish.counted);
        let taken = self.counts.sent.saturating_sub(self.counts.errors);
        match counted {
            // A refused request says nothing of its other points.
            Some(_) if self.target.protocol == Protocol::Put && self.counts.errors > 0 => 0,
            Some(counted) => taken.saturating_sub(counted),
            None => 0,
        }
    }

    /// What was not as it should be.
    pub(super) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.counts.errors > 0 {
            findings.push(refusals(self.counts.errors));
        }
        if self.lost() > 0 {
            findings.push(format!("{} points were sent and not counted", grouped(self.lost())));
        }
        if let Some(Verdict::Differs(text)) = &self.verdict {
            findings.push(format!("the export is not what was sent: {text}"));
        }
        findings
    }
}

/// `1 refusal answered`, `20 refusals answered`.
pub(super) fn refusals(count: u64) -> String {
    format!("{} refusal{} answered", grouped(count), if count == 1 { "" } else { "s" })
}

/// Runs the load.
pub(super) fn run(target: &Target, flags: &Bench, interrupted: &Arc<AtomicBool>) -> Outcome<Run> {
    let plan = Plan::new(&flags.load, &flags.style, target.protocol)?;
    let cpu = |pid: Option<u32>| -> Outcome<Option<CpuTime>> {
        let read = |pid| {
            CpuTime::of(pid)
                .map_err(|_| format!("there is no process {pid}; `pidof` tells which there is"))
        };
        Ok(pid.map(read).transpose()?)
    };
    cpu(target.pid)?;
    let control = target.http.map(|address| Control::new(address, flags.style.timeout));
    let control = control.transpose()?;
    let meter = Arc::new(Meter::new(Arc::clone(interrupted)));
    let (wires, latency_ends) = connect(target, flags, &plan, &meter)?;
    let progress = Progress::new(&target.name, plan.duration, plan.points());
    let before = cpu(target.pid)?;
    let own_before = CpuTime::of(std::process::id())?;
    let (sent, start, watch) =
        send(wires, &plan, &meter, |start| Watch::start(&meter, target.pid, start, progress));
    let accepted_s = start.elapsed().as_secs_f64();
    let sent = match sent {
        Ok(sent) => sent,
        Err(error) => {
            watch.finish()?;
            return Err(error);
        }
    };
    let since = |cpu: Option<CpuTime>| Some(cpu?.since(before?));
    let own_cpu_s = CpuTime::of(std::process::id())?.since(own_before).total_s();
    let cpu_accepted = since(cpu(target.pid)?);
    let sent_points: u64 = sent.iter().sum();
    let expected = sent_points.saturating_sub(meter.counts().errors);
    let finish = control.as_ref().map(|control| control.finish(expected)).transpose()?;
    let finished_s = if finish.is_some() { start.elapsed().as_secs_f64() } else { accepted_s };
    std::thread::sleep(flags.results.settle);
    let cpu = since(cpu(target.pid)?);
    let watched = watch.finish()?;
    let verdict = match (&control, flags.results.verify) {
        (Some(control), true) => Some(verify(&plan, &sent, control)?),
        _ => None,
    };
    Ok(Run {
        target: target.clone(),
        counts: meter.counts(),
        accepted_s,
        finished_s,
        finish,
        cpu_accepted,
        cpu,
        own_cpu_s,
        latencies: watched.latencies,
        latency_ends,
        timeline: watched.timeline,
        batch: plan.batch,
        answers: meter.answers(),
        verdict,
        interrupted: interrupted.load(Ordering::Relaxed),
    })
}

type Wires = Vec<Box<dyn Wire>>;

/// A connection for each share of the load, and what their latencies end with.
fn connect(
    target: &Target,
    flags: &Bench,
    plan: &Plan,
    meter: &Arc<Meter>,
) -> Outcome<(Wires, &'static str)> {
    let Target { address, protocol, .. } = *target;
    let timeout = flags.style.timeout;
    let numbers = 0..plan.connections();
    match protocol {
        Protocol::Telnet => {
            let ack = Ack::find_out(flags.style.ack, address, timeout)?;
            let one = |number| -> Outcome<Box<dyn Wire>> {
                Ok(Box::new(Telnet::connect(address, ack.clone(), meter, number, timeout)?))
            };
            Ok((numbers.map(one).collect::<Outcome<_>>()?, ack.latency_ends()))
        }
        Protocol::Put => {
            let keep_alive = flags.style.keep_alive == Switch::On;
            let requests =
                Requests { server: address, gzip: flags.style.gzip, keep_alive, timeout };
            let one = |number| -> Outcome<Box<dyn Wire>> {
                Ok(Box::new(Put::connect(requests, meter, number)?))
            };
            Ok((numbers.map(one).collect::<Outcome<_>>()?, "the answer to the request"))
        }
        Protocol::Udp => {
            let one = |number| -> Outcome<Box<dyn Wire>> {
                Ok(Box::new(Udp::connect(address, meter, number)?))
            };
            let ends = "the kernel taking the bytes; datagrams are not answered";
            Ok((numbers.map(one).collect::<Outcome<_>>()?, ends))
        }
    }
}

/// Sends everything, a thread for each connection; returns the points that each has sent or what
/// went wrong, the moment before the first byte, and what was begun then.
fn send<T>(
    wires: Wires,
    plan: &Plan,
    meter: &Meter,
    begin: impl FnOnce(Instant) -> T,
) -> (Outcome<Vec<u64>>, Instant, T) {
    let gate = RwLock::new(());
    std::thread::scope(|scope| {
        let gate = &gate;
        let closed = gate.write();
        let one = |(number, mut wire): (usize, Box<dyn Wire>)| {
            let task = Task {
                number,
                workload: plan.workload(number),
                budget: plan.budgets[number],
                batch: plan.batch,
                pace: plan.pace,
                duration: plan.duration,
                meter,
            };
            let thread = std::thread::Builder::new().name(format!("bench {number}"));
            thread.spawn_scoped(scope, move || {
                drop(gate.read());
                let sent = task.run(wire.as_mut(), now());
                if sent.is_err() {
                    meter.stop();
                }
                sent
            })
        };
        let threads: Vec<_> = wires.into_iter().enumerate().map(one).collect();
        if threads.iter().any(Result::is_err) {
            meter.stop();
        }
        let start = now();
        let begun = begin(start);
        drop(closed);
        let join = |thread: std::io::Result<ScopedJoinHandle<'_, Outcome<u64>>>| {
            thread?.join().map_err(|_| "a sending thread failed")?
        };
        // All of them end before the first error is told.
        let sent: Vec<Outcome<u64>> = threads.into_iter().map(join).collect();
        (sent.into_iter().collect(), start, begun)
    })
}
