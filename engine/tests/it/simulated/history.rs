//! What was sent, and what was promised when; judges what is found after a power cut or a death.
//!
//! Times are positions in a disk's record: what has position `p` had happened when the record had `p`
//! operations. Every batch has one row that nothing else touches, its marker, by which its presence is
//! told; the rest must then be exactly what all present batches and the deletes make together.

use crate::common::{Model, Node, Sample, name};
use crate::model::meaning;
use irontsd_engine::assigned::NameKind;
use irontsd_engine::name::HISTOGRAM_MARK;
use irontsd_engine::types::Value;

pub const DAY_MS: i64 = 86_400_000;
/// Samples are kept for so long, and the clock begins where all that are written are kept.
pub const AGE_MS: i64 = 30 * DAY_MS;
/// Series of the markers, one for each shard.
const MARKERS: u8 = 200;
const MARKERS_FROM_MS: i64 = 1000 * DAY_MS;

/// Series, timestamp and sample.
pub type Row = (u8, i64, Sample);

/// One commit.
#[derive(Debug)]
pub struct Batch {
    pub rows: Vec<Row>,
    pub begun: usize,
    /// Accepted: it survives the death of the process.
    pub accepted: bool,
    /// When it was said to survive a power cut.
    pub durable: Option<usize>,
}

#[derive(Debug)]
pub struct Deletion {
    pub series: Vec<u8>,
    pub times: (i64, i64),
    pub begun: usize,
    pub answered: Option<usize>,
}

#[derive(Debug)]
pub enum Event {
    Batch(Batch),
    Delete(Deletion),
}

#[derive(Debug)]
pub struct Snapshot {
    pub name: String,
    /// It holds what these first events made.
    pub events: usize,
    pub oldest_ms: i64,
    pub answered: Option<usize>,
    pub removal_begun: Option<usize>,
    pub removal_answered: Option<usize>,
}

#[derive(Debug)]
pub struct Assignment {
    pub name: Vec<u8>,
    pub begun: usize,
    /// When which number was given.
    pub answered: Option<(usize, u32)>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct History {
    pub events: Vec<Event>,
    pub snapshots: Vec<Snapshot>,
    pub assigned: Vec<Assignment>,
    /// What the wall showed from when on.
    pub walls: Vec<(usize, i64)>,
}

/// What ended a run.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// The power was cut at this position.
    PowerCut(usize),
    /// The process ended; the disk is as it was.
    Death,
}

impl End {
    fn is_past(self, position: usize) -> bool {
        matches!(self, End::Death) || matches!(self, End::PowerCut(cut) if position <= cut)
    }

    fn may_have_begun(self, position: usize) -> bool {
        matches!(self, End::Death) || matches!(self, End::PowerCut(cut) if position < cut)
    }
}

/// The marker of the batch that is this event.
pub fn marker(event: usize, shard: usize) -> Row {
    let number = Sample::Number(Value::integer(event as i64));
    (MARKERS + shard as u8, MARKERS_FROM_MS + event as i64, number)
}

fn full_name(series: u8, sample: &Sample) -> Vec<u8> {
    let mark: &[u8] = if matches!(sample, Sample::Histogram(_)) { &HISTOGRAM_MARK } else { &[] };
    [&name(series)[..], mark].concat()
}

impl History {
    /// What the wall showed at a position.
    pub fn wall_ms(&self, position: usize) -> i64 {
        let before = self.walls.iter().take_while(|(from, _)| *from <= position);
        before.last().expect("the first is at 0").1
    }

    /// Notes that batches survive a power cut from now on.
    pub fn durable(&mut self, events: impl IntoIterator<Item = usize>, position: usize) {
        for event in events {
            if let Event::Batch(batch) = &mut self.events[event] {
                batch.durable.get_or_insert(position);
            }
        }
    }

    /// Judges all that a node shows which was opened on what is left.
    pub fn judge(&self, node: &Node, end: End, oldest_ms: i64) -> Result<(), String> {
        let found = node.try_content((1, i64::MAX)).map_err(|error| error.to_string())?;
        self.judge_content(&found, &self.events, end, oldest_ms)?;
        let listed = node.engine.snapshots().map_err(|error| error.to_string())?;
        self.judge_list(&listed, end)?;
        self.judge_assigned(node, end)
    }

