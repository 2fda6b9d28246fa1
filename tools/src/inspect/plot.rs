//! Draws series in the terminal, as a node would serve them: duplicates and deletes are resolved, rows
//! that are in logs only are there.

use super::{Failed, Faults, Inspect};
use crate::screen::braille::Canvas;
use crate::screen::{Screen, text};
use crate::terminal::{counted, grouped};
use irontsd_engine::env::Env;
use irontsd_engine::offline::Store;
use irontsd_engine::scan::{Cursor, Scan};
use irontsd_engine::types::{Kind, Samples, SeriesId, TIMESTAMP_MS_MAX};
use irontsd_net::read::find::groups;
use irontsd_net::read::select::Selector;

/// Series drawn at the most.
const SERIES_SHOWN: usize = 8;
/// Rows of characters of a drawing.
const ROWS: usize = 10;
/// Columns for the values beside it.
const MARGIN: usize = 14;
/// Digits of a value beside it.
const DIGITS: usize = 6;
/// Samples read at a time.
const STEP: usize = 8192;

/// Draws all series that a selector means.
pub fn show(
    env: &Env,
    flags: &Inspect,
    selector: &Selector,
    screen: &mut Screen,
) -> Result<Faults, Failed> {
    let store = Store::open(env, &flags.path)?;
    let series = store.find(&groups(std::slice::from_ref(selector)));
    let scan = store.snapshot().scan(None, (i64::MIN, TIMESTAMP_MS_MAX));
    if series.is_empty() {
        screen.line("no such series");
    }
    let mut faults = store.found().faults.clone();
    for &id in series.iter().take(SERIES_SHOWN) {
        let name = text::series(&store.registry().name(id));
        if let Err(error) = draw(screen, &scan, id, &name) {
            faults.push(error.to_string());
        }
    }
    if series.len() > SERIES_SHOWN {
        let more = grouped((series.len() - SERIES_SHOWN) as u64);
        let paint = screen.paint();
        screen.line(&paint.dim(&format!("and {more} more series")));
    }
    Ok(faults)
}

/// What is drawn of a series.
#[derive(Default)]
struct Extent {
    samples: u64,
    times: Option<(i64, i64)>,
    values: Option<(f64, f64)>,
}

fn draw(
    screen: &mut Screen,
    scan: &Scan,
    series: SeriesId,
    name: &str,
) -> irontsd_engine::error::Result<()> {
    let mut extent = Extent::default();
    each(scan, series, |time, value| {
        extent.samples += 1;
        extent.times = Some(extent.times.map_or((time, time), |(first, _)| (first, time)));
        let wider = |(low, high): (f64, f64)| (low.min(value), high.max(value));
        extent.values = Some(extent.values.map_or((value, value), wider));
    })?;
    let paint = screen.paint();
    let (Some((first, last)), Some((low, high))) = (extent.times, extent.values) else {
        screen.line(&format!("{}: no numbers", paint.head(name)));
        return Ok(());
    };
    let columns = screen.width() - MARGIN - 1;
    let mut canvas = Canvas::new(columns, ROWS);
    let (width, height) = (canvas.width(), canvas.height());
    let x_of = |time: i64| {
        ((time - first) as f64 / (last - first).max(1) as f64 * (width - 1) as f64).round() as usize
    };
    let span = if high > low { high - low } else { 1.0 };
    let y_of = |value: f64| {
        height - 1 - ((value - low) / span * (height - 1) as f64).round().max(0.0) as usize
    };
    // Samples that share a column are drawn as the range of their values.
    let mut column: Option<(usize, usize, usize)> = None;
    each(scan, series, |time, value| {
        let (x, y) = (x_of(time), y_of(value));
        column = Some(match column {
            Some((at, from, to)) if at == x => (at, from.min(y), to.max(y)),
            before => {
                before.inspect(|&(at, from, to)| canvas.column(at, from, to));
                (x, y, y)
            }
        });
    })?;
    column.inspect(|&(at, from, to)| canvas.column(at, from, to));
    let samples = counted(extent.samples, "sample", "samples");
    screen.line(&format!("{}: {samples}", paint.head(name)));
    for (row, line) in canvas.lines().enumerate() {
        let label = match row {
            0 => number(high),
            _ if row == ROWS - 1 => number(low),
            _ => String::new(),
        };
        screen.line(&format!("{label:>MARGIN$} {}", paint.ink(&line)));
    }
    let (from, to) = (text::time(first), text::time(last));
    let room = columns.saturating_sub(from.len() + to.len()).max(1);
    screen.line(&format!("{:MARGIN$} {from}{:room$}{to}", "", ""));
    Ok(())
}

/// A value that fits beside a drawing: six digits that count, if it has more.
fn number(value: f64) -> String {
    let (plain, size) = (value.to_string(), value.abs());
    if plain.len() <= DIGITS + 2 {
        return plain;
    }
    if !(1e-4..1e12).contains(&size) {
        return format!("{value:.5e}");
    }
    let whole = size.log10().floor() as i32 + 1;
    let decimals = (DIGITS as i32 - whole).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

fn each(
    scan: &Scan,
    series: SeriesId,
    mut sink: impl FnMut(i64, f64),
) -> irontsd_engine::error::Result<()> {
    let (mut cursor, mut samples) = (Cursor::default(), Samples::default());
    cursor.seek(scan, series)?;
    loop {
        samples.clear();
        let more = cursor.read(scan, series, STEP, &mut samples)?;
        for at in 0..samples.len() {
            let value = samples.value(at);
            if value.kind != Kind::HISTOGRAM && value.as_f64().is_finite() {
                sink(samples.timestamps[at], value.as_f64());
            }
        }
        if !more {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn values_beside_a_drawing_are_short() {
        let values = [0.0, -12.5, 99.848812345, 0.493960360370882, 1.31040012, 5191154.0];
        let shown = ["0", "-12.5", "99.8488", "0.49396", "1.3104", "5191154"];
        assert_eq!(values.map(number), shown);
        let values = [123456789.987, 1e-7 / 3.0, 1.0 / 3e-13, 0.000123456789, 999999.96];
        let shown = ["123456790", "3.33333e-8", "3.33333e12", "0.000123457", "1000000"];
        assert_eq!(values.map(number), shown);
    }
}
