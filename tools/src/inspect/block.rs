//! Shows one block of a segment: its place, its runs, or every sample of it.

use super::parts::{fact, lines, span};
use super::{Failed, Faults, Inspect, codecs};
use crate::screen::{Screen, text};
use crate::terminal::{bytes, counted, grouped};
use irontsd_engine::segment::Segment;
use irontsd_engine::segment::format::Block;
use irontsd_engine::types::{Samples, SeriesId};
use irontsd_net::read::histogram_json;
use irontsd_net::read::number_text;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Series and samples of a run; codec and bytes of its columns of timestamps and values.
type OneRun = (String, usize, [(&'static str, usize); 2]);

/// Shows the block with this number.
pub fn show(
    flags: &Inspect,
    segment: &Segment,
    mut faults: Faults,
    number: usize,
    screen: &mut Screen,
) -> Result<Faults, Failed> {
    let Some(entry) = segment.blocks().get(number) else {
        let count = segment.blocks().len();
        let what = format!("--block {number}: there are {count}, the first is 0");
        return Err(Failed::Usage(what));
    };
    let block = match segment.block(number) {
        Ok(block) => block,
        Err(error) => {
            faults.push(error.to_string());
            return Ok(faults);
        }
    };
    let names = names(segment, &mut faults);
    if flags.dump && !flags.json {
        dump(segment, number, &block, &names, &mut faults, screen);
        return Ok(faults);
    }
    let runs: Vec<OneRun> = (0..block.runs())
        .map(|run| {
            let (times, values) = block.columns(run).unwrap_or_default();
            let columns =
                [(codecs::times(times), times.len()), (codecs::values(values), values.len())];
            (name(&names, block.series(run)), block.rows(run), columns)
        })
        .collect();
    let (directory, tables) = block.overhead();
    if flags.json {
        let mut shown = Vec::new();
        for (run, (series, samples, [times, values])) in runs.iter().enumerate() {
            let mut object = json!({
                "series": series,
                "samples": samples,
                "times": {"codec": times.0, "bytes": times.1},
                "values": {"codec": values.0, "bytes": values.1},
            });
            if flags.dump {
                let dumped = samples_of(segment, number, &block, run);
                object["dump"] = dumped.unwrap_or_else(|error| {
                    faults.push(error.to_string());
                    Value::Null
                });
            }
            shown.push(object);
        }
        let all = json!({
            "path": flags.path.display().to_string(),
            "kind": "block",
            "block": number,
            "offset": entry.offset,
            "bytes": entry.bytes,
            "samples": entry.rows,
            "start": entry.timestamps.0,
            "end": entry.timestamps.1,
            "directory": directory,
            "tables": tables,
            "runs": shown,
            "faults": faults,
        });
        screen.line(&all.to_string());
        return Ok(faults);
    }
    let (path, offset) = (flags.path.display(), entry.offset);
    screen.line(&format!("{path}: block {number} at offset {offset}"));
    fact(screen, "times", &span(entry.timestamps));
    let counts = counted(entry.rows.into(), "sample", "samples");
    fact(screen, "holds", &format!("{counts} in {}", counted(entry.runs.into(), "run", "runs")));
    let overhead = format!("{directory} of directory, {tables} of tables and slack");
    fact(screen, "bytes", &format!("{}: {overhead}", bytes(entry.bytes.into())));
    screen.heading("runs");
    let rows: Vec<Vec<String>> = runs
        .into_iter()
        .enumerate()
        .map(|(run, (series, samples, [times, values]))| {
            vec![
                run.to_string(),
                series,
                grouped(samples as u64),
                times.0.to_owned(),
                times.1.to_string(),
                values.0.to_owned(),
                values.1.to_string(),
            ]
        })
        .collect();
    let heads = ["run", "<series", "samples", "<times", "bytes", "<values", "bytes"];
    lines(screen, &text::table(&heads, &rows));
    Ok(faults)
}

fn names(segment: &Segment, faults: &mut Faults) -> HashMap<SeriesId, String> {
    let mut names = HashMap::new();
    let read = segment.each_name(|id, name| _ = names.insert(id, text::series(name)));
    faults.extend(read.err().map(|error| error.to_string()));
    names
}

fn name(names: &HashMap<SeriesId, String>, id: SeriesId) -> String {
    names.get(&id).cloned().unwrap_or_else(|| format!("id {id}, its name is lost"))
}

/// Times in milliseconds and values of a run, as in an export.
fn samples_of(
    segment: &Segment,
    number: usize,
    block: &Block<'_>,
    run: usize,
) -> irontsd_engine::error::Result<Value> {
    let mut samples = Samples::default();
    segment.read(number, block, run, &mut samples)?;
    let (mut values, mut text) = (Vec::<Value>::new(), Vec::new());
    for at in 0..samples.len() {
        text.clear();
        push_value(&mut text, &samples, at);
        // Infinities are no JSON, and stay texts.
        let value = serde_json::from_slice(&text);
        values.push(value.unwrap_or_else(|_| String::from_utf8_lossy(&text).into()));
    }
    Ok(json!({"timestamps": samples.timestamps, "values": values}))
}

fn push_value(out: &mut Vec<u8>, samples: &Samples, at: usize) {
    match samples.histogram(at) {
        Some(bytes) => histogram_json::push(out, bytes),
        None => number_text::push_value(out, samples.value(at)),
    }
}

fn dump(
    segment: &Segment,
    number: usize,
    block: &Block<'_>,
    names: &HashMap<SeriesId, String>,
    faults: &mut Faults,
    screen: &mut Screen,
) {
    let mut samples = Samples::default();
    for run in 0..block.runs() {
        if screen.is_gone() {
            return;
        }
        samples.clear();
        if let Err(error) = segment.read(number, block, run, &mut samples) {
            faults.push(error.to_string());
            continue;
        }
        let series = name(names, block.series(run));
        let mut value = Vec::new();
        for at in 0..samples.len() {
            value.clear();
            push_value(&mut value, &samples, at);
            let time = samples.timestamps[at];
            screen.line(&format!("{series}\t{time}\t{}", String::from_utf8_lossy(&value)));
        }
    }
}
