//! The thread that merges segments: after flushes, when a day is over, and when it is asked to.
//!
//! Order of the steps: outputs sealed; manifest names them instead of the inputs; view shows them;
//! input files go. A crash before the manifest leaves outputs as leftovers, one after it inputs; a
//! reader that still holds an input keeps reading it, for a mapped file outlives its name.
//!
//! It takes a bounded share of one core and of the disk, except when somebody waits for it.

use crate::codec::Effort;
use crate::deletes;
use crate::error::{Error, Result};
use crate::gate::Cause;
use crate::keeper::Job;
use crate::limits::MERGE_UNSYNCED_BYTES_MAX;
use crate::manifest::{Manifest, SegmentEntry};
use crate::merge::budget::Budget;
use crate::merge::plan::{self, LEVEL_LAST, Moment, Plan};
use crate::merge::write::{Merge, Work};
use crate::names::seal;
use crate::retention;
use crate::segment::{self, Segment};
use crate::state::{Shared, sort_by_epoch};
use crossbeam::channel::bounded;
use parking_lot::{Condvar, Mutex};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::time::Duration;

/// What a forced merge says while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A merge of so many segments has written so many rows so far, of about so many.
    Going {
        /// Segments being merged.
        segments: usize,
        /// Rows written.
        rows: u64,
        /// Rows of the inputs.
        of: u64,
    },
    /// All is merged, or why not.
    Done(std::result::Result<(), String>),
}

/// Told about a forced merge.
pub type Listener = Box<dyn FnMut(Progress) + Send>;

/// Wakes the thread.
#[derive(Default)]
pub struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Segments have changed since the last look.
    changed: bool,
    ending: bool,
    waiting: Vec<Listener>,
}

impl Signal {
    /// There may be something to merge.
    pub fn notice(&self) {
        self.state.lock().changed = true;
        self.changed.notify_one();
    }

    /// Asks for everything to be merged.
    pub fn force(&self, mut listener: Listener) {
        let mut state = self.state.lock();
        if state.ending {
            drop(state);
            return listener(Progress::Done(Err("the node is stopping".into())));
        }
        state.waiting.push(listener);
        self.changed.notify_one();
    }

    /// Ends the thread; a merge in progress is given up.
    pub fn end(&self) {
        self.state.lock().ending = true;
        self.changed.notify_one();
    }

    fn is_ending(&self) -> bool {
        self.state.lock().ending
    }
}

/// How long nothing must have been flushed before segments are merged for tidiness alone.
const QUIET: Duration = Duration::from_secs(600);
/// How often it is looked whether a day is over.
const LOOK: Duration = Duration::from_secs(30);
/// How often a listener is told.
const TELL: Duration = Duration::from_millis(500);

/// The thread's own state.
pub(crate) struct Merger {
    shared: Arc<Shared>,
    /// Inputs of merges that failed: they are left alone until the next start.
    avoid: HashSet<String>,
    /// It was told that a merge waits for space.
    waits: bool,
    /// What merges may read and write.
    budget: Budget,
}

impl Merger {
    pub(crate) fn new(shared: Arc<Shared>) -> Merger {
        let budget = Budget::new(shared.config.merge_bytes_per_second);
        Merger { shared, avoid: HashSet::new(), waits: false, budget }
    }

    /// Works until told to end.
    pub(crate) fn run(mut self) {
        loop {
            let mut listeners = {
                let signal = &self.shared.merges;
                let mut state = signal.state.lock();
                if !state.changed && !state.ending && state.waiting.is_empty() {
                    signal.changed.wait_for(&mut state, LOOK);
                }
                if state.ending {
                    let waiting = std::mem::take(&mut state.waiting);
                    drop(state);
                    return tell_all(waiting, &Err("the node is stopping".into()));
                }
                state.changed = false;
                std::mem::take(&mut state.waiting)
            };
            retention::enforce(&self.shared);
            if listeners.is_empty() {
                self.merge_what_is_due();
                if let Err(error) = seal::merge(&self.shared, false) {
                    tracing::error!("names were not merged: {error}");
                }
            } else {
                let outcome = self.merge_all(&mut listeners).map_err(|error| error.to_string());
                tell_all(listeners, &outcome);
            }
        }
    }

