//! The names of agent lines: metrics, hosts and a second tag.

use std::io::Write;

const INSTANCES: u64 = 4;
/// Series of a host: every metric on every instance.
pub(super) const SERIES_PER_HOST: u64 = METRICS.len() as u64 * INSTANCES;

/// Metric name and the key and values of its second tag; its form is its position modulo 3.
pub(super) const METRICS: [(&str, &str, [&str; INSTANCES as usize]); 30] = [
    ("proc.net.rx_bytes", "iface", ETHERNET),
    ("sys.cpu.user", "cpu", DIGITS),
    ("df.inodes.total", "mount", MOUNTS),
    ("proc.net.tx_bytes", "iface", ETHERNET),
    ("sys.cpu.system", "cpu", DIGITS),
    ("df.kbytes.total", "mount", MOUNTS),
    ("proc.net.rx_packets", "iface", ETHERNET),
    ("sys.cpu.iowait", "cpu", DIGITS),
    ("proc.net.mtu", "iface", ETHERNET),
    ("proc.net.tx_packets", "iface", ETHERNET),
    ("sys.cpu.idle", "cpu", DIGITS),
    ("proc.net.speed_mbit", "iface", ETHERNET),
    ("iostat.disk.reads", "dev", DISKS),
    ("iostat.disk.util", "dev", DISKS),
    ("iostat.disk.queue_max", "dev", DISKS),
    ("iostat.disk.writes", "dev", DISKS),
    ("iostat.disk.await_ms", "dev", DISKS),
    ("iostat.disk.sectors", "dev", DISKS),
    ("http.requests.count", "code", CODES),
    ("http.latency.p99_ms", "code", CODES),
    ("http.limit.rate", "code", CODES),
    ("jvm.gc.collections", "pool", POOLS),
    ("jvm.heap.used_pct", "pool", POOLS),
    ("jvm.heap.max_kb", "pool", POOLS),
    ("mysql.queries.count", "db", DATABASES),
    ("mysql.cache.hit_pct", "db", DATABASES),
    ("mysql.connections", "db", DATABASES),
    ("sys.irq.count", "cpu", DIGITS),
    ("sys.temperature", "cpu", DIGITS),
    ("sys.cpu.mhz_max", "cpu", DIGITS),
];

const DIGITS: [&str; 4] = ["0", "1", "2", "3"];
const ETHERNET: [&str; 4] = ["eth0", "eth1", "eth2", "lo"];
const DISKS: [&str; 4] = ["sda", "sdb", "nvme0n1", "nvme1n1"];
const MOUNTS: [&str; 4] = ["/", "/var", "/home", "/boot"];
const CODES: [&str; 4] = ["200", "304", "404", "500"];
const POOLS: [&str; 4] = ["eden", "old", "survivor", "meta"];
const DATABASES: [&str; 4] = ["users", "orders", "stock", "audit"];

/// The metric of any series.
pub(in crate::workload) fn push_metric(out: &mut Vec<u8>, series: u64) {
    let slot = (series % SERIES_PER_HOST) as usize;
    out.extend_from_slice(METRICS[slot % METRICS.len()].0.as_bytes());
}

/// The tags of any series and the line end.
pub(in crate::workload) fn push_tags(out: &mut Vec<u8>, series: u64) {
    // Memory takes every byte.
    let _ = write!(out, " host=web{:04}", series / SERIES_PER_HOST + 1);
    let slot = (series % SERIES_PER_HOST) as usize;
    let (_, key, values) = METRICS[slot % METRICS.len()];
    for part in [" ", key, "=", values[slot / METRICS.len()], "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The first tag, with the space before it.
pub(super) fn host(number: u64) -> String {
    format!(" host=web{:04}", number + 1)
}

/// The second tag of a slot: metrics follow each other, then the next instance of all of them.
pub(super) fn tail(slot: usize) -> String {
    let (_, key, values) = METRICS[slot % METRICS.len()];
    format!(" {key}={}\n", values[slot / METRICS.len()])
}
