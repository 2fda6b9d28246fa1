//! Shows a segment.

use super::detail::Detail;
use super::parts::{self, fact};
use super::{Faults, Inspect};
use crate::screen::Screen;
use crate::screen::progress::Progress;
use crate::terminal::{bytes, counted};
use irontsd_engine::header::Header;
use irontsd_engine::segment::Segment;
use serde_json::{Value, json};

/// Shows all of a segment.
pub fn show(flags: &Inspect, segment: &Segment, mut faults: Faults, screen: &mut Screen) -> Faults {
    let mut detail = Detail::default();
    read(segment.bytes(), |done| detail.add(segment, done));
    faults.append(&mut detail.faults);
    if flags.json {
        let mut all = parts::detail_json(&detail);
        if let (Value::Object(all), Value::Object(facts)) = (&mut all, of(segment)) {
            all.extend(facts);
            all.insert("kind".to_owned(), "segment".into());
            all.insert("path".to_owned(), flags.path.display().to_string().into());
            all.insert("version".to_owned(), version(segment).into());
            all.insert("faults".to_owned(), faults.clone().into());
        }
        screen.line(&all.to_string());
        return faults;
    }
    let footer = segment.footer();
    let name = flags.path.display();
    screen.line(&format!("{name}: segment, format version {}", version(segment)));
    fact(screen, "times", &parts::span(footer.timestamps));
    fact(screen, "epochs", &format!("{} to {}", footer.epochs.0, footer.epochs.1));
    fact(screen, "holds", &parts::counts(footer.series.into(), footer.samples));
    let each = parts::each(segment.bytes(), footer.samples);
    fact(screen, "bytes", &format!("{}, {each} a sample", bytes(segment.bytes())));
    let blocks = counted(segment.blocks().len() as u64, "block", "blocks");
    let groups = counted(segment.name_groups().len() as u64, "group", "groups");
    fact(screen, "blocks", &format!("{blocks}, {groups} of names"));
    parts::detail(screen, &detail);
    faults
}

/// Reads something of so many bytes, and shows on a terminal how far it is.
pub fn read(total: u64, read: impl FnOnce(&mut dyn FnMut(u64))) {
    let progress = Progress::new("reading", total);
    let mut all = 0;
    read(&mut |done| {
        all += done;
        progress.show(all);
    });
}

/// The version that a segment's header says.
pub fn version(segment: &Segment) -> u32 {
    Header::peek(segment.file()).map_or(0, |(_, version, _)| version)
}

/// A segment's facts for scripts.
pub fn of(segment: &Segment) -> Value {
    let footer = segment.footer();
    json!({
        "file": segment.path().file_name().unwrap_or_default().to_string_lossy(),
        "bytes": segment.bytes(),
        "blocks": segment.blocks().len(),
        "series": footer.series,
        "samples": footer.samples,
        "start": footer.timestamps.0,
        "end": footer.timestamps.1,
        "epochs": [footer.epochs.0, footer.epochs.1],
    })
}
