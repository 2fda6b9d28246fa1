//! Two servers under the same load: how each is named on the command line, and their ratios.

use std::fmt::Write;
use std::net::SocketAddr;

use super::run::Run;
use super::summary;
use super::units::{scaled, three_digits, time_ns};
use super::values::server;
use crate::screen::Paint;

const MIB: f64 = 1024.0 * 1024.0;
const CPU_ROW: &str = "server CPU us/point";
const RATE_ROW: &str = "points/s, until flushed, counted";
const P99_ROW: &str = "latency p99";
const NAME_COLUMNS: usize = 36;
const COLUMNS: usize = 16;

/// A server of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name in tables.
    pub name: String,
    /// Where the load goes.
    pub address: SocketAddr,
    /// Where it is asked.
    pub http: Option<SocketAddr>,
    /// Its process.
    pub pid: Option<u32>,
}

impl std::str::FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected NAME=ADDR,HTTP,PID, for example iron=:4242,:8428,1234";
        let (name, rest) = text.split_once('=').ok_or(expected)?;
        let mut parts = rest.split(',');
        let first = parts.next().filter(|first| !first.is_empty()).ok_or(expected)?;
        let http = parts.next().filter(|http| !http.is_empty()).map(server).transpose()?;
        let pid = parts.next().map(|pid| pid.parse().map_err(|_| expected)).transpose()?;
        if name.is_empty() || parts.next().is_some() {
            return Err(expected.to_owned());
        }
        Ok(Peer { name: name.to_owned(), address: server(first)?, http, pid })
    }
}

/// A figure of both.
pub(super) struct Row {
    /// What it is.
    pub(super) name: &'static str,
    /// Of the first and of the second; `None` if it is not known.
    pub(super) values: [Option<f64>; 2],
    /// Whether both mean the same.
    pub(super) comparable: bool,
    /// For people.
    pub(super) show: fn(f64) -> String,
}

impl Row {
    /// The first by the second.
    pub(super) fn ratio(&self) -> Option<f64> {
        let [first, second] = self.values.map(|value| value.filter(|_| self.comparable));
        let ratio = first? / second?;
        ratio.is_normal().then_some(ratio)
    }

    /// The ratio for people, a small one the other way round.
    pub(super) fn ratio_text(&self) -> String {
        match self.ratio() {
            None => "-".to_owned(),
            Some(ratio) if ratio < 0.5 => format!("1/{:.1}", 1.0 / ratio),
            Some(ratio) => three_digits(ratio),
        }
    }
}

/// The figures of both.
pub(super) fn rows(one: &Run, two: &Run) -> Vec<Row> {
    let row = |name, show, value: &dyn Fn(&Run) -> Option<f64>| Row {
        name,
        values: [value(one), value(two)],
        comparable: true,
        show,
    };
    // One that answers each batch and one that does not are measured by other moments.
    let comparable = one.latency_ends == two.latency_ends;
    let waiting = |row: Row| Row { comparable, ..row };
    let per_s = |run: &Run, seconds: f64| Some(run.counts.sent as f64 / seconds.max(1e-9));
    let us = |run: &Run, seconds: Option<f64>| Some(seconds? * 1e6 / run.counts.sent.max(1) as f64);
    let latency = |run: &Run, pick: fn(&super::latency::Percentiles) -> u64| {
        Some(pick(&run.percentiles()?) as f64)
    };
    let memory = |run: &Run, bytes: u64| run.target.pid.map(|_| bytes as f64 / MIB);
    let mib: fn(f64) -> String = |value| format!("{} MiB", three_digits(value));
    let time: fn(f64) -> String = |ns| time_ns(ns as u64);
    vec![
        row(CPU_ROW, three_digits, &Run::cpu_us_per_point),
        row("server CPU us/point, until accepted", three_digits, &|run| {
            us(run, run.cpu_accepted.map(|cpu| cpu.total_s()))
        }),
        row("points/s, until accepted", scaled, &|run| per_s(run, run.accepted_s)),
        row(RATE_ROW, scaled, &|run| per_s(run, run.finished_s)),
        waiting(row("latency p50", time, &|run| latency(run, |found| found.p50))),
        waiting(row(P99_ROW, time, &|run| latency(run, |found| found.p99))),
        waiting(row("latency p99.9", time, &|run| latency(run, |found| found.p999))),
        row("resident memory, most", mib, &|run| memory(run, run.memory_peak().0)),
        row("anonymous memory, most", mib, &|run| memory(run, run.memory_peak().1)),
    ]
}

/// A table for people.
pub(super) fn table(one: &Run, two: &Run, paint: Paint) -> String {
    let (first, second) = (&one.target.name, &two.target.name);
    let ratio = format!("{first}/{second}");
    let head =
        format!("{:NAME_COLUMNS$} {first:>COLUMNS$} {second:>COLUMNS$} {ratio:>COLUMNS$}", "");
    let mut out = format!("{}\n", paint.head(&head));
    for row in rows(one, two) {
        let cell = |at: usize| row.values[at].map_or("-".to_owned(), row.show);
        let (first, second, ratio) = (cell(0), cell(1), row.ratio_text());
        let cells = format!("{first:>COLUMNS$} {second:>COLUMNS$} {ratio:>COLUMNS$}");
        let _ = writeln!(out, "{:NAME_COLUMNS$} {cells}", row.name);
    }
    if one.latency_ends != two.latency_ends {
        out.push_str("Latencies end with different things (see above), so they have no ratio.\n");
    }
    out
}

/// Both and their ratios for scripts.
pub(super) fn json(one: &Run, two: &Run) -> String {
    let server = |run: &Run| {
        let rest = summary::json(run);
        format!(r#"{{"name":"{}",{}"#, escaped(&run.target.name), &rest[1..])
    };
    let rows = rows(one, two);
    let ratio = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        let ratio = row.and_then(Row::ratio);
        ratio.map_or("null".to_owned(), |ratio| format!("{ratio:.4}"))
    };
    format!(
        r#"{{"servers":[{},{}],"ratios":{{"points_per_second":{},"server_cpu_us_per_point":{},"latency_p99":{}}}}}"#,
        server(one),
        server(two),
        ratio(RATE_ROW),
        ratio(CPU_ROW),
        ratio(P99_ROW),
    )
}

fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|sign| match sign {
            '"' | '\\' => vec!['\\', sign],
            sign if sign.is_control() => vec![' '],
            sign => vec![sign],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_a_name_and_an_address_at_least() {
        let full: Peer = "iron=127.0.0.1:1,127.0.0.1:2,3".parse().expect("a server");
        assert_eq!(
            (full.name.as_str(), full.http.map(|at| at.port()), full.pid),
            ("iron", Some(2), Some(3))
        );
        let short: Peer = "vm=127.0.0.1:1,,7".parse().expect("a server");
        assert_eq!((short.http, short.pid), (None, Some(7)));
        for text in
            ["", "x", "x=", "=127.0.0.1:1", "x=127.0.0.1:1,127.0.0.1:2,y", "x=127.0.0.1:1,,1,1"]
        {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }
}
