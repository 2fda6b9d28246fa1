//! Where accepted points go before they are committed: one batch for each event loop, with what is
//! needed to name series, to count and to refuse.

use crate::memory::Level;
use crate::node::Node;
use crate::policy::Policy;
use crate::reject::{Protocol, Reason, Reject};
use crate::telnet::lookup::Lookup;
use irontsd_engine::batch::Batch;
use irontsd_engine::limits::NAME_BYTES_MAX;
use irontsd_engine::series::Seen;
use irontsd_engine::types::{SeriesId, Value};
use std::net::SocketAddr;

/// An event loop's uncommitted points.
#[derive(Debug, Default)]
pub struct Pending {
    /// The rows.
    pub batch: Batch,
    /// How many of them each protocol brought.
    pub counts: [u64; Protocol::ALL.len()],
    /// Refusals since the loop began.
    pub refused: u64,
    /// Where new names are looked for.
    pub seen: Seen,
    /// The last name that was looked for was made: the next one is probably new, too.
    pub making: bool,
}

/// What a point says.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A number.
    Number(Value),
    /// The bytes of a histogram, for a series of histograms.
    Histogram(&'a [u8]),
}

/// What a protocol needs while it takes points from one connection.
pub struct Intake<'a> {
    /// What is shared by all loops.
    pub node: &'a Node,
    /// What is accepted.
    pub policy: &'a Policy,
    /// The loop's cache from raw key to series.
    pub lookup: &'a mut Lookup,
    /// The loop's batch.
    pub pending: &'a mut Pending,
    /// Who sends.
    pub peer: Option<SocketAddr>,
    /// What is older is dropped by retention.
    pub oldest_ms: i64,
}

impl Intake<'_> {
    /// Adds a row to the batch.
    #[inline]
    pub fn push(&mut self, protocol: Protocol, series: SeriesId, timestamp_ms: i64, value: Value) {
        self.pending.batch.push(series, timestamp_ms, value);
        self.pending.counts[protocol as usize] += 1;
    }

    /// Counts rows that were added to the batch elsewhere.
    #[inline]
    pub fn count(&mut self, protocol: Protocol, rows: usize) {
        self.pending.counts[protocol as usize] += rows as u64;
    }

    /// Adds a row of either kind to the batch.
    pub fn push_content(
        &mut self,
        protocol: Protocol,
        series: SeriesId,
        timestamp_ms: i64,
        content: Content<'_>,
    ) {
        match content {
            Content::Number(value) => self.pending.batch.push(series, timestamp_ms, value),
            Content::Histogram(bytes) => {
                self.pending.batch.push_histogram(series, timestamp_ms, bytes);
            }
        }
        self.pending.counts[protocol as usize] += 1;
    }

    /// Whether rows are taken at all.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.node.engine.gate().is_open()
    }

    /// Refuses what comes while no rows are taken, and what retention would drop.
    pub fn admit(&self, timestamp_ms: i64) -> Result<(), Reject> {
        if let Some(reason) = self.node.engine.stopped() {
            return Err(Reject::new(Reason::Unavailable, reason));
        }
        if timestamp_ms >= self.oldest_ms {
            return Ok(());
        }
        let oldest = self.oldest_ms;
        let message =
            format!("timestamp {timestamp_ms} ms is older than what is kept ({oldest} ms)");
        Err(Reject::new(Reason::Retention, message))
    }

    /// The series of a canonical name, new or not.
    pub fn series(&mut self, name: &[u8]) -> Result<SeriesId, Reject> {
        if name.len() > NAME_BYTES_MAX {
            let message = format!("metric and tags exceed {NAME_BYTES_MAX} bytes");
            return Err(Reject::new(Reason::NameTooLong, message));
        }
        let (admission, engine) = (&self.node.admission, &self.node.engine);
        let (seen, making) = (&mut self.pending.seen, &mut self.pending.making);
        let now = || engine.env().clock.monotonic();
        let all = || self.policy.creates.all() && self.node.memory.check(Level::Tight).is_ok();
        if std::mem::take(making) && all() {
            let admit = |series| admission.take(series, now).is_ok();
            if let Some((series, new)) = engine.registry().make(seen, name, admit) {
                *making = new;
                return Ok(series);
            }
        }
        let unknown = match engine.registry().look_up(name, seen) {
            Ok(series) => return Ok(series),
            Err(unknown) => unknown,
        };
        // Without all names it may be an old one, which must not be given another id.
        if let Err(error) = seen.check() {
            return Err(Reject::new(Reason::Unavailable, error.to_string()));
        }
        self.node.known.check(self.policy.creates, engine, name)?;
        self.node.memory.check(Level::Tight)?;
        // A flood that is refused must not hold up loops that only look up: no lock for adding.
        let found = admission.check(unknown.end, now).and_then(|()| {
            engine.registry().admit(unknown, seen, name, |series| admission.take(series, now))
        });
        *making = found.is_ok();
        found.map_err(|full| admission.refusal(full, name))
    }

    /// Counts and keeps a refusal.
    pub fn reject(&mut self, protocol: Protocol, reject: &Reject, input: &[u8]) {
        self.pending.refused += 1;
        let now_ms = self.node.engine.env().clock.wall_ms();
        self.node.rejections.add(now_ms, protocol, self.peer, reject, input);
    }

    /// Appends OpenTSDB's statistics lines.
    pub fn stats(&self, out: &mut Vec<u8>) {
        crate::status::telnet_stats(self.node, out);
    }
}
