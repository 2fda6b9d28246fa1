//! The result as a table.

use crate::common::stream::Sent;
use crate::common::table;

/// What one flood cost the load beside it.
pub struct Figures {
    /// The flag that refuses.
    pub limit: String,
    /// Honest points that were due.
    pub due: u64,
    /// Honest points that were taken.
    pub honest: Sent,
    /// Lines of the flood.
    pub flooded: u64,
    /// Series of the flood that were let in.
    pub made: u64,
    /// CPU seconds of the server.
    pub cpu_s: f64,
}

impl Figures {
    /// The share of the honest points that was taken.
    pub fn taken(&self) -> f64 {
        self.honest.lines as f64 / self.due as f64
    }
}

/// A column for each flood, as Markdown.
pub fn table(floods: &[Figures]) -> String {
    type Cell = fn(&Figures) -> String;
    let rows: [(&str, Cell); 7] = [
        ("honest points taken, %", |run| format!("{:.2}", run.taken() * 100.0)),
        ("honest points due, M", |run| format!("{:.2}", run.due as f64 / 1e6)),
        ("honest M points/s", |run| {
            format!("{:.3}", run.honest.lines as f64 / run.honest.seconds / 1e6)
        }),
        ("flood M lines/s", |run| format!("{:.3}", run.flooded as f64 / run.honest.seconds / 1e6)),
        ("flood lines refused, M", |run| format!("{:.3}", (run.flooded - run.made) as f64 / 1e6)),
        ("flood series made", |run| run.made.to_string()),
        ("cores busy, server", |run| format!("{:.2}", run.cpu_s / run.honest.seconds)),
    ];
    let mut cells = vec![vec![String::from("limit")]];
    cells[0].extend(floods.iter().map(|run| format!("`{}`", run.limit)));
    for (name, cell) in rows {
        let mut line = vec![name.to_owned()];
        line.extend(floods.iter().map(cell));
        cells.push(line);
    }
    table::plain(&cells)
}