    /// Judges samples that should be what these events made.
    pub fn judge_content(
        &self,
        found: &Model,
        events: &[Event],
        end: End,
        oldest_ms: i64,
    ) -> Result<(), String> {
        let mut present = vec![false; events.len()];
        let mut open = Vec::new();
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Batch(batch) => present[at] = is_present(found, batch, end, at)?,
                Event::Delete(deletion) => {
                    present[at] = deletion.answered.is_some_and(|at| end.is_past(at));
                    if !present[at] && end.may_have_begun(deletion.begun) {
                        open.push(at);
                    }
                }
            }
        }
        let mut complaint = Ok(());
        // A delete that was not answered may be in force or not.
        for choice in 0..1u32 << open.len() {
            for (bit, &at) in open.iter().enumerate() {
                present[at] = choice & (1 << bit) != 0;
            }
            complaint = compare(found, &expected(events, &present), oldest_ms);
            if complaint.is_ok() {
                break;
            }
        }
        complaint
    }

    /// Every snapshot that was answered is there, every one that was removed is not.
    fn judge_list(&self, listed: &[String], end: End) -> Result<(), String> {
        for Snapshot { name, answered, removal_begun, removal_answered, .. } in &self.snapshots {
            let is_past = |at: &Option<usize>| at.is_some_and(|at| end.is_past(at));
            let may_go = removal_begun.is_some_and(|at| end.may_have_begun(at));
            let is_listed = listed.contains(name);
            if is_past(answered) && !may_go && !is_listed {
                return Err(format!("snapshot {name} is lost"));
            }
            if is_past(removal_answered) && is_listed {
                return Err(format!("snapshot {name} is back"));
            }
        }
        match listed.iter().find(|name| !self.snapshots.iter().any(|s| s.name == **name)) {
            Some(name) => Err(format!("nobody asked for a snapshot {name}")),
            None => Ok(()),
        }
    }

    fn judge_assigned(&self, node: &Node, end: End) -> Result<(), String> {
        for Assignment { name, begun, answered } in &self.assigned {
            let found = node.engine.assigned().find(NameKind::Metric, name);
            let given = answered.filter(|(at, _)| end.is_past(*at)).map(|(_, number)| number);
            let is_right = match (found, given) {
                (found, Some(_)) => found == given,
                (Some(_), None) => end.may_have_begun(*begun),
                (None, None) => true,
            };
            if !is_right {
                let name = String::from_utf8_lossy(name);
                return Err(format!("{name} was assigned {given:?} and has {found:?}"));
            }
        }
        Ok(())
    }
}

fn is_present(found: &Model, batch: &Batch, end: End, at: usize) -> Result<bool, String> {
    let (series, timestamp, _) = batch.rows.last().expect("the marker");
    let rows = found.get(&name(*series));
    let is_there = rows.is_some_and(|rows| rows.contains_key(timestamp));
    let is_promised = match end {
        End::Death => batch.accepted,
        End::PowerCut(_) => batch.durable.is_some_and(|at| end.is_past(at)),
    };
    if is_promised && !is_there {
        let Batch { begun, durable, .. } = batch;
        return Err(format!("batch {at} is lost: begun at {begun}, durable at {durable:?}"));
    }
    if is_there && !end.may_have_begun(batch.begun) {
        return Err(format!("batch {at} is there before it was sent"));
    }
    Ok(is_there)
}

/// What the present events make, one after the other.
fn expected(events: &[Event], present: &[bool]) -> Model {
    let mut model = Model::new();
    for event in events.iter().zip(present).filter(|(_, present)| **present).map(|(e, _)| e) {
        match event {
            Event::Batch(batch) => {
                for (series, timestamp, sample) in &batch.rows {
                    let samples = model.entry(full_name(*series, sample)).or_default();
                    samples.insert(*timestamp, sample.clone());
                }
            }
            Event::Delete(Deletion { series, times, .. }) => {
                let names = series
                    .iter()
                    .flat_map(|&s| [name(s), [&name(s)[..], &HISTOGRAM_MARK].concat()]);
                for name in names {
                    if let Some(samples) = model.get_mut(&name) {
                        samples.retain(|time, _| !(times.0..=times.1).contains(time));
                    }
                }
            }
        }
    }
    model
}

fn compare(found: &Model, expected: &Model, oldest_ms: i64) -> Result<(), String> {
    let range = (oldest_ms.max(1), i64::MAX);
    let (is, should) = (meaning(found, range), meaning(expected, range));
    if is == should {
        // Nothing that is too old is served.
        let all = meaning(found, (i64::MIN, i64::MAX));
        return if all == is { Ok(()) } else { Err("samples below the floor are served".into()) };
    }
    let names = is.keys().chain(should.keys());
    let differs = names.into_iter().find(|name| is.get(*name) != should.get(*name));
    let name = differs.expect("they differ somewhere");
    let (is, should) = (is.get(name), should.get(name));
    Err(format!("{}: found {is:?}, expected {should:?}", String::from_utf8_lossy(name)))
}
