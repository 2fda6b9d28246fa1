//! `/api/put` bodies: the fast reader and the one of known series against the plain one.

use std::cell::RefCell;

use irontsd_engine::batch::Row;
use irontsd_engine::types::{Kind, SeriesId, Value};
use irontsd_net::policy::Policy;
use irontsd_net::put::layout::{self, Known, Raw};
use irontsd_net::put::{Scratch, judge};
use irontsd_net::telnet::lookup::{Lookup, Trail};

use crate::bodies::{self, NOW_MS, Readers};

thread_local! {
    static READERS: RefCell<Readers> = RefCell::default();
}

/// See the module. The lowest bit of the first byte adds a tag to all points.
pub fn check(bytes: &[u8]) {
    let Some((&how, body)) = bytes.split_first() else { return };
    let extra = [("zone".to_owned(), "x y".to_owned())];
    let extra = if how & 1 == 0 { &[][..] } else { &extra };
    let agreed = READERS.with_borrow_mut(|readers| bodies::check(body, extra, readers, false));
    if let Err(complaint) = agreed {
        panic!("{complaint}");
    }
    known(body);
}

/// A point whose raw metric and tags a reader of JSON has taken is taken from the body without one: the
/// plain reader must find the same in it. The second time the series come in the order of the first.
fn known(body: &[u8]) {
    let mut seen = Seen { body, lookup: Lookup::new(7, 1 << 20), names: Vec::new() };
    let mut trail = Trail::default();
    for _ in 0..2 {
        let mut rows = Vec::new();
        if layout::take(body, i64::MIN, &mut seen, &mut trail, &mut rows).is_some() {
            let point = |(series, row): &(SeriesId, Row)| {
                (seen.names[*series as usize].clone(), row.timestamp_ms(), of_value(row.value()))
            };
            assert_eq!(read(body), Some(rows.iter().map(point).collect()), "the whole body");
        }
    }
}

/// Series whose raw keys a reader of JSON has taken.
struct Seen<'a> {
    body: &'a [u8],
    lookup: Lookup,
    names: Vec<Vec<u8>>,
}

impl Known for Seen<'_> {
    fn guesser(&mut self) -> &mut Lookup {
        &mut self.lookup
    }

    fn find(&mut self, raw: &mut Raw, trail: &mut Trail) -> Option<SeriesId> {
        let (metric, tags) = (&self.body[raw.metric.clone()], &self.body[raw.tags.clone()]);
        if let Some(series) = self.lookup.find(metric, tags, trail) {
            return Some(series);
        }
        let like: [&[u8]; 5] = [
            b"{\"metric\":\"",
            metric,
            b"\",\"timestamp\":1700000000,\"value\":1,\"tags\":",
            tags,
            b"}",
        ];
        let taken = layout::is_closed(tags).then(|| read(&like.concat())).flatten();
        let (name, ..) = taken?.into_iter().next()?;
        let expected = (name.clone(), raw.timestamp_ms, of_value(raw.value));
        let found = read(&self.body[raw.element.clone()]);
        assert_eq!(found.as_deref(), Some(&[expected][..]), "{raw:?}");
        let series = self.names.len() as SeriesId;
        self.names.push(name);
        self.lookup.learn(metric, tags, series, trail);
        Some(series)
    }
}

/// Name, milliseconds, whether an integer and bits of it, or of a double.
type Point = (Vec<u8>, i64, (bool, u64));

fn of_value(value: Value) -> (bool, u64) {
    match value.kind {
        Kind::INTEGER => (true, value.bits),
        _ => (false, value.as_f64().to_bits()),
    }
}

/// The points of a body of good points only.
fn read(body: &[u8]) -> Option<Vec<Point>> {
    let mut points = Vec::new();
    let mut out = |name: &[u8], ms: i64, value: Value| {
        points.push((name.to_vec(), ms, of_value(value)));
        Ok(())
    };
    let policy = Policy::default();
    let outcome = judge(body, NOW_MS, &policy, &[], &mut Scratch::default(), &mut out).ok()?;
    (outcome.failed == 0).then_some(points)
}
