//! `/api/put` bodies: the fast reader and the one that only splits against the plain one.

use std::cell::RefCell;

use irontsd_engine::types::{Kind, Value};
use irontsd_net::policy::Policy;
use irontsd_net::put::layout::{self, Raw};
use irontsd_net::put::{Scratch, judge};

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
    split(body);
}

/// A point whose raw metric and tags a reader of JSON has taken is taken from the split body without one:
/// the plain reader must find the same in it.
fn split(body: &[u8]) {
    let mut points = Vec::new();
    if layout::split(body, &mut points).is_none() {
        return;
    }
    let mut all = Some(Vec::new());
    for raw in &points {
        let (metric, tags) = (&body[raw.metric.clone()], &body[raw.tags.clone()]);
        let like = [
            b"{\"metric\":\"",
            metric,
            b"\",\"timestamp\":1700000000,\"value\":1,\"tags\":",
            tags,
            b"}",
        ];
        let known = layout::is_closed(tags).then(|| read(&like.concat())).flatten();
        let Some((name, ..)) = known.and_then(|points| points.into_iter().next()) else {
            all = None;
            continue;
        };
        let expected = (name, raw.timestamp_ms, meaning(raw));
        let found = read(&body[raw.element.clone()]);
        assert_eq!(found.as_deref(), Some(&[expected.clone()][..]), "{raw:?}");
        all = all.map(|mut all| {
            all.push(expected);
            all
        });
    }
    if let Some(all) = all {
        assert_eq!(read(body), Some(all), "the whole body");
    }
}

/// Name, milliseconds, whether an integer and bits of it, or of a double.
type Point = (Vec<u8>, i64, (bool, u64));

fn meaning(raw: &Raw) -> (bool, u64) {
    of_value(raw.value)
}

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
