//! Real series: the files of `benches/data`, and `put` lines as series.

use irontsd_engine::types::{Kind, Samples, Value};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Name and series of each file.
pub fn all() -> Vec<(String, Vec<Samples>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/data");
    let mut files: Vec<_> = std::fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    files.sort();
    files.iter().map(|path| (name(path), read(path))).collect()
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(".gz").trim_end_matches(".put").to_owned()
}

fn read(path: &Path) -> Vec<Samples> {
    let packed = std::fs::read(path).expect("a file that was listed");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).expect("gzip of a text");
    from_lines(&text)
}

/// The series of `put` lines, in the order of their first line.
pub fn from_lines(text: &str) -> Vec<Samples> {
    let mut numbers = BTreeMap::new();
    let mut series: Vec<Samples> = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(5, ' ').skip(1);
        let mut word = || words.next().unwrap_or_default();
        let (metric, timestamp, value, tags) = (word(), word(), word(), word());
        let number = *numbers.entry((metric, tags)).or_insert_with(|| {
            series.push(Samples::default());
            series.len() - 1
        });
        let timestamp: i64 = timestamp.parse().expect("a timestamp");
        let ms = if timestamp < 1 << 32 { timestamp * 1000 } else { timestamp };
        let samples = &mut series[number];
        // A writer that repeats a second is read as the engine reads it: once.
        if samples.timestamps.last().is_none_or(|&last| last < ms) {
            samples.push(ms, value_of(value));
        }
    }
    series
}

/// A value as the parser of `put` lines takes it.
fn value_of(text: &str) -> Value {
    if let Ok(integer) = text.parse() {
        return Value::integer(integer);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = !text.contains(['e', 'E']) && fraction.len() <= 22;
    let mantissa = plain.then(|| format!("{whole}{fraction}").parse::<i64>().ok()).flatten();
    let negative_zero = text.starts_with('-') && mantissa == Some(0);
    mantissa
        .filter(|_| !negative_zero)
        .and_then(|mantissa| Value::decimal(mantissa, fraction.len() as u8))
        .unwrap_or_else(|| Value { kind: Kind::FLOAT, bits: parse(text).to_bits() })
}

fn parse(text: &str) -> f64 {
    text.parse().expect("a number")
}
