//! What was measured along an axis, as a table and as plots.

use std::fmt;

use super::axis::{Axis, Place};
use super::load::Sizes;
use super::plot::Panel;
use crate::common::table::{self, Spread};

/// What some points cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// How many.
    pub points: u64,
    /// CPU seconds of the server until they were sealed.
    pub cpu_s: f64,
    /// Seconds until they were accepted.
    pub accepted_s: f64,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// The first sample of each series.
    pub first: Cost,
    /// All others.
    pub later: Cost,
}

impl Cost {
    fn ns_each(&self) -> f64 {
        self.cpu_s * 1e9 / self.points as f64
    }
}

impl Figures {
    fn ns_per_point(&self) -> f64 {
        self.later.ns_each()
    }

    fn us_per_new_series(&self) -> f64 {
        self.first.ns_each() / 1e3
    }

    fn rate(&self) -> f64 {
        self.later.points as f64 / self.later.accepted_s / 1e6
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (point, series) = (self.ns_per_point(), self.us_per_new_series());
        write!(out, "{point:.1} ns a point, {series:.2} us a new series, {:.2} M/s", self.rate())
    }
}

/// All runs at all places of an axis.
pub struct Measured {
    /// The axis.
    pub axis: Axis,
    /// Places, what was sent there, and the runs.
    pub rows: Vec<(Place, Sizes, Vec<Figures>)>,
}

impl Measured {
    /// The first place.
    pub fn first(&self) -> &str {
        self.rows.first().map_or("", |(place, ..)| &place.label)
    }

    /// The last place.
    pub fn last(&self) -> &str {
        self.rows.last().map_or("", |(place, ..)| &place.label)
    }

    /// How many times as much a point costs at the last place as at the first.
    pub fn last_to_first(&self) -> f64 {
        let ns = self.medians(Figures::ns_per_point);
        ns.last().copied().unwrap_or(f64::NAN) / ns.first().copied().unwrap_or(f64::NAN)
    }

    fn medians(&self, value: fn(&Figures) -> f64) -> Vec<f64> {
        self.rows.iter().map(|(_, _, runs)| spread(runs, value).median).collect()
    }

    /// A line for each place, as Markdown.
    pub fn table(&self) -> String {
        let creates = self.axis == Axis::Series;
        let mut head = vec![
            self.axis.unit(),
            "M points",
            "B a line",
            "CPU ns a point",
            "to the first",
            "M points/s",
        ];
        if creates {
            head.push("CPU us a new series");
        }
        let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        let first = self.medians(Figures::ns_per_point).first().copied().unwrap_or(f64::NAN);
        for (place, sizes, runs) in &self.rows {
            let ns = spread(runs, Figures::ns_per_point);
            let mut row = vec![
                place.label.clone(),
                format!("{:.1}", sizes.points as f64 / 1e6),
                format!("{:.1}", sizes.bytes as f64 / sizes.points as f64),
                ns.text(1),
                format!("{:.2}", ns.median / first),
                spread(runs, Figures::rate).text(2),
            ];
            if creates {
                row.push(spread(runs, Figures::us_per_new_series).text(2));
            }
            rows.push(row);
        }
        table::plain(&rows)
    }

    /// A plot of what a point costs, and for series one of what a new one costs.
    pub fn panels(&self) -> Vec<Panel> {
        let panel = |title: &str, value: fn(&Figures) -> f64| {
            let places = self.rows.iter().map(|(place, ..)| (place.at, place.label.clone()));
            let points = places.zip(self.medians(value)).collect();
            Panel { title: title.to_owned(), points }
        };
        let title = self.axis.title();
        let mut panels = vec![panel(&format!("{title}: CPU ns a point"), Figures::ns_per_point)];
        if self.axis == Axis::Series {
            let title = format!("{title}: CPU us a new series");
            panels.push(panel(&title, Figures::us_per_new_series));
        }
        panels
    }
}

fn spread(runs: &[Figures], value: fn(&Figures) -> f64) -> Spread {
    Spread::of(runs.iter().map(value).collect())
}
