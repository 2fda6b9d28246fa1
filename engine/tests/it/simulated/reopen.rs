//! Opens what is left of a disk, and has it judged.

use super::cut::Durable;
use super::disk::SimulatedDisk;
use super::driver::{DIR, open};
use super::history::{AGE_MS, End, History};
use super::record::Op;
use super::tree::{ROOT, Tree};
use super::world::SimulatedClock;
use fastrand::Rng;
use irontsd_engine::engine::Config;
use irontsd_engine::retention::Keep;
use std::path::Path;

/// A complaint, or all is well. `number` makes every file's salt another.
pub type Verdict = Result<(), String>;

/// Opens a tree and judges what it shows.
pub fn judge(history: &History, tree: &Tree, end: End, number: u64) -> Verdict {
    judge_on(history, &SimulatedDisk::over(tree.clone()), end, number << 8)
}

/// The same, and all its snapshots, and what it shows after everything was flushed.
pub fn judge_thoroughly(history: &History, tree: &Tree, end: End, number: u64) -> Verdict {
    let (disk, salt) = (SimulatedDisk::over(tree.clone()), number << 8);
    judge_on(history, &disk, end, salt)?;
    let again = judge_on(history, &disk, end, salt + 1);
    again.map_err(|complaint| format!("the second time: {complaint}"))?;
    let names = disk.tree().dir(Path::new(&format!("{DIR}/snapshots")));
    let names = names.map(|dir| disk.tree().dirs[&dir].keys().cloned().collect::<Vec<_>>());
    for name in names.unwrap_or_default() {
        let judged = judge_snapshot(history, &disk, &name, salt + 2);
        judged.map_err(|complaint| format!("snapshot {name}: {complaint}"))?;
    }
    Ok(())
}

fn judge_on(history: &History, disk: &SimulatedDisk, end: End, salt: u64) -> Verdict {
    let wall_ms = match end {
        End::PowerCut(cut) => history.wall_ms(cut),
        End::Death => history.wall_ms(usize::MAX),
    };
    let clock = SimulatedClock::new(wall_ms);
    let node = open(disk, DIR, &clock, salt, |_| {}).map_err(|error| error.to_string())?;
    let faults = node.engine.faults();
    if !faults.is_empty() {
        return Err(format!("what was not finished was taken for damage: {faults:?}"));
    }
    history.judge(&node, end, wall_ms - AGE_MS)
}

/// A snapshot is a data directory like any other.
fn judge_snapshot(history: &History, disk: &SimulatedDisk, name: &str, salt: u64) -> Verdict {
    let snapshot = history.snapshots.iter().find(|snapshot| snapshot.name == name);
    let snapshot = snapshot.ok_or("nobody asked for it")?;
    let dir = format!("{DIR}/snapshots/{name}");
    let keep_all = |config: &mut Config| config.keep = Keep::default();
    let copy = open(disk, &dir, &SimulatedClock::new(0), salt, keep_all);
    let copy = copy.map_err(|error| error.to_string())?;
    let events = &history.events[..snapshot.events];
    let found = copy.try_content((1, i64::MAX)).map_err(|error| error.to_string())?;
    history.judge_content(&found, events, End::Death, snapshot.oldest_ms)
}

/// The images that cuts leave of a recorded run, in the order of the cuts; each has a number. None may
/// give reason to complain.
pub fn images(
    record: &[Op],
    base: &Tree,
    cuts: Vec<(usize, u64)>,
    try_image: impl FnMut(usize, u64, &Tree) -> Verdict,
) {
    if let Some((cut, number, image, complaint)) = first_bad(record, base, cuts, try_image) {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("power-cut-{number}"));
        image.copy_out(ROOT, &to);
        let (last, len) = (&record[cut.saturating_sub(12)..cut], record.len());
        let to = to.display();
        panic!(
            "image {number}, cut at {cut} of {len}, copied to {to}: {complaint}; last: {last:#?}"
        );
    }
}

/// The first image that gives reason to complain: its cut, number, and the reason.
pub fn first_bad(
    record: &[Op],
    base: &Tree,
    mut cuts: Vec<(usize, u64)>,
    mut try_image: impl FnMut(usize, u64, &Tree) -> Verdict,
) -> Option<(usize, u64, Tree, String)> {
    cuts.sort_unstable();
    let (mut durable, mut at) = (Durable::new(base), 0);
    for (cut, number) in cuts {
        record[at..cut].iter().for_each(|op| durable.step(op));
        at = cut;
        let image = durable.image(&mut Rng::with_seed(number));
        if let Err(complaint) = try_image(cut, number, &image) {
            return Some((cut, number, image, complaint));
        }
    }
    None
}
