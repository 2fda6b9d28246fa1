//! `/api/put` bodies whose series are known by their raw bytes, as most are: nothing is parsed but
//! numbers. What is new in such a body goes through the reader of JSON once and is known from then on.

use crate::event_loop::EventLoop;
use crate::put::{self, Outcome, layout};
use crate::reject::Protocol;
use crate::telnet::lookup::Trail;
use irontsd_engine::types::{SeriesId, Value};

/// Memory that is used from body to body.
#[derive(Debug, Default)]
pub struct Scratch {
    points: Vec<layout::Raw>,
    series: Vec<SeriesId>,
}

/// A body with more points leaves no memory behind.
const KEPT_POINTS_MAX: usize = 64 << 10;

impl EventLoop {
    /// Takes a body if it is an ordinary one whose points are all good; else nothing of it.
    pub(super) fn put_known(&mut self, place: usize, body: &[u8], now_ms: i64) -> Option<Outcome> {
        let mut known = std::mem::take(&mut self.known);
        let taken = layout::split(body, &mut known.points)
            .and_then(|()| self.find_all(place, body, now_ms, &mut known));
        let count = known.points.len();
        if taken.is_some() {
            let mut intake = self.intake(place);
            for (raw, &series) in known.points.iter().zip(&known.series) {
                intake.push(Protocol::Http, series, raw.timestamp_ms, raw.value);
            }
        }
        if count <= KEPT_POINTS_MAX {
            self.known = known;
        }
        taken.map(|()| Outcome { success: count as u64, failed: 0, failures: Vec::new() })
    }

    fn find_all(
        &mut self,
        place: usize,
        body: &[u8],
        now_ms: i64,
        known: &mut Scratch,
    ) -> Option<()> {
        let oldest_ms = self.node.engine.oldest_ms();
        let mut trail = *self.conns[place].trail()?;
        known.series.clear();
        let mut complete = Some(());
        for raw in &mut known.points {
            let (metric, tags) = (&body[raw.metric.clone()], &body[raw.tags.clone()]);
            let found = self.json_lookup.find(metric, tags, &mut trail);
            let series = match found {
                Some(series) if raw.timestamp_ms >= oldest_ms => Some(series),
                Some(_) => None,
                None => self.learn(place, body, now_ms, raw, &mut trail),
            };
            let Some(series) = series else {
                complete = None;
                break;
            };
            known.series.push(series);
        }
        *self.conns[place].trail()? = trail;
        complete
    }

    /// Has a point read as JSON, by itself; if it is good its raw key is known from now on.
    fn learn(
        &mut self,
        place: usize,
        body: &[u8],
        now_ms: i64,
        raw: &mut layout::Raw,
        trail: &mut Trail,
    ) -> Option<SeriesId> {
        let (metric, tags) = (&body[raw.metric.clone()], &body[raw.tags.clone()]);
        if !layout::is_closed(tags) {
            return None;
        }
        let mut scratch = std::mem::take(&mut self.put);
        let node = self.node.clone();
        let mut found = None;
        let mut sink = |name: &[u8], ms: i64, value: Value| {
            self.intake(place).admit(ms)?;
            found = Some((self.intake(place).series(name)?, ms, value));
            Ok(())
        };
        let element = &body[raw.element.clone()];
        let read = put::judge(element, now_ms, &node.policy, &[], &mut scratch, &mut sink);
        self.put = scratch;
        let is_good = read.is_ok_and(|outcome| outcome.failed == 0 && outcome.success == 1);
        let (series, ms, value) = found.filter(|_| is_good)?;
        (raw.timestamp_ms, raw.value) = (ms, value);
        self.json_lookup.learn(metric, tags, series, trail);
        Some(series)
    }
}
