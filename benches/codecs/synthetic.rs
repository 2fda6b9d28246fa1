//! Series made by rule: the loads of `irontsd bench`, and one nature at a time.

use crate::data::from_lines;
use irontsd::workload::{Kind, Shape, collect};
use irontsd_engine::types::{Samples, Value};

/// Name and series of each data set.
pub fn all() -> Vec<(String, Vec<Samples>)> {
    let mut all = vec![
        ("agent, 1200 series x 500".to_owned(), load(Kind::Agent, 1200, 500, 15)),
        ("TSBS cpu, 2000 series x 200".to_owned(), load(Kind::Tsbs, 2000, 200, 10)),
        ("TSBS cpu, 40 series x 8640".to_owned(), load(Kind::Tsbs, 40, 8640, 10)),
    ];
    let agent = load(Kind::Agent, 1200, 500, 15);
    for (place, name) in ["agent counters", "agent gauges", "agent whole"].iter().enumerate() {
        all.push(((*name).to_owned(), agent.iter().skip(place).step_by(3).cloned().collect()));
    }
    for (name, value) in NATURES {
        all.push(((*name).to_owned(), (0..64).map(|id| series(id, 1000, *value)).collect()));
    }
    all.push((
        "times, 1 % missing".to_owned(),
        odd_times(|at, _| if at.is_multiple_of(100) { None } else { Some(0) }),
    ));
    all.push((
        "times, jitter of 5 ms".to_owned(),
        odd_times(|_, chance| Some((chance % 11) as i64 - 5)),
    ));
    all
}

type Nature = fn(&mut u64, i64) -> (i64, Value);

/// Each makes a value from the one before.
const NATURES: &[(&str, Nature)] = &[
    ("constant stride", |_, last| (last + 7, Value::integer(last + 7))),
    ("0/1 state", |chance, last| {
        let next = if draw(chance).is_multiple_of(100) { 1 - last.min(1) } else { last.min(1) };
        (next, Value::integer(next))
    }),
    ("idle counter with bursts", |chance, last| {
        let step = if draw(chance).is_multiple_of(20) { draw(chance) % 50 } else { 0 };
        (last + step as i64, Value::integer(last + step as i64))
    }),
    ("integers beyond 2^53", |chance, last| {
        let next = last.wrapping_add((draw(chance) >> 8) as i64);
        (next, Value::integer(next))
    }),
    ("pages of 4096 bytes", |chance, last| {
        let next = last + (draw(chance) % 33) as i64 - 16;
        (next, Value::integer((1 << 33) + next * 4096))
    }),
    ("halves, whole without point", |chance, last| {
        let next = last + (draw(chance) % 5) as i64 - 2;
        let value = if next % 2 == 0 { Value::integer(next / 2) } else { decimal(next * 5, 1) };
        (next, value)
    }),
    ("decimals, 1 % doubles", |chance, last| {
        let next = last + (draw(chance) % 41) as i64 - 20;
        let odd = draw(chance).is_multiple_of(100);
        (next, if odd { Value::float(next as f64 / 700.1) } else { decimal(next, 2) })
    }),
    ("doubles, random walk", |chance, last| {
        let next = last + (draw(chance) >> 20) as i64 - (1 << 43);
        (next, Value::float(100.0 + next as f64 / (1u64 << 45) as f64))
    }),
    ("doubles, uniform", |chance, last| {
        (last, Value::float((draw(chance) >> 11) as f64 / (1u64 << 53) as f64))
    }),
    ("doubles, single precision", |chance, last| {
        (last, Value::float(f64::from((draw(chance) >> 40) as f32 / 1e5)))
    }),
    ("doubles, means of decimals", |chance, last| {
        let sum: f64 = (0..10).map(|_| (draw(chance) % 10_000) as f64 / 100.0).sum();
        (last, Value::float(sum / 10.0))
    }),
];

fn decimal(mantissa: i64, scale: u8) -> Value {
    Value::decimal(mantissa, scale).expect("small")
}

/// The next number of a series' own chance.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn series(id: u64, rows: i64, nature: Nature) -> Samples {
    let (mut samples, mut chance, mut last) = (Samples::default(), id << 32, 0);
    for row in 0..rows {
        let (next, value) = nature(&mut chance, last);
        last = next;
        samples.push(1_700_000_000_000 + row * 15_000, value);
    }
    samples
}

/// Series at times of their own, of a value that costs nothing.
fn odd_times(offset: fn(u64, u64) -> Option<i64>) -> Vec<Samples> {
    let one = |id: u64| {
        let (mut samples, mut chance) = (Samples::default(), id << 32);
        for row in 0..1000u64 {
            if let Some(offset) = offset(row + id * 7, draw(&mut chance)) {
                let at = 1_700_000_000_000 + row as i64 * 1000 + offset;
                samples.push(at, Value::integer(1));
            }
        }
        samples
    };
    (0..64).map(one).collect()
}

fn load(kind: Kind, series_count: u64, samples_per_series: u64, interval_s: u64) -> Vec<Samples> {
    let shape = Shape { series_count, samples_per_series, interval_s, ..Shape::default() };
    let (lines, _) = collect(kind.workload(&shape, 0..series_count).as_mut());
    from_lines(std::str::from_utf8(&lines).expect("ASCII"))
}
