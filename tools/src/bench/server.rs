//! What can be asked of the server under load besides taking it: its counters, a flush, an export.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use super::clock::now;
use super::metrics::Metrics;
use super::{Outcome, http};

/// Counters of points taken, by the name that each kind of server gives them.
const ACCEPTED: [&str; 2] = ["irontsd_points_accepted_total", "vm_rows_added_to_storage_total"];
const POLL: Duration = Duration::from_millis(10);
/// A count that has not moved for so long will not: some servers renew theirs once a second.
const COUNT_RESTS: Duration = Duration::from_secs(3);

/// A server's HTTP address and what it had counted before the run.
pub(super) struct Control {
    address: SocketAddr,
    timeout: Duration,
    /// The counter's name and value.
    before: Option<(&'static str, u64)>,
}

/// How the wait for all points ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finish {
    /// Whether a flush was asked for and answered.
    pub(super) flushed: bool,
    /// Points counted since the start; `None` if the server has no such counter.
    pub(super) counted: Option<u64>,
}

impl Control {
    /// Looks what the server has counted so far.
    pub(super) fn new(address: SocketAddr, timeout: Duration) -> Outcome<Self> {
        let mut control = Control { address, timeout, before: None };
        control.before = match Metrics::read(address, timeout) {
            Ok(metrics) => {
                ACCEPTED.iter().find_map(|name| Some((*name, metrics.sum(name, "")? as u64)))
            }
            // It answers, but has no such page.
            Err(error) if error.to_string().contains("http status") => None,
            Err(error) => {
                let hint = "start it, or say with --http where it answers";
                return Err(format!("cannot ask the server: {error}; {hint}").into());
            }
        };
        Ok(control)
    }

    /// Asks for a flush and waits until `points` are counted, or no more are.
    pub(super) fn finish(&self, points: u64) -> Outcome<Finish> {
        let flushed = match http::get(self.address, "/internal/force_flush", self.timeout) {
            Ok(_) => true,
            Err(error) if error.to_string().contains("http status") => false,
            Err(error) => return Err(error),
        };
        Ok(Finish { flushed, counted: self.await_count(points)? })
    }

    fn await_count(&self, points: u64) -> Outcome<Option<u64>> {
        let Some((name, before)) = self.before else { return Ok(None) };
        let (mut last, mut moved) = (0, now());
        loop {
            let count = Metrics::read(self.address, self.timeout)?.count(name, "")?;
            let counted = count.saturating_sub(before);
            if counted > last {
                (last, moved) = (counted, now());
            }
            if counted >= points || moved.elapsed() > COUNT_RESTS {
                return Ok(Some(counted));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Every series in a range of milliseconds, both ends included.
    pub(super) fn export(&self, (first_ms, last_ms): (i64, i64)) -> Outcome<impl Read + use<>> {
        let seconds = |ms: i64| format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000));
        let (start, end) = (seconds(first_ms), seconds(last_ms));
        let path = format!("{}&start={start}&end={end}", http::EXPORT_ALL);
        http::stream(self.address, &path, self.timeout)
    }
}
