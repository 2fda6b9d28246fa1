//! Which plots there are, and what they are made of. Pure.

use super::plot::{Line, Mark, Plot};
use super::scale::Scale;
use crate::bench::flags::Bench;
use crate::bench::run::Run;
use crate::bench::timeline::Tick;
use crate::bench::units::{scaled, three_digits, time_ns};

const MIB: f64 = 1024.0 * 1024.0;
/// Places of the curve of latencies between two nines.
const PLACES_PER_NINE: usize = 24;
/// Stretches of the axis of latencies, for which batches are counted.
const BINS: usize = 50;
/// Nines that are shown at most.
const NINES_MAX: f64 = 6.0;

/// A value of a tick; `None` where there is none.
type Value = fn(&Tick) -> Option<f64>;

/// All plots of one run or two.
pub(super) fn of(runs: &[Run], flags: &Bench) -> Vec<Plot> {
    let mut plots = vec![rate(runs, flags), latency(runs), distribution(runs)];
    if flags.style.rate.is_some() {
        plots.push(lag(runs));
    }
    plots.push(cpu(runs));
    if runs.iter().any(|run| run.target.pid.is_some()) {
        plots.push(memory(runs));
    }
    // They stand in pairs.
    if plots.len() % 2 == 1 {
        plots.insert(2, histogram(runs));
    }
    plots
}

/// A line for each run and value; with two runs colours tell the runs, else the values.
fn lines(runs: &[Run], values: &[(&str, bool, Value)]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        for (at, (name, dashed, value)) in values.iter().enumerate() {
            let point = |tick: &Tick| Some((tick.end_s, value(tick)?));
            lines.push(Line {
                name: format!("{} {name}", run.target.name).trim().to_owned(),
                colour: if runs.len() > 1 { number + 1 } else { at + 1 },
                dashed: *dashed && runs.len() > 1,
                points: run.timeline.ticks().iter().map(point).collect(),
            });
        }
    }
    lines
}

fn heights(lines: &[Line]) -> impl Iterator<Item = f64> + Clone {
    lines.iter().flat_map(|line| line.points.iter().flatten().map(|point| point.1))
}

fn seconds(value: f64) -> String {
    format!("{} s", (value * 1e6).round() / 1e6)
}

fn rate_text(value: f64) -> String {
    plain(&scaled(value))
}

fn cores_text(value: f64) -> String {
    plain(&three_digits(value))
}

fn time_text(value: f64) -> String {
    plain(&time_ns(value.round() as u64))
}

/// Without the zeros behind a point: numbers on axes are round.
fn plain(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number} {unit}").trim_end().to_owned()
}

fn over_time(
    runs: &[Run],
    title: &'static str,
    note: &str,
    lines: Vec<Line>,
    y: Scale,
    y_text: fn(f64) -> String,
) -> Plot {
    let end = runs.iter().filter_map(|run| run.timeline.ticks().last()).map(|tick| tick.end_s);
    let end = end.fold(0.1, f64::max);
    let marks = match runs {
        [run] if run.finish.is_some() => vec![Mark { at: run.accepted_s, name: "accepted" }],
        _ => Vec::new(),
    };
    let x = Scale::Linear { most: end };
    Plot { title, note: note.to_owned(), x, y, x_text: seconds, y_text, lines, marks }
}

fn rate(runs: &[Run], flags: &Bench) -> Plot {
    let per_s: Value = |tick| Some(tick.points as f64 / tick.seconds.max(1e-3));
    let mut lines = lines(runs, &[("points/s", false, per_s)]);
    if let Some(rate) = flags.style.rate {
        let end = runs.iter().map(|run| run.accepted_s).fold(0.0, f64::max);
        let points = vec![Some((0.0, rate as f64)), Some((end, rate as f64))];
        lines.push(Line { name: "schedule".to_owned(), colour: 4, dashed: true, points });
    }
    let y = Scale::linear(heights(&lines));
    over_time(runs, "Rate", "Points accepted a second.", lines, y, rate_text)
}

fn latency(runs: &[Run]) -> Plot {
    let p50: Value = |tick| (tick.latency_ns[0] > 0).then_some(tick.latency_ns[0] as f64);
    let p99: Value = |tick| (tick.latency_ns[1] > 0).then_some(tick.latency_ns[1] as f64);
    let most: Value = |tick| (tick.latency_ns[2] > 0).then_some(tick.latency_ns[2] as f64);
    let lines = match runs.len() {
        1 => {
            let values = [("p50", false, p50), ("max", false, most), ("p99", false, p99)];
            let mut lines = lines(runs, &values);
            // Of a hundred batches or less they are the same; dashes let the one below be seen.
            lines.iter_mut().filter(|line| line.name == "p99").for_each(|line| line.dashed = true);
            lines
        }
        _ => lines(runs, &[("p50", true, p50), ("p99", false, p99)]),
    };
    let y = Scale::log(heights(&lines));
    let note = "Of the batches that ended in each moment, from when they were due.";
    over_time(runs, "Latency over time", note, lines, y, time_text)
}

