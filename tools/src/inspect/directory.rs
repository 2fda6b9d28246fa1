//! Shows a data directory: totals, levels, partitions, the map, the segments, and where the bytes go.

use super::detail::Detail;
use super::map::{self, Area};
use super::open::Directory;
use super::parts::{self, each, fact, lines};
use super::{Faults, Inspect, segment};
use crate::screen::{Screen, text};
use crate::terminal::{bytes, counted, grouped};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of a table at the most; scripts get all.
const ROWS_SHOWN: usize = 40;

/// Shows all of a directory.
pub fn show(flags: &Inspect, directory: &Directory, screen: &mut Screen) -> Faults {
    let mut detail = Detail::default();
    let total = directory.segments.iter().map(|(_, segment)| segment.bytes()).sum();
    segment::read(total, |done| {
        directory.segments.iter().for_each(|(_, segment)| detail.add(segment, &mut *done));
    });
    let mut faults = directory.faults.clone();
    faults.append(&mut detail.faults);
    if flags.json {
        screen.line(&of(directory, &detail, &faults).to_string());
        return faults;
    }
    facts(screen, directory, total);
    if !directory.segments.is_empty() {
        levels(screen, directory);
        partitions(screen, directory);
        drawn(screen, directory);
        segments(screen, directory);
    }
    logs(screen, directory);
    if !directory.segments.is_empty() {
        parts::detail(screen, &detail);
    }
    faults
}

fn facts(screen: &mut Screen, directory: &Directory, total: u64) {
    let manifest = &directory.manifest;
    let (path, version) = (directory.path.display(), directory.version);
    screen.line(&format!("{path}: data directory, format version {version}"));
    if let Some(times) = times(directory) {
        fact(screen, "times", &parts::span(times));
    }
    let samples: u64 = directory.segments.iter().map(|(_, it)| it.footer().samples).sum();
    let rows: u64 = directory.logs.iter().map(|log| log.rows).sum();
    if let Some(series) = directory.series {
        fact(screen, "names", &counted(series.into(), "series", "series"));
    }
    let in_segments = counted(samples, "sample", "samples");
    let in_logs = counted(rows, "row", "rows");
    fact(screen, "holds", &format!("{in_segments} in segments, {in_logs} in logs"));
    fact(
        screen,
        "bytes",
        &format!("{} of segments, {} a sample", bytes(total), each(total, samples)),
    );
    fact(screen, "partition", &text::length(manifest.partition_ms));
    if manifest.floor_ms > 0 {
        fact(
            screen,
            "floor",
            &format!("{}: nothing older is served", text::time(manifest.floor_ms)),
        );
    }
    if !manifest.deletes.is_empty() {
        fact(screen, "deletes", &format!("{} in force", grouped(manifest.deletes.len() as u64)));
    }
    if !directory.snapshots.is_empty() {
        fact(screen, "snapshots", &directory.snapshots.join(", "));
    }
}

