//! Loads of recorded series: the files of `benches/data` as `put` lines.
//!
//! They are small, and what a node writes once whatever it stores weighs on them. So they may be sent
//! several times under a tag `copy`. Copies have the same timestamps, but each begins elsewhere in
//! its series' values, so that nothing shorter than a whole series repeats side by side and no codec
//! gains by repetition what one copy would not give it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

use crate::common::Outcome;

/// The samples of one series by timestamp, as text.
type Series<'a> = BTreeMap<u64, &'a str>;

/// Lines of each connection, in the order of their timestamps, and the number of series.
pub fn lines(name: &str, copies: u64, connections: u64) -> Outcome<(Vec<Vec<u8>>, u64)> {
    let file = format!("../benches/data/{name}.put.gz");
    let packed = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text)?;
    let series = parse(&text)?;
    let mut parts = vec![Vec::new(); connections as usize];
    let mut count = 0;
    for copy in 0..copies {
        for (names, samples) in &series {
            let tag = if copies > 1 { format!(" copy=c{copy:02}") } else { String::new() };
            let part = count % parts.len();
            append(&mut parts[part], *names, samples, &tag, (copy, copies));
            count += 1;
        }
    }
    Ok((parts.into_iter().map(in_order_of_time).collect(), count as u64))
}

/// Metric and tags with their samples; of two samples at one time the later is meant.
fn parse(text: &str) -> Outcome<BTreeMap<(&str, &str), Series<'_>>> {
    let mut series: BTreeMap<_, Series<'_>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        let ["put", metric, time, value, tags] = words[..] else {
            return Err(format!("not a put line: {line:?}").into());
        };
        series.entry((metric, tags)).or_default().insert(time.parse()?, value);
    }
    Ok(series)
}

/// Adds the lines of a copy, whose values begin its share of the series later.
fn append(
    part: &mut Vec<(u64, String)>,
    (metric, tags): (&str, &str),
    samples: &Series<'_>,
    tag: &str,
    (copy, copies): (u64, u64),
) {
    let first = samples.len() * copy as usize / copies as usize;
    let values = samples.values().cycle().skip(first);
    for (time, value) in samples.keys().zip(values) {
        let mut line = String::new();
        let _ = writeln!(line, "put {metric} {time} {value} {tags}{tag}");
        part.push((*time, line));
    }
}

fn in_order_of_time(mut lines: Vec<(u64, String)>) -> Vec<u8> {
    lines.sort_by_key(|(time, _)| *time);
    lines.into_iter().flat_map(|(_, line)| line.into_bytes()).collect()
}