fn lag(runs: &[Run]) -> Plot {
    let lag: Value = |tick| (tick.lag_ns > 0).then_some(tick.lag_ns as f64);
    let lines = lines(runs, &[("behind", false, lag)]);
    let y = Scale::log(heights(&lines));
    let note = "How long after its moment the latest batch could be sent; sleeping is not exact to \
                some 0.1 ms.";
    over_time(runs, "Behind the schedule", note, lines, y, time_text)
}

fn cpu(runs: &[Run]) -> Plot {
    let server: Value = |tick| Some(tick.server_cpu_s / tick.seconds.max(1e-3));
    let own: Value = |tick| Some(tick.own_cpu_s / tick.seconds.max(1e-3));
    let of_server = runs.iter().any(|run| run.target.pid.is_some());
    let values: &[(&str, bool, Value)] = match (of_server, runs.len()) {
        (true, 1) => &[("server", false, server), ("generator", true, own)],
        (true, _) => &[("server", false, server)],
        (false, _) => &[("generator", true, own)],
    };
    let mut lines = lines(runs, values);
    lines.iter_mut().for_each(|line| line.points = smoothed(&line.points));
    let y = Scale::linear(heights(&lines));
    let note = "Cores busy, user and system; counted in hundredths of a second, so each place is the \
                mean of five.";
    over_time(runs, "CPU", note, lines, y, cores_text)
}

/// Each place with the mean of its neighbours.
fn smoothed(points: &[Option<(f64, f64)>]) -> Vec<Option<(f64, f64)>> {
    let mean = |at: usize| {
        let near = &points[at.saturating_sub(2)..points.len().min(at + 3)];
        let heights: Vec<f64> = near.iter().flatten().map(|point| point.1).collect();
        Some((points[at]?.0, heights.iter().sum::<f64>() / heights.len() as f64))
    };
    (0..points.len()).map(mean).collect()
}

fn memory(runs: &[Run]) -> Plot {
    let resident: Value = |tick| (tick.rss_bytes > 0).then_some(tick.rss_bytes as f64 / MIB);
    let anonymous: Value = |tick| (tick.anon_bytes > 0).then_some(tick.anon_bytes as f64 / MIB);
    let lines = lines(runs, &[("resident", false, resident), ("anonymous", true, anonymous)]);
    let y = Scale::linear(heights(&lines));
    let note = "Of the server, in MiB; mapped files count as resident while they are read.";
    over_time(runs, "Memory", note, lines, y, |value| format!("{value:.0}"))
}

fn histogram(runs: &[Run]) -> Plot {
    let ends = runs.iter().filter(|run| !run.latencies.is_empty()).flat_map(|run| {
        let latencies = &run.latencies;
        [latencies.value_at_quantile(0.001), latencies.max()].map(|ns| ns as f64)
    });
    let x = Scale::log(ends.collect::<Vec<_>>().into_iter());
    let line = |(number, run): (usize, &Run)| {
        let bins = x.bins(BINS);
        let points = bins.windows(2).map(|bin| {
            let count = run.latencies.count_between(bin[0] as u64, (bin[1] as u64).max(1) - 1);
            let share = count as f64 / run.latencies.len().max(1) as f64 * 100.0;
            Some(((bin[0] * bin[1]).sqrt(), share))
        });
        let name = match run.target.name.as_str() {
            "" => "all batches".to_owned(),
            name => name.to_owned(),
        };
        Line { name, colour: number + 1, dashed: false, points: points.collect() }
    };
    let lines: Vec<Line> = runs.iter().enumerate().map(line).collect();
    Plot {
        title: "How many took how long",
        note: "The share of the batches of each of fifty stretches of the axis.".to_owned(),
        y: Scale::linear(heights(&lines)),
        x,
        x_text: time_text,
        y_text: |share| format!("{} %", cores_text(share)),
        lines,
        marks: Vec::new(),
    }
}

fn distribution(runs: &[Run]) -> Plot {
    let count = runs.iter().map(|run| run.latencies.len()).max().unwrap_or(0);
    // The last nine that one sample can tell.
    let nines = (count.max(10) as f64).log10().min(NINES_MAX);
    let line = |(number, run): (usize, &Run)| {
        // The one shortest latency would take much of the height.
        let places = (1..=(nines * PLACES_PER_NINE as f64) as usize).map(|place| {
            let quantile = 1.0 - 10f64.powf(-(place as f64) / PLACES_PER_NINE as f64);
            let ns = run.latencies.value_at_quantile(quantile);
            (ns > 0).then_some((quantile, ns as f64))
        });
        let name = match run.target.name.as_str() {
            "" => "all batches".to_owned(),
            name => name.to_owned(),
        };
        Line { name, colour: number + 1, dashed: false, points: places.collect() }
    };
    let lines: Vec<Line> = runs.iter().enumerate().map(line).collect();
    Plot {
        title: "Latency distribution",
        note: "How long it took at most for so many of the batches.".to_owned(),
        x: Scale::Nines { last: 1.0 - 10f64.powf(-nines) },
        y: Scale::log(heights(&lines)),
        x_text: |quantile| match quantile {
            0.0 => "0 %".to_owned(),
            quantile => format!("{} %", (quantile * 1e6).round() / 1e4),
        },
        y_text: time_text,
        lines,
        marks: Vec::new(),
    }
}
