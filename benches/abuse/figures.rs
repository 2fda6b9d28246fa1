//! What was measured beside each abuse, and whether it is good enough.

use crate::common::stream::Sent;
use crate::common::table;
use crate::common::verdict::Verdict;

/// The share of the honest points due that may be lost.
pub const LOSS_MAX: f64 = 0.05;

/// What one abuse cost the load beside it.
pub struct Figures {
    /// The abuse.
    pub name: &'static str,
    /// How hard it is pressed.
    pub rate: &'static str,
    /// Honest points that were due.
    pub due: u64,
    /// Honest points that were taken.
    pub honest: Sent,
    /// What the abuse came to, in its own units.
    pub done: u64,
    /// CPU seconds of the server.
    pub cpu_s: f64,
    /// CPU seconds of anything but server and clients.
    pub others_s: f64,
}

impl Figures {
    /// The share of the honest points that was lost.
    pub fn loss(&self) -> f64 {
        1.0 - self.honest.lines as f64 / self.due as f64
    }
}

/// A line for each abuse, as Markdown.
pub fn table(all: &[Figures]) -> String {
    let head = [
        "abuse",
        "held to",
        "done",
        "honest lost, %",
        "honest M points/s",
        "cores busy, server",
        "elsewhere",
    ];
    let row = |run: &Figures| {
        let seconds = run.honest.seconds;
        vec![
            run.name.to_owned(),
            run.rate.to_owned(),
            run.done.to_string(),
            format!("{:.2}", run.loss() * 100.0),
            format!("{:.3}", run.honest.lines as f64 / seconds / 1e6),
            format!("{:.2}", run.cpu_s / seconds),
            format!("{:.2}", run.others_s / seconds),
        ]
    };
    let head = head.map(String::from).to_vec();
    table::plain(&[head].into_iter().chain(all.iter().map(row)).collect::<Vec<_>>())
}

/// One verdict over all of them, for the one that cost most.
pub fn judge(all: &[Figures]) -> Vec<Verdict> {
    let worst = all.iter().max_by(|a, b| a.loss().total_cmp(&b.loss()));
    let verdict = |run: &Figures| Verdict {
        what: String::from("honest points lost beside any abuse, at most"),
        found: format!("{:.2} % ({})", run.loss() * 100.0, run.name),
        bound: format!("at most {:.0} %", LOSS_MAX * 100.0),
        holds: run.loss() <= LOSS_MAX,
    };
    worst.map(verdict).into_iter().collect()
}
