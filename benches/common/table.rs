//! Medians, extremes and ratios, as a Markdown table that also reads well on a terminal.

use super::results::Results;

/// A row of a table.
pub struct Row<F> {
    /// What is measured, with its unit.
    pub name: &'static str,
    /// Digits behind the point.
    pub decimals: usize,
    /// Takes the figure out of a run.
    pub value: fn(&F) -> f64,
}

/// A row in short.
pub const fn row<F>(name: &'static str, decimals: usize, value: fn(&F) -> f64) -> Row<F> {
    Row { name, decimals, value }
}

/// The figures of one run in a line.
pub fn line_of<F>(rows: &[Row<F>], figures: &F) -> String {
    let cell = |row: &Row<F>| format!("{} {:.*}", row.name, row.decimals, (row.value)(figures));
    rows.iter().map(cell).collect::<Vec<_>>().join(", ")
}

/// One line for each figure, one column for each node, and the ratio of the first to the second.
pub fn compare<F>(rows: &[Row<F>], results: &[Results<F>]) -> String {
    let mut lines = vec![head(results)];
    lines.extend(rows.iter().map(|row| cells(row, results)));
    plain(&lines)
}

/// A Markdown table of cells; the first row is its head.
pub fn plain(rows: &[Vec<String>]) -> String {
    let widths = widths(rows);
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let (head, body) = rows.split_at(rows.len().min(1));
    let rows = head.iter().chain([&rule]).chain(body);
    rows.map(|row| line(row, &widths)).collect()
}

fn head<F>(results: &[Results<F>]) -> Vec<String> {
    let mut head = vec![String::from("median (least..most)")];
    head.extend(results.iter().map(|node| node.name.to_owned()));
    if let [first, second] = results {
        head.push(format!("{}/{}", first.name, second.name));
    }
    head
}

fn cells<F>(row: &Row<F>, results: &[Results<F>]) -> Vec<String> {
    let spread = |node: &Results<F>| Spread::of(node.figures.iter().map(row.value).collect());
    let spreads: Vec<Spread> = results.iter().map(spread).collect();
    let mut cells = vec![row.name.to_owned()];
    cells.extend(spreads.iter().map(|spread| spread.text(row.decimals)));
    if let [first, second] = spreads.as_slice() {
        cells.push(ratio(first.median / second.median));
    }
    cells
}

/// Three digits that count; a small ratio also the other way round.
fn ratio(ratio: f64) -> String {
    match ratio {
        ratio if !ratio.is_normal() => String::from("-"),
        ratio if ratio < 1.0 => format!("{ratio:.3} (1/{:.1})", 1.0 / ratio),
        ratio => format!("{ratio:.2}"),
    }
}

/// Where the runs of a node lie.
pub struct Spread {
    /// Half are below, or the mean of two.
    pub median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of one value of each run.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let (lower, upper) = (at(values.len().saturating_sub(1) / 2), at(values.len() / 2));
        Spread {
            median: (lower + upper) / 2.0,
            least: at(0),
            most: at(values.len().saturating_sub(1)),
        }
    }

    /// The median and the extremes.
    pub fn text(&self, decimals: usize) -> String {
        let Spread { median, least, most } = self;
        format!("{median:.decimals$} ({least:.decimals$}..{most:.decimals$})")
    }
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
    (0..columns).map(|column| width(column).unwrap_or(0)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> =
        row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    format!("| {} |\n", cells.join(" | "))
}