fn times(directory: &Directory) -> Option<(i64, i64)> {
    let segments = directory.segments.iter().map(|(_, segment)| segment.footer().timestamps);
    let all = segments.chain(directory.logs.iter().filter_map(|log| log.times));
    all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// What several segments are together.
#[derive(Default)]
struct Sum {
    segments: u64,
    bytes: u64,
    samples: u64,
    times: Option<(i64, i64)>,
}

impl Sum {
    fn add(&mut self, bytes: u64, samples: u64, times: (i64, i64)) {
        self.segments += 1;
        self.bytes += bytes;
        self.samples += samples;
        let wider = |old: (i64, i64)| (old.0.min(times.0), old.1.max(times.1));
        self.times = Some(self.times.map_or(times, wider));
    }

    fn row(&self, name: String) -> Vec<String> {
        let (from, to) = self.times.unwrap_or_default();
        vec![
            name,
            grouped(self.segments),
            text::time(from),
            text::time(to),
            grouped(self.samples),
            bytes(self.bytes),
            each(self.bytes, self.samples),
        ]
    }
}

const SUM_HEADS: [&str; 6] = ["segments", "<from", "<to", "samples", "bytes", "bytes/sample"];

fn levels(screen: &mut Screen, directory: &Directory) {
    let mut levels: BTreeMap<u32, Sum> = BTreeMap::new();
    for (entry, segment) in &directory.segments {
        let footer = segment.footer();
        let sum = levels.entry(entry.level).or_default();
        sum.add(segment.bytes(), footer.samples, footer.timestamps);
    }
    screen.heading("levels");
    let rows: Vec<_> = levels.iter().map(|(level, sum)| sum.row(level.to_string())).collect();
    lines(screen, &text::table(&[&["level"], &SUM_HEADS[..]].concat(), &rows));
}

/// By the partitions that segments lie in; one that lies in several is one row with the others of
/// the same several.
fn partitions(screen: &mut Screen, directory: &Directory) {
    let length = directory.manifest.partition_ms;
    let mut partitions: BTreeMap<(i64, i64), Sum> = BTreeMap::new();
    for (_, segment) in &directory.segments {
        let footer = segment.footer();
        let (from, to) = footer.timestamps;
        let place = (from.div_euclid(length), to.div_euclid(length));
        let sum = partitions.entry(place).or_default();
        sum.add(segment.bytes(), footer.samples, footer.timestamps);
    }
    let name = |number: i64| {
        let start = number * length;
        if length % 86_400_000 == 0 { text::day(start) } else { text::time(start) }
    };
    screen.heading("partitions");
    let rows = partitions.iter().take(ROWS_SHOWN).map(|(&(from, to), sum)| {
        let many = || format!("{} and {} more", name(from), to - from);
        sum.row(if from == to { name(from) } else { many() })
    });
    let rows: Vec<_> = rows.collect();
    lines(screen, &text::table(&[&["partition"], &SUM_HEADS[..]].concat(), &rows));
    more(screen, partitions.len());
}

fn more(screen: &mut Screen, all: usize) {
    if all > ROWS_SHOWN {
        let paint = screen.paint();
        screen.line(&paint.dim(&format!("and {} more; --json has all", all - ROWS_SHOWN)));
    }
}

fn drawn(screen: &mut Screen, directory: &Directory) {
    let area = |(entry, segment): &(irontsd_engine::manifest::SegmentEntry, _)| {
        let segment: &irontsd_engine::segment::Segment = segment;
        Area { level: entry.level, times: segment.footer().timestamps, bytes: segment.bytes() }
    };
    let areas: Vec<Area> = directory.segments.iter().map(area).collect();
    screen.heading("map");
    let paint = screen.paint();
    for line in map::draw(&areas, screen.width()) {
        screen.line(&paint.ink(&line));
    }
}

fn segments(screen: &mut Screen, directory: &Directory) {
    screen.heading("segments");
    let mut all: Vec<_> = directory.segments.iter().collect();
    all.sort_by_key(|(entry, segment)| (entry.level, segment.footer().timestamps));
    let rows: Vec<Vec<String>> = all
        .iter()
        .take(ROWS_SHOWN)
        .map(|(entry, segment)| {
            let footer = segment.footer();
            vec![
                entry.name.clone(),
                entry.level.to_string(),
                text::time(footer.timestamps.0),
                text::time(footer.timestamps.1),
                grouped(footer.series.into()),
                grouped(footer.samples),
                grouped(segment.blocks().len() as u64),
                bytes(segment.bytes()),
                each(segment.bytes(), footer.samples),
            ]
        })
        .collect();
    let heads =
        ["file", "level", "<from", "<to", "series", "samples", "blocks", "bytes", "bytes/sample"];
    lines(screen, &text::table(&heads, &rows));
    more(screen, all.len());
}

fn logs(screen: &mut Screen, directory: &Directory) {
    if directory.logs.is_empty() {
        return;
    }
    screen.heading("logs not yet in segments");
    let row = |log: &super::records::Log| {
        let time = |time: Option<i64>| time.map_or("-".to_owned(), text::time);
        vec![
            log.name(),
            time(log.times.map(|times| times.0)),
            time(log.times.map(|times| times.1)),
            grouped(log.rows),
            grouped(log.records.len() as u64),
            bytes(log.bytes),
        ]
    };
    let rows: Vec<_> = directory.logs.iter().map(row).collect();
    lines(screen, &text::table(&["file", "<from", "<to", "rows", "records", "bytes"], &rows));
}

fn of(directory: &Directory, detail: &Detail, faults: &[String]) -> Value {
    let segments = directory.segments.iter().map(|(entry, segment)| {
        let mut of = segment::of(segment);
        of["level"] = entry.level.into();
        of
    });
    let manifest = &directory.manifest;
    let samples: u64 = directory.segments.iter().map(|(_, it)| it.footer().samples).sum();
    let times = times(directory);
    let mut all = parts::detail_json(detail);
    let facts = json!({
        "path": directory.path.display().to_string(),
        "kind": "directory",
        "version": directory.version,
        "series": directory.series,
        "samples": samples,
        "bytes": directory.segments.iter().map(|(_, it)| it.bytes()).sum::<u64>(),
        "start": times.map(|times| times.0),
        "end": times.map(|times| times.1),
        "flushed_epoch": manifest.flushed_epoch,
        "partition": manifest.partition_ms,
        "floor": manifest.floor_ms,
        "deletes": manifest.deletes.len(),
        "snapshots": directory.snapshots,
        "segments": segments.collect::<Vec<_>>(),
        "logs": directory.logs.iter().map(super::records::of).collect::<Vec<_>>(),
        "faults": faults,
    });
    if let (Value::Object(all), Value::Object(facts)) = (&mut all, facts) {
        all.extend(facts);
    }
    all
}
