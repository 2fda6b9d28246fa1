//! Bodies one after the other through one fast reader. What it takes, the plain reader must take
//! with the same points; and the answer to a body must not depend on those before it.

use fastrand::Rng;
use irontsd_engine::types::{Kind, Value};
use irontsd_net::policy::Policy;
use irontsd_net::put::rules::Judge;
use irontsd_net::put::{Batch, Outcome, Scratch, What, fast, judge, plain};

use super::corpus::Corpus;
use super::mutate::mutate;
use super::words::JSON;
use super::{Counts, Verdict, grammar};

const NOW_MS: i64 = 1_400_000_000_123;

/// Memory that is used from body to body.
#[derive(Default)]
pub struct Readers {
    fast: fast::Parser,
    batch: Batch,
    scratch: Scratch,
}

/// What must be the same of a point: element, name, time, whether an integer, the double's bits.
type Point = (usize, Vec<u8>, i64, bool, u64);

pub fn round(chance: &mut Rng, corpus: &Corpus, readers: &mut Readers, sabotaged: bool) -> Verdict {
    let mut counts = Counts { rounds: 1, ..Counts::default() };
    for _ in 0..chance.usize(1..16) {
        let mut body = match chance.u8(..8) {
            0 => corpus.body(chance).to_vec(),
            _ => grammar::body(chance),
        };
        if chance.u8(..3) == 0 {
            mutate(chance, &mut body, JSON);
        }
        let extra: &[_] = match chance.u8(..4) {
            0 => &[("zone".to_owned(), "x y".to_owned())],
            _ => &[],
        };
        counts.bodies += 1;
        counts.bytes += body.len() as u64;
        check(&body, extra, readers, sabotaged, &mut counts)
            .map_err(|complaint| format!("{complaint}\nbody \"{}\"", body.escape_ascii()))?;
    }
    Ok(counts)
}

fn check(
    body: &[u8],
    extra: &[(String, String)],
    readers: &mut Readers,
    sabotaged: bool,
    counts: &mut Counts,
) -> Result<(), String> {
    let policy = Policy::default();
    let judge = Judge { policy: &policy, now_ms: NOW_MS, extra };
    let fast_judge = Judge { now_ms: NOW_MS - i64::from(sabotaged), ..judge };
    if readers.fast.collect(body, &fast_judge, &mut readers.batch).is_some() {
        let found = points(&readers.batch);
        counts.bodies_read_fast += 1;
        counts.points += found.len() as u64;
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
    Ok(())
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
