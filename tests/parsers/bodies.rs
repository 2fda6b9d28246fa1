//! The readers of `/api/put` bodies against each other: what the fast one takes, the plain one must take
//! with the same points; and the answer to a body must not depend on those before it.

use irontsd_engine::types::{Kind, Value};
use irontsd_net::policy::Policy;
use irontsd_net::put::rules::Judge;
use irontsd_net::put::{Batch, Outcome, Scratch, What, fast, judge, plain};

/// The clock of points without a time.
pub const NOW_MS: i64 = 1_400_000_000_123;

/// Memory that is used from body to body.
#[derive(Default)]
pub struct Readers {
    fast: fast::Parser,
    batch: Batch,
    scratch: Scratch,
}

/// What must be the same of a point: element, name, time, whether an integer, the double's bits.
type Point = (usize, Vec<u8>, i64, bool, u64);

/// Complains about what is not the same; the number of points if the fast reader took the body. A
/// sabotaged one has a clock that is a millisecond off.
pub fn check(
    body: &[u8],
    extra: &[(String, String)],
    readers: &mut Readers,
    sabotaged: bool,
) -> Result<Option<usize>, String> {
    let policy = Policy::default();
    let judge = Judge { policy: &policy, now_ms: NOW_MS, extra };
    let mut taken = None;
    let fast_judge = Judge { now_ms: NOW_MS - i64::from(sabotaged), ..judge };
    if readers.fast.collect(body, &fast_judge, &mut readers.batch).is_some() {
        let found = points(&readers.batch);
        taken = Some(found.len());
        let refused = plain::collect(body, &judge, What::Numbers, &mut readers.batch);
        match refused {
            Ok(refused) if refused.count() == 0 => {}
            other => return Err(format!("the plain reader refuses: {other:?}")),
        }
        let expected = points(&readers.batch);
        if found != expected {
            return Err(format!("points {found:?}, not {expected:?}"));
        }
    }
    let again = answer(body, extra, &mut readers.scratch);
    let first = answer(body, extra, &mut Scratch::default());
    if again != first {
        return Err(format!("after other bodies {again:?}, not {first:?}"));
    }
    Ok(taken)
}

fn points(batch: &Batch) -> Vec<Point> {
    let point = |(index, name, ms, value): (usize, &[u8], i64, Value)| {
        let bits = match value.kind {
            Kind::INTEGER => value.bits,
            _ => value.as_f64().to_bits(),
        };
        (index, name.to_vec(), ms, value.kind == Kind::INTEGER, bits)
    };
    batch.iter().map(point).collect()
}

type Taken = Vec<(Vec<u8>, i64, Value)>;

fn answer(
    body: &[u8],
    extra: &[(String, String)],
    scratch: &mut Scratch,
) -> (Result<Outcome, String>, Taken) {
    let mut taken = Vec::new();
    let mut out = |name: &[u8], ms: i64, value: Value| {
        taken.push((name.to_vec(), ms, value));
        Ok(())
    };
    let outcome = judge(body, NOW_MS, &Policy::default(), extra, scratch, &mut out);
    (outcome.map_err(|error| format!("{error:?}")), taken)
}