    fn merge_what_is_due(&mut self) {
        while let Some((plan, entries)) = self.next() {
            if self.shared.merges.is_ending() || !self.shared.merges.state.lock().waiting.is_empty()
            {
                return;
            }
            if let Err(Error::Refused(why)) = self.carry_out(&plan, &entries, &mut Vec::new()) {
                return self.put_off(&why);
            }
            // However much there is to merge, what is dropped goes in time.
            retention::enforce(&self.shared);
        }
    }

    fn next(&self) -> Option<(Plan, Vec<SegmentEntry>)> {
        let clock = &self.shared.env.clock;
        let since = clock.monotonic().saturating_sub(*self.shared.last_flush.lock());
        let moment = Moment {
            now_ms: clock.wall_ms(),
            quiet: since >= QUIET,
            partition: self.shared.partition,
        };
        let entries = self.entries();
        plan::next(&entries, moment).map(|plan| (plan, entries))
    }

    fn merge_all(&mut self, listeners: &mut Vec<Listener>) -> Result<()> {
        self.seal_names()?;
        seal::merge(&self.shared, true)?;
        loop {
            let entries = self.entries();
            let deletes = self.shared.manifest.lock().deletes.clone();
            let Some(plan) = plan::forced(&entries, &deletes, self.shared.partition) else {
                return Ok(());
            };
            self.carry_out(&plan, &entries, listeners)?;
        }
    }

    /// Has the keeper seal all names, and waits for it; it never waits for this thread.
    fn seal_names(&self) -> Result<()> {
        let (sender, answer) = bounded(1);
        let done = Box::new(move |outcome| drop(sender.send(outcome)));
        // A job that comes too late must not be kept: nobody would answer.
        drop(self.shared.keeper.send(Job::SealNames(done)));
        let outcome = answer.recv().unwrap_or_else(|_| Err("the node is stopping".into()));
        outcome.map_err(Error::Stopped)
    }

    /// What can be merged: what is served and did not fail before.
    fn entries(&self) -> Vec<SegmentEntry> {
        let view = self.shared.view.read().clone();
        let usable = |entry: &&SegmentEntry| {
            let is_aside = view.aside.iter().any(|aside| aside.entry.name == entry.name);
            !self.avoid.contains(&entry.name) && !is_aside
        };
        self.shared.manifest.lock().segments.iter().filter(usable).cloned().collect()
    }

    fn carry_out(
        &mut self,
        plan: &Plan,
        entries: &[SegmentEntry],
        listeners: &mut Vec<Listener>,
    ) -> Result<()> {
        let names: Vec<&str> = plan.inputs.iter().map(|&at| entries[at].name.as_str()).collect();
        if let Some(other) = self.lies_between(plan, entries) {
            self.avoid.extend(names.into_iter().map(str::to_owned));
            let what = format!("{other} cannot be read, what overlaps it is not merged");
            tracing::warn!("{what}");
            return Err(Error::Stopped(what));
        }
        self.check_space(plan, entries)?;
        let started = self.shared.env.clock.monotonic();
        let outcome = self.merge(&names, plan.level, listeners).map_err(|error| {
            // That ends by itself; what merges wrote so far is gone again.
            if error.is_disk_full() { Error::Refused(error.to_string()) } else { error }
        });
        match &outcome {
            Ok(rows) => {
                self.waits = false;
                let took = self.shared.env.clock.monotonic() - started;
                self.shared.stats.merges.add(took);
                self.shared.stats.merged_rows.fetch_add(*rows, Relaxed);
                tracing::debug!("merged {} segments, {rows} rows in {took:?}", names.len());
            }
            Err(Error::Stopped(_) | Error::Refused(_)) => {}
            Err(error) => {
                tracing::error!("a merge failed, its segments are left as they are: {error}");
                self.avoid.extend(names.into_iter().map(str::to_owned));
            }
        }
        outcome.map(drop)
    }

    /// A merge needs as much again as its inputs take; it must not take that from the rows.
    fn check_space(&self, plan: &Plan, entries: &[SegmentEntry]) -> Result<()> {
        let bytes: u64 = plan.inputs.iter().map(|&at| entries[at].bytes).sum();
        let min_bytes = self.shared.config.min_free_disk_bytes;
        let free_bytes = self.shared.env.disk.free_bytes(&self.shared.config.dir);
        match free_bytes {
            Ok(free_bytes) if free_bytes < bytes.saturating_add(min_bytes) => {
                let what = format!(
                    "a merge of {bytes} bytes waits for space: {free_bytes} bytes are free, and \
                     {min_bytes} are kept free"
                );
                Err(Error::Refused(what))
            }
            _ => Ok(()),
        }
    }

