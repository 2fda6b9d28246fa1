//! `kill -9` amid load, and the next start, again and again on one directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use super::line::Line;
use crate::common::Outcome;
use crate::common::irontsd::IronTsd;
use crate::common::node::{Node, Running};
use crate::common::options::TestOptions;
use crate::common::server::new_dir;
use ::irontsd::bench::http;
use ::irontsd::bench::process::CpuTime;

const CONNECTIONS: usize = 4;
/// The most lines that are sent before their acknowledgement is waited for.
const BATCH_LINES: u64 = 20;
/// The longest that a life's load lasts.
const LOAD_MS_MAX: u64 = 120;
/// Lives among which is one with flushes.
const FLUSHED_EACH: u32 = 3;

/// A start after a kill.
pub struct Start {
    /// From the start of the process until it printed `ready`, its last line.
    pub ready: Duration,
    /// Until who waited for that line had got 200 from `/-/ready`.
    pub seen: Duration,
    /// CPU of that.
    pub cpu_s: f64,
    /// Rows that it found in logs.
    pub rows: u64,
}

/// The start after each kill.
pub fn measure(test: &TestOptions, kills: u32) -> Outcome<Vec<Start>> {
    let node = IronTsd::new(test);
    let dir = Arc::new(new_dir(&test.scratch())?);
    let mut running = node.start_on(Arc::clone(&dir))?;
    let mut chance = fastrand::Rng::with_seed(1);
    let mut starts = Vec::new();
    for life in 0..kills {
        let load = Duration::from_micros(chance.u64(0..LOAD_MS_MAX * 1000));
        one_life(running, load, life % FLUSHED_EACH == 0)?;
        let (start, start_time) = (Instant::now(), SystemTime::now());
        running = node.start_on(Arc::clone(&dir))?;
        http::get(running.http, "/-/ready", running.timeout)?;
        let seen = start.elapsed();
        let ready = running.server.printed_at()?.duration_since(start_time).unwrap_or_default();
        let cpu_s = CpuTime::of(running.server.pid())?.total_s();
        starts.push(Start { ready, seen, cpu_s, rows: rows_found(&running.server.stderr()?)? });
    }
    running.server.stop(running.timeout)?;
    Ok(starts)
}

/// Loads the node for so long and kills it; senders end with an error then, and that is meant.
fn one_life(mut running: Running, load: Duration, flushes: bool) -> Outcome<()> {
    let (opentsdb, http, timeout) = (running.opentsdb, running.http, running.timeout);
    let dead = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while flushes && !dead.load(Relaxed) {
                let _cut_off = http::get(http, "/internal/force_flush", timeout);
            }
        });
        for _ in 0..CONNECTIONS {
            let mut line = Line::open(opentsdb, timeout)?;
            scope.spawn(move || (1..=BATCH_LINES).cycle().all(|lines| line.puts(lines).is_ok()));
        }
        std::thread::sleep(load);
        dead.store(true, Relaxed);
        running.server.kill()
    })
}

/// The log says `..., N rows in M logs; ...`.
fn rows_found(log: &str) -> Outcome<u64> {
    let before = log.split_once(" rows in ").ok_or("the log does not say what was found")?.0;
    Ok(before.rsplit(' ').next().unwrap_or_default().parse()?)
}
