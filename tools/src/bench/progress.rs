//! A line on a terminal's standard error while a run goes on; nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::meter::Counts;
use super::timeline::Tick;
use super::units::{grouped, scaled, time_ns};

const DRAWS_PER_SECOND: u8 = 10;
/// Everything fits into 80 columns.
const LINE: &str = "{prefix}{elapsed_precise} {bar:8.cyan/dim} {percent:>3}%  {wide_msg}";
/// The share of the last tick in the rate that is shown.
const RATE_WEIGHT: f64 = 0.3;

/// The line of one run.
pub(super) struct Progress {
    bar: ProgressBar,
    by_time: bool,
    points_per_s: f64,
}

impl Progress {
    /// For a run that ends after so long, or else after so many points.
    pub(super) fn new(name: &str, duration: Option<Duration>, points: Option<u64>) -> Self {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND),
            false => ProgressDrawTarget::hidden(),
        };
        let milliseconds = duration.map(|duration| duration.as_millis() as u64);
        let bar = ProgressBar::with_draw_target(milliseconds.or(points), target);
        if let Ok(style) = ProgressStyle::with_template(LINE) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        if !name.is_empty() {
            bar.set_prefix(format!("{name} "));
        }
        Progress { bar, by_time: duration.is_some(), points_per_s: 0.0 }
    }

    /// Tells how far it is.
    pub(super) fn tell(&mut self, tick: &Tick, counts: &Counts) {
        let rate = tick.points as f64 / tick.seconds.max(1e-3);
        let weight = if self.points_per_s == 0.0 { 1.0 } else { RATE_WEIGHT };
        self.points_per_s += (rate - self.points_per_s) * weight;
        let position = if self.by_time { (tick.end_s * 1000.0) as u64 } else { counts.accepted };
        self.bar.set_position(position.min(self.bar.length().unwrap_or(u64::MAX)));
        self.bar.set_message(format!(
            "{} points/s  errors {}  p99 {}  lag {}",
            scaled(self.points_per_s),
            grouped(counts.errors),
            time_ns(tick.latency_ns[1]),
            time_ns(tick.lag_ns),
        ));
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
