//! Checks all files on several threads, then what they say of each other.

use super::check::{self, Checked, Meter, log::Content, names::Compared};
use super::fault::{Affected, Fault, Faults, Kind};
use super::flags::Verify;
use super::plan::{Item, Plan, plan};
use crate::screen::progress::Progress;
use irontsd_engine::env::Env;
use irontsd_engine::manifest::Manifest;
use irontsd_engine::segment::Segment;
use irontsd_engine::series::Registry;
use irontsd_engine::witness::Witness;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, bytes, blocks (and records), samples (and rows) read.
    pub files: u64,
    /// See `files`.
    pub bytes: u64,
    /// See `files`.
    pub blocks: u64,
    /// See `files`.
    pub samples: u64,
    /// What is broken, by file and offset.
    pub faults: Vec<Fault>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

/// How often a directory is read again because names moved from file to file.
const READINGS_MAX: usize = 20;
/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Verifies what the flags say.
pub fn verify(env: &Env, flags: &Verify) -> Result<Found, String> {
    let root = &flags.path;
    let plan = plan(env, root)?;
    let checked = check_all(env, flags, &plan);
    let mut found = Found {
        files: plan.items.len() as u64 + u64::from(plan.bytes > 0),
        bytes: plan.bytes,
        faults: plan.faults.clone(),
        notes: plan.notes.clone(),
        ..Found::default()
    };
    for one in &checked {
        found.bytes += one.bytes;
        found.blocks += one.blocks;
        found.samples += one.samples;
        found.faults.extend(one.faults.iter().cloned());
    }
    if plan.manifest.is_some() {
        if !flags.quick {
            compare(env, root, &plan, &checked, &mut found);
        }
        forget_what_went(env, root, &plan, &mut found.faults);
    }
    found.faults.sort_by(|a, b| (&a.file, a.offset, a.kind).cmp(&(&b.file, b.offset, b.kind)));
    Ok(found)
}

fn check_all(env: &Env, flags: &Verify, plan: &Plan) -> Vec<Checked> {
    let total: u64 = plan.items.iter().map(|item| size(env, item)).sum();
    let mut order: Vec<usize> = (0..plan.items.len()).collect();
    // The largest first, so that no core is left with it at the end.
    order.sort_by_key(|&at| std::cmp::Reverse(size(env, &plan.items[at])));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = flags.threads.map_or(cores, usize::from);
    let (meter, next) = (Meter::default(), AtomicUsize::new(0));
    let results: Mutex<Vec<Option<Checked>>> =
        Mutex::new(plan.items.iter().map(|_| None).collect());
    let work = || {
        while let Some(&at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let checked = check_one(env, flags, &plan.items[at], &meter);
            if let Ok(mut results) = results.lock() {
                results[at] = Some(checked);
            }
        }
    };
    let progress = Progress::new("verifying", total);
    let started = env.clock.monotonic();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(order.len())).map(|_| scope.spawn(work)).collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            let done = meter.bytes.load(Ordering::Relaxed);
            let took = env.clock.monotonic().saturating_sub(started);
            progress.show(done);
            std::thread::sleep(LOOK_EVERY.min(took / 8 + Duration::from_micros(100)));
        }
    });
    let results = results.into_inner().unwrap_or_default();
    results.into_iter().map(Option::unwrap_or_default).collect()
}

fn size(env: &Env, item: &Item) -> u64 {
    match item {
        Item::Segment(_, Some(entry)) => entry.bytes,
        Item::Part(_, entry) => entry.bytes,
        other => env.disk.map(other.path()).map_or(0, |map| map.len() as u64),
    }
}

fn check_one(env: &Env, flags: &Verify, item: &Item, meter: &Meter) -> Checked {
    let faults = Faults::new(&flags.path, item.path());
    match item {
        Item::Segment(_, entry) => {
            check::segment::check(env, faults, entry.as_ref(), flags.quick, meter)
        }
        Item::Records(_, content) => check::log::check(env, faults, *content, flags.quick, meter),
        Item::Part(_, entry) => check::names::check(env, faults, entry, meter),
        Item::Delete(_, entry) => check::log::check_delete(env, faults, *entry, meter),
    }
}

/// Compares names with those who use them.
fn compare(env: &Env, root: &Path, plan: &Plan, checked: &[Checked], found: &mut Found) {
    let witness = Witness::read(env, root);
    let Some(registry) = names(env, root) else {
        found.notes.push("names were not compared: their files cannot be read".into());
        return;
    };
    let mut lost = Faults::new(root, &root.join(&witness.names_log));
    if let Some(error) = witness.check_names(root, registry.len()) {
        lost.error(Kind::Names, &error, Affected::default());
    }
    found.faults.extend(lost.found);
    let mut compared = Compared::default();
    for (item, checked) in plan.items.iter().zip(checked) {
        let mut faults = Faults::new(root, item.path());
        match item {
            Item::Segment(path, _) => {
                if let Ok(segment) = Segment::open(env, path) {
                    compared.segment(&segment, &registry, &mut faults);
                }
            }
            Item::Records(_, Content::Rows(..)) => {
                unnamed(&registry, checked, &mut faults);
            }
            _ => {}
        }
        found.faults.extend(faults.found);
    }
}

/// Rows of series that no names file names: nobody can read them.
fn unnamed(registry: &Registry, checked: &Checked, faults: &mut Faults) {
    let mut lost = Vec::new();
    let known = checked.series.range(..registry.len()).map(|(&id, _)| id);
    registry.each(known, |id, name| {
        if name.is_empty() {
            lost.push(id);
        }
    });
    lost.extend(checked.series.range(registry.len()..).map(|(&id, _)| id));
    let first = lost.iter().filter_map(|id| checked.series.get(id)).min();
    if let Some(&offset) = first {
        let count = lost.len() as u64;
        let affected = Affected { series_count: Some(count), ..Affected::default() };
        faults.add(offset, Kind::Names, "rows of series without a name", affected);
    }
}

/// The names as a start would read them, of one moment.
fn names(env: &Env, root: &Path) -> Option<Registry> {
    for _ in 0..READINGS_MAX {
        let before = Manifest::read(env, root).ok()??;
        let registry = Registry::read_only(env, root, &before.names);
        let after = Manifest::read(env, root).ok()??;
        if before.names == after.names {
            return registry.ok().map(|(registry, _)| registry);
        }
    }
    None
}

/// A node lets a file go when the manifest names another in its place: what the manifest does not name
/// any more was not lost.
fn forget_what_went(env: &Env, root: &Path, plan: &Plan, faults: &mut Vec<Fault>) {
    if !faults.iter().any(|fault| fault.kind == Kind::Missing) {
        return;
    }
    let Ok(Some(now)) = Manifest::read(env, root) else { return };
    let went = |item: &Item| match item {
        Item::Segment(_, Some(entry)) => now.segments.iter().all(|it| it.name != entry.name),
        Item::Part(_, entry) => now.names.iter().all(|it| it.name != entry.name),
        Item::Delete(_, entry) => now.deletes.iter().all(|it| it.number != entry.number),
        Item::Records(_, Content::Rows(epoch, _)) => *epoch <= now.flushed_epoch,
        // They were there a moment ago: whatever was in them is in parts or was named otherwise.
        Item::Records(..) => true,
        Item::Segment(_, None) => false,
    };
    let gone: Vec<String> = plan
        .items
        .iter()
        .filter(|item| went(item))
        .map(|item| item.path().strip_prefix(root).unwrap_or(item.path()).display().to_string())
        .collect();
    faults.retain(|fault| fault.kind != Kind::Missing || !gone.contains(&fault.file));
}
