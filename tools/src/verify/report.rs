//! Tells what was found, for eyes or for scripts.

use super::fault::{Affected, Fault};
use super::flags::Verify;
use super::repair::Repaired;
use super::run::Found;
use crate::screen::{Screen, text};
use crate::terminal::{bytes, counted};
use serde_json::{Value, json};
use std::time::Duration;

/// Series named with a fault for people; JSON has more of them.
const NAMED_IN_TEXT: usize = 3;

/// Tells all.
pub fn tell(
    flags: &Verify,
    found: &Found,
    took: Duration,
    repaired: Option<&Repaired>,
) -> Result<(), String> {
    let mut screen = Screen::new();
    if flags.json {
        let mut all = json_of(flags, found);
        if let (Some(Repaired { segments, samples, notes }), Some(to)) = (repaired, &flags.repair) {
            let path = to.display().to_string();
            all["repair"] =
                json!({"path": path, "segments": segments, "samples": samples, "notes": notes});
        }
        screen.line(&all.to_string());
    } else {
        for_eyes(&mut screen, flags, found, took);
        if let (Some(repaired), Some(to)) = (repaired, &flags.repair) {
            repaired.notes.iter().for_each(|note| screen.line(&format!("repair: {note}")));
            let samples = counted(repaired.samples, "sample", "samples");
            let segments = counted(repaired.segments, "segment", "segments");
            screen.line(&format!("repair: wrote {samples} in {segments} to {}", to.display()));
        }
    }
    screen.end()
}

fn for_eyes(screen: &mut Screen, flags: &Verify, found: &Found, took: Duration) {
    let paint = screen.paint();
    for fault in &found.faults {
        let place = format!("{}: offset {}: ", fault.file, fault.offset);
        screen.line(&format!("{place}{}: {}", paint.bad(fault.kind.word()), fault.what));
        if let Some(touched) = touched(&fault.affected) {
            screen.line(&format!("    {touched}"));
        }
    }
    for note in &found.notes {
        screen.line(&paint.dim(&format!("note: {note}")));
    }
    let how = if flags.quick { "checksums of " } else { "" };
    let parts = [
        counted(found.files, "file", "files"),
        bytes(found.bytes),
        counted(found.blocks, "block", "blocks"),
        counted(found.samples, "sample", "samples"),
    ];
    let seconds = took.as_secs_f64();
    let summary = format!("{how}{} in {seconds:.1} s", parts.join(", "));
    let verdict = match found.faults.len() {
        0 => paint.good("ok"),
        count => paint.bad(&counted(count as u64, "fault", "faults")),
    };
    screen.line(&format!("{verdict}: {summary}"));
}

/// What a fault touches, in words.
fn touched(affected: &Affected) -> Option<String> {
    let mut words = Vec::new();
    if let Some(count) = affected.series_count {
        let named = &affected.series[..affected.series.len().min(NAMED_IN_TEXT)];
        let more = if count > named.len() as u64 { ", …" } else { "" };
        let named = named.join(", ");
        let named = if named.is_empty() { named } else { format!(" ({named}{more})") };
        words.push(format!("{}{named}", counted(count, "series", "series")));
    }
    words.extend(affected.samples.map(|samples| counted(samples, "sample", "samples")));
    if let Some((from, to)) = affected.times {
        words.push(format!("from {} to {}", text::time(from), text::time(to)));
    }
    (!words.is_empty()).then(|| format!("touches {}", words.join(", ")))
}

fn json_of(flags: &Verify, found: &Found) -> Value {
    json!({
        "path": flags.path.display().to_string(),
        "ok": found.faults.is_empty(),
        "quick": flags.quick,
        "files": found.files,
        "bytes": found.bytes,
        "blocks": found.blocks,
        "samples": found.samples,
        "faults": found.faults.iter().map(fault).collect::<Vec<_>>(),
        "notes": found.notes,
    })
}

fn fault(fault: &Fault) -> Value {
    let Affected { series, series_count, samples, times } = &fault.affected;
    json!({
        "file": fault.file,
        "offset": fault.offset,
        "kind": fault.kind.word(),
        "what": fault.what,
        "series": series,
        "series_count": series_count,
        "samples": samples,
        "start": times.map(|times| times.0),
        "end": times.map(|times| times.1),
    })
}
