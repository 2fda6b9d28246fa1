//! Random rows, and batches of rows.

use super::history::DAY_MS;
use crate::common::{Node, Sample, name};
use fastrand::Rng;
use irontsd_engine::batch;
use irontsd_engine::histogram::Histogram;
use irontsd_engine::name::HISTOGRAM_MARK;
use irontsd_engine::types::Value;

/// Rows of any series and kind, few or many; all values differ from those of other events.
pub fn random_rows(rng: &mut Rng, event: usize) -> Vec<(u8, i64, Sample)> {
    let known = 3 + (event / 2).min(150) as u8;
    let count = match rng.u8(..20) {
        0 => 300,
        1..4 => rng.usize(20..60),
        _ => rng.usize(1..8),
    };
    let mut rows = Vec::new();
    for at in 0..count {
        let day = if rng.u8(..3) == 0 { rng.i64(0..9) } else { 0 };
        let timestamp = day * DAY_MS + rng.i64(1..40);
        let number = (event * 1000 + at) as i64;
        let sample = match rng.u8(..6) {
            0 => Sample::Number(Value::float(number as f64 / 7.0)),
            1 => histogram(number),
            _ => Sample::Number(Value::integer(number)),
        };
        rows.push((rng.u8(..known), timestamp, sample));
    }
    rows
}

fn histogram(number: i64) -> Sample {
    let mut bytes = Vec::new();
    let opaque = Histogram::Opaque { id: 7, bytes: number.to_le_bytes().to_vec() };
    opaque.encode(&mut bytes).expect("short");
    Sample::Histogram(bytes)
}

/// The batch that has these rows.
pub fn batch_of(node: &Node, rows: &[(u8, i64, Sample)]) -> batch::Batch {
    let mut batch = batch::Batch::default();
    for (series, timestamp, sample) in rows {
        let mut name = name(*series);
        if matches!(sample, Sample::Histogram(_)) {
            name.extend_from_slice(&HISTOGRAM_MARK);
        }
        let id = node.engine.registry().find_or_reserve(&name).expect("room");
        match sample {
            Sample::Number(value) => batch.push(id, *timestamp, *value),
            Sample::Histogram(bytes) => batch.push_histogram(id, *timestamp, bytes),
        }
    }
    batch
}
