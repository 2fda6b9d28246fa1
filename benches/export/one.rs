//! The export of one series among many.

use std::time::Duration;

use irontsd::workload::Shape;

use crate::Lines;
use crate::common::Outcome;
use crate::common::fetch::fetch;
use crate::common::node::Node;
use crate::common::peaks::Peaks;
use crate::common::table::{Row, row};
use crate::common::times::{Times, ms};

/// From the last new series to the first request: nodes index beside ingestion, IronTSD once new series come
/// calmly, which it looks for every five seconds.
const CALM: Duration = Duration::from_secs(12);
/// Requests behind the first one.
const REQUESTS: usize = 200;
/// Agent series of one host.
const SERIES_PER_HOST: u64 = 120;

/// The measurements of one run.
#[derive(Clone, Debug)]
pub struct Figures {
    first: Duration,
    /// To the first byte.
    others: Times,
    peaks: Peaks,
}

/// The rows, the most telling first.
pub const ROWS: [Row<Figures>; 6] = [
    row("first byte ms, median", 3, |run| run.at(0.5)),
    row("first byte ms, 99 of 100", 3, |run| run.at(0.99)),
    row("first byte ms, slowest", 3, |run| run.at(1.0)),
    row("first byte ms, first request", 1, |run| ms(run.first)),
    row("peak RSS MiB, from filling on", 0, |run| run.peaks.rss_mib()),
    row("peak anonymous MiB, from filling on", 0, |run| run.peaks.anon_mib()),
];

impl Figures {
    fn at(&self, share: f64) -> f64 {
        ms(self.others.at(share))
    }
}

/// Fills a node with series and asks for some, one by one.
pub fn measure(node: &dyn Node, lines: &Lines, shape: &Shape) -> Outcome<Figures> {
    let (mut running, anon) = lines.fill(node)?;
    let hosts = shape.series_count / SERIES_PER_HOST;
    let mut ask = |number: u64| -> Outcome<Duration> {
        let host = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % hosts + 1;
        // `sys.cpu.user{host="web0001",cpu="3"}`
        let selector =
            format!("sys.cpu.user%7Bhost%3D%22web{host:04}%22%2Ccpu%3D%22{}%22%7D", number % 4);
        let path = format!("/api/v1/export?match%5B%5D={selector}");
        let mut lines = 0;
        let fetched = fetch(running.http, &path, running.timeout, |piece| {
            lines += piece.iter().filter(|byte| **byte == b'{').count();
        })?;
        // The braces of one line: the object and its metric.
        match lines {
            2 => Ok(fetched.first_byte),
            _ => Err(format!("{path}: not exactly one series").into()),
        }
    };
    std::thread::sleep(CALM);
    let first = ask(0)?;
    let others = (1..=REQUESTS as u64).map(&mut ask).collect::<Outcome<Vec<_>>>()?;
    let peaks = Peaks::of(&running, anon)?;
    running.server.stop(running.timeout)?;
    Ok(Figures { first, others: others.into(), peaks })
}
