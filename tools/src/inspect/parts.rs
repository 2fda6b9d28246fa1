//! Pieces of output that several kinds of files share.

use super::detail::{Detail, Share};
use crate::screen::{Screen, text};
use crate::terminal::{bytes, counted, grouped};
use serde_json::{Value, json};

/// Metrics shown at the most.
const METRICS_SHOWN: usize = 10;
/// Columns of the longest bar.
const BAR_COLUMNS: usize = 30;

/// Prints a line of a name and what it is.
pub fn fact(screen: &mut Screen, name: &str, what: &str) {
    screen.line(&format!("{name:<10} {what}"));
}

/// From when to when, in words.
pub fn span((from, to): (i64, i64)) -> String {
    format!("{} to {} ({})", text::time(from), text::time(to), text::length(to - from))
}

/// Bytes for each of so many samples.
pub fn each(bytes: u64, samples: u64) -> String {
    if samples == 0 { "-".to_owned() } else { format!("{:.2}", bytes as f64 / samples as f64) }
}

/// Prints where the bytes go.
pub fn detail(screen: &mut Screen, detail: &Detail) {
    screen.heading("bytes by column and codec");
    let row = |(name, share): (String, Share)| {
        vec![
            name,
            bytes(share.bytes),
            grouped(share.runs),
            grouped(share.samples),
            each(share.bytes, share.samples),
        ]
    };
    let columns = detail
        .columns
        .iter()
        .map(|((column, codec), share)| row((format!("{column}: {codec}"), *share)));
    let rest = [
        ("directories of blocks", detail.directories),
        ("tables of codes", detail.tables),
        ("names", detail.names),
        ("headers and indexes", detail.indexes),
    ];
    let rest = rest.map(|(name, size)| {
        let dash = || String::new();
        vec![name.to_owned(), bytes(size), dash(), dash(), each(size, detail.samples)]
    });
    let rows: Vec<Vec<String>> = columns.chain(rest).collect();
    let heads = ["column", "bytes", "runs", "samples", "bytes/sample"];
    lines(screen, &text::table(&heads, &rows));
    metrics(screen, detail);
    block_sizes(screen, detail);
}

/// Prints the lines of a table, the first as its head.
pub fn lines(screen: &mut Screen, lines: &[String]) {
    let paint = screen.paint();
    if let Some((head, rows)) = lines.split_first() {
        screen.line(&paint.dim(head));
        rows.iter().for_each(|row| screen.line(row));
    }
}

fn metrics(screen: &mut Screen, detail: &Detail) {
    screen.heading("metrics by bytes");
    let mut metrics: Vec<_> = detail.metrics.iter().collect();
    metrics.sort_by_key(|(name, metric)| (std::cmp::Reverse(metric.share.bytes), *name));
    let rows: Vec<Vec<String>> = metrics
        .iter()
        .take(METRICS_SHOWN)
        .map(|(name, metric)| {
            let share = metric.share;
            vec![
                if name.is_empty() { "(lost names)".to_owned() } else { (*name).clone() },
                bytes(share.bytes),
                grouped(metric.series.len() as u64),
                grouped(share.samples),
                each(share.bytes, share.samples),
            ]
        })
        .collect();
    lines(screen, &text::table(&["metric", "bytes", "series", "samples", "bytes/sample"], &rows));
    let more = metrics.len().saturating_sub(METRICS_SHOWN);
    if more > 0 {
        let paint = screen.paint();
        screen.line(&paint.dim(&format!("and {} more", grouped(more as u64))));
    }
}

fn block_sizes(screen: &mut Screen, detail: &Detail) {
    screen.heading("blocks by size");
    let most = detail.block_sizes.values().copied().max().unwrap_or(0);
    let (low, high) = match (detail.block_sizes.keys().min(), detail.block_sizes.keys().max()) {
        (Some(&low), Some(&high)) => (low, high),
        _ => return screen.line("none"),
    };
    let paint = screen.paint();
    for power in low..=high {
        let count = detail.block_sizes.get(&power).copied().unwrap_or(0);
        let eighths = (count * BAR_COLUMNS as u64 * 8).div_ceil(most.max(1));
        let range = format!("from {}", bytes(1 << power));
        let bar = paint.ink(&text::bar(eighths as usize));
        screen.line(&format!("{range:<15} {:>9}  {bar}", grouped(count)));
    }
}

/// Counts for a line.
pub fn counts(series: u64, samples: u64) -> String {
    format!("{}, {}", counted(series, "series", "series"), counted(samples, "sample", "samples"))
}

/// The same for scripts.
pub fn detail_json(detail: &Detail) -> Value {
    let columns = detail.columns.iter().map(|((column, codec), share)| {
        let Share { bytes, runs, samples } = share;
        json!({"column": column, "codec": codec, "bytes": bytes, "runs": runs, "samples": samples})
    });
    let metrics = detail.metrics.iter().map(|(name, metric)| {
        let (bytes, samples) = (metric.share.bytes, metric.share.samples);
        let series = metric.series.len();
        json!({"metric": name, "bytes": bytes, "samples": samples, "series": series})
    });
    let sizes = detail
        .block_sizes
        .iter()
        .map(|(power, count)| json!({"from": 1u64 << power, "to": 2u64 << power, "blocks": count}));
    json!({
        "columns": columns.collect::<Vec<_>>(),
        "directories": detail.directories,
        "tables": detail.tables,
        "names": detail.names,
        "indexes": detail.indexes,
        "metrics": metrics.collect::<Vec<_>>(),
        "block_sizes": sizes.collect::<Vec<_>>(),
    })
}
