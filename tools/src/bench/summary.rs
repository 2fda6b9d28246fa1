//! A run in a few lines for people, or as JSON for scripts.

use std::fmt::Write;

use super::flags::{Bench, Protocol, WorkloadName};
use super::run::{Run, refusals};
use super::units::{bytes, grouped, mib, scaled, three_digits, time_ns};
use super::verify::Verdict;
use crate::screen::Paint;
use clap::ValueEnum;

const LABEL_COLUMNS: usize = 12;
const ANSWERS_SHOWN: usize = 3;

/// The summary of a run.
pub(super) fn text(run: &Run, flags: &Bench, paint: Paint) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", paint.head(&title(run, flags)));
    for (label, value) in rows(run, paint) {
        let label = paint.dim(&format!("{label:LABEL_COLUMNS$}"));
        let _ = writeln!(out, "  {label}{value}");
    }
    out
}

/// What was run, in a line.
pub(super) fn title(run: &Run, flags: &Bench) -> String {
    let name = match run.target.name.as_str() {
        "" => String::new(),
        name => format!("{name}: "),
    };
    format!("{name}{}, to {}, {}", what(flags), to(run, flags), how(flags))
}

/// The workload in words.
pub(super) fn what(flags: &Bench) -> String {
    match &flags.load.replay {
        Some(path) => format!("replay of {}", path.display()),
        None => {
            let value = flags.load.workload.to_possible_value();
            let name = value.map_or_else(String::new, |value| value.get_name().to_owned());
            format!("{name} workload, seed {}", flags.load.seed)
        }
    }
}

/// Protocol and address.
pub(super) fn to(run: &Run, flags: &Bench) -> String {
    let histograms = flags.load.workload == WorkloadName::Histograms;
    let protocol = match run.target.protocol {
        Protocol::Telnet => "telnet",
        Protocol::Put if histograms => "/api/histogram",
        Protocol::Put => "/api/put",
        Protocol::Udp => "udp",
    };
    format!("{protocol} {}", run.target.address)
}

fn how(flags: &Bench) -> String {
    let connections = flags.style.connections;
    let pace = match flags.style.rate {
        Some(rate) => format!("{} points/s by the clock", scaled(rate as f64)),
        None => "as fast as it goes".to_owned(),
    };
    let plural = if connections == 1 { "" } else { "s" };
    format!("{connections} connection{plural}, {pace}")
}

fn rows(run: &Run, paint: Paint) -> Vec<(&'static str, String)> {
    let mut rows = vec![("sent", sent(run)), ("rate", rate(run))];
    rows.extend(latency(run).map(|text| ("latency", text)));
    let ends = format!("of batches of {} points, until {}", grouped(run.batch), run.latency_ends);
    rows.push(("", paint.dim(&ends)));
    if run.counts.unsent > 0 {
        let unsent = grouped(run.counts.unsent);
        let text = format!("{unsent} points were due and not sent by the end; their wait counts");
        rows.push(("behind", paint.bad(&text)));
    }
    rows.extend(server(run).map(|text| ("server", text)));
    let own_us = run.own_cpu_s * 1e6 / run.counts.sent.max(1) as f64;
    let busy = three_digits(run.own_cpu_s / run.accepted_s.max(1e-9));
    rows.push(("generator", format!("{} us CPU a point, {busy} cores busy", three_digits(own_us))));
    rows.extend(errors(run, paint));
    match &run.verdict {
        Some(Verdict::Same { samples, series }) => {
            let (samples, series) = (grouped(*samples), grouped(*series));
            let text = format!("{samples} samples of {series} series came back as they were sent");
            rows.push(("verified", paint.good(&text)));
        }
        Some(Verdict::Differs(text)) => rows.push(("DIFFERENT", paint.bad(text))),
        None => {}
    }
    if run.interrupted {
        rows.push(("ended", "by a signal, before its time".to_owned()));
    }
    rows
}

fn sent(run: &Run) -> String {
    let (points, sent) = (run.counts.sent, run.counts.bytes);
    let each = three_digits(sent as f64 / points.max(1) as f64);
    format!("{} points, {} ({each} a point)", grouped(points), bytes(sent))
}

fn rate(run: &Run) -> String {
    let points = run.counts.sent as f64;
    let until = |what: &str, seconds: f64| {
        let rate = scaled(points / seconds.max(1e-9));
        format!("{rate} points/s until {what} ({} s)", three_digits(seconds))
    };
    let accepted = until("accepted", run.accepted_s);
    match run.finish {
        None => accepted,
        Some(finish) => {
            let what = match (finish.flushed, finish.counted.is_some()) {
                (true, true) => "flushed and counted",
                (true, false) => "flushed",
                (false, true) => "counted",
                (false, false) => "asked",
            };
            format!("{accepted}, {}", until(what, run.finished_s))
        }
    }
}

fn latency(run: &Run) -> Option<String> {
    let found = run.percentiles()?;
    Some(format!(
        "p50 {}   p90 {}   p99 {}   p99.9 {}   max {}",
        time_ns(found.p50),
        time_ns(found.p90),
        time_ns(found.p99),
        time_ns(found.p999),
        time_ns(found.max),
    ))
}

fn server(run: &Run) -> Option<String> {
    let (cpu, accepted) = (run.cpu?, run.cpu_accepted?);
    let each = |seconds: f64| three_digits(seconds * 1e6 / run.counts.sent.max(1) as f64);
    Some(format!(
        "{} us CPU a point (user {}, system {}), {} of it until accepted; {} at most",
        each(cpu.total_s()),
        each(cpu.user_s),
        each(cpu.system_s),
        each(accepted.total_s()),
        mib(run.memory_peak().0),
    ))
}

fn errors(run: &Run, paint: Paint) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    match run.counts.errors {
        0 => rows.push(("errors", "none".to_owned())),
        errors => rows.push(("ERRORS", paint.bad(&refusals(errors)))),
    }
    for (answer, count) in run.answers.iter().take(ANSWERS_SHOWN) {
        rows.push(("", format!("{} x {}", grouped(*count), answer.trim())));
    }
    if run.lost() > 0 {
        let lost = format!("{} points were sent and not counted", grouped(run.lost()));
        rows.push(("LOST", paint.bad(&lost)));
    }
    rows
}

/// The summary for scripts, in one line.
pub(super) fn json(run: &Run) -> String {
    let number =
        |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.4}"));
    let latency = match run.percentiles() {
        None => "null".to_owned(),
        Some(found) => {
            let us = |ns: u64| format!("{:.1}", ns as f64 / 1000.0);
            let (p50, p99, p999) = (us(found.p50), us(found.p99), us(found.p999));
            format!(r#"{{"p50":{p50},"p99":{p99},"p999":{p999}}}"#)
        }
    };
    let verified = match &run.verdict {
        None => String::new(),
        Some(verdict) => {
            format!(r#","verified":{}"#, matches!(verdict, Verdict::Same { .. }))
        }
    };
    format!(
        r#"{{"points":{},"seconds":{:.6},"points_per_second":{:.1},"server_cpu_us_per_point":{},"errors":{},"latency_us":{latency}{verified}}}"#,
        run.counts.sent,
        run.finished_s,
        run.points_per_s(),
        number(run.cpu_us_per_point()),
        run.counts.errors,
    )
}
