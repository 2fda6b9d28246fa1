//! `/api/put` bodies whose series are known by their raw bytes, as most are: nothing is parsed but
//! numbers. What is new in such a body goes through the reader of JSON once and is known from then on.

use crate::event_loop::EventLoop;
use crate::put::{self, Outcome, layout};
use crate::reject::Protocol;
use crate::telnet::lookup::{Lookup, Trail};
use irontsd_engine::batch::Row;
use irontsd_engine::types::{SeriesId, Value};

/// Memory that is used from body to body.
#[derive(Debug, Default)]
pub struct Scratch {
    rows: Vec<(SeriesId, Row)>,
}

/// A body with more points leaves no memory behind.
const KEPT_POINTS_MAX: usize = 64 << 10;

impl EventLoop {
    /// Takes a body if it is an ordinary one whose points are all good; else nothing of it.
    pub(super) fn put_known(&mut self, place: usize, body: &[u8], now_ms: i64) -> Option<Outcome> {
        let mut trail = *self.conns[place].trail()?;
        let mut rows = std::mem::take(&mut self.known.rows);
        rows.clear();
        let oldest_ms = self.node.engine.oldest_ms();
        let mut known = Series { event_loop: self, place, body, now_ms, oldest_ms };
        let taken = layout::take(body, oldest_ms, &mut known, &mut trail, &mut rows);
        *self.conns[place].trail()? = trail;
        let count = rows.len();
        if taken.is_some() {
            let mut intake = self.intake(place);
            rows.iter().for_each(|&(series, row)| intake.pending.batch.push_row(series, row));
            intake.count(Protocol::Http, count);
        }
        if count <= KEPT_POINTS_MAX {
            self.known.rows = rows;
        }
        taken.map(|()| Outcome { success: count as u64, failed: 0, failures: Vec::new() })
    }
}

/// The series of a body.
struct Series<'a> {
    event_loop: &'a mut EventLoop,
    place: usize,
    body: &'a [u8],
    now_ms: i64,
    oldest_ms: i64,
}

impl layout::Known for Series<'_> {
    fn guesser(&mut self) -> &mut Lookup {
        &mut self.event_loop.json_lookup
    }

    fn find(&mut self, raw: &mut layout::Raw, trail: &mut Trail) -> Option<SeriesId> {
        let (metric, tags) = (&self.body[raw.metric.clone()], &self.body[raw.tags.clone()]);
        match self.event_loop.json_lookup.find(metric, tags, trail) {
            Some(series) => (raw.timestamp_ms >= self.oldest_ms).then_some(series),
            None => self.learn(raw, trail),
        }
    }
}

impl Series<'_> {
    /// Has a point read as JSON, by itself; if it is good its raw key is known from now on.
    fn learn(&mut self, raw: &mut layout::Raw, trail: &mut Trail) -> Option<SeriesId> {
        let (metric, tags) = (&self.body[raw.metric.clone()], &self.body[raw.tags.clone()]);
        if !layout::is_closed(tags) {
            return None;
        }
        let (event_loop, place) = (&mut *self.event_loop, self.place);
        let mut scratch = std::mem::take(&mut event_loop.put);
        let node = event_loop.node.clone();
        let mut found = None;
        let mut sink = |name: &[u8], ms: i64, value: Value| {
            event_loop.intake(place).admit(ms)?;
            found = Some((event_loop.intake(place).series(name)?, ms, value));
            Ok(())
        };
        let element = &self.body[raw.element.clone()];
        let read = put::judge(element, self.now_ms, &node.policy, &[], &mut scratch, &mut sink);
        event_loop.put = scratch;
        let is_good = read.is_ok_and(|outcome| outcome.failed == 0 && outcome.success == 1);
        let (series, ms, value) = found.filter(|_| is_good)?;
        (raw.timestamp_ms, raw.value) = (ms, value);
        event_loop.json_lookup.learn(metric, tags, series, trail);
        Some(series)
    }
}
