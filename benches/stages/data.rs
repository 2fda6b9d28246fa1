//! What the stages work on: agent lines, and what they become on their way.

use irontsd::workload::{Kind, Shape, collect};
use irontsd_engine::batch::Batch;
use irontsd_engine::types::{Samples, SeriesId, Value};
use irontsd_net::{number, telnet::fast};

/// A load's lines, all series in turn once for each round.
pub fn lines(kind: Kind, series_count: u64, rounds: u64) -> Vec<u8> {
    let shape = Shape { series_count, samples_per_series: rounds, ..Shape::default() };
    collect(kind.workload(&shape, 0..series_count).as_mut()).0
}

/// The words of a line, its end excluded.
pub fn fields(line: &[u8]) -> fast::Fields<'_> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut words = line.strip_prefix(b"put ").expect("a put line").splitn(4, |byte| *byte == b' ');
    let mut word = || words.next().expect("four words");
    fast::Fields { metric: word(), timestamp: word(), value: word(), tags: word() }
}

/// The words of all lines.
pub fn all_fields(lines: &[u8]) -> Vec<fast::Fields<'_>> {
    lines.split_inclusive(|byte| *byte == b'\n').map(fields).collect()
}

/// The rows of agent lines; series are numbered as they come.
pub fn batch(series_count: u64, rounds: u64) -> Batch {
    let mut batch = Batch::default();
    each_sample(series_count, rounds, |series, ms, value| batch.push(series, ms, value));
    batch
}

/// The samples of each series.
pub fn samples(series_count: u64, rounds: u64) -> Vec<Samples> {
    let mut all = vec![Samples::default(); series_count as usize];
    each_sample(series_count, rounds, |series, ms, value| all[series as usize].push(ms, value));
    all
}

fn each_sample(series_count: u64, rounds: u64, mut sink: impl FnMut(SeriesId, i64, Value)) {
    let lines = lines(Kind::Agent, series_count, rounds);
    for (at, fields) in all_fields(&lines).into_iter().enumerate() {
        let ms = number::timestamp(fields.timestamp).ok().and_then(|time| time.ms);
        let value = number::value(fields.value).expect("a number");
        sink((at as u64 % series_count) as SeriesId, ms.expect("a time"), value);
    }
}
