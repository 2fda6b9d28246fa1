//! Lists the blocks of series: in which files, blocks and runs they lie, and how they are coded.

use super::open::{self, Opened};
use super::parts::lines;
use super::{Failed, Faults, Inspect, codecs};
use crate::screen::{Screen, text};
use crate::terminal::{counted, grouped};
use irontsd_engine::env::Env;
use irontsd_engine::index::Group;
use irontsd_engine::segment::Segment;
use irontsd_engine::types::SeriesId;
use irontsd_net::read::find::groups;
use irontsd_net::read::select::Selector;
use serde_json::json;
use std::collections::BTreeMap;

/// One run of a series.
struct Run {
    file: String,
    block: usize,
    run: usize,
    offset: u64,
    samples: usize,
    times: (i64, i64),
    columns: [(&'static str, usize); 2],
}

/// Shows the runs of all series that a selector means.
pub fn show(
    env: &Env,
    flags: &Inspect,
    selector: &Selector,
    screen: &mut Screen,
) -> Result<Faults, Failed> {
    let (mut found, mut faults, mut in_logs) = (BTreeMap::new(), Vec::new(), 0);
    let wanted = groups(std::slice::from_ref(selector));
    match open::open(env, &flags.path)? {
        Opened::Directory(directory) => {
            faults = directory.faults.clone();
            in_logs = directory.logs.iter().map(|log| log.rows).sum();
            for (_, segment) in &directory.segments {
                gather(segment, &wanted, &mut found, &mut faults);
            }
        }
        Opened::Segment(segment, errors) => {
            faults.extend(errors);
            gather(&segment, &wanted, &mut found, &mut faults);
        }
        _ => {
            let what = "--series is for a data directory or a segment".to_owned();
            return Err(Failed::Usage(what));
        }
    }
    if flags.json {
        screen.line(&json_of(flags, &found, &faults));
        return Ok(faults);
    }
    if found.is_empty() {
        screen.line("no such series in segments");
        if in_logs > 0 {
            let rows = counted(in_logs, "row is", "rows are");
            let how = "--plot reads those too, /internal/force_flush puts them into a segment";
            screen.line(&format!("{rows} in logs only: {how}"));
        }
    }
    for (name, runs) in &found {
        print(screen, name, runs);
    }
    Ok(faults)
}

fn gather(
    segment: &Segment,
    wanted: &[Group<'_>],
    found: &mut BTreeMap<String, Vec<Run>>,
    faults: &mut Faults,
) {
    let mut series = Vec::new();
    let read = segment.each_name(|id, name| {
        if wanted.iter().any(|group| group.iter().all(|filter| filter.passes(name))) {
            series.push((id, text::series(name)));
        }
    });
    faults.extend(read.err().map(|error| error.to_string()));
    for (id, name) in series {
        if let Err(error) = runs(segment, id, found.entry(name).or_default()) {
            faults.push(error.to_string());
        }
    }
    found.retain(|_, runs| !runs.is_empty());
}

fn runs(
    segment: &Segment,
    series: SeriesId,
    out: &mut Vec<Run>,
) -> irontsd_engine::error::Result<()> {
    let file = segment.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = segment.lower_bound(series);
    let mut timestamps = Vec::new();
    for (at, entry) in segment.blocks().iter().enumerate().skip(first) {
        if entry.series.0 > series {
            break;
        }
        let block = segment.block(at)?;
        let here = (block.lower_bound(series)..block.runs())
            .take_while(|&run| block.series(run) == series);
        for run in here {
            timestamps.clear();
            segment.read_timestamps(at, &block, run, &mut timestamps)?;
            let (times, values) = block.columns(run).unwrap_or_default();
            out.push(Run {
                file: file.clone(),
                block: at,
                run,
                offset: entry.offset,
                samples: timestamps.len(),
                times: timestamps
                    .first()
                    .copied()
                    .zip(timestamps.last().copied())
                    .unwrap_or_default(),
                columns: [
                    (codecs::times(times), times.len()),
                    (codecs::values(values), values.len()),
                ],
            });
        }
    }
    Ok(())
}

fn print(screen: &mut Screen, name: &str, runs: &[Run]) {
    let samples: usize = runs.iter().map(|run| run.samples).sum();
    screen.line("");
    let paint = screen.paint();
    let counts = counted(samples as u64, "sample", "samples");
    screen.line(&format!("{}: {counts}", paint.head(name)));
    let row = |run: &Run| {
        vec![
            run.file.clone(),
            run.block.to_string(),
            run.run.to_string(),
            run.offset.to_string(),
            grouped(run.samples as u64),
            text::time(run.times.0),
            text::time(run.times.1),
            run.columns[0].0.to_owned(),
            run.columns[0].1.to_string(),
            run.columns[1].0.to_owned(),
            run.columns[1].1.to_string(),
        ]
    };
    let heads = [
        "file", "block", "run", "at", "samples", "<from", "<to", "<times", "bytes", "<values",
        "bytes",
    ];
    lines(screen, &text::table(&heads, &runs.iter().map(row).collect::<Vec<_>>()));
}

fn json_of(flags: &Inspect, found: &BTreeMap<String, Vec<Run>>, faults: &Faults) -> String {
    let run = |run: &Run| {
        json!({
            "file": run.file,
            "block": run.block,
            "run": run.run,
            "offset": run.offset,
            "samples": run.samples,
            "start": run.times.0,
            "end": run.times.1,
            "times": {"codec": run.columns[0].0, "bytes": run.columns[0].1},
            "values": {"codec": run.columns[1].0, "bytes": run.columns[1].1},
        })
    };
    let series = found.iter().map(
        |(name, runs)| json!({"series": name, "runs": runs.iter().map(run).collect::<Vec<_>>()}),
    );
    let all = json!({
        "path": flags.path.display().to_string(),
        "kind": "series",
        "series": series.collect::<Vec<_>>(),
        "faults": faults,
    });
    all.to_string()
}
