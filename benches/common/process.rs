//! What the kernel knows about a server: CPU time and memory, from `/proc`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Outcome;

/// `/proc` counts CPU time in hundredths of a second on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const SAMPLE_INTERVAL: Duration = Duration::from_millis(10);

/// CPU time used by a process and its ended threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    /// Seconds in the program.
    pub user_s: f64,
    /// Seconds in the kernel on its behalf.
    pub system_s: f64,
}

impl CpuTime {
    /// What the process has used so far.
    pub fn of(pid: u32) -> Outcome<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, after_name) = stat.rsplit_once(") ").ok_or("odd /proc/PID/stat")?;
        let ticks: Vec<&str> = after_name.split(' ').collect();
        let seconds = |index: usize| -> Outcome<f64> {
            let text = ticks.get(index).ok_or("short /proc/PID/stat")?;
            Ok(text.parse::<f64>()? / TICKS_PER_SECOND)
        };
        Ok(CpuTime { user_s: seconds(11)?, system_s: seconds(12)? })
    }

    /// What was used since an earlier reading.
    pub fn since(self, earlier: CpuTime) -> CpuTime {
        CpuTime { user_s: self.user_s - earlier.user_s, system_s: self.system_s - earlier.system_s }
    }

    /// User and system together.
    pub fn total_s(self) -> f64 {
        self.user_s + self.system_s
    }
}

/// CPU seconds the whole machine has spent on anything, guests' theft included.
pub fn machine_busy_s() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("empty /proc/stat")?;
    let ticks: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let counted = ticks.iter().take(8).sum::<f64>();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    Ok((counted - idle) / TICKS_PER_SECOND)
}

/// The largest resident memory the process ever had.
pub fn rss_peak_bytes(pid: u32) -> Outcome<u64> {
    status_bytes(pid, "VmHWM:")
}

/// A line of `/proc/PID/status` that counts kB.
fn status_bytes(pid: u32, key: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = number.ok_or_else(|| format!("/proc/PID/status has no {key}"))?.parse()?;
    Ok(kib * 1024)
}

/// Watches the anonymous memory of a process, of which the kernel keeps no peak.
pub struct AnonWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl AnonWatch {
    /// Starts to look every few milliseconds.
    pub fn start(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || watch(pid, &stopped));
        AnonWatch { stop, thread }
    }

    /// Stops and returns the largest number of bytes seen.
    pub fn finish(self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the memory watch failed".into())
    }
}

fn watch(pid: u32, stop: &AtomicBool) -> u64 {
    let mut peak_bytes = 0;
    loop {
        peak_bytes = peak_bytes.max(status_bytes(pid, "RssAnon:").unwrap_or(0));
        if stop.load(Ordering::Relaxed) {
            return peak_bytes;
        }
        std::thread::sleep(SAMPLE_INTERVAL);
    }
}
