//! Pages and lines about the node itself: `/metrics`, telnet `stats`, the last refusals.

use crate::node::Node;
use crate::put::reply::push_json_string;
use crate::reject::{Protocol, Reason};
use irontsd_engine::gate::Cause;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

/// Prometheus text of all metrics.
pub fn metrics(node: &Node) -> String {
    let mut out = String::new();
    points(node, &mut out);
    storage(node, &mut out);
    process(node, &mut out);
    out
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn points(node: &Node, out: &mut String) {
    let name = "irontsd_points_accepted_total";
    metric(out, name, "counter", "Points durable and visible; duplicates count.");
    for protocol in Protocol::ALL {
        let count = node.counters.accepted(protocol);
        let _ = writeln!(out, "{name}{{protocol=\"{}\"}} {count}", protocol.label());
    }
    let name = "irontsd_points_rejected_total";
    metric(out, name, "counter", "Lines, points and requests refused, by reason.");
    for protocol in Protocol::ALL {
        for &reason in Reason::ALL {
            let (protocol_label, label) = (protocol.label(), reason.label());
            let count = node.rejections.count(protocol, reason);
            let labels = format!("protocol=\"{protocol_label}\",reason=\"{label}\"");
            let _ = writeln!(out, "{name}{{{labels}}} {count}");
        }
    }
    let name = "irontsd_connections";
    metric(out, name, "gauge", "Open connections.");
    for protocol in [Protocol::Telnet, Protocol::Http, Protocol::Kairosdb] {
        let count = node.counters.connections(protocol);
        let _ = writeln!(out, "{name}{{protocol=\"{}\"}} {count}", protocol.label());
    }
    let name = "irontsd_connections_moved_total";
    metric(
        out,
        name,
        "counter",
        "Times that a connection went to another event loop, after its sender.",
    );
    let _ = writeln!(out, "{name} {}", node.counters.moved_total.load(Relaxed));
}

fn storage(node: &Node, out: &mut String) {
    let engine = &node.engine;
    let (sizes, stats) = (engine.sizes(), engine.stats());
    let mut gauge = |name: &str, help: &str, value: String| {
        metric(out, name, "gauge", help);
        let _ = writeln!(out, "{value}");
    };
    let plain = |name: &str, value: u64| format!("{name} {value}");
    let name = "irontsd_series";
    gauge(name, "Series known.", plain(name, engine.registry().len().into()));
    let name = "irontsd_series_indexed";
    gauge(name, "Series in the index.", plain(name, engine.index().covered().into()));
    let name = "irontsd_log_bytes";
    gauge(name, "Bytes of logs in use.", plain(name, sizes.log_bytes));
    let name = "irontsd_segment_bytes";
    gauge(name, "Bytes of segments.", plain(name, sizes.segment_bytes));
    let name = "irontsd_segments";
    let levels = sizes.segments.iter();
    let levels = levels.map(|(level, count)| format!("{name}{{level=\"{level}\"}} {count}"));
    gauge(name, "Segments by level.", levels.collect::<Vec<_>>().join("\n"));
    let name = "irontsd_damaged_blocks";
    let damaged = sizes.damaged_blocks + sizes.set_aside as u64;
    gauge(name, "Blocks and segments found unreadable.", plain(name, damaged));
    let name = "irontsd_segments_set_aside";
    gauge(name, "Segments that cannot be read.", plain(name, sizes.set_aside as u64));
    let name = "irontsd_refusing";
    let causes = Cause::ALL.map(|cause| {
        format!("{name}{{cause=\"{}\"}} {}", cause.label(), u8::from(engine.gate().has(cause)))
    });
    gauge(name, "Why points are refused, 1 where that is so.", causes.join("\n"));
    let name = "irontsd_disk_free_bytes";
    let free_bytes = stats.disk_free_bytes.load(Relaxed);
    gauge(name, "Bytes free on the disk of the data directory.", plain(name, free_bytes));
    let name = "irontsd_merged_samples_total";
    let merged = stats.merged_rows.load(Relaxed);
    metric(out, name, "counter", "Samples that went into merges.");
    let _ = writeln!(out, "{name} {merged}");
    let name = "irontsd_merge_bytes_total";
    let merged = stats.merge_bytes.load(Relaxed);
    metric(out, name, "counter", "Bytes that merges read and wrote.");
    let _ = writeln!(out, "{name} {merged}");
    let name = "irontsd_retention_dropped_bytes_total";
    let dropped = stats.dropped_bytes.load(Relaxed);
    metric(out, name, "counter", "Bytes of segments that retention dropped.");
    let _ = writeln!(out, "{name} {dropped}");
    let name = "irontsd_exports_damaged_total";
    let exports = node.counters.damaged_exports.load(Relaxed);
    metric(out, name, "counter", "Exports that met damage.");
    let _ = writeln!(out, "{name} {exports}");
    let timings = [
        ("irontsd_flush_duration_seconds", "Flushes to segments.", &stats.flushes),
        ("irontsd_merge_duration_seconds", "Merges of segments, rests included.", &stats.merges),
        ("irontsd_sync_duration_seconds", "Rounds of syncing logs.", &stats.syncs),
    ];
    for (name, help, timing) in timings {
        let (count, total) = timing.total();
        metric(out, name, "summary", help);
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {count}", total.as_secs_f64());
    }
}

fn process(node: &Node, out: &mut String) {
    let read = |path: &str| {
        let bytes = node.engine.env().disk.read(path.as_ref()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let page_bytes = rustix::param::page_size() as u64;
    let resident = read("/proc/self/statm").split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
    let name = "process_resident_memory_bytes";
    metric(out, name, "gauge", "Resident memory.");
    let _ = writeln!(out, "{name} {}", resident.unwrap_or(0) * page_bytes);
    if let Some(limit_bytes) = node.memory.limit_bytes() {
        let name = "irontsd_memory_limit_bytes";
        metric(out, name, "gauge", "Memory of its own that the process may use.");
        let _ = writeln!(out, "{name} {limit_bytes}");
        let name = "irontsd_memory_used_bytes";
        metric(out, name, "gauge", "Memory of its own that the process uses.");
        let _ = writeln!(out, "{name} {}", node.memory.used_bytes());
    }
    // Behind the name in brackets, user and system time are the 12th and 13th field.
    let stat = read("/proc/self/stat");
    let times = stat.rsplit(')').next().unwrap_or_default().split(' ').skip(12).take(2);
    let ticks: u64 = times.filter_map(|n| n.parse::<u64>().ok()).sum();
    let name = "process_cpu_seconds_total";
    metric(out, name, "counter", "User and system time.");
    let _ =
        writeln!(out, "{name} {}", ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
    let name = "process_open_fds";
    metric(out, name, "gauge", "File descriptors in use.");
    let open = node.engine.env().disk.list("/proc/self/fd".as_ref()).unwrap_or_default();
    let _ = writeln!(out, "{name} {}", open.len());
    let name = "process_max_fds";
    metric(out, name, "gauge", "File descriptors allowed.");
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let _ = writeln!(out, "{name} {}", allowed.unwrap_or(u64::MAX));
    let name = "irontsd_uptime_seconds";
    metric(out, name, "gauge", "Time since the start.");
    let _ = writeln!(out, "{name} {}", node.engine.env().clock.monotonic().as_secs_f64());
    let name = "irontsd_build_info";
    metric(out, name, "gauge", "1, with the version.");
    let _ = writeln!(out, "{name}{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
}

/// The answer to telnet `stats`: OpenTSDB's names where the meaning is the same.
pub fn telnet_stats(node: &Node, out: &mut Vec<u8>) {
    let seconds = node.engine.env().clock.wall_ms() / 1000;
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    let mut text = String::new();
    let mut line = |name: &str, value: i64, tags: &str| {
        let _ = writeln!(text, "tsd.{name} {seconds} {value}{tags} host={host}");
    };
    let (counters, rejections) = (&node.counters, &node.rejections);
    let accepted: u64 = Protocol::ALL.iter().map(|&protocol| counters.accepted(protocol)).sum();
    let refused = |reason: Reason| -> i64 {
        Protocol::ALL.iter().map(|&protocol| rejections.count(protocol, reason) as i64).sum()
    };
    let all: i64 = Reason::ALL.iter().map(|&reason| refused(reason)).sum();
    line("rpc.received", accepted as i64 + all, " type=put");
    line("rpc.received", counters.requests_total.load(Relaxed) as i64, " type=http");
    line("rpc.errors", refused(Reason::InvalidValue), " type=invalid_values");
    line("rpc.errors", refused(Reason::IllegalArgument), " type=illegal_arguments");
    line("rpc.errors", 0, " type=unknown_metrics");
    line("datapoints.added", accepted as i64, " type=all");
    let open: i64 = Protocol::ALL.iter().map(|&protocol| counters.connections(protocol)).sum();
    line("connectionmgr.connections", open, " type=open");
    line(
        "connectionmgr.connections",
        counters.connections_total.load(Relaxed) as i64,
        " type=total",
    );
    line("uid.cache-size", i64::from(node.engine.registry().len()), " kind=series");
    out.extend_from_slice(text.as_bytes());
}

/// The last refusals as JSON.
pub fn rejected(node: &Node) -> Vec<u8> {
    let mut out = b"{\"status\":\"success\",\"data\":[".to_vec();
    for (at, refused) in node.rejections.last().iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let peer = refused.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let (protocol, label) = (refused.protocol.label(), refused.reject.reason.label());
        let head = format!(
            "{comma}{{\"time\":{},\"protocol\":\"{protocol}\",\"peer\":\"{peer}\",\
             \"reason\":\"{label}\",\"message\":",
            refused.time_ms
        );
        out.extend_from_slice(head.as_bytes());
        push_json_string(&mut out, &refused.reject.message);
        out.extend_from_slice(b",\"input\":");
        push_json_string(&mut out, &refused.input);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