    fn put_off(&mut self, why: &str) {
        if !std::mem::replace(&mut self.waits, true) {
            tracing::warn!("{why}");
        }
    }

    /// A segment that is not served, but would be neither older nor younger than the merge's output.
    fn lies_between(&self, plan: &Plan, entries: &[SegmentEntry]) -> Option<String> {
        let all = self.shared.manifest.lock().segments.clone();
        let inputs: Vec<_> = plan.inputs.iter().map(|&at| entries[at].name.as_str()).collect();
        let chosen: Vec<usize> =
            (0..all.len()).filter(|&at| inputs.contains(&all[at].name.as_str())).collect();
        let closed =
            plan::closed_under_overlap(&all, chosen, plan.level, self.shared.partition).inputs;
        let between = closed.into_iter().map(|at| &all[at].name);
        between.into_iter().find(|name| !inputs.contains(&name.as_str())).cloned()
    }

    fn merge(&mut self, names: &[&str], level: u32, listeners: &mut Vec<Listener>) -> Result<u64> {
        let shared = &self.shared;
        let is_input = |segment: &Arc<Segment>| names.contains(&segment.file_name().as_str());
        let view = shared.view.read().clone();
        let inputs: Vec<_> = view.segments.iter().filter(|s| is_input(s)).cloned().collect();
        let (deletes, floor_ms) = (view.deletes.clone(), view.floor_ms);
        drop(view);
        if inputs.len() < names.len() {
            // Retention took one, or it was set aside, since this was planned. What comes out takes the
            // place of all of them, so it must not be made of a part.
            return Ok(0);
        }
        let applied = deletes.last().map_or(0, |delete| delete.number);
        let applied = inputs.iter().map(|segment| segment.deletes()).fold(applied, u64::max);
        let rows = inputs.iter().map(|segment| segment.footer().samples).sum();
        // What is merged again soon is not worth the trouble.
        let effort = if level == LEVEL_LAST { Effort::Merge } else { Effort::Flush };
        let mut pace = Pace::new(shared, &mut self.budget, inputs.len(), rows, listeners);
        let merge = Merge {
            env: &shared.env,
            registry: &shared.registry,
            inputs,
            effort,
            deletes,
            floor_ms,
            partition: shared.partition,
            unsynced_bytes_max: MERGE_UNSYNCED_BYTES_MAX,
        };
        let dir = shared.segment_dir();
        let mut paths = Vec::new();
        let name = || {
            paths.push(dir.join(segment::merged_file_name(shared.new_file())));
            paths[paths.len() - 1].clone()
        };
        let sealed = merge.run(name, &mut |work| pace.pace(work)).inspect_err(|_| {
            for path in &paths {
                segment::writer::discard(&shared.env, path);
                let _not_sealed = shared.env.disk.remove(path);
            }
        })?;
        let open = |sealed: &segment::writer::Sealed| {
            Segment::open(&shared.env, &sealed.path).map(|segment| segment.with_deletes(applied))
        };
        let outputs = sealed.iter().map(open).collect::<Result<Vec<_>>>()?;
        self.replace(names, outputs, level)?;
        Ok(rows)
    }

    fn replace(&self, inputs: &[&str], outputs: Vec<Segment>, level: u32) -> Result<()> {
        let shared = &self.shared;
        // If that fails the outputs stay: the manifest on the disk may name them already. The next
        // start removes those that it does not.
        shared.change_manifest(|manifest| {
            manifest.segments.retain(|entry| !inputs.contains(&entry.name.as_str()));
            manifest.segments.extend(outputs.iter().map(|segment| segment.entry(level)));
            manifest.forget_deletes();
        })?;
        shared.change_view(|view| {
            view.segments.retain(|segment| !inputs.contains(&segment.file_name().as_str()));
            view.aside.retain(|aside| !inputs.contains(&aside.entry.name.as_str()));
            view.segments.extend(outputs.into_iter().map(Arc::new));
            sort_by_epoch(&mut view.segments);
        });
        shared.drop_deletes();
        shared.remove_segments(inputs);
        Ok(())
    }
}

fn tell_all(listeners: Vec<Listener>, outcome: &std::result::Result<(), String>) {
    for mut listener in listeners {
        listener(Progress::Done(outcome.clone()));
    }
}

