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
        CpuTime::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
    }

    /// What `/proc/PID/stat` says, or that of a thread.
    pub fn parse(stat: &str) -> Outcome<Self> {
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

/// CPU seconds spent on anything but the server and this process.
pub fn others_busy_s(server: u32) -> Outcome<f64> {
    let own = CpuTime::of(std::process::id())?.total_s();
    Ok(machine_busy_s()? - own - CpuTime::of(server)?.total_s())
}

/// CPU seconds the whole machine has spent on anything, guests' theft included.
fn machine_busy_s() -> Outcome<f64> {
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

/// Resident memory the process has now.
pub fn rss_bytes(pid: u32) -> Outcome<u64> {
    status_bytes(pid, "VmRSS:")
}

/// Anonymous memory the process has now.
pub fn anon_bytes(pid: u32) -> Outcome<u64> {
    status_bytes(pid, "RssAnon:")
}

/// Bytes the process has caused to be written to disk.
pub fn written_bytes(pid: u32) -> Outcome<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let bytes = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(bytes.ok_or("/proc/PID/io has no write_bytes")?.parse()?)
}

/// A line of `/proc/PID/status` that counts kB.
fn status_bytes(pid: u32, key: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = number.ok_or_else(|| format!("/proc/PID/status has no {key}"))?.parse()?;
    Ok(kib * 1024)
}

/// Watches the memory of a process while something goes on.
pub struct MemoryWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Memory>,
    before: Memory,
}

/// Resident and anonymous bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    resident_bytes: u64,
    anon_bytes: u64,
}

impl Memory {
    fn of(pid: u32) -> Outcome<Self> {
        let (resident, anon) = (status_bytes(pid, "VmRSS:")?, status_bytes(pid, "RssAnon:")?);
        Ok(Memory { resident_bytes: resident, anon_bytes: anon })
    }

    fn most(self, other: Memory) -> Memory {
        Memory {
            resident_bytes: self.resident_bytes.max(other.resident_bytes),
            anon_bytes: self.anon_bytes.max(other.anon_bytes),
        }
    }
}

impl MemoryWatch {
    /// Starts to look every few milliseconds.
    pub fn start(pid: u32) -> Outcome<Self> {
        let before = Memory::of(pid)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || watch(pid, &stopped));
        Ok(MemoryWatch { stop, thread, before })
    }

    /// Stops and returns the bytes by which resident and anonymous memory grew, at the most.
    pub fn finish(self) -> Outcome<(u64, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        let most = self.thread.join().map_err(|_| "the memory watch failed")?;
        let Memory { resident_bytes, anon_bytes } = self.before;
        let resident = most.resident_bytes.saturating_sub(resident_bytes);
        Ok((resident, most.anon_bytes.saturating_sub(anon_bytes)))
    }
}

/// Watches the anonymous memory of a process, of which the kernel keeps no peak.
pub struct AnonWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Memory>,
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
        let most = self.thread.join().map_err(|_| "the memory watch failed")?;
        Ok(most.anon_bytes)
    }
}

/// The largest seen until told to stop.
fn watch(pid: u32, stop: &AtomicBool) -> Memory {
    let mut peak = Memory::default();
    loop {
        peak = peak.most(Memory::of(pid).unwrap_or_default());
        if stop.load(Ordering::Relaxed) {
            return peak;
        }
        std::thread::sleep(SAMPLE_INTERVAL);
    }
}
