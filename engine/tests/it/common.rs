//! A small node over the real engine: two shards driven by one thread, and a map as the model.

use irontsd_engine::batch::Batch;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::{self, Clock, Env};
use irontsd_engine::error::Result;
use irontsd_engine::merger::Progress;
use irontsd_engine::name::HISTOGRAM_MARK;
use irontsd_engine::scan::{Cursor, Scan};
use irontsd_engine::series::Registry;
use irontsd_engine::shard::Shard;
use irontsd_engine::types::{Samples, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Duration;

/// Samples by series name and timestamp.
pub type Model = BTreeMap<Vec<u8>, BTreeMap<i64, Sample>>;

/// What was sent for a timestamp.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    Number(Value),
    Histogram(Vec<u8>),
}

impl From<Value> for Sample {
    fn from(value: Value) -> Sample {
        Sample::Number(value)
    }
}

/// A clock whose wall a test sets.
#[derive(Debug)]
pub struct Wall {
    pub ms: AtomicI64,
    env: Env,
}

impl Wall {
    pub fn new(ms: i64) -> Arc<Wall> {
        Arc::new(Wall { ms: AtomicI64::new(ms), env: env::real() })
    }
}

impl Clock for Wall {
    fn wall_ms(&self) -> i64 {
        self.ms.load(Relaxed)
    }

    fn monotonic(&self) -> Duration {
        self.env.clock.monotonic()
    }
}

/// An engine with its shards.
pub struct Node {
    pub engine: Engine,
    pub shards: Vec<Shard>,
}

/// Opens a directory that must be without fault.
pub fn open(dir: &Path) -> Node {
    let node = open_any(dir).expect("opens");
    assert_eq!(node.engine.recovery().faults, Vec::<String>::new());
    node
}

/// Opens a directory whatever is in it.
pub fn open_any(dir: &Path) -> Result<Node> {
    open_with(dir, |_| {}, env::real())
}

/// The same with other settings, in another world.
pub fn open_with(dir: &Path, change: impl FnOnce(&mut Config), env: Env) -> Result<Node> {
    let mut config = Config::new(dir);
    config.shards = 2;
    config.sync_interval = Duration::from_millis(20);
    // Small enough that buffers are flushed by themselves now and then.
    config.flush_rows = 100;
    change(&mut config);
    let engine = Engine::open(config, env)?;
    let shards = (0..2).map(|index| engine.shard(index)).collect();
    Ok(Node { engine, shards })
}

/// Name of a test series.
pub fn name(series: u8) -> Vec<u8> {
    format!("metric{} host=h{series}", series % 2).into_bytes()
}

impl Node {
    pub fn commit<S: Into<Sample> + Clone>(
        &mut self,
        shard: usize,
        rows: &[(u8, i64, S)],
        model: &mut Model,
    ) {
        let mut batch = Batch::default();
        for (series, timestamp, sample) in rows {
            let (mut name, timestamp) = (name(*series), *timestamp);
            let sample: Sample = sample.clone().into();
            if matches!(sample, Sample::Histogram(_)) {
                name.extend_from_slice(&HISTOGRAM_MARK);
            }
            let id = self.engine.registry().find_or_reserve(&name).expect("room");
            match &sample {
                Sample::Number(value) => batch.push(id, timestamp, *value),
                Sample::Histogram(bytes) => batch.push_histogram(id, timestamp, bytes),
            }
            model.entry(name).or_default().insert(timestamp, sample);
        }
        while self.shards[shard].is_full() {
            self.shards.iter_mut().for_each(Shard::poll);
            std::thread::yield_now();
        }
        self.shards[shard].commit(&batch).expect("commits");
    }

    pub fn flush(&mut self) {
        let (sender, done) = mpsc::channel();
        self.engine.flush(Box::new(move |outcome| drop(sender.send(outcome))));
        assert_eq!(self.wait(&done), Ok(()));
    }

    pub fn snapshot(&mut self, name: &str) {
        let (sender, done) = mpsc::channel();
        let done_too = Box::new(move |outcome| drop(sender.send(outcome)));
        self.engine.create_snapshot(name.to_owned(), done_too);
        assert_eq!(self.wait(&done), Ok(()));
    }

    /// Deletes numbers and histograms of some series.
    pub fn delete(&mut self, series: &[u8], times: (i64, i64), model: &mut Model) {
        let both = |&series: &u8| {
            let name = name(series);
            [[&name[..], &HISTOGRAM_MARK].concat(), name]
        };
        let names: Vec<Vec<u8>> = series.iter().flat_map(both).collect();
        let ids = names.iter().filter_map(|name| self.engine.registry().find(name)).collect();
        let (sender, done) = mpsc::channel();
        self.engine.delete(ids, times, Box::new(move |outcome| drop(sender.send(outcome))));
        let outcome = self.wait(&done);
        assert_eq!(outcome, Ok(()));
        for name in names {
            if let Some(samples) = model.get_mut(&name) {
                samples.retain(|time, _| *time < times.0 || *time > times.1);
            }
        }
    }

    /// Waits for an answer, moving the shards on as their loops would.
    fn wait<T>(&mut self, done: &mpsc::Receiver<T>) -> T {
        loop {
            self.shards.iter_mut().for_each(Shard::poll);
            if let Ok(outcome) = done.recv_timeout(Duration::from_millis(1)) {
                return outcome;
            }
        }
    }

    /// Merges all there is; everything must be of the last level then.
    pub fn merge(&mut self) {
        let (sender, done) = mpsc::channel();
        self.engine.merge(Box::new(move |progress| {
            if let Progress::Done(outcome) = progress {
                drop(sender.send(outcome));
            }
        }));
        assert_eq!(self.wait(&done), Ok(()));
    }

    pub fn close(self) {
        drop(self.shards);
        self.engine.close().expect("closes");
    }

    pub fn content(&self, range: (i64, i64)) -> Model {
        self.try_content(range).expect("readable")
    }

    /// Everything in a range of time, or what cannot be read.
    pub fn try_content(&self, range: (i64, i64)) -> Result<Model> {
        content(&self.engine.snapshot().scan(None, range), self.engine.registry())
    }
}

/// What a scan yields of all series.
pub fn content(scan: &Scan, names: &Registry) -> Result<Model> {
    let mut cursor = Cursor::default();
    let mut content = Model::new();
    for series in 0..names.len() {
        let mut samples = Samples::default();
        cursor.seek(scan, series)?;
        // A small step exercises resuming in the middle of sources.
        while cursor.read(scan, series, samples.len() + 7, &mut samples)? {}
        assert!(samples.timestamps.is_sorted_by(|a, b| a < b));
        let sample = |at| match samples.histogram(at) {
            Some(bytes) => Sample::Histogram(bytes.to_vec()),
            None => Sample::Number(samples.value(at)),
        };
        let rows = (0..samples.len()).map(|at| (samples.timestamps[at], sample(at)));
        content.insert(names.name(series), rows.collect());
    }
    content.retain(|_, samples| !samples.is_empty());
    Ok(content)
}
