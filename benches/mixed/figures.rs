//! What was measured, and whether it is good enough.

use std::time::Duration;

use super::exports::Exports;
use super::fixed::FixedSet;
use super::puts::Puts;
use crate::common::peaks::Peaks;
use crate::common::stream::Sent;
use crate::common::table;
use crate::common::times::{Times, ms};
use crate::common::verdict::Verdict;

/// The share of the lines due that may be lost.
const LOSS_MAX: f64 = 0.05;
/// Of 100 requests, 99 take less.
const P99_MAX: Duration = Duration::from_millis(5);
/// The share of their speed that exports keep.
const EXPORT_SHARE_MIN: f64 = 0.25;

/// The measurements.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Lines that were due.
    pub due: u64,
    /// Lines that were taken.
    pub lines: Sent,
    /// Exports without anything beside them.
    pub alone: Exports,
    /// Exports beside lines and requests.
    pub exports: Exports,
    /// Requests beside lines and exports.
    pub puts: Puts,
    /// CPU seconds of the server.
    pub cpu_s: f64,
    /// CPU seconds of anything but server and clients.
    pub others_s: f64,
    /// Memory, from the start of the node on.
    pub peaks: Peaks,
}

impl Figures {
    fn loss(&self) -> f64 {
        1.0 - self.lines.lines as f64 / self.due as f64
    }

    fn export_share(&self, fixed: &FixedSet) -> f64 {
        self.exports.rate(fixed) / self.alone.rate(fixed)
    }

    /// A line for each figure, as Markdown.
    pub fn table(&self, fixed: &FixedSet) -> String {
        let seconds = self.exports.seconds;
        let mut rows = vec![["figure", "value"].map(String::from).to_vec()];
        let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
        row("M lines/s due", format!("{:.3}", self.due as f64 / seconds / 1e6));
        row(
            "M lines/s taken",
            format!("{:.3}", self.lines.lines as f64 / self.lines.seconds / 1e6),
        );
        row("lines lost, %", format!("{:.2}", self.loss() * 100.0));
        row("M points/s exported alone", format!("{:.2}", self.alone.rate(fixed) / 1e6));
        row("M points/s exported", format!("{:.2}", self.exports.rate(fixed) / 1e6));
        row("share of the speed alone, %", format!("{:.1}", self.export_share(fixed) * 100.0));
        row("exports ended", self.exports.ended.to_string());
        row("requests answered", self.puts.latencies.count().to_string());
        row("answered after ms, p50 / p99 / p99.9 / most", spread(&self.puts.latencies));
        row("woken late by ms, p50 / p99 / p99.9 / most", spread(&self.puts.woken_late));
        row("cores busy, server", format!("{:.2}", self.cpu_s / seconds));
        row("cores busy elsewhere", format!("{:.2}", self.others_s / seconds));
        row("peak RSS MiB, from filling on", format!("{:.0}", self.peaks.rss_mib()));
        row("peak anonymous MiB, from filling on", format!("{:.0}", self.peaks.anon_mib()));
        table::plain(&rows)
    }
}

fn spread(times: &Times) -> String {
    let at = [0.5, 0.99, 0.999, 1.0].map(|share| format!("{:.2}", ms(times.at(share))));
    at.join(" / ")
}

/// All verdicts.
pub fn judge(figures: &Figures, fixed: &FixedSet) -> Vec<Verdict> {
    let (loss, share) = (figures.loss(), figures.export_share(fixed));
    let p99 = figures.puts.latencies.at(0.99);
    vec![
        Verdict {
            what: String::from("lines are taken: lost"),
            found: format!("{:.2} %", loss * 100.0),
            bound: format!("at most {:.0} %", LOSS_MAX * 100.0),
            holds: loss <= LOSS_MAX,
        },
        Verdict {
            what: String::from("requests are answered: p99"),
            found: format!("{:.2} ms", ms(p99)),
            bound: format!("below {:.0} ms", ms(P99_MAX)),
            holds: p99 < P99_MAX,
        },
        Verdict {
            what: String::from("exports go on: share of the speed alone"),
            found: format!("{:.1} %", share * 100.0),
            bound: format!("at least {:.0} %", EXPORT_SHARE_MIN * 100.0),
            holds: share >= EXPORT_SHARE_MIN,
        },
    ]
}