/// Keeps a merge to its share of a core and of the disk, tells listeners, and ends it when the node ends.
struct Pace<'a> {
    shared: &'a Shared,
    budget: &'a mut Budget,
    segments: usize,
    rows: u64,
    of: u64,
    listeners: &'a mut Vec<Listener>,
    /// When it last rested and last told.
    rested: Duration,
    told: Duration,
}

impl<'a> Pace<'a> {
    fn new(
        shared: &'a Shared,
        budget: &'a mut Budget,
        segments: usize,
        of: u64,
        listeners: &'a mut Vec<Listener>,
    ) -> Pace<'a> {
        let now = shared.env.clock.monotonic();
        Pace { shared, budget, segments, rows: 0, of, listeners, rested: now, told: now }
    }

    fn pace(&mut self, work: Work) -> Result<()> {
        self.rows += work.rows;
        self.shared.stats.merge_bytes.fetch_add(work.bytes, Relaxed);
        let now = self.shared.env.clock.monotonic();
        if now - self.told >= TELL {
            self.told = now;
            let going = Progress::Going { segments: self.segments, rows: self.rows, of: self.of };
            self.listeners.iter_mut().for_each(|listener| listener(going.clone()));
        }
        let signal = &self.shared.merges;
        let mut state = signal.state.lock();
        // Nobody waits: as long at rest as at work, and as the disk's share demands. A flush does not end it.
        let nobody_waits = |state: &mut State| state.waiting.is_empty() && !state.ending;
        if self.listeners.is_empty() && nobody_waits(&mut state) {
            let rest = (now - self.rested).min(LOOK).max(self.budget.spend(work.bytes, now));
            signal.changed.wait_while_for(&mut state, nobody_waits, rest);
        }
        let ending = state.ending;
        drop(state);
        self.rested = self.shared.env.clock.monotonic();
        self.budget.settle(self.rested);
        if ending {
            return Err(Error::Stopped("the node is stopping".into()));
        }
        // Rows come first where space is short.
        let gate = &self.shared.gate;
        if gate.has(Cause::DiskFull) || gate.has(Cause::DiskLow) { gate.check() } else { Ok(()) }
    }
}

/// What the manifest says of a segment.
impl Segment {
    /// Its file's name.
    pub(crate) fn file_name(&self) -> String {
        self.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its line in the manifest.
    pub(crate) fn entry(&self, level: u32) -> SegmentEntry {
        let footer = self.footer();
        SegmentEntry {
            name: self.file_name(),
            bytes: self.bytes(),
            level,
            epochs: footer.epochs,
            times: footer.timestamps,
            deletes: self.deletes(),
        }
    }
}

impl Shared {
    /// Number of a new file; durable with the next manifest, and what it names before that is a
    /// leftover.
    pub fn new_file(&self) -> u64 {
        let mut manifest = self.manifest.lock();
        manifest.last_file += 1;
        manifest.last_file
    }

    /// Lets the deletes go that the manifest does not name any more.
    pub fn drop_deletes(&self) {
        let gone: Vec<u64> = {
            // A new delete is in the manifest before it is in the view.
            let manifest = self.manifest.lock();
            let is_kept = |number: u64| manifest.deletes.iter().any(|entry| entry.number == number);
            let view = self.view.read();
            view.deletes.iter().map(|delete| delete.number).filter(|&n| !is_kept(n)).collect()
        };
        if gone.is_empty() {
            return;
        }
        self.change_view(|view| view.deletes.retain(|delete| !gone.contains(&delete.number)));
        let names: Vec<String> = gone.into_iter().map(deletes::file_name).collect();
        self.remove_segments(&names.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Removes files of the segment directory that the manifest does not name any more.
    pub fn remove_segments(&self, names: &[&str]) {
        for name in names {
            let path = self.segment_dir().join(name);
            if let Err(error) = self.env.disk.remove(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!("{} is done with but stays: {error}", path.display());
            }
        }
    }

    /// Replaces the manifest by a changed one, durable when this returns.
    pub fn change_manifest(&self, change: impl FnOnce(&mut Manifest)) -> Result<()> {
        let mut manifest = self.manifest.lock();
        let mut changed = manifest.clone();
        change(&mut changed);
        changed.write(&self.env, &self.config.dir)?;
        self.teller.take_manifest(&changed);
        self.tell();
        *self.levels.lock() = changed.segments_by_level();
        *manifest = changed;
        Ok(())
    }
}
